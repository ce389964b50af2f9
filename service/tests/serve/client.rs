//! An HTTP client that says exactly what it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// No answer takes longer, or the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Of all that a connection gave; nothing if it gave nothing.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What a refusal calls itself.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

/// A connection with deadlines.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
    stream
        .set_write_timeout(Some(PATIENCE))
        .expect("a deadline");
    stream
}

/// All that it says until it closes; a reset is an end, too.
pub(crate) fn rest(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // A stream of events has no end.
    let until = Instant::now() + 3 * PATIENCE;
    loop {
        assert!(Instant::now() < until, "it goes on and on");
        match stream.read(&mut part) {
            Ok(0) => return bytes,
            Ok(len) => bytes.extend_from_slice(&part[..len]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("it neither answers nor closes")
            }
            Err(_) => return bytes,
        }
    }
}

/// Sends these bytes, and gives what came back until the end; a server that has had enough may stop
/// reading.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    let _ = stream.write_all(bytes);
    Answer::parse(&rest(stream))
}

/// The bytes of a request that ends its connection.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    request_to("test", method, path, headers, body)
}

/// The same, by that name of the server's.
pub(crate) fn request_to(
    host: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for header in headers {
        text += header;
        text += "\r\n";
    }
    if method == "POST" {
        text += &format!("content-length: {}\r\n", body.len());
    }
    text += "\r\n";
    [text.as_bytes(), body].concat()
}
