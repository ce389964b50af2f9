//! Collectors that fail while the service serves.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use crate::server::{Server, serve, triples};

/// What a collector does with whoever connects.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Nobody listens.
    Down,
    /// Reads, and never answers.
    BlackHole,
    /// Answers a byte, and then nothing.
    OneByte,
    /// 503 with Retry-After.
    Unavailable,
    /// 429.
    TooMany,
    /// 400.
    BadRequest,
    /// Closes in the middle of its answer.
    Torn,
    /// An answer of 10 MB.
    Huge,
    /// No HTTP.
    Garbage,
}

const FAULTS: [Fault; 9] = [
    Fault::Down,
    Fault::BlackHole,
    Fault::OneByte,
    Fault::Unavailable,
    Fault::TooMany,
    Fault::BadRequest,
    Fault::Torn,
    Fault::Huge,
    Fault::Garbage,
];

fn collector(fault: Fault) -> SocketAddr {
    // Where nobody shall listen no other test may come to do so.
    let host = match fault {
        Fault::Down => "127.0.0.3:0",
        _ => "127.0.0.1:0",
    };
    let listener = TcpListener::bind(host).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    if matches!(fault, Fault::Down) {
        return address;
    }
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 1 << 16]);
                let reply: Vec<u8> = match fault {
                    Fault::Down | Fault::BlackHole => Vec::new(),
                    Fault::OneByte => b"H".to_vec(),
                    Fault::Unavailable => {
                        b"HTTP/1.1 503 x\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n".to_vec()
                    }
                    Fault::TooMany => {
                        b"HTTP/1.1 429 x\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n".to_vec()
                    }
                    Fault::BadRequest => b"HTTP/1.1 400 x\r\ncontent-length: 0\r\n\r\n".to_vec(),
                    Fault::Torn => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx".to_vec(),
                    Fault::Huge => [
                        &b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n"[..],
                        &vec![b'x'; 10_000_000],
                    ]
                    .concat(),
                    Fault::Garbage => b"\x01\x02\x03\r\n\r\n".to_vec(),
                };
                let _ = stream.write_all(&reply);
                if !matches!(fault, Fault::Torn | Fault::Garbage) {
                    // Until the client has had enough.
                    let _ = stream.read_to_end(&mut Vec::new());
                }
            });
        }
    });
    address
}

#[test]
fn whatever_the_collector_does_batches_are_answered_and_the_service_stops_in_time() {
    let body = triples(500);
    thread::scope(|scope| {
        for fault in FAULTS {
            let body = &body;
            scope.spawn(move || {
                let url = format!("http://{}", collector(fault));
                let mut command = serve(&["--otlp-endpoint", &url, "--queue-time-ms", "600000"]);
                command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "1000");
                command.env("OTEL_METRIC_EXPORT_INTERVAL", "100");
                command.env("OTEL_BSP_SCHEDULE_DELAY", "100");
                let server = Server::of(&mut command);
                for _ in 0..20 {
                    assert_eq!(server.post("/v1/triples", body).status, 200, "{fault:?}");
                }
                // It is told, and totals are what they are.
                if !matches!(fault, Fault::Huge) {
                    server.told("cannot export");
                }
                assert_eq!(
                    server.metric("knhk_pipeline_triples_total", "pool"),
                    10_000.0
                );
                let all = server.stop();
                let told = |part| all.iter().filter(|it| it.contains(part)).count();
                // Each outage once: an answer of 10 MB may come in time, and may not.
                let outages = 1 + told("is exported to");
                assert!(told("cannot export") <= outages, "{fault:?}: {all:?}");
            });
        }
    });
}
