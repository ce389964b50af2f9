//! A journal that another program has changed or deleted.

use std::fs;

use rustix::process::Signal;

use crate::durability::{batches, journal_path};
use crate::server::{Server, triples};

#[test]
fn a_journal_that_another_program_has_cut_takes_nothing_until_it_is_opened_anew() {
    let path = journal_path("emptied");
    let server = Server::start(&["--journal", &path]);
    assert_eq!(server.post("/v1/triples", &triples(50)).status, 200);
    fs::write(&path, b"").expect("it is there");
    let refused = server.post("/v1/triples", &triples(1));
    assert_eq!((refused.status, &*refused.error()), (503, "journal_lost"));
    assert!(refused.body.contains("another program"), "{refused:?}");
    assert_eq!(server.get("/readyz").status, 503);
    server.signal(Signal::HUP);
    server.told("the new configuration holds");
    assert_eq!(server.post("/v1/triples", &triples(1)).json()["batch"], 2);
    server.stop();
    // It is a journal again.
    Server::start(&["--journal", &path]).stop();
}

fn assert_ready(server: &Server, is_ready: bool) {
    let status = if is_ready { 200 } else { 503 };
    assert_eq!(server.get("/readyz").status, status);
    let metrics = server.get("/metrics").body;
    let point = format!("knhk_service_ready {}", u8::from(is_ready));
    assert!(metrics.lines().any(|it| it == point), "{metrics}");
}

/// Nothing is acknowledged until the journal at `path` is opened anew, and then it goes on behind batch 1.
fn assert_lost(server: Server, path: &str) {
    let refused = server.post("/v1/triples", &triples(1));
    assert_eq!((refused.status, &*refused.error()), (503, "journal_lost"));
    assert!(refused.body.contains("has deleted it"), "{refused:?}");
    assert_ready(&server, false);
    server.post("/v1/triples", &triples(1));
    server.signal(Signal::HUP);
    server.told("the new configuration holds");
    assert_ready(&server, true);
    assert_eq!(server.post("/v1/triples", &triples(1)).json()["batch"], 2);
    let lines = server.stop();
    let told: Vec<_> = lines.iter().filter(|it| it.contains(path)).collect();
    assert_eq!(told.len(), 1, "{lines:?}");
    assert!(told[0].contains("has deleted it"), "{told:?}");
    assert_eq!(batches(path)[0]["batch"], 2);
}

#[test]
fn a_journal_that_was_deleted_takes_nothing_until_it_is_opened_anew() {
    type Away = fn(&str);
    let ways: [(&str, Away); 3] = [
        ("deleted", |path| {
            fs::remove_file(path).expect("it is there");
        }),
        ("renamed-over", |path| {
            let other = format!("{path}.other");
            fs::write(&other, b"").expect("the disk takes it");
            fs::rename(other, path).expect("it is there");
        }),
        ("moved-and-deleted", |path| {
            let old = format!("{path}.1");
            fs::rename(path, &old).expect("it is there");
            fs::remove_file(old).expect("it is there");
        }),
    ];
    for (name, away) in ways {
        for arguments in [&[][..], &["--journal-sync"]] {
            let path = journal_path(name);
            let server = Server::start(&[&["--journal", &*path], arguments].concat());
            assert_eq!(server.post("/v1/triples", &triples(50)).status, 200);
            away(&path);
            assert_lost(server, &path);
        }
    }
}
