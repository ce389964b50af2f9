//! Clients that share the service, its one worker and its pools.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Answers of the one who looks for what the other sent.
const ANSWERS: usize = 100_000;
/// Requests on the way at once, on a connection.
const PIPELINED: usize = 50;

/// A batch full of `marker`, in triples, in lines that are none, and in long terms; `turn` gives its size.
fn batch(marker: &str, turn: usize) -> Vec<u8> {
    // A message quotes what should not be there.
    let no_triple = format!("<urn:s> <urn:p> <urn:o> . _:{marker}\n");
    let mut text = no_triple.clone();
    for line in 0..turn % 7 {
        let long = marker.repeat(1 + turn % 5 * line);
        text += &format!("<urn:{marker}:{line}> <urn:{marker}> \"{long}\" .\n");
    }
    text += &no_triple;
    text.into_bytes()
}

/// The bodies of the answers to as many batches as pass at once.
fn exchange(stream: &mut BufReader<TcpStream>, marker: &str, first: usize) -> Vec<String> {
    let mut requests = Vec::new();
    for turn in first..first + PIPELINED {
        let body = batch(marker, turn);
        let head = format!(
            "POST /v1/triples HTTP/1.1\r\nhost: t\r\ncontent-type: application/n-triples\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        requests.extend_from_slice(head.as_bytes());
        requests.extend_from_slice(&body);
    }
    stream.get_mut().write_all(&requests).expect("it reads");
    (0..PIPELINED).map(|_| answer(stream)).collect()
}

/// An answer with its head.
fn answer(stream: &mut BufReader<TcpStream>) -> String {
    let (mut text, mut len) = (String::new(), 0);
    while !text.ends_with("\r\n\r\n") {
        let from = text.len();
        let read = stream.read_line(&mut text).expect("it answers");
        assert_ne!(read, 0, "it closed after {text:?}");
        let line = text[from..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            len = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body).expect("it answers");
    text + std::str::from_utf8(&body).expect("text")
}

/// The service with one worker; it is killed with the test.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_knhk-poold"))
            .args(["serve", "--listen", "127.0.0.1:0", "--workers", "1"])
            // A client that is held up between two requests is not what is looked at here.
            .args(["--head-time-ms", "600000", "--queue-time-ms", "600000"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut told = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let ready = told.find_map(|line| {
            let line = line.expect("text");
            line.split_once("serving on http://")
                .map(|(_, address)| address.parse().expect("an address"))
        });
        // What else it says is read, so that it is not held up.
        thread::spawn(move || told.for_each(drop));
        let address = ready.expect("it serves");
        Self { child, address }
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(self.address).expect("it listens");
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).expect("a deadline");
        stream.set_write_timeout(patience).expect("a deadline");
        BufReader::new(stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn no_answer_holds_what_another_client_sent() {
    let server = Server::start();
    let (mine, others) = ("tenant-b", "tenant-a-secret");
    let (answers, others_answers) = thread::scope(|scope| {
        let looker = scope.spawn(|| {
            let (mut stream, mut turn) = (server.connect(), 0);
            while turn < ANSWERS {
                for answer in exchange(&mut stream, mine, turn) {
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                    assert_eq!(answer.matches(mine).count(), 2, "{answer}");
                    assert!(!answer.contains(others), "{answer}");
                }
                turn += PIPELINED;
            }
            turn
        });
        let (mut stream, mut turn) = (server.connect(), 0);
        while !looker.is_finished() {
            for answer in exchange(&mut stream, others, turn) {
                assert_eq!(answer.matches(others).count(), 2, "{answer}");
                assert!(!answer.contains(mine), "{answer}");
            }
            turn += PIPELINED;
        }
        (looker.join().expect("no panic"), turn)
    });
    assert!(others_answers > answers / 10, "{others_answers}, {answers}");
}
