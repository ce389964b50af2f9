//! A running service's record, over HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::thread;

use knhk_pool::BufferPool;
use knhk_poold::tune::wire::DemandFigures;
use serde_json::{Value, json};

use crate::program::{Ended, ended, file, poold, text};

/// The end of `tune --from` at a server that answers one request with this.
fn asked(status: &str, body: &str, more: &[&str]) -> Ended {
    asked_as("", status, body, more)
}

/// The same, asked for by `user`.
fn asked_as(user: &str, status: &str, body: &str, more: &[&str]) -> Ended {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback");
    let address = listener.local_addr().expect("it is bound");
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the program connects");
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a whole request");
            head.extend(byte);
        }
        // The program may have seen enough.
        let _ = stream.write_all(answer.as_bytes());
        String::from_utf8_lossy(&head).into_owned()
    });
    let url = format!("http://{user}{address}/v1/pools");
    let ended = ended(&[&["tune", "--from", &url], more].concat());
    let head = server.join().expect("it does not panic");
    assert!(head.starts_with("GET /v1/pools HTTP/1.1\r\n"), "{head}");
    ended
}

/// Three out at once, ten times.
fn recorded(name: &'static str) -> Value {
    let pool = BufferPool::builder(name)
        .buffer_size(512)
        .recording(true)
        .build()
        .expect("the sizes are fine");
    for _ in 0..10 {
        drop([(); 3].map(|()| pool.acquire()));
    }
    let demand = pool.demand().expect("it records");
    json!({ "name": name, "kind": "buffer", "hits": 30, "demand": DemandFigures::from(&demand) })
}

fn answer(pools: &[Value]) -> String {
    json!({ "at_ms": 1, "pools": pools, "arenas": [] }).to_string()
}

/// A service that runs until it is dropped.
struct Service {
    child: Child,
    /// `http://HOST:PORT`
    url: String,
}

impl Service {
    fn start(record: &str) -> Self {
        let mut command = poold(&["serve", "--listen", "0", "--workers", "2"]);
        command
            .env("KNHK_POOL_RECORD", record)
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut said = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let url = said.find_map(|line| {
            let line = line.expect("text");
            Some(line.strip_prefix("serving on ")?.trim().to_owned())
        });
        // Read on: a full pipe would stop it.
        thread::spawn(move || said.for_each(drop));
        let url = url.expect("it says where it serves");
        Self { child, url }
    }

