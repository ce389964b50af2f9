//! SIGHUP: the configuration read again, under load.

use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::program::{file, text};
use crate::server::{Process, Server, serve, triples};

/// Ends the clients, also where the test fails: the scope waits for them.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn new_sizes_replace_pools_and_workers_and_no_batch_or_total_is_lost() {
    let path = file(
        "serve-reload.toml",
        b"pool_size = 8\n[poold]\nworkers = 1\n",
    );
    let journal = crate::durability::journal_path("reload");
    let arguments = ["--config", text(&path), "--journal", &journal];
    let server = Server::start(&[&arguments[..], &["--queue-time-ms", "600000"]].concat());
    let (sent, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let body = triples(100);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = server.post("/v1/triples", &body);
                    assert_eq!(answer.status, 200, "{answer:?}");
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let over = Over(&is_over);
        let mut seen = 0;
        for round in 1..=5 {
            let workers = 1 + round % 3;
            let config = format!("pool_size = {}\n[poold]\nworkers = {workers}\n", 8 + round);
            fs::write(&path, config).expect("the disk takes it");
            server.signal(Signal::HUP);
            let until = std::time::Instant::now() + crate::client::PATIENCE;
            while server.metric("knhk_service_reload_total", "ok") < round as f64 {
                assert!(
                    std::time::Instant::now() < until,
                    "it does not reload: {:?}",
                    server.lines()
                );
                thread::yield_now();
            }
            let shown = server.get("/v1/config").body;
            assert!(
                shown.contains(&format!("\"value\": {}", 8 + round)),
                "{shown}"
            );
            // Nothing that was counted is gone with the workers that counted it.
            let done = server.metric("knhk_buffer_pool_acquire_total", "emit") as u64;
            assert!(done >= seen, "{done} after {seen}");
            seen = done;
        }
        drop(over);
    });
    let sent = sent.load(Ordering::Relaxed);
    let pipeline = server.get("/v1/pools").json()["pipeline"].clone();
    let workers = pipeline["workers"].as_array().expect("a list");
    let of = |key: &str| {
        workers
            .iter()
            .filter_map(|it| it[key].as_u64())
            .sum::<u64>()
    };
    assert_eq!((of("batches"), of("triples")), (sent, 100 * sent));
    assert_eq!(
        server.metric("knhk_pipeline_triples_total", "pool"),
        (100 * sent) as f64
    );
    server.stop();
    assert_eq!(crate::durability::batches(&journal).len() as u64, sent);
}

#[test]
fn a_bad_file_keeps_what_holds_and_says_why() {
    let hooks = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/hooks.toml"));
    let hooks = file("serve-reload-hooks.toml", &hooks.expect("they are shipped"));
    let path = file("serve-bad-reload.toml", b"[poold]\nbody_bytes_max = 1000\n");
    let server = Server::start(&["--config", text(&path), "--hooks", text(&hooks)]);
    let bad: [(&std::path::Path, &str, &str); 4] = [
        (&path, "[poold]\nworkers = 0\n", "workers"),
        (&path, "pool_size = 99999999\n", "pool_size"),
        (&path, "nonsense", "serve-bad-reload.toml:1"),
        (&hooks, "[[hook]]\n", "serve-reload-hooks.toml"),
    ];
    let before = server.get("/v1/config").body;
    for (file, wrong, named) in bad {
        let good = fs::read(file).expect("it is there");
        fs::write(file, wrong).expect("the disk takes it");
        server.signal(Signal::HUP);
        let said = server.told("still holds");
        assert!(said.contains(named), "{said}");
        assert_eq!(server.get("/v1/config").body, before);
        assert_eq!(server.post("/v1/triples", &triples(100)).status, 413);
        fs::write(file, good).expect("the disk takes it");
    }
    let waits = "[poold]\nbody_bytes_max = 100000\nqueue_len = 7\n[pools.nobody]\npool_size = 1\n";
    fs::write(&path, waits).expect("the disk takes it");
    server.signal(Signal::HUP);
    server.told("no pool is named \"nobody\"");
    server.told("queue_len stays 256");
    server.told("the new configuration holds");
    let shown = server.get("/v1/config").json();
    let settings = shown["poold"].as_array().expect("a list");
    let value_of = |key: &str| {
        settings
            .iter()
            .find(|it| it["key"] == key)
            .map(|it| it["value"].clone())
    };
    assert_eq!(value_of("queue_len"), Some(256.into()), "{shown}");
    assert_eq!(value_of("body_bytes_max"), Some(100_000.into()), "{shown}");
    assert_eq!(server.post("/v1/triples", &triples(100)).status, 200);
    server.stop();
}

