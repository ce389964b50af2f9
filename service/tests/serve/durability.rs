//! The journal: what is acknowledged is in it, whatever happens.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::client::{Answer, raw, request};
use crate::program::{Ended, file, text};
use crate::server::{END_MAX, Server, TRIPLES, UNHURRIED, serve, triples};

/// The path of a journal that is not there yet.
pub(crate) fn journal_path(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("serve-{name}.journal"));
    let _ = fs::remove_file(&path);
    path.to_str().expect("ASCII").to_owned()
}

/// The end lines of the journal at `path`; each holds for the lines before it.
pub(crate) fn batches(path: &str) -> Vec<Value> {
    batches_of(&fs::read(path).expect("there is a journal"))
}

/// Those of a journal's bytes.
pub(crate) fn batches_of(bytes: &[u8]) -> Vec<Value> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let head = lines.next().expect("a head");
    assert!(head.starts_with(b"{\"journal\":\"knhk-poold\""), "{head:?}");
    let (mut ends, mut length) = (Vec::new(), 0);
    for line in lines {
        if !line.starts_with(b"{\"batch\":") {
            length += line.len();
            continue;
        }
        let end: Value = serde_json::from_slice(line).expect("JSON");
        assert_eq!(end["bytes"], length, "{end}");
        length = 0;
        ends.push(end);
    }
    assert_eq!(length, 0, "lines without an end line");
    ends
}

/// How many batches are whole in a journal that may have a torn tail.
pub(crate) fn batches_before_tear(path: &str) -> usize {
    let bytes = fs::read(path).expect("there is a journal");
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| line.starts_with(b"{\"batch\":") && line.ends_with(b"\n"))
        .count()
}

#[test]
fn the_journal_has_what_a_run_writes_for_the_same_triples() {
    let hooks = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/hooks.toml");
    let path = journal_path("same");
    let server = Server::start(&["--journal", &path, "--hooks", hooks, "--journal-sync"]);
    let data = triples(3000);
    let answer = server.post("/v1/triples", &data).json();
    assert_eq!(server.post("/v1/triples", b"").json()["batch"], 2);
    server.stop();
    let input = file("serve-journal.nt", &data);
    let run = ["run", "--hooks", hooks, "--out", "-", "--", text(&input)];
    let run = crate::program::ended(&run);
    let journal = fs::read_to_string(&path).expect("there is a journal");
    let is_result =
        |line: &&str| !line.starts_with("{\"batch\":") && !line.starts_with("{\"journal\":");
    let lines: Vec<&str> = journal.lines().filter(is_result).collect();
    assert_eq!(lines, run.stdout.lines().collect::<Vec<_>>());
    let ends = batches(&path);
    assert_eq!(ends.len(), 2);
    assert_eq!(
        (&ends[0]["batch"], &ends[0]["triples"]),
        (&1.into(), &3000.into())
    );
    assert_eq!(ends[0]["receipts"], answer["evaluations"]);
}

/// Clients that send until `when` is over; the numbers of the batches that were acknowledged.
fn under_load(address: SocketAddr, when: impl FnOnce()) -> Vec<u64> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (acknowledged, is_over) = (Arc::clone(&acknowledged), Arc::clone(&is_over));
            thread::spawn(move || {
                let bytes = request("POST", "/v1/triples", &[TRIPLES], &triples(200));
                while !is_over.load(Ordering::Relaxed) {
                    let answer = std::panic::catch_unwind(|| raw(address, &bytes));
                    let Ok(Some(Answer {
                        status: 200, body, ..
                    })) = answer
                    else {
                        continue;
                    };
                    let Ok(json) = serde_json::from_str::<Value>(&body) else {
                        continue;
                    };
                    let number = json["batch"].as_u64().expect("a number");
                    acknowledged.lock().expect("no panic").push(number);
                }
            })
        })
        .collect();
    // Each is synchronised, on a disk that others write to.
    let until = Instant::now() + 5 * crate::client::PATIENCE;
    while acknowledged.lock().expect("no panic").len() < 40 {
        assert!(Instant::now() < until, "nothing is acknowledged");
        thread::sleep(Duration::from_millis(1));
    }
    when();
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("it ends");
    }
    let acknowledged = acknowledged.lock().expect("no panic");
    acknowledged.clone()
}

