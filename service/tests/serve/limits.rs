//! What a client may cost.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Answer, connect, raw, request, rest};
use crate::server::{Server, TRIPLES, UNHURRIED, triples};

const LINE: &[u8] = b"<http://a> <http://b> <http://c> .\n";

const HALF_HEAD: &[u8] = b"POST /v1/tri";
const HALF_BODY: &[u8] = b"POST /v1/triples HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\n<ht";

#[test]
fn a_body_may_have_its_last_byte_and_not_one_more() {
    let server = Server::start(&["--body-bytes-max", "3500"]);
    assert_eq!(server.post("/v1/triples", &LINE.repeat(100)).status, 200);
    let over = [&LINE.repeat(100)[..], b"\n"].concat();
    let refused = server.post("/v1/triples", &over);
    assert_eq!(
        (refused.status, refused.error().as_str()),
        (413, "body_too_large")
    );
    let chunked = request("POST", "/v1/triples", &[TRIPLES], b"");
    let chunked = String::from_utf8(chunked).expect("ASCII");
    let head = chunked.replace("content-length: 0", "transfer-encoding: chunked");
    let mut bytes = head.into_bytes();
    for _ in 0..101 {
        bytes.extend_from_slice(b"23\r\n");
        bytes.extend_from_slice(LINE);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(raw(server.address, &bytes).expect("an answer").status, 413);
}

#[test]
fn a_small_body_that_unpacks_to_a_large_one_is_refused() {
    let server = Server::start(&["--text-bytes-max", "1000000"]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packed.write_all(&[b'#'; 1 << 20]).expect("it is in memory");
    }
    let packed = packed.finish().expect("it is in memory");
    assert!(packed.len() < 100_000);
    let before = server.status_kib("VmHWM:");
    let gzip = [TRIPLES, "content-encoding: gzip"];
    let refused = server.send("POST", "/v1/triples", &gzip, &packed);
    assert_eq!(
        (refused.status, refused.error().as_str()),
        (413, "text_too_large")
    );
    let grown = server.status_kib("VmHWM:").saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB");
    // Text that was sent plain takes as much to be worked on.
    let plain = server.post("/v1/triples", &[b'#'; 1_000_001]);
    assert_eq!(
        (plain.status, plain.error().as_str()),
        (413, "text_too_large")
    );
    assert_eq!(server.post("/v1/triples", &[b'#'; 1_000_000]).status, 200);
}

#[test]
fn bodies_in_memory_are_bounded_together() {
    let journal = crate::durability::journal_path("held");
    crate::pipe::make(&journal);
    let body = triples(20_000);
    let held_max = (body.len() + LINE.len()).to_string();
    let arguments = ["--held-bytes-max", &held_max, "--workers", "1"];
    let server = Server::start(&[&arguments[..], &UNHURRIED, &["--journal", &journal]].concat());
    let read = thread::scope(|scope| {
        // It stays in memory: its receipts are more than a pipe holds.
        let held = scope.spawn(|| server.post("/v1/triples", &body));
        crate::pipe::wait_full(&journal);
        let refused = server.post("/v1/triples", &LINE.repeat(2));
        assert_eq!((refused.status, &*refused.error()), (503, "memory_full"));
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        let read = crate::pipe::drain(&journal);
        assert_eq!(held.join().expect("no panic").status, 200);
        assert_eq!(server.post("/v1/triples", &LINE.repeat(2)).status, 200);
        read
    });
    server.stop();
    read.join().expect("no panic");
}

#[test]
fn heads_and_bodies_that_do_not_come_are_not_waited_for() {
    // Time enough for who means well, also on a machine that is busy.
    let limits = ["--head-time-ms", "5000", "--body-time-ms", "5000"];
    let server = Server::start(&limits);
    let send = |bytes: &'static [u8]| {
        let mut stream = connect(server.address);
        stream.write_all(bytes).expect("it reads");
        stream
    };
    let silent = send(b"");
    let half_head = send(b"POST /v1/triples HTTP/1.1\r\nhost: te");
    let half_body =
        send(b"POST /v1/triples HTTP/1.1\r\nhost: test\r\ncontent-length: 99\r\n\r\n<http");
    let idle = send(b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n");
    rest(silent);
    let slow = Answer::parse(&rest(half_head));
    assert!(
        slow.is_none_or(|it| it.status == 408),
        "half a head was answered"
    );
    let slow = Answer::parse(&rest(half_body)).expect("half a body is answered");
    assert_eq!((slow.status, slow.error().as_str()), (408, "body_too_slow"));
    assert_eq!(Answer::parse(&rest(idle)).expect("it asked").status, 200);
    server.stop();
}

/// Sends `first`, and trickles `bytes` after it, one at a time, until the server has had enough;
/// whether it answered or closed before they were all there.
fn trickle(server: &Server, first: &[u8], bytes: &[u8]) -> bool {
    let mut stream = connect(server.address);
    stream.write_all(first).expect("it reads");
    stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a deadline");
    for byte in bytes {
        if stream.write_all(&[*byte]).is_err() {
            return true;
        }
        match stream.read(&mut [0; 64]) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => return true,
        }
    }
    false
}

