//! More than it can do.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Server, triples};

/// How long each level of load goes on.
const FOR: Duration = Duration::from_secs(3);

/// What so many clients at once saw.
struct Seen {
    accepted: Vec<Duration>,
    refused: usize,
}

fn load(server: &Server, clients: usize, body: &[u8]) -> Seen {
    let seen = Mutex::new(Seen {
        accepted: Vec::new(),
        refused: 0,
    });
    let end = Instant::now() + FOR;
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                while Instant::now() < end {
                    let start = Instant::now();
                    let answer = server.post("/v1/triples", body);
                    let mut seen = seen.lock().expect("no panic");
                    match answer.status {
                        200 => seen.accepted.push(start.elapsed()),
                        503 => {
                            assert_eq!(answer.error(), "queue_full");
                            assert!(answer.header("retry-after").is_some(), "{answer:?}");
                            seen.refused += 1;
                        }
                        _ => panic!("{answer:?}"),
                    }
                }
            });
        }
    });
    let mut seen = seen.into_inner().expect("no panic");
    seen.accepted.sort();
    seen
}

#[test]
fn four_times_what_it_can_do_is_shed_and_the_rest_is_served_as_before() {
    let server = Server::start(&[
        "--workers",
        "1",
        "--queue-len",
        "3",
        "--queue-time-ms",
        "600000",
    ]);
    let body = triples(2000);
    // One in hand and three that wait: four clients at once are its capacity.
    let [full, over] = [4, 16].map(|clients| load(&server, clients, &body));
    let p99 =
        |seen: &Seen| seen.accepted[(seen.accepted.len() * 99 / 100).min(seen.accepted.len() - 1)];
    println!(
        "at capacity: {} served, p99 {:?}; at four times: {} served, {} refused, p99 {:?}",
        full.accepted.len(),
        p99(&full),
        over.accepted.len(),
        over.refused,
        p99(&over)
    );
    assert!(over.refused > 0, "nothing was shed");
    assert!(!over.accepted.is_empty(), "nothing was served");
    assert_eq!(
        server.metric("knhk_service_rejected_total", "queue_full") as usize,
        full.refused + over.refused
    );
    // It is the same process, and it is not exhausted.
    assert_eq!(server.post("/v1/triples", &body).status, 200);
    server.stop();
}