#[test]
fn after_kill_9_every_acknowledged_batch_is_there_and_the_next_start_goes_on() {
    let path = journal_path("killed");
    let mut last = 0;
    for round in 0..3 {
        let mut server = Server::start(&["--journal", &path]);
        let acknowledged = under_load(server.address, || {
            server.signal(Signal::KILL);
            server.wait(Instant::now());
        });
        let start = Instant::now();
        let next = Server::start(&["--journal", &path]);
        assert!(start.elapsed() < END_MAX, "{:?}", start.elapsed());
        let found: Vec<u64> = batches(&path)
            .iter()
            .filter_map(|it| it["batch"].as_u64())
            .collect();
        let missing: Vec<_> = acknowledged
            .iter()
            .filter(|it| !found.contains(it))
            .collect();
        assert!(
            missing.is_empty(),
            "round {round}: {missing:?} of {found:?}"
        );
        let number = next.post("/v1/triples", b"").json()["batch"]
            .as_u64()
            .expect("a number");
        assert_eq!(number, found[found.len() - 1] + 1);
        assert!(number > last);
        last = number;
        next.stop();
    }
}

#[test]
fn a_torn_tail_is_cut_at_the_start_and_that_is_said() {
    let path = journal_path("torn");
    let server = Server::start(&["--journal", &path]);
    server.post("/v1/triples", &triples(100));
    server.stop();
    let whole = fs::read(&path).expect("there is a journal");
    let torn = [&whole[..], b"{\"cycle\":0,\"shard\":0,\"ho"].concat();
    fs::write(&path, torn).expect("the disk takes it");
    let server = Server::start(&["--journal", &path]);
    let said = server.told("never acknowledged");
    assert!(
        said.contains("24 bytes") && said.contains("batch 1"),
        "{said}"
    );
    assert_eq!(fs::read(&path).expect("there is a journal"), whole);
    assert_eq!(server.post("/v1/triples", b"").json()["batch"], 2);
    server.stop();
    assert_eq!(batches(&path).len(), 2);
}

#[test]
fn a_damaged_batch_is_kept_and_its_number_is_not_given_again() {
    // The last byte but one of its lines, and one of its end line.
    for (name, from_end_line) in [("damaged-lines", -2), ("damaged-end", 3)] {
        let path = journal_path(name);
        let server = Server::start(&["--journal", &path]);
        for _ in 0..2 {
            assert_eq!(server.post("/v1/triples", &triples(50)).status, 200);
        }
        server.stop();
        let mut damaged = fs::read(&path).expect("it is there");
        let mut ends = (0..damaged.len()).filter(|at| damaged[*at..].starts_with(b"{\"batch\":"));
        let (first, second) = (ends.next(), ends.next());
        let first = first.expect("two batches");
        let is_line_end = |byte: &u8| *byte == b'\n';
        let lines = first
            + 1
            + damaged[first..]
                .iter()
                .position(is_line_end)
                .expect("a line");
        let place = second.expect("two batches");
        damaged[place
            .checked_add_signed(from_end_line)
            .expect("it is there")] ^= 1;
        fs::write(&path, &damaged).expect("it is there");
        let kept = format!("{path}.damaged-2");
        let _ = fs::remove_file(&kept);
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&path, mode).expect("it is ours");

        let server = Server::start(&["--journal", &path]);
        server.told("may have been acknowledged");
        server.stop();
        // A second start knows as much.
        let server = Server::start(&["--journal", &path]);
        assert_eq!(server.post("/v1/triples", &triples(1)).json()["batch"], 3);
        server.stop();
        let ends = batches(&path);
        let numbers: Vec<_> = ends.iter().map(|it| it["batch"].clone()).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert_eq!(ends[1]["bytes"], 0);
        let metadata = fs::metadata(&kept).expect("it is kept");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(kept).expect("it is kept"), damaged[lines..]);
    }
}

