//! The declared events of the process, kept for those who look later: the live page.
//!
//! They are what standard error and the collector get too, so that nobody sees a warning that another
//! does not. The last [`NOTICES_MAX`] are kept, and of each pool the newest word on its size, however
//! long ago that was; the thread that emits one pays for its copies.

pub(crate) mod verdicts;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use knhk_pool::telemetry::semconv::{attribute, event};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use self::verdicts::{Judged, Verdicts};
use crate::wall_clock::now_ms;

/// Events that are kept; the oldest makes room.
pub const NOTICES_MAX: usize = 100;

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// When it was emitted, in milliseconds since 1970.
    pub at_ms: u64,
    /// As the registry names it: `knhk.buffer_pool.low_hit_rate`.
    pub name: &'static str,
    /// `WARN`, `INFO`.
    pub level: &'static str,
    /// For people.
    pub message: String,
    /// For programs, under the registry's names.
    pub attributes: Map<String, Value>,
}

impl Notice {
    /// The pool whose size this is the newest word on.
    pub(crate) fn judged(&self) -> Option<Judged> {
        use event::{
            KNHK_BUFFER_POOL_HIT_RATE_RECOVERED, KNHK_BUFFER_POOL_LOW_HIT_RATE,
            KNHK_OBJECT_POOL_HIT_RATE_RECOVERED, KNHK_OBJECT_POOL_LOW_HIT_RATE,
        };
        let key = match self.name {
            KNHK_BUFFER_POOL_LOW_HIT_RATE | KNHK_BUFFER_POOL_HIT_RATE_RECOVERED => {
                attribute::KNHK_BUFFER_POOL_NAME
            }
            KNHK_OBJECT_POOL_LOW_HIT_RATE | KNHK_OBJECT_POOL_HIT_RATE_RECOVERED => {
                attribute::KNHK_OBJECT_POOL_NAME
            }
            _ => return None,
        };
        Some((key, self.attributes.get(key)?.as_str()?.to_owned()))
    }
}

/// The events that were kept. A clone is the same list.
///
/// As a [`Layer`] it keeps every event that its filter lets through.
#[derive(Clone, Debug, Default)]
pub struct Notices(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// Of all that ever were, those that are kept no more.
    gone: u64,
    last: VecDeque<Notice>,
    /// By their number among all that ever were.
    verdicts: Verdicts<Notice>,
}

impl Notices {
    /// The kept ones but the first `seen` of all that ever were, and how many there ever were: what to
    /// ask with the next time.
    pub fn after(&self, seen: u64) -> (Vec<Notice>, u64) {
        let kept = self.lock();
        let known = usize::try_from(seen.saturating_sub(kept.gone)).unwrap_or(usize::MAX);
        let older = kept.verdicts.since(seen);
        let older = older.take_while(|(number, _)| *number < kept.gone);
        let news = older.map(|(_, notice)| notice);
        let news = news.chain(kept.last.iter().skip(known)).cloned().collect();
        (news, kept.gone + kept.last.len() as u64)
    }

    fn keep(&self, notice: Notice) {
        let mut kept = self.lock();
        if kept.last.len() == NOTICES_MAX {
            kept.last.pop_front();
            kept.gone += 1;
        }
        if let Some(pool) = notice.judged() {
            let number = kept.gone + kept.last.len() as u64;
            kept.verdicts.put(pool, number, notice.clone());
        }
        kept.last.push_back(notice);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Notices {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        self.keep(Notice {
            at_ms: now_ms(),
            name: metadata.name(),
            level: metadata.level().as_str(),
            message: fields.message,
            attributes: fields.attributes,
        });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    attributes: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.attributes
            .insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn an_event_is_kept_with_its_attributes_as_numbers_and_text() {
        let notices = Notices::default();
        let subscriber = tracing_subscriber::registry().with(notices.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(name: "fell", { "pool.name" = "<b>", rate = 0.25, size = 3_u64 }, "{} fell", "<b>");
        });
        let (kept, seen) = notices.after(0);
        assert_eq!(seen, 1);
        assert_eq!(
            (kept[0].name, kept[0].level, &*kept[0].message),
            ("fell", "WARN", "<b> fell")
        );
        let attributes = serde_json::json!({ "pool.name": "<b>", "rate": 0.25, "size": 3 });
        assert_eq!(Value::Object(kept[0].attributes.clone()), attributes);
    }

    #[test]
    fn the_newest_are_kept_and_each_is_given_once() {
        let notices = Notices::default();
        let subscriber = tracing_subscriber::registry().with(notices.clone());
        let emit = |count: usize| {
            (0..count).for_each(|index| tracing::info!(name: "turn", index = index as u64));
        };
        tracing::subscriber::with_default(subscriber, || {
            emit(3);
            let (first, seen) = notices.after(0);
            assert_eq!((first.len(), seen), (3, 3));
            emit(NOTICES_MAX + 5);
            let (next, seen) = notices.after(seen);
            assert_eq!(
                (next.len(), seen),
                (NOTICES_MAX, 3 + NOTICES_MAX as u64 + 5)
            );
            assert_eq!(next[0].attributes["index"], 5);
            assert_eq!(notices.after(seen), (vec![], seen));
        });
    }
}
