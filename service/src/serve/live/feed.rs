//! What viewers are sent: encoded once, kept once, and shared by all of them.
//!
//! ```text
//!                 oldest kept                                newest
//!  frames           ▾                                           ▾
//!   (gone) … (gone) [ 812 ][ 813 ][ 814 ] … [ 1409 ][ 1410 ][ 1411 ]   + the newest state
//!                      ▴                       ▴
//!                 a new viewer            a slow viewer: one number
//! ```
//!
//! A viewer is a place in the row of frames, so its history and what comes later are one thing, and a
//! viewer that does not read costs its place and nothing more: when it reads again, it goes on with
//! the oldest frame that is kept.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use serde::Serialize;
use tokio::sync::watch;

use crate::telemetry::notices::verdicts::Verdicts;
use crate::telemetry::notices::{NOTICES_MAX, Notice};

/// Points that are kept: ten minutes of one a second.
pub(super) const POINTS_MAX: usize = 600;

/// A frame and its number; numbers rise by one from 1 on, over all kinds.
type Numbered = (u64, Bytes);

/// The frames of the last ten minutes, until it is closed.
#[derive(Debug)]
pub(super) struct Feed {
    /// Tells one run of the program from the next.
    epoch: u64,
    frames: Mutex<Frames>,
    head: watch::Sender<Head>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Open,
    Closed,
}

#[derive(Debug, Default)]
struct Frames {
    last: u64,
    points: VecDeque<Numbered>,
    notices: VecDeque<Numbered>,
    /// Of the notices, those that still hold, however old: which pools are too small.
    verdicts: Verdicts<Bytes>,
    /// What everything looks like now: of these only the newest is of use.
    state: Option<Numbered>,
}

impl Feed {
    pub(super) fn new(epoch: u64) -> Self {
        Self {
            epoch,
            frames: Mutex::default(),
            head: watch::Sender::new(Head::Open),
        }
    }

    /// What one interval brought; viewers are woken by [`state`](Self::state), which follows.
    pub(super) fn point(&self, point: &impl Serialize) {
        self.push("point", point, |frames| (&mut frames.points, POINTS_MAX));
    }

    /// An event of the process.
    pub(super) fn notice(&self, notice: &Notice) {
        let (number, frame) = self.push("notice", notice, |frames| {
            (&mut frames.notices, NOTICES_MAX)
        });
        if let Some(pool) = notice.judged() {
            self.lock().verdicts.put(pool, number, frame);
        }
    }

    /// The newest state: ends a tick.
    pub(super) fn state(&self, state: &impl Serialize) {
        let mut frames = self.lock();
        frames.last += 1;
        let number = frames.last;
        frames.state = Some((number, self.encode("state", number, state)));
        drop(frames);
        self.head.send_if_modified(|head| *head == Head::Open);
    }

    /// No more frames: every viewer's stream ends.
    pub(super) fn close(&self) {
        self.head.send_replace(Head::Closed);
    }

    /// A viewer that has seen everything up to `last_event_id`, if that is an id of this run.
    pub(super) fn viewer(self: &Arc<Self>, last_event_id: Option<&str>) -> Viewer {
        let seen = last_event_id.and_then(|id| self.seen(id)).unwrap_or(0);
        Viewer {
            feed: Arc::clone(self),
            head: self.head.subscribe(),
            greeting: Some(self.greeting()),
            seen,
            state_seen: 0,
        }
    }

    fn seen(&self, id: &str) -> Option<u64> {
        let (epoch, number) = id.split_once('-')?;
        let number: u64 = number.parse().ok()?;
        (epoch.parse() == Ok(self.epoch) && number <= self.lock().last).then_some(number)
    }

    fn greeting(&self) -> Bytes {
        let (epoch, version) = (self.epoch, env!("CARGO_PKG_VERSION"));
        let hello =
            serde_json::json!({ "epoch": epoch, "version": version, "points_max": POINTS_MAX });
        format!("retry: 1000\nevent: hello\ndata: {hello}\n\n").into()
    }

    fn push(
        &self,
        event: &str,
        data: &impl Serialize,
        place: impl Fn(&mut Frames) -> (&mut VecDeque<Numbered>, usize),
    ) -> Numbered {
        let mut frames = self.lock();
        frames.last += 1;
        let number = frames.last;
        let frame = self.encode(event, number, data);
        let (kept, max) = place(&mut frames);
        if kept.len() == max {
            kept.pop_front();
        }
        kept.push_back((number, frame.clone()));
        (number, frame)
    }

    /// One server-sent event. JSON has no line breaks of its own, whatever a pool is named.
    fn encode(&self, event: &str, number: u64, data: &impl Serialize) -> Bytes {
        let data = serde_json::to_string(data).expect("figures are numbers and text");
        format!(
            "event: {event}\nid: {}-{number}\ndata: {data}\n\n",
            self.epoch
        )
        .into()
    }

    fn lock(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frames {
    /// The first point or notice after number `seen`.
    fn after(&self, seen: u64) -> Option<Numbered> {
        let first = |kept: &VecDeque<Numbered>| {
            let at = kept.partition_point(|(number, _)| *number <= seen);
            kept.get(at).cloned()
        };
        let verdict = self.verdicts.since(seen + 1).next();
        let verdict = verdict.map(|(number, frame)| (number, frame.clone()));
        let all = [first(&self.points), first(&self.notices), verdict];
        all.into_iter().flatten().min_by_key(|(number, _)| *number)
    }
}

/// A reader of the feed.
pub(super) struct Viewer {
    feed: Arc<Feed>,
    head: watch::Receiver<Head>,
    greeting: Option<Bytes>,
    seen: u64,
    state_seen: u64,
}

impl Viewer {
    /// The next frame, when there is one; `None` when the feed is closed.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Marked as seen before the frames are looked at: what comes between is news.
            if *self.head.borrow_and_update() == Head::Closed {
                return None;
            }
            if let Some(frame) = self.at_hand() {
                return Some(frame);
            }
            self.head.changed().await.ok()?;
        }
    }

    fn at_hand(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let frames = self.feed.lock();
        if let Some((number, frame)) = frames.after(self.seen) {
            self.seen = number;
            return Some(frame);
        }
        let (number, state) = frames.state.as_ref()?;
        if *number <= self.state_seen {
            return None;
        }
        (self.seen, self.state_seen) = (self.seen.max(*number), *number);
        Some(state.clone())
    }
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Viewer");
        fields.field("seen", &self.seen).finish_non_exhaustive()
    }
}
