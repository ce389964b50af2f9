//! A collector of our own on the loopback interface: it decodes what it gets, and answers as told.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as Logs;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest as Metrics;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as Traces;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};

/// How long a test waits for something that must come, before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What the collector does with a request that it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Takes it.
    Take,
    /// Takes it, after a while.
    TakeSlowly,
    /// 503.
    Unavailable,
    /// Bytes that are not HTTP.
    Garbage,
    /// Status 200, and a body that is not protobuf.
    GarbageBody,
    /// Nothing, and the connection stays open.
    Nothing,
}

/// What it was sent, in order.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// Requests, taken or not.
    pub(crate) requests: usize,
    pub(crate) heads: Vec<String>,
    pub(crate) metrics: Vec<Metrics>,
    pub(crate) traces: Vec<Traces>,
    pub(crate) logs: Vec<Logs>,
}

#[derive(Debug)]
struct Shared {
    answer: Mutex<Answer>,
    received: Mutex<Received>,
    came: Condvar,
}

#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Collector {
    pub(crate) fn new(answer: Answer) -> Self {
        Self::on("127.0.0.1:0".parse().expect("an address"), answer)
    }

    /// An address at which nobody listens, and where no test that wants any free port comes to.
    pub(crate) fn nowhere() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.2:0").expect("a port is free");
        listener.local_addr().expect("it is bound")
    }

    /// Its threads end with the test's process.
    pub(crate) fn on(address: SocketAddr, answer: Answer) -> Self {
        let listener = TcpListener::bind(address).expect("the port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer),
            received: Mutex::default(),
            came: Condvar::new(),
        });
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&all);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().expect("no thread panics") = answer;
    }

    /// Waits until `enough`, and gives what was received.
    pub(crate) fn wait<T>(&self, enough: impl Fn(&Received) -> Option<T>) -> T {
        let mut received = self.shared.received.lock().expect("no thread panics");
        loop {
            if let Some(found) = enough(&received) {
                return found;
            }
            let came = self.shared.came.wait_timeout(received, PATIENCE);
            let (next, waited) = came.expect("no thread panics");
            assert!(
                !waited.timed_out(),
                "it never came: {} requests",
                next.requests
            );
            received = next;
        }
    }

    /// What was received so far.
    pub(crate) fn so_far<T>(&self, look: impl Fn(&Received) -> T) -> T {
        look(&self.shared.received.lock().expect("no thread panics"))
    }
}

impl Shared {
    /// Request after request, until the client goes.
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
        while let Some((head, body)) = request(&mut reader) {
            let answer = *self.answer.lock().expect("no thread panics");
            self.receive(head, &body, answer);
            if !self.reply(&stream, answer) {
                return;
            }
        }
    }

    fn receive(&self, head: String, body: &[u8], answer: Answer) {
        let mut received = self.received.lock().expect("no thread panics");
        received.requests += 1;
        if matches!(answer, Answer::Take | Answer::TakeSlowly) {
            match head.split(' ').nth(1) {
                Some("/v1/metrics") => received.metrics.push(decoded(body)),
                Some("/v1/traces") => received.traces.push(decoded(body)),
                Some("/v1/logs") => received.logs.push(decoded(body)),
                path => panic!("{path:?}"),
            }
        }
        received.heads.push(head);
        self.came.notify_all();
    }

    /// Whether the connection goes on.
    fn reply(&self, mut stream: &TcpStream, answer: Answer) -> bool {
        let ok =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        let text = match answer {
            Answer::Take => ok,
            Answer::TakeSlowly => {
                thread::sleep(Duration::from_millis(50));
                ok
            }
            Answer::Unavailable => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            Answer::Garbage => "\u{1}\u{2}\u{3} what?\n\n\r\n\r\n",
            Answer::GarbageBody => {
                "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}"
            }
            Answer::Nothing => {
                // Until the client has had enough.
                let _ = stream.read(&mut [0]);
                return false;
            }
        };
        // A client that has gone is no concern of the collector's.
        stream.write_all(text.as_bytes()).is_ok() && answer != Answer::Garbage
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let header = |name: &str| {
        let line = lower.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let length = header("content-length:").expect("the client says how long its body is");
    let mut body = vec![0; length.parse().expect("a number")];
    reader.read_exact(&mut body).ok()?;
    if header("content-encoding:").as_deref() == Some("gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&body[..])
            .read_to_end(&mut plain)
            .expect("it is gzip");
        body = plain;
    }
    Some((head, body))
}

fn decoded<T: prost::Message + Default>(body: &[u8]) -> T {
    T::decode(body).expect("it is what its path says")
}

/// Attributes, as text.
pub(crate) fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|pair| (pair.key.clone(), text(pair.value.as_ref())))
        .collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// The metrics of one export.
pub(crate) fn metrics(export: &Metrics) -> impl Iterator<Item = &Metric> {
    let scopes = export
        .resource_metrics
        .iter()
        .flat_map(|of| &of.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics)
}

/// The points of the sum `name` in one export, by attributes; empty if it is not there.
pub(crate) fn sums(export: &Metrics, name: &str) -> BTreeMap<BTreeMap<String, String>, u64> {
    let mut points = BTreeMap::new();
    for found in metrics(export).filter(|it| it.name == name) {
        let Some(metric::Data::Sum(sum)) = &found.data else {
            panic!("{name} is not a sum");
        };
        for point in &sum.data_points {
            let Some(number_data_point::Value::AsInt(value)) = point.value else {
                panic!("{name} is not whole");
            };
            points.insert(attributes(&point.attributes), value as u64);
        }
    }
    points
}

/// What `name` sums up to over the points that have `value` as an attribute.
pub(crate) fn sum(export: &Metrics, name: &str, values: &[&str]) -> u64 {
    let has_all = |attributes: &BTreeMap<String, String>| {
        values
            .iter()
            .all(|value| attributes.values().any(|it| it == value))
    };
    let points = sums(export, name).into_iter();
    points
        .filter(|(attributes, _)| has_all(attributes))
        .map(|(_, value)| value)
        .sum()
}
