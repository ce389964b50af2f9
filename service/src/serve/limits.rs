//! What a client may cost: sizes and deadlines.

use std::time::Duration;

use crate::settings::Settings;

/// The bounds of one request, and of all together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) head_bytes_max: usize,
    pub(super) body_bytes_max: usize,
    pub(super) text_bytes_max: usize,
    pub(super) held_bytes_max: usize,
    pub(super) head_time: Duration,
    pub(super) body_time: Duration,
    pub(super) queue_time: Duration,
}

impl Limits {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            head_bytes_max: settings.head_bytes_max.value,
            body_bytes_max: settings.body_bytes_max.value,
            text_bytes_max: settings.text_bytes_max.value,
            held_bytes_max: settings.held_bytes_max.value,
            head_time: settings.head_time_ms.duration(),
            body_time: settings.body_time_ms.duration(),
            queue_time: settings.queue_time_ms.duration(),
        }
    }
}