#[test]
fn a_pipe_that_is_to_be_synced_is_refused() {
    let path = journal_path("unsynced");
    crate::pipe::make(&path);
    let command = &mut serve(&["--journal", &path, "--journal-sync"]);
    let ended = Ended::of(&command.output().expect("it starts"));
    ended.assert_refused(2, "what is no file cannot be synced");
}

#[test]
fn what_hooks_make_of_a_batch_is_bounded_and_its_memory_goes_back() {
    let hooks: String = (0..60)
        .map(|number| {
            format!("[[hook]]\nname = \"h{number}\"\nop = \"compare_o_ge\"\np = \"<a:p>\"\no = 0\n")
        })
        .collect();
    let hooks = file("serve-many-hooks.toml", hooks.as_bytes());
    let path = journal_path("much");
    let arguments = ["--workers", "1", "--text-bytes-max", "4000000"];
    let sources = ["--hooks", text(&hooks), "--journal", &path];
    let server = Server::start(&[&arguments[..], &sources].concat());
    let line = |number| {
        format!("<a:s{number}> <a:p> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> .\n")
    };
    let batch = |lines: u64| (0..lines).map(line).collect::<String>().into_bytes();
    let before = fs::read(&path).expect("it is there");
    let refused = server.post("/v1/triples", &batch(50_000));
    let figures = server.get("/v1/pools").json();
    assert_eq!(figures["pipeline"]["workers"][0]["triples"], 0);
    assert_eq!(
        (refused.status, &*refused.error()),
        (413, "output_too_large")
    );
    assert_eq!(fs::read(&path).expect("it is there"), before);
    assert_eq!(server.post("/v1/triples", &batch(3_000)).status, 200);
    // What the refused one did is not counted for this one.
    let runs = || {
        let figures = server.get("/v1/pools").json();
        let load = &figures["pipeline"]["workers"][0]["stages"]["load"];
        load["runs"].as_u64().expect("a number")
    };
    let first = runs();
    assert_eq!(server.post("/v1/triples", &batch(3_000)).status, 200);
    assert_eq!(runs(), 2 * first);
    server.stop();
}

#[test]
fn a_second_process_with_the_same_journal_is_refused_and_writes_nothing() {
    let path = journal_path("shared");
    let server = Server::start(&["--journal", &path]);
    server.post("/v1/triples", &triples(10));
    for _ in 0..2 {
        let before = fs::read(&path).expect("there is a journal");
        let second = serve(&["--journal", &path]).output().expect("it starts");
        Ended::of(&second).assert_refused(2, "another process");
        assert_eq!(fs::read(&path).expect("it is there"), before);
        // The same file again, which stays its own.
        server.signal(Signal::HUP);
        server.told("the new configuration holds");
        assert_eq!(server.post("/v1/triples", &triples(10)).status, 200);
    }
    server.stop();
    assert_eq!(batches(&path).len(), 3);
    Server::start(&["--journal", &path]).stop();
}

#[test]
fn a_journal_that_takes_nothing_holds_up_its_batches_and_nothing_else() {
    let path = journal_path("stuck");
    crate::pipe::make(&path);
    let arguments = ["--workers", "2", "--journal", &path];
    let server = Server::start(&[&arguments[..], &UNHURRIED].concat());
    thread::scope(|scope| {
        // Its receipts are more than a pipe holds.
        let address = server.address;
        let posted = scope.spawn(move || {
            let bytes = request("POST", "/v1/triples", &[TRIPLES], &triples(20_000));
            raw(address, &bytes)
        });
        crate::pipe::wait_full(&path);
        for _ in 0..8 {
            assert_eq!(server.get("/readyz").status, 200);
        }
        // That the journal holds is looked at before the hooks are.
        let refused = server.post("/v1/triples?hooks=none", b"");
        assert_eq!(refused.error(), "unknown_hooks");
        assert!(!posted.is_finished(), "the pipe took all of it");
        server.stop();
        let acknowledged = posted.join().expect("no panic");
        assert!(acknowledged.is_none_or(|it| it.status != 200));
    });
}

