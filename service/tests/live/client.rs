//! A server in memory, and what its clients read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use knhk_poold::serve::live::{Live, Pipeline, PipelineSource, router};
use knhk_poold::telemetry::notices::Notices;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// For what must come; a machine may be slow, but not that slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes between server and client that are on their way: then the server waits.
const ON_THE_WAY: usize = 4096;

/// A pipeline that is told what it did.
#[derive(Debug, Default)]
pub(crate) struct Told(pub(crate) Mutex<Pipeline>);

impl PipelineSource for Told {
    fn pipeline(&self) -> Pipeline {
        self.0.lock().expect("no test panics here").clone()
    }
}

pub(crate) fn live() -> Live {
    Live::manual(Arc::new(Told::default()), Notices::default())
}

/// Runs `test` with a runtime of one thread.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(test);
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: DuplexStream,
    unread: String,
}

/// One server-sent event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Client {
    pub(crate) async fn get(app: &Router, path: &str, headers: &str) -> Self {
        Self::ask(app, "GET", path, headers).await
    }

    pub(crate) async fn ask(app: &Router, method: &str, path: &str, headers: &str) -> Self {
        let (stream, far) = tokio::io::duplex(ON_THE_WAY);
        let service = TowerToHyperService::new(app.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(far), service);
        tokio::spawn(connection);
        let mut client = Self {
            stream,
            unread: String::new(),
        };
        let request = format!("{method} {path} HTTP/1.1\r\nhost: page\r\n{headers}\r\n");
        let sent = client.stream.write_all(request.as_bytes());
        sent.await.expect("the server reads");
        client
    }

    /// A viewer of `live`, behind the head of its answer.
    pub(crate) async fn view(live: &Live, headers: &str) -> Self {
        let mut client = Self::get(&router(live.clone()), "/v1/live", headers).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        client
    }

    /// The head of the answer.
    pub(crate) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await.expect("an answer")
    }

    /// The next event; none when the stream has ended.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        let length = self.until("\r\n").await?;
        if length == "0" {
            return None;
        }
        let chunk = self.until("\n\n\r\n").await.expect("a chunk is an event");
        let field = |name: &str| {
            let mut lines = chunk.lines();
            lines
                .find_map(|line| line.strip_prefix(name))
                .map(str::to_owned)
        };
        let data = field("data: ").expect("an event has data");
        Some(Event {
            name: field("event: ").expect("an event has a name"),
            id: field("id: "),
            data: serde_json::from_str(&data).expect("data is JSON"),
        })
    }

    /// The next so many events.
    pub(crate) async fn events(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.event().await.expect("the stream goes on"));
        }
        events
    }

    /// Everything up to `end`, which is taken off; none when nothing more comes.
    async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = self.unread.find(end) {
                let text = self.unread[..at].to_owned();
                self.unread.drain(..at + end.len());
                return Some(text);
            }
            let mut bytes = [0; 1024];
            let read = self.stream.read(&mut bytes);
            let read = tokio::time::timeout(PATIENCE, read).await;
            match read.expect("it comes in time").expect("a stream in memory") {
                0 => return None,
                len => self.unread += &String::from_utf8_lossy(&bytes[..len]),
            }
        }
    }

    /// The whole answer to a request that said `connection: close`: head and body.
    pub(crate) async fn answer(mut self) -> (String, String) {
        let head = self.head().await;
        while self.until("\0never\0").await.is_some() {}
        (head.to_lowercase(), self.unread)
    }
}

/// The answer to one request.
pub(crate) async fn get(app: &Router, path: &str, headers: &str) -> (String, String) {
    let headers = format!("connection: close\r\n{headers}");
    Client::get(app, path, &headers).await.answer().await
}
