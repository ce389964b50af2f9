//! What a batch is answered with.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::program::{ended, file, text};
use crate::server::{Server, TRIPLES, triples};

const HOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/hooks.toml");

/// What must be the same, however triples come in.
fn results(answer: &Value) -> Value {
    let evaluations = &answer["hooks_evaluated"];
    let evaluations = if evaluations.is_null() {
        &answer["evaluations"]
    } else {
        evaluations
    };
    json!([
        answer["triples"],
        answer["bad_lines"],
        answer["deltas"],
        answer["runs"],
        evaluations,
        answer["constructed"],
        answer["merged_receipt"],
        answer["hooks"]
    ])
}

fn run(arguments: &[&str]) -> Value {
    results(&ended(&[&["run", "--json", "--lenient"], arguments].concat()).json())
}

#[test]
fn the_answer_is_what_a_run_says_of_the_same_triples() {
    let named = format!("shipped={HOOKS}");
    let server = Server::start(&["--hooks", &named]);
    let mut data = triples(30_000);
    data.extend_from_slice(b"no triple\n_:b <http://example.org/p> _:b .\n");
    let path = file("serve-same.nt", &data);
    let (plain, hooked) = ("/v1/triples", "/v1/triples?hooks=shipped");
    let with_hooks = run(&[text(&path), "--hooks", HOOKS]);
    assert_ne!(with_hooks[5], 0, "the shipped hooks construct something");
    for (path_and_query, expected) in [(plain, run(&[text(&path)])), (hooked, with_hooks)] {
        let answer = server.post(path_and_query, &data);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(results(&answer.json()), expected, "{path_and_query}");
    }
    server.stop();
}

#[test]
fn real_triples_are_answered_as_a_run_answers_them() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/data/schemaorg-all-https.nt"
    );
    let Ok(data) = std::fs::read(path) else {
        // Past the harness, which keeps what a test says that passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {path} is not there");
        return;
    };
    let server = Server::start(&[]);
    let answer = server.post("/v1/triples", &data).json();
    assert_eq!(answer["triples"], 18_061);
    assert_eq!(results(&answer), run(&[path]));
}

#[test]
fn gzip_makes_no_difference() {
    let server = Server::start(&[]);
    let data = triples(2000);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&data).expect("it is in memory");
    let packed = packed.finish().expect("it is in memory");
    assert!(packed.len() < data.len() / 2);
    let gzip = [TRIPLES, "content-encoding: gzip"];
    let from_gzip = server.send("POST", "/v1/triples", &gzip, &packed);
    let plain = server.post("/v1/triples", &data);
    assert_eq!(results(&from_gzip.json()), results(&plain.json()));
    let torn = server.send("POST", "/v1/triples", &gzip, &packed[..packed.len() / 2]);
    assert_eq!((torn.status, torn.error().as_str()), (400, "bad_body"));
    let none = server.send("POST", "/v1/triples", &gzip, &data);
    assert_eq!((none.status, none.error().as_str()), (400, "bad_body"));
}

#[test]
fn the_first_bad_lines_are_shown_with_their_places_and_all_are_counted() {
    let server = Server::start(&[]);
    let mut data = b"<http://a> <http://b> <http://c> .\n<http://a> <http://b>\n".to_vec();
    data.extend_from_slice(&b"\n# a comment\nno\n".repeat(7));
    let answer = server.post("/v1/triples", &data).json();
    assert_eq!(
        (&answer["triples"], &answer["bad_lines"]),
        (&json!(1), &json!(8))
    );
    let shown = answer["bad_lines_shown"].as_array().expect("a list");
    let places: Vec<_> = shown.iter().map(|it| it["line"].as_u64()).collect();
    assert_eq!(places, [2, 5, 8, 11, 14].map(Some));
    assert!(
        shown.iter().all(|it| it["column"].as_u64() >= Some(1)),
        "{shown:?}"
    );
}

#[test]
fn a_bad_line_is_not_told_at_its_whole_length() {
    let server = Server::start(&[]);
    let line = format!("<a:a> <b:b> <c:c> . _:{}", "y".repeat(1 << 20));
    let answer = server.post("/v1/triples", line.as_bytes());
    assert_eq!(answer.json()["bad_lines"], 1);
    assert!(answer.body.contains("yyy…"), "it quotes the line");
    assert!(answer.body.len() < 4 << 10, "{} bytes", answer.body.len());
}

#[test]
fn batches_of_every_size_around_a_run_of_eight_are_answered() {
    let server = Server::start(&[]);
    let line = |index: u64| format!("<http://s/{index}> <http://p> \"{index}\" .\n");
    for count in [0, 1, 7, 8, 9, 16, 17, 1 << 16] {
        let data: String = (0..count).map(line).collect();
        let answer = server.post("/v1/triples", data.as_bytes());
        assert_eq!(answer.status, 200, "{count}: {answer:?}");
        let answer = answer.json();
        assert_eq!(answer["triples"], count);
        let runs = count.div_ceil(8);
        assert_eq!(
            (&answer["runs"], &answer["evaluations"]),
            (&json!(runs), &json!(runs))
        );
    }
    // Everything is back in its pool.
    let pools = server.get("/v1/pools").json();
    let pools = pools["pools"].as_array().expect("a list");
    let knhk = pools.iter().filter(|it| it["name"] != "default");
    for pool in knhk {
        assert_eq!(pool["in_use"], 0, "{pool}");
        assert_eq!(pool["exhausted"], 0, "{pool}");
    }
}

#[test]
fn a_set_of_hooks_that_is_not_there_is_named_beside_those_that_are() {
    let server = Server::start(&["--hooks", &format!("one={HOOKS}"), "--hooks", HOOKS]);
    let answer = server.post("/v1/triples?hooks=two", b"");
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (400, "unknown_hooks")
    );
    let message = answer.json()["message"].to_string();
    assert!(
        message.contains("two") && message.contains("default, one"),
        "{message}"
    );
    assert_eq!(server.post("/v1/triples?hooks=default", b"").status, 200);
}

#[test]
fn a_body_that_would_be_read_as_something_else_is_refused() {
    let server = Server::start(&[]);
    let line = b"<http://a> <http://b> \"c\" .\n";
    let status = |headers: &[&str]| server.send("POST", "/v1/triples", headers, line).status;
    let refused: [&[&str]; 5] = [
        &["content-encoding: identity", "content-encoding: gzip"],
        &["content-encoding: identity, gzip"],
        &["content-type: text/plain", "content-type: application/json"],
        &["content-type: text/plain; charset=iso-8859-1"],
        &["content-type: text/plain; format=flowed; Charset = \"utf-16\""],
    ];
    for headers in refused {
        assert_eq!(status(headers), 415, "{headers:?}");
    }
    let read: [&[&str]; 4] = [
        &["content-type: text/plain; charset=UTF-8"],
        &["content-type: text/plain;charset=\"utf-8\""],
        &["content-type: text/plain; charset=us-ascii; format=fixed"],
        &["content-encoding: Identity"],
    ];
    for headers in read {
        assert_eq!(status(headers), 200, "{headers:?}");
    }
    let origins = ["origin: http://test", "origin: http://evil.example"];
    assert_eq!(status(&origins), 403);
    server.stop();
}
