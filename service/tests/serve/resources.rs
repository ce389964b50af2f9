//! When the machine has no more to give.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Signal, kill_process};

use crate::client::{PATIENCE, raw, request};
use crate::server::{END_MAX, Server, TRIPLES, ended, serve, serve_on, triples};

const LINE: &[u8] = b"<http://a> <http://b> <http://c> .\n";

/// Seconds of processor time so far.
fn cpu_seconds(server: &Server) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid()));
    let stat = stat.expect("it lives");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .expect("a name")
        .split_whitespace()
        .collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}

#[test]
fn without_descriptors_it_waits_and_serves_again_when_there_are_some() {
    if !crate::descriptors::suffice(200) {
        return;
    }
    let server = Server::limited("-n 64", &["--head-time-ms", "600000"]);
    // Those for whom the kernel's queue has no place either are refused by it.
    let few = Duration::from_secs(5);
    let connect = || TcpStream::connect_timeout(&server.address, few).ok();
    let clients: Vec<TcpStream> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..200).map(|_| scope.spawn(connect)).collect();
        clients
            .into_iter()
            .filter_map(|it| it.join().expect("no panic"))
            .collect()
    });
    assert!(clients.len() > 64, "{} clients", clients.len());
    let (before, start) = (cpu_seconds(&server), Instant::now());
    std::thread::sleep(Duration::from_secs(1));
    let used = (cpu_seconds(&server) - before) / start.elapsed().as_secs_f64();
    assert!(used < 0.5, "it spins: {used:.2} of a core");
    println!("out of descriptors: {:.1} % of a core", 100.0 * used);
    drop(clients);
    let start = Instant::now();
    assert_eq!(server.post("/v1/triples", LINE).status, 200);
    println!("served again after {:?}", start.elapsed());
    server.stop();
}

/// How many files the process may have open: the soft limit and the hard one.
fn files_max(server: &Server) -> (String, String) {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid()));
    let limits = limits.expect("it lives");
    let line = limits.lines().find(|it| it.starts_with("Max open files"));
    let mut fields = line.expect("Linux tells it").split_whitespace().skip(3);
    let mut next = || fields.next().expect("two limits").to_owned();
    (next(), next())
}

#[test]
fn the_soft_limit_of_open_files_is_raised_and_one_that_is_too_low_is_told() {
    let server = Server::limited("-Sn 64", &["--connections-max", "8"]);
    let (soft, hard) = files_max(&server);
    assert_eq!(soft, hard);
    assert_ne!(soft, "64");
    let lines = server.stop();
    assert!(
        !lines.iter().any(|it| it.contains("files open")),
        "{lines:?}"
    );
    let server = Server::limited("-n 64", &["--connections-max", "8"]);
    let told = server.told("may have 64 files open");
    assert!(told.contains("connections_max 8 wants 72"), "{told}");
    server.stop();
}

#[test]
fn under_a_memory_limit_it_answers_or_ends_and_never_hangs() {
    let large = request("POST", "/v1/triples", &[TRIPLES], &triples(40_000));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&triples(40_000)).expect("it is in memory");
    let packed = packed.finish().expect("it is in memory");
    let gzip = [TRIPLES, "content-encoding: gzip"];
    let packed = request("POST", "/v1/triples", &gzip, &packed);
    for backtrace in ["0", "1"] {
        let mut command = serve(&["--workers", "2"]);
        // Each further arena of malloc's would be 64 MiB that count already.
        let command = command.env("MALLOC_ARENA_MAX", "1");
        let mut server = Server::of(command.env("RUST_BACKTRACE", backtrace));
        // As much as it has, and too little for what comes.
        let limit = (server.status_kib("VmSize:") + (1 << 10)) << 10;
        server.limit(Resource::As, limit);
        // A process that has ended refuses the connection.
        let send = |bytes: &[u8]| {
            let sent = std::panic::catch_unwind(|| raw(server.address, bytes));
            sent.ok().flatten().map(|it| it.status)
        };
        let outcomes = [&large, &packed, &large, &packed].map(|bytes| send(bytes));
        let start = Instant::now();
        // One that answered nobody is ending, or hangs; its wait says which.
        if outcomes.iter().any(Option::is_some) && !server.has_ended() {
            server.signal(Signal::TERM);
        }
        let (status, took) = server.wait(start);
        println!("RUST_BACKTRACE={backtrace}: {outcomes:?}, then {status} after {took:?}");
        assert!(took < END_MAX, "{took:?}");
        assert!(outcomes != [Some(200); 4], "the limit was none");
    }
}

