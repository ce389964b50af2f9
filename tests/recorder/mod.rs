//! A `tracing` subscriber that writes every event down.

use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Recorder;

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let of = event.metadata();
        let mut fields = Fields(format!("{} {} {}", of.level(), of.target(), of.name()));
        event.record(&mut fields);
        EVENTS.lock().expect("no recorder panics").push(fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// For the whole process; the events so far: level, target, name, and the fields.
pub(crate) fn install() -> &'static Mutex<Vec<String>> {
    tracing::subscriber::set_global_default(Recorder).expect("there is no other");
    &EVENTS
}