#[test]
fn what_no_worker_has_begun_with_at_the_end_of_a_stop_is_told_to_come_again() {
    let path = journal_path("stop-queue");
    crate::pipe::make(&path);
    let arguments = ["--workers", "1", "--journal", &path];
    let server = Server::start(&[&arguments[..], &UNHURRIED].concat());
    let address = server.address;
    let post = |body: &[u8]| request("POST", "/v1/triples", &[TRIPLES], body);
    let (first, second) = (post(&triples(20_000)), post(&triples(1)));
    thread::scope(|scope| {
        // It has the only worker for ever: its receipts are more than a pipe holds.
        let first = scope.spawn(move || raw(address, &first));
        crate::pipe::wait_full(&path);
        let second = scope.spawn(move || raw(address, &second));
        crate::limits::until_queued(&server, 1);
        let start = Instant::now();
        server.stop();
        let answer = second.join().expect("no panic");
        first.join().expect("no panic");
        // Where the machine stood still for a second there was no time to say it.
        if let Some(answer) = answer {
            assert_eq!((answer.status, &*answer.error()), (503, "stopping"));
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
        } else {
            assert!(start.elapsed() > Duration::from_millis(4500), "no answer");
        }
    });
}

#[test]
fn a_journal_may_be_named_without_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(&["--journal", "receipts", "--journal-sync"]);
    let server = Server::of(command.current_dir(folder.path()));
    assert_eq!(server.post("/v1/triples", b"").json()["batch"], 1);
    server.stop();
    let path = folder.path().join("receipts");
    assert_eq!(batches(text(&path)).len(), 1);
}

#[test]
fn a_journal_in_a_folder_that_takes_no_file_is_refused() {
    // Nobody may make a file there, root neither.
    let command = &mut serve(&["--journal", "/sys/knhk-poold.journal"]);
    let ended = Ended::of(&command.output().expect("it starts"));
    ended.assert_refused(2, "cannot use the journal /sys/knhk-poold.journal: ");
}

#[test]
fn a_file_that_is_no_journal_is_refused_and_left_alone() {
    let bytes = b"<http://a> <http://b> <http://c> .\n";
    let path = file("serve-no.journal", bytes);
    let ended = Ended::of(
        &serve(&["--journal", text(&path)])
            .output()
            .expect("it starts"),
    );
    ended.assert_refused(2, "not a journal");
    assert_eq!(fs::read(&path).expect("it is there"), bytes);
}

#[test]
fn sigterm_under_load_loses_nothing_that_was_acknowledged() {
    let path = journal_path("stopped");
    let mut server = Server::start(&["--journal", &path, "--journal-sync"]);
    let mut ended = None;
    // They go on sending until it has ended.
    let acknowledged = under_load(server.address, || {
        let start = Instant::now();
        server.signal(Signal::TERM);
        ended = Some(server.wait(start));
    });
    let (status, took) = ended.expect("it ended");
    let lines = server.lines();
    assert_eq!(status.code(), Some(0), "{lines:?}");
    assert!(took < END_MAX, "{took:?}");
    let found: Vec<u64> = batches(&path)
        .iter()
        .filter_map(|it| it["batch"].as_u64())
        .collect();
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|it| !found.contains(it))
        .collect();
    assert!(lost.is_empty(), "{lost:?} of {acknowledged:?}: {lines:?}");
    // Where it had the time, the service waited for its clients: each that is there was answered, too.
    let was_late = lines
        .iter()
        .any(|it| it.contains("before every connection"));
    assert!(was_late || found.len() == acknowledged.len(), "{lines:?}");
}