/// An address at which nobody listens; no other test has one of this kind.
fn free_address() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.2:0").expect("a port is free");
    free.local_addr().expect("it is bound")
}

/// Serves, reloads and ends with a standard error and output that take nothing.
fn serves_with(mut sinks: impl FnMut(&mut Command)) {
    let address = free_address();
    let mut command = serve_on(&address.to_string(), &[]);
    sinks(command.stdin(Stdio::null()));
    let mut child = command.spawn().expect("it starts");
    drop((child.stdout.take(), child.stderr.take()));
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < PATIENCE, "it does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    let answers = || {
        let bytes = request("POST", "/v1/triples", &[TRIPLES], LINE);
        assert_eq!(raw(address, &bytes).expect("an answer").status, 200);
    };
    answers();
    // It would like to say something.
    kill_process(Pid::from_child(&child), Signal::HUP).expect("it lives");
    answers();
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it lives");
    let status = ended(&mut child);
    let _ = child.kill();
    assert_eq!(status.expect("it ends").code(), Some(0));
}

#[test]
fn with_standard_error_and_output_full_it_serves_all_the_same() {
    serves_with(|command| {
        let full = || OpenOptions::new().write(true).open("/dev/full");
        let full = || Stdio::from(full().expect("Linux"));
        command.stdout(full()).stderr(full());
    });
}

#[test]
fn with_standard_error_and_output_closed_it_serves_all_the_same() {
    serves_with(|command| {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    });
}

#[test]
fn a_device_that_is_full_is_an_answer_of_507_and_nothing_else() {
    let error = match OpenOptions::new().write(true).open("/dev/full") {
        Ok(mut full) => full.write_all(b"x").expect_err("it is full"),
        Err(error) => {
            // Past the harness, which keeps what a test says that passes.
            let _ = writeln!(std::io::stderr(), "SKIPPED: /dev/full: {error}");
            return;
        }
    };
    // The journal's first line cannot be written: it does not begin.
    let ended = crate::program::Ended::of(
        &serve(&["--journal", "/dev/full"])
            .output()
            .expect("it starts"),
    );
    ended.assert_refused(2, &error.to_string());
}

#[test]
fn a_disk_that_is_full_is_507_until_there_is_room_and_the_journal_stays_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(folder.path())
        .status();
    if !mount.is_ok_and(|it| it.success()) {
        // Past the harness, which keeps what a test says that passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: tmpfs cannot be mounted here");
        return;
    }
    let mounted = Mounted(folder);
    let ballast = mounted.0.path().join("ballast");
    std::fs::write(&ballast, vec![0; 40 << 10]).expect("there is room");
    let path = mounted.0.path().join("journal");
    let path = path.to_str().expect("ASCII");
    let server = Server::start(&["--journal", path]);
    let body = triples(200);
    let first = server.post("/v1/triples", &body);
    assert_eq!(first.status, 200);
    let full = loop {
        let answer = server.post("/v1/triples", &body);
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((full.status, full.error().as_str()), (507, "journal"));
    assert!(server.metric("knhk_service_rejected_total", "journal") >= 1.0);
    let before = crate::durability::batches_before_tear(path);
    std::fs::remove_file(&ballast).expect("it is there");
    let after = server.post("/v1/triples", &body);
    assert_eq!(after.status, 200, "{after:?}");
    let found = crate::durability::batches(path);
    assert_eq!(found.len(), before + 1);
    assert_eq!(found[before]["batch"], after.json()["batch"]);
    server.stop();
}

/// Unmounts it.
struct Mounted(tempfile::TempDir);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
