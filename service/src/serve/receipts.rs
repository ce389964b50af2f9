//! `GET /v1/receipts`: every batch's answer as it comes, as server-sent events.
//!
//! The last so many answers are kept for those who read slowly. Who falls further behind is told how
//! many were missed, and goes on with the oldest that is there: no reader costs memory of its own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::instruments;
use super::seats::Seat;
use super::stop::Stopping;

/// Answers that are kept for slow readers.
const KEPT: usize = 1024;

/// A comment so often, so that what stands between does not take the silence for an end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

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

    /// From now on, until the service stops, for whoever has `seat`.
    pub(super) fn events(
        &self,
        seat: Seat,
        stopping: Stopping,
    ) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
        let events = stream::unfold((self.0.subscribe(), seat), |(mut receiver, seat)| async {
            let event = next(&mut receiver).await?;
            Some((Ok(event), (receiver, seat)))
        });
        // The answer's head goes out with the first event: a reader knows that it listens.
        let hello = stream::iter([Ok(Event::default().comment("listening"))]);
        let events = hello.chain(events).take_until(Box::pin(stopping.said()));
        Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
    }
}

async fn next(receiver: &mut broadcast::Receiver<Arc<str>>) -> Option<Event> {
    match receiver.recv().await {
        Ok(answer) => Some(Event::default().event("batch").data(&*answer)),
        Err(RecvError::Lagged(missed)) => {
            instruments::count_missed(missed);
            let data = format!("{{\"missed\":{missed}}}");
            Some(Event::default().event("missed").data(data))
        }
        Err(RecvError::Closed) => None,
    }
}
