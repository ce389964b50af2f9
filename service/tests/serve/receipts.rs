//! `/v1/receipts`: told as they come, and bounded for those who read slowly.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::process::Signal;

use crate::client::{PATIENCE, connect, raw, request};
use crate::server::{Server, TRIPLES, UNHURRIED, triples};

fn listen(server: &Server) -> BufReader<TcpStream> {
    let mut stream = connect(server.address);
    write!(stream, "GET /v1/receipts HTTP/1.1\r\nhost: test\r\n\r\n").expect("it reads");
    let mut reader = BufReader::new(stream);
    // It listens from the moment at which it says so.
    until(&mut reader, "listening");
    reader
}

fn until(reader: &mut BufReader<TcpStream>, part: &str) -> String {
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).expect("it goes on");
        assert_ne!(read, 0, "it ended without {part:?}");
        if line.contains(part) {
            return line;
        }
    }
}

#[test]
fn readers_have_seats_and_who_leaves_frees_one() {
    let server = Server::start(&["--connections-max", "8"]);
    let mut readers: Vec<_> = (0..4).map(|_| listen(&server)).collect();
    assert_eq!(status(&server), 503);
    let refused = server.get("/v1/receipts");
    assert_eq!((refused.status, &*refused.error()), (503, "viewers_full"));
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let counted = server.metric("knhk_service_rejected_total", "viewers_full");
    assert_eq!(counted, 2.0);
    // Who sends is not kept out.
    assert_eq!(server.post("/v1/triples", &triples(50)).status, 200);
    readers.pop();
    let until = Instant::now() + PATIENCE;
    // That it has gone is noticed when there is something to tell it.
    while status(&server) == 503 {
        assert_eq!(server.post("/v1/triples", b"").status, 200);
        assert!(Instant::now() < until, "its seat stays taken");
    }
    server.stop();
}

/// Of an answer that may go on for ever.
fn status(server: &Server) -> u16 {
    let mut stream = connect(server.address);
    write!(stream, "GET /v1/receipts HTTP/1.1\r\nhost: test\r\n\r\n").expect("it reads");
    let mut line = String::new();
    let read = BufReader::new(stream).read_line(&mut line);
    read.expect("it answers");
    let status = line.split(' ').nth(1).and_then(|it| it.parse().ok());
    status.expect("it is HTTP")
}

#[test]
fn every_batch_is_told_as_it_was_answered() {
    let server = Server::start(&[]);
    let mut reader = listen(&server);
    for _ in 0..3 {
        let answer = server.post("/v1/triples", &triples(50));
        until(&mut reader, "event: batch");
        let data = until(&mut reader, "data: ");
        assert_eq!(
            data.trim_end().strip_prefix("data: "),
            Some(answer.body.trim_end())
        );
    }
    server.stop();
    // The stream has ended, and did not hold the service up.
    reader.read_to_end(&mut Vec::new()).expect("an end");
}

/// Bytes that the system keeps of what one connection has sent, at most.
fn send_buffer_max() -> usize {
    let sizes = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").unwrap_or_default();
    let most = sizes
        .split_whitespace()
        .nth(2)
        .and_then(|it| it.parse().ok());
    most.unwrap_or(4 << 20)
}

#[test]
fn a_reader_that_is_too_slow_is_told_how_many_it_missed_and_costs_nothing() {
    let hooks = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/hooks.toml");
    // A reader that takes nothing for so long is cut off, which is not what is looked at here.
    let arguments = [
        "--workers",
        "1",
        "--hooks",
        hooks,
        "--body-time-ms",
        "600000",
        "--head-time-ms",
        "600000",
        "--queue-time-ms",
        "600000",
    ];
    let server = Server::start(&arguments);
    let mut reader = listen(&server);
    set_socket_recv_buffer_size(reader.get_ref(), 256 << 10).expect("it can be small");
    let mut stream = connect(server.address);
    // Long answers fill the sockets' buffers sooner.
    let body = b"<http://a> <http://b> <http://c> .\n<bad\n<bad\n<bad\n<bad\n<bad\n";
    let post = format!(
        "POST /v1/triples HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let post = [post.as_bytes(), body].concat();
    let mut answers = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
    let (mut batches, mut bytes) = (0_u64, 0);
    // More than is kept for it, by the service and by the system.
    let enough = (4 << 20) + 2 * send_buffer_max();
    let missed = |server: &Server| server.metric("knhk_service_receipts_missed_total", "");
    // The reader reads nothing; the sockets' buffers fill, and then what is kept for it.
    while bytes < enough {
        for _ in 0..500 {
            stream.write_all(&post).expect("it reads");
        }
        for _ in 0..500 {
            bytes += until(&mut answers, "merged_receipt").len();
            batches += 1;
        }
    }
    // It has been told of all, or of how many it missed.
    let (mut heard, mut told_missed) = (0, 0);
    while heard + told_missed < batches {
        let event = until(&mut reader, "event: ");
        let data = until(&mut reader, "data: ");
        if event.contains("missed") {
            let json: serde_json::Value = serde_json::from_str(&data[6..]).expect("JSON");
            told_missed += json["missed"].as_u64().expect("a number");
        } else {
            heard += 1;
        }
    }
    assert_eq!(heard + told_missed, batches);
    assert!(
        told_missed > 0,
        "nothing was missed: the test's load is too small"
    );
    assert_eq!(missed(&server), told_missed as f64);
    server.stop();
}

#[test]
fn a_reader_is_told_what_is_answered_while_the_service_stops() {
    let journal = crate::durability::journal_path("last");
    crate::pipe::make(&journal);
    let arguments = ["--workers", "1", "--journal", &journal];
    let mut server = Server::start(&[&arguments[..], &UNHURRIED].concat());
    let mut reader = listen(&server);
    let address = server.address;
    let post = |body: &[u8]| request("POST", "/v1/triples", &[TRIPLES], body);
    let (first, second) = (post(&triples(20_000)), post(&triples(1)));
    let answered = thread::scope(|scope| {
        // It has the only worker: its receipts are more than a pipe holds.
        let first = scope.spawn(move || raw(address, &first));
        crate::pipe::wait_full(&journal);
        let second = scope.spawn(move || raw(address, &second));
        crate::limits::until_queued(&server, 1);
        let start = Instant::now();
        server.signal(Signal::TERM);
        // It takes no connections any more: it stops.
        while TcpStream::connect(address).is_ok() {
            assert!(start.elapsed() < PATIENCE, "it does not stop");
        }
        let read = crate::pipe::drain(&journal);
        let (status, _) = server.wait(start);
        assert_eq!(status.code(), Some(0));
        read.join().expect("no panic");
        [first, second].map(|client| client.join().expect("no panic"))
    });
    let answered = answered.into_iter().flatten();
    let answered = answered.filter(|answer| answer.status == 200).count();
    let mut told = String::new();
    reader.read_to_string(&mut told).expect("an end");
    assert_eq!(told.matches("event: batch").count(), answered, "{told}");
}