#[test]
fn a_thousand_clients_that_trickle_are_closed_and_hold_nobody_up() {
    let limits = [
        "--head-time-ms",
        "3000",
        "--body-time-ms",
        "3000",
        "--connections-max",
        "1200",
    ];
    if !crate::descriptors::suffice(1000) {
        return;
    }
    let server = Server::start(&limits);
    let idle = p99(&server);
    let sockets: Vec<TcpStream> = (0..1000).map(|_| connect(server.address)).collect();
    for (index, socket) in sockets.iter().enumerate() {
        let mut socket: &TcpStream = socket;
        let part: &[u8] = if index % 2 == 0 { HALF_HEAD } else { HALF_BODY };
        // The first of them may be closed already.
        let _ = socket.write_all(part);
    }
    // They are served while all of these are open.
    let beside = p99(&server);
    println!("p99 of 100 triples: {idle:?} idle, {beside:?} beside 1000 slow clients");
    for socket in sockets {
        rest(socket);
    }
    // That something comes all the time is no reason to wait longer.
    for first in [HALF_HEAD, HALF_BODY] {
        assert!(
            trickle(&server, first, &[b'x'; 900]),
            "it trickled to its end"
        );
    }
    assert_eq!(server.post("/v1/triples", LINE).status, 200);
    server.stop();
}

/// Of a hundred requests of 100 triples.
fn p99(server: &Server) -> Duration {
    let body = triples(100);
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(server.post("/v1/triples", &body).status, 200);
            start.elapsed()
        })
        .collect();
    times.sort();
    times[98]
}

/// Waits until so many batches wait for a worker.
pub(crate) fn until_queued(server: &Server, count: u64) {
    let until = Instant::now() + crate::client::PATIENCE;
    while server.get("/v1/pools").json()["pipeline"]["queue"]["len"] != count {
        assert!(
            Instant::now() < until,
            "there are never {count} in the queue"
        );
    }
}

#[test]
fn what_a_full_queue_refuses_can_come_again_and_what_it_accepts_is_answered() {
    let journal = crate::durability::journal_path("queue");
    crate::pipe::make(&journal);
    let arguments = [
        "--workers",
        "1",
        "--queue-len",
        "1",
        "--queue-time-ms",
        "600000",
    ];
    let server = Server::start(&[&arguments[..], &["--journal", &journal]].concat());
    let read = thread::scope(|scope| {
        // It has the only worker: its receipts are more than a pipe holds.
        let first = scope.spawn(|| server.post("/v1/triples", &triples(20_000)));
        crate::pipe::wait_full(&journal);
        let second = scope.spawn(|| server.post("/v1/triples", LINE));
        until_queued(&server, 1);
        for refused in 1..=3 {
            let answer = server.post("/v1/triples", LINE);
            assert_eq!((answer.status, &*answer.error()), (503, "queue_full"));
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
            let counted = server.metric("knhk_service_rejected_total", "queue_full");
            assert_eq!(counted, f64::from(refused));
        }
        let read = crate::pipe::drain(&journal);
        for accepted in [first, second] {
            assert_eq!(accepted.join().expect("no panic").status, 200);
        }
        assert_eq!(server.post("/v1/triples", LINE).status, 200);
        read
    });
    server.stop();
    let read = read.join().expect("no panic");
    assert_eq!(crate::durability::batches_of(&read).len(), 3);
}