#[test]
fn only_the_workers_of_the_crew_that_holds_are_active() {
    let config = |workers: u32| format!("[poold]\nworkers = {workers}\n");
    let path = file("serve-crews.toml", config(3).as_bytes());
    let folder = tempfile::tempdir().expect("a folder");
    let (there, away) = (folder.path().join("there"), folder.path().join("away"));
    fs::create_dir(&there).expect("a folder");
    let journal = there.join("journal");
    let server = Server::start(&["--config", text(&path), "--journal", text(&journal)]);
    let active = || {
        let workers = server.get("/v1/pools").json()["pipeline"]["workers"].clone();
        let workers = workers.as_array().expect("a list").clone();
        workers
            .iter()
            .map(|it| it["active"] == true)
            .collect::<Vec<_>>()
    };
    assert_eq!(active(), [true; 3]);
    fs::write(&path, config(6)).expect("the disk takes it");
    fs::rename(&there, &away).expect("it is there");
    server.signal(Signal::HUP);
    server.told("still holds");
    assert_eq!(active(), [true; 3]);
    fs::rename(&away, &there).expect("it is there");
    fs::write(&path, config(1)).expect("the disk takes it");
    server.signal(Signal::HUP);
    server.told("the new configuration holds");
    assert_eq!(active(), [true, false, false]);
    server.stop();
}

#[test]
fn a_journal_that_was_moved_away_is_made_anew() {
    let path = crate::durability::journal_path("rotated");
    let old = format!("{path}.1");
    let server = Server::start(&["--journal", &path]);
    server.post("/v1/triples", &triples(10));
    fs::rename(&path, &old).expect("it is there");
    server.post("/v1/triples", &triples(10));
    server.signal(Signal::HUP);
    server.told("the new configuration holds");
    let third = server.post("/v1/triples", &triples(10)).json();
    assert_eq!(third["batch"], 3);
    assert_eq!(crate::durability::batches(&old).len(), 2);
    // It is another's by now.
    fs::remove_file(&old).expect("it is there");
    let fourth = server.post("/v1/triples", &triples(10)).json();
    assert_eq!(fourth["batch"], 4);
    server.stop();
    let new = crate::durability::batches(&path);
    assert_eq!((new.len(), &new[0]["batch"]), (2, &3.into()));
}

#[test]
fn batches_are_numbered_on_over_a_rotation_and_a_restart() {
    let path = crate::durability::journal_path("numbered");
    let arguments = ["--journal", &*path, "--journal-sync"];
    let server = Server::start(&arguments);
    for number in 1..=2 {
        assert_eq!(server.post("/v1/triples", b"").json()["batch"], number);
    }
    fs::rename(&path, format!("{path}.1")).expect("it is there");
    server.signal(Signal::HUP);
    server.told("the new configuration holds");
    server.stop();
    // Nothing was written between, and the file begins with nothing to number on from.
    let server = Server::start(&arguments);
    assert_eq!(server.post("/v1/triples", b"").json()["batch"], 3);
    server.stop();
    assert_eq!(crate::durability::batches(&path)[0]["batch"], 3);
}

#[test]
fn a_journal_that_cannot_be_opened_again_stays_the_one_that_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let (here, away) = (folder.path().join("here"), folder.path().join("away"));
    fs::create_dir(&here).expect("it is new");
    let path = here.join("journal");
    let server = Server::start(&["--journal", text(&path)]);
    server.post("/v1/triples", &triples(10));
    fs::rename(&here, &away).expect("it is there");
    server.signal(Signal::HUP);
    let said = server.told("still holds");
    assert!(said.contains("cannot use the journal"), "{said}");
    assert_eq!(server.post("/v1/triples", &triples(10)).json()["batch"], 2);
    server.stop();
    let kept = away.join("journal");
    assert_eq!(crate::durability::batches(text(&kept)).len(), 2);
}

#[test]
fn a_reload_that_is_asked_for_before_it_serves_ends_nothing_and_is_done_then() {
    let hooks = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/hooks.toml"));
    let hooks = hooks.expect("they are shipped");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hooks.toml");
    crate::pipe::make(text(&path));
    let starting = Process::start(&mut serve(&["--hooks", text(&path)]));
    let mut asked = crate::pipe::writer(text(&path));
    starting.signal(Signal::HUP);
    asked.write_all(&hooks).expect("it reads");
    drop(asked);
    let server = starting.serving();
    let mut again = crate::pipe::writer(text(&path));
    again.write_all(&hooks).expect("it reads");
    drop(again);
    server.told("the new configuration holds");
    server.stop();
}

#[test]
fn a_stop_is_heard_while_a_reload_waits_for_a_file() {
    let hooks = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/hooks.toml"));
    // A pipe that an earlier run has left would hold up whoever writes the file anew.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hooks.toml");
    fs::write(&path, hooks.expect("they are shipped")).expect("the disk takes it");
    let server = Server::start(&["--hooks", text(&path)]);
    crate::pipe::make(text(&path));
    server.signal(Signal::HUP);
    let _never_ends = crate::pipe::writer(text(&path));
    server.stop();
}
