//! `openapi.yaml` is true: every path, method and status in it is seen, and what is answered has the
//! form that it says.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::client::{Answer, connect, raw, request_to};
use crate::program::{file, text};
use crate::server::{Server, TRIPLES, triples};

const TOKEN: &str = "0123456789abcdef";

/// The description, and what of it was seen.
struct Described {
    document: Value,
    seen: BTreeSet<(String, String, String)>,
}

impl Described {
    fn read() -> Self {
        let document = serde_yaml_ng::from_str(knhk_poold::serve::OPENAPI).expect("YAML");
        Self {
            document,
            seen: BTreeSet::new(),
        }
    }

    /// Every path, method and status that there is.
    fn all(&self) -> BTreeSet<(String, String, String)> {
        let mut all = BTreeSet::new();
        for (path, methods) in self.document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                for status in operation["responses"]
                    .as_object()
                    .expect("responses")
                    .keys()
                {
                    all.insert((path.clone(), method.clone(), status.clone()));
                }
            }
        }
        all
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(pointer) => {
                let found = self.document.pointer(pointer.trim_start_matches('#'));
                found.unwrap_or_else(|| panic!("{pointer} is not there"))
            }
            None => value,
        }
    }

    /// Holds `answer` against what the description says of it.
    fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let plain = path.split('?').next().expect("a path");
        let (method, status) = (method.to_lowercase(), answer.status.to_string());
        let response = &self.document["paths"][plain][&method]["responses"][&status];
        let response = self.resolved(response);
        assert!(
            response.is_object(),
            "{method} {path}: {answer:?} is not described"
        );
        if let Some(headers) = response["headers"].as_object() {
            for name in headers.keys() {
                let found = answer.header(&name.to_lowercase());
                assert!(found.is_some(), "{method} {path}: no {name}: {answer:?}");
            }
        }
        let content = response["content"].as_object().expect("each has a body");
        let given = answer.header("content-type").unwrap_or_default();
        let given = given.split(';').next().expect("a type").trim();
        let schema = content.get(given).map(|it| &it["schema"]);
        let schema = schema.unwrap_or_else(|| panic!("{method} {path}: type {given:?}"));
        let body = if given == "application/json" {
            answer.json()
        } else {
            json!(answer.body)
        };
        let faults: Vec<String> = self
            .validator(schema)
            .iter_errors(&body)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{method} {path}: {faults:?} in {body}");
        self.seen.insert((plain.to_owned(), method, status));
    }

    /// Of `schema`, whose references are into the whole document.
    fn validator(&self, schema: &Value) -> Validator {
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        jsonschema::draft202012::new(&whole).expect("a schema")
    }
}

/// The head of an answer that goes on, and what goes on.
fn stream(server: &Server, path: &str) -> (Answer, BufReader<TcpStream>) {
    let mut stream = connect(server.address);
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
    )
    .expect("it reads");
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert_ne!(
            reader.read_line(&mut text).expect("it answers"),
            0,
            "{text}"
        );
    }
    (Answer::parse(text.as_bytes()).expect("a head"), reader)
}

#[test]
fn every_path_method_and_status_of_the_description_is_seen_in_its_form() {
    let mut described = Described::read();
    let token = file("serve-openapi-token", TOKEN.as_bytes());
    let journal = crate::durability::journal_path("openapi-lost");
    let server = Server::start(&[
        "--token-file",
        text(&token),
        "--body-bytes-max",
        "10000",
        "--body-time-ms",
        "3000",
        "--queue-time-ms",
        "600000",
        "--journal",
        &crate::durability::journal_path("openapi"),
    ]);
    let bearer = format!("authorization: Bearer {TOKEN}");
    let gets: BTreeSet<String> = described
        .all()
        .into_iter()
        .filter(|(_, method, _)| method == "get")
        .map(|(path, ..)| path)
        .collect();
    for path in &gets {
        if described.document["paths"][path]["get"]["responses"]["401"].is_object() {
            described.check("GET", path, &server.get(path));
        }
        let answer = if ["/v1/live", "/v1/receipts"].contains(&path.as_str()) {
            stream(&server, path).0
        } else {
            server.send("GET", path, &[&bearer], b"")
        };
        described.check("GET", path, &answer);
    }
    let post = "/v1/triples";
    let mut posted = |path: &str, headers: &[&str], body: &[u8]| {
        let answer = server.send("POST", path, &[headers, &[&bearer]].concat(), body);
        described.check("POST", path, &answer);
        answer.status
    };
    let bad = [&triples(20)[..], b"bad\n"].concat();
    assert_eq!(posted(post, &[TRIPLES], &bad), 200);
    assert_eq!(posted("/v1/triples?hooks=none", &[TRIPLES], b""), 400);
    assert_eq!(posted(post, &["origin: http://evil.example"], b""), 403);
    assert_eq!(posted(post, &[TRIPLES], &triples(1000)), 413);
    assert_eq!(posted(post, &["content-type: text/html"], b""), 415);
    described.check("POST", post, &server.post(post, b""));
    let wrong = server.send("DELETE", post, &[&bearer], b"");
    // It is listed under the method that there is.
    described.check("POST", post, &wrong);
    let mut slow = connect(server.address);
    write!(
        slow,
        "POST {post} HTTP/1.1\r\nhost: t\r\n{bearer}\r\ncontent-length: 9\r\n\r\n"
    )
    .expect("it reads");
    let slow = Answer::parse(&crate::client::rest(slow)).expect("an answer");
    described.check("POST", post, &slow);
    server.stop();

    let few = ["--connections-max", "16"];
    let lost = Server::start(&[&few[..], &["--journal", &journal]].concat());
    std::fs::write(&journal, b"").expect("it is there");
    described.check("POST", post, &lost.post(post, b""));
    described.check("GET", "/readyz", &lost.get("/readyz"));
    for path in &gets {
        if described.document["paths"][path]["get"]["responses"]["403"].is_object() {
            let foreign = request_to("evil.example", "GET", path, &[], b"");
            let answer = raw(lost.address, &foreign).expect("an answer");
            described.check("GET", path, &answer);
        }
    }
    // Who looks and who reads share half of the connections.
    let watch = |turn| {
        stream(
            &lost,
            if turn % 2 == 0 {
                "/v1/live"
            } else {
                "/v1/receipts"
            },
        )
    };
    let watching: Vec<_> = (0..8).map(watch).collect();
    for path in ["/v1/live", "/v1/receipts"] {
        described.check("GET", path, &lost.get(path));
    }
    lost.stop();
    drop(watching);

    let mut missing = described.all();
    missing.retain(|it| !described.seen.contains(it));
    // A disk that is full is seen where one can be made: in `resources`.
    missing.remove(&(post.to_owned(), "post".to_owned(), "507".to_owned()));
    assert!(missing.is_empty(), "not seen: {missing:?}");
}