#[test]
fn who_has_gone_keeps_no_place_in_the_queue() {
    let journal = crate::durability::journal_path("gone");
    crate::pipe::make(&journal);
    let arguments = ["--workers", "1", "--queue-len", "2", "--journal", &journal];
    let server = Server::start(&[&arguments[..], &UNHURRIED].concat());
    let address = server.address;
    let bytes = request("POST", "/v1/triples", &[TRIPLES], LINE);
    let send = || {
        let mut stream = connect(address);
        stream.write_all(&bytes).expect("it reads");
        stream
    };
    thread::scope(|scope| {
        // It has the only worker for ever: its receipts are more than a pipe holds.
        let first = request("POST", "/v1/triples", &[TRIPLES], &triples(20_000));
        let first = scope.spawn(move || raw(address, &first));
        crate::pipe::wait_full(&journal);
        let gone = [send(), send()];
        until_queued(&server, 2);
        assert_eq!(server.post("/v1/triples", LINE).error(), "queue_full");
        drop(gone);
        // That they have gone is noticed soon; then there is room for one that stays without an answer.
        let until = Instant::now() + crate::client::PATIENCE;
        let is_refused = |mut stream: TcpStream| {
            let patience = Some(Duration::from_secs(2));
            stream.set_read_timeout(patience).expect("a deadline");
            stream.read(&mut [0; 64]).is_ok()
        };
        while is_refused(send()) {
            assert!(Instant::now() < until, "the queue stays full");
        }
        server.stop();
        first.join().expect("no panic");
    });
}

#[test]
fn a_body_that_all_memory_for_bodies_could_not_hold_is_told_so() {
    let server = Server::start(&["--held-bytes-max", "1000"]);
    for _ in 0..2 {
        let refused = server.post("/v1/triples", &triples(100));
        assert_eq!((refused.status, &*refused.error()), (413, "body_too_large"));
        assert!(refused.body.contains("1000 bytes"), "{refused:?}");
    }
    server.stop();
}

#[test]
fn the_only_connection_is_no_viewers() {
    let server = Server::start(&["--connections-max", "1"]);
    for path in ["/v1/live", "/v1/receipts"] {
        let refused = server.get(path);
        assert_eq!((refused.status, &*refused.error()), (503, "viewers_full"));
        assert!(refused.header("retry-after").is_none(), "{refused:?}");
    }
    server.stop();
}

#[test]
fn a_batch_is_told_when_no_worker_comes_free_in_time() {
    let journal = crate::durability::journal_path("busy");
    crate::pipe::make(&journal);
    // It is to begin with the first in this time, too.
    let arguments = ["--workers", "1", "--queue-time-ms", "10000"];
    let server = Server::start(&[&arguments[..], &["--journal", &journal]].concat());
    let address = server.address;
    thread::scope(|scope| {
        // It has the only worker for ever: its receipts are more than a pipe holds.
        let first = scope.spawn(move || {
            raw(
                address,
                &request("POST", "/v1/triples", &[TRIPLES], &triples(20_000)),
            )
        });
        crate::pipe::wait_full(&journal);
        let late = server.post("/v1/triples", LINE);
        assert_eq!((late.status, &*late.error()), (503, "expired"));
        assert!(late.header("retry-after").is_some(), "{late:?}");
        assert!(!first.is_finished(), "a worker was free");
        assert_eq!(server.metric("knhk_service_rejected_total", "expired"), 1.0);
        server.stop();
        first.join().expect("no panic");
    });
}

#[test]
fn connections_beyond_the_bound_wait_for_their_turn() {
    let server = Server::start(&["--connections-max", "4", "--head-time-ms", "2000"]);
    let start = Instant::now();
    let held: Vec<TcpStream> = (0..4).map(|_| connect(server.address)).collect();
    // The kernel takes it; the service does so when the head's deadline has freed a place.
    assert_eq!(server.get("/healthz").status, 200);
    assert!(start.elapsed() >= Duration::from_secs(2), "it did not wait");
    drop(held);
    server.stop();
}
