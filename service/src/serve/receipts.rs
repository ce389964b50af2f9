//! `GET /v1/receipts`: every batch's answer as it comes, as server-sent events.
//!
//! The last so many answers are kept for those who read slowly. Who falls further behind is told how
//! many were missed, and goes on with the oldest that is there: no reader costs memory of its own.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::instruments;
use super::seats::Seat;

/// Answers that are kept for slow readers.
const KEPT: usize = 1024;

/// A comment so often, so that what stands between does not take the silence for an end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Comes back when nothing is told any more.
pub(super) type Over = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where answers are told.
#[derive(Debug)]
pub(super) struct Receipts(broadcast::Sender<Arc<str>>);

impl Receipts {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }

    /// Whether anybody listens.
    pub(super) fn has_readers(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Tells `answer` to all who listen.
    pub(super) fn tell(&self, answer: &Arc<str>) {
        // Nobody listening is no failure.
        let _ = self.0.send(Arc::clone(answer));
    }

    /// From now on, until `over` comes back and all that was told before is read, for whoever has `seat`.
    pub(super) fn events(
        &self,
        seat: Seat,
        over: Over,
    ) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
        let reader = Reader {
            receiver: self.0.subscribe(),
            over: Some(over),
            _seat: seat,
        };
        let events = stream::unfold(reader, |mut reader| async {
            let event = reader.next().await?;
            Some((Ok(event), reader))
        });
        // The answer's head goes out with the first event: a reader knows that it listens.
        let hello = stream::iter([Ok(Event::default().comment("listening"))]);
        Sse::new(hello.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
    }
}

struct Reader {
    receiver: broadcast::Receiver<Arc<str>>,
    /// `None` once it has come back.
    over: Option<Over>,
    _seat: Seat,
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        if let Some(over) = &mut self.over {
            tokio::select! {
                biased;
                told = self.receiver.recv() => return event(told),
                () = over => self.over = None,
            }
        }
        match self.receiver.try_recv() {
            Ok(answer) => event(Ok(answer)),
            Err(TryRecvError::Lagged(missed)) => event(Err(RecvError::Lagged(missed))),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

fn event(told: Result<Arc<str>, RecvError>) -> Option<Event> {
    match told {
        Ok(answer) => Some(Event::default().event("batch").data(&*answer)),
        Err(RecvError::Lagged(missed)) => {
            instruments::count_missed(missed);
            let data = format!("{{\"missed\":{missed}}}");
            Some(Event::default().event("missed").data(data))
        }
        Err(RecvError::Closed) => None,
    }
}