    fn post(&self, triples: usize) {
        let line = |n: usize| format!("<http://e/s{n}> <http://e/p{}> <http://e/o> .\n", n % 3);
        let body: String = (0..triples).map(line).collect();
        let url = format!("{}/v1/triples", self.url);
        let answer = ureq::post(&url)
            .header("content-type", "application/n-triples")
            .send(body.as_bytes());
        assert!(answer.expect("it answers").status().is_success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer of a service with one pool, of so many acquires for each size and beyond all sizes.
fn needing(needed: &[u64], beyond: u64) -> String {
    let mut pool = recorded("forged");
    pool["demand"]["needed"] = json!(needed);
    pool["demand"]["beyond"] = json!(beyond);
    answer(&[pool])
}

#[test]
fn what_is_not_all_does_not_read_as_all_in_as_many_digits_as_were_asked_for() {
    let path = file("not-all.toml", b"");
    let all = ["--target", "100", "--write", text(&path)];
    let refused = asked("200 OK", &needing(&[999_998, 1], 1), &all);
    refused.assert_refused(2, "reaches 100 %; the largest reaches 99.99 %");

    let most = ["--target", "99.9996", "--write", text(&path)];
    let ended = asked("200 OK", &needing(&[999_990, 7], 3), &most);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in ["99.9996 %  from 2 buffers on", "(foretold 99.9997 %)"] {
        assert!(ended.stdout.contains(part), "{part:?} is not in {ended:?}");
    }
    let written = std::fs::read_to_string(&path).expect("it was written");
    let foretold = "# Foretold: 99.9997 % hits, 99.9996 % asked for;";
    assert!(written.contains(foretold), "{written}");
}

#[test]
fn a_running_service_that_records_is_tuned_from_its_own_answer() {
    let service = Service::start("1");
    for _ in 0..8 {
        service.post(3_000);
    }
    let url = format!("{}/v1/pools", service.url);
    let json = ended(&["tune", "--from", &url, "--json"]).json();
    assert_eq!(
        (&json["pool"], &json["source"]),
        (&json!("emit"), &json!(url))
    );
    let acquires = json["acquires"].as_u64().expect("a number");
    assert!(acquires >= 8, "{json}");
    let sizes = json["sizes"].as_array().expect("sizes");
    assert_eq!(sizes[sizes.len() - 1]["hit_rate"], 1.0, "{json}");
}

#[test]
fn a_running_service_that_does_not_record_has_no_demand() {
    let service = Service::start("0");
    service.post(100);
    let url = format!("{}/v1/pools", service.url);
    ended(&["tune", "--from", &url]).assert_refused(2, "KNHK_POOL_RECORD=1 (it has ");
}

#[test]
fn a_services_record_gives_the_same_forecast() {
    let silent = json!({ "name": "silent", "kind": "buffer", "hits": 0 });
    let body = answer(&[silent, recorded("remote-only")]);
    let json = asked("200 OK", &body, &["--json", "--target", "60"]).json();
    assert_eq!(
        (&json["pool"], &json["acquires"]),
        (&json!("remote-only"), &json!(30))
    );
    let rates: Vec<_> = json["sizes"]
        .as_array()
        .expect("sizes")
        .iter()
        .map(|size| &size["hits"])
        .collect();
    assert_eq!(rates, [10, 20, 30]);
    assert_eq!(json["buffer_size"], 512);
    assert_eq!(
        json["targets"][0]["size"]["pool_size"], 2,
        "of 60 %: {json}"
    );
}

#[test]
fn of_several_pools_that_record_one_is_to_be_named() {
    let body = answer(&[recorded("remote-a"), recorded("remote-b")]);
    asked("200 OK", &body, &[]).assert_refused(2, "--pool: \"remote-a\", \"remote-b\"");
    let json = asked("200 OK", &body, &["--json", "--pool", "remote-b"]).json();
    assert_eq!(json["pool"], "remote-b");
    let mut unused = recorded("remote-unused");
    unused["demand"]["needed"] = json!([]);
    let body = answer(&[unused.clone(), recorded("remote-c")]);
    assert_eq!(
        asked("200 OK", &body, &["--json"]).json()["pool"],
        "remote-c"
    );
    asked("200 OK", &answer(&[unused]), &[]).assert_refused(2, "nothing was acquired");
    asked("200 OK", &body, &["--pool", "c"]).assert_refused(2, "no pool \"c\"");
}

#[test]
fn names_from_another_machine_are_quoted_and_start_no_line() {
    let pools = ["", "a, b", "x\nerror: y\u{1b}"].map(|name| json!({ "name": name }));
    let refused = asked("200 OK", &answer(&pools), &[]);
    refused.assert_refused(2, r#"(it has "", "a, b", "x\nerror: y\u{1b}")"#);
    assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
}

#[test]
fn a_password_in_the_address_is_sent_and_shown_nowhere() {
    let written = file("tuned-by-password.toml", b"");
    let mut body = recorded("remote-secret");
    body["demand"]["buffer_size"] = json!(512);
    let body = answer(&[body]);
    for (status, body, more) in [
        ("200 OK", &*body, &["--json"][..]),
        ("200 OK", &body, &["--write", text(&written)]),
        ("404 Not Found", "{}", &[]),
        ("200 OK", "<html>", &[]),
    ] {
        let ended = asked_as("me:top-secret@", status, body, more);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("127.0.0.1"), "{said}");
        assert!(!said.contains("top-secret"), "{said}");
    }
    for no_url in [
        "u:top-secret@h",
        "//u:top-secret@h/",
        "http:/u:top-secret@h",
    ] {
        let refused = ended(&["tune", "--from", no_url]);
        refused.assert_refused(2, "cannot ask h");
        assert!(!refused.stderr.contains("top-secret"), "{refused:?}");
    }
    let written = std::fs::read_to_string(written).expect("it was written");
    assert!(
        written.contains("recorded from http://127.0.0.1"),
        "{written}"
    );
}

#[test]
fn a_size_that_no_pool_may_have_is_not_written() {
    let mut huge = recorded("remote-huge");
    huge["demand"]["buffer_size"] = json!(16 << 20);
    huge["demand"]["needed"] = json!(vec![10; 100]);
    let written = file("tuned-too-large.toml", b"");
    let refused = asked("200 OK", &answer(&[huge]), &["--write", text(&written)]);
    refused.assert_refused(2, "--write: the pools would refuse it: ");
    refused.assert_refused(2, "at most 1073741824");
    assert_eq!(std::fs::read(written).expect("it is there"), b"");
}

#[test]
fn a_service_that_does_not_record_is_told_how() {
    let body = answer(&[json!({ "name": "emit" })]);
    asked("200 OK", &body, &[]).assert_refused(2, "KNHK_POOL_RECORD=1 (it has \"emit\")");
    asked("200 OK", &answer(&[]), &[]).assert_refused(2, "it has none");
}

#[test]
fn an_answer_that_is_none_is_refused() {
    asked("200 OK", "{\"pools\": 3}", &[]).assert_refused(2, "does not answer as /v1/pools does");
    asked("200 OK", "<html>", &[]).assert_refused(2, "does not answer as /v1/pools does");
    asked("404 Not Found", "{}", &[]).assert_refused(2, "it answers 404");
    let mut odd = recorded("remote-odd");
    odd["demand"]["buffer_size"] = json!(1);
    asked("200 OK", &answer(&[odd]), &[]).assert_refused(2, "buffer_size is 1, expected");
    let mut huge = recorded("remote-huge");
    huge["demand"]["needed"] = json!([u64::MAX, 1]);
    asked("200 OK", &answer(&[huge]), &[]).assert_refused(2, "the sum of needed");
}

#[test]
fn a_service_that_is_not_there_is_named() {
    // Not on the address on which the other tests open ports.
    let listener = TcpListener::bind(("127.0.0.2", 0)).expect("loopback");
    let url = format!(
        "http://{}/v1/pools",
        listener.local_addr().expect("it is bound")
    );
    drop(listener);
    ended(&["tune", "--from", &url]).assert_refused(2, &format!("cannot ask {url}"));
    ended(&["tune", "--from", "nonsense"]).assert_refused(2, "cannot ask nonsense");
}
