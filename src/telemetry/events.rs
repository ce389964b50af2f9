//! The events of a pool's health, through `tracing`.

use std::fmt;

use super::health::Change;
use super::semconv::event;
use crate::registry::PoolKind;

/// Where events come from: the scope of the log records.
const TARGET: &str = "knhk_pool";

pub(super) fn emit(change: &Change) {
    match *change {
        Change::Fell {
            kind: PoolKind::Buffer,
            name,
            rate,
            threshold,
            exhausted,
            size,
            recommended_size,
        } => tracing::warn!(
            name: event::KNHK_BUFFER_POOL_LOW_HIT_RATE,
            target: TARGET,
            {
                "knhk.buffer_pool.name" = name,
                "knhk.hit_rate.value" = rate,
                "knhk.hit_rate.threshold" = threshold,
                "knhk.hit_rate.exhausted" = exhausted,
                "knhk.buffer_pool.size" = size as u64,
                "knhk.buffer_pool.recommended_size" = recommended_size as u64,
            },
            "hit rate of buffer pool {name:?} is {:.1} %, below {:.1} %: {}",
            rate * 100.0,
            threshold * 100.0,
            Advice { things: "buffers a thread", exhausted, size, recommended_size },
        ),
        Change::Fell {
            kind: PoolKind::Object,
            name,
            rate,
            threshold,
            exhausted,
            size,
            recommended_size,
        } => tracing::warn!(
            name: event::KNHK_OBJECT_POOL_LOW_HIT_RATE,
            target: TARGET,
            {
                "knhk.object_pool.name" = name,
                "knhk.hit_rate.value" = rate,
                "knhk.hit_rate.threshold" = threshold,
                "knhk.hit_rate.exhausted" = exhausted,
                "knhk.object_pool.size" = size as u64,
                "knhk.object_pool.recommended_size" = recommended_size as u64,
            },
            "hit rate of object pool {name:?} is {:.1} %, below {:.1} %: {}",
            rate * 100.0,
            threshold * 100.0,
            Advice { things: "objects", exhausted, size, recommended_size },
        ),
        Change::Recovered {
            kind: PoolKind::Buffer,
            name,
            rate,
            threshold,
        } => tracing::info!(
            name: event::KNHK_BUFFER_POOL_HIT_RATE_RECOVERED,
            target: TARGET,
            {
                "knhk.buffer_pool.name" = name,
                "knhk.hit_rate.value" = rate,
                "knhk.hit_rate.threshold" = threshold,
            },
            "hit rate of buffer pool {name:?} is {:.1} % again",
            rate * 100.0,
        ),
        Change::Recovered {
            kind: PoolKind::Object,
            name,
            rate,
            threshold,
        } => tracing::info!(
            name: event::KNHK_OBJECT_POOL_HIT_RATE_RECOVERED,
            target: TARGET,
            {
                "knhk.object_pool.name" = name,
                "knhk.hit_rate.value" = rate,
                "knhk.hit_rate.threshold" = threshold,
            },
            "hit rate of object pool {name:?} is {:.1} % again",
            rate * 100.0,
        ),
    }
}

/// What a pool that is too small needs, as far as its counters know.
struct Advice {
    things: &'static str,
    exhausted: u64,
    size: usize,
    recommended_size: usize,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            things,
            exhausted,
            size,
            recommended_size,
        } = self;
        if *exhausted == 0 {
            return write!(
                f,
                "{recommended_size} {things} would have held it, it has {size}"
            );
        }
        let acquires = match exhausted {
            1 => "acquire was",
            _ => "acquires were",
        };
        write!(
            f,
            "{exhausted} {acquires} refused, and how many {things} would have held them is not \
             known; it has {size}, the next to try is {recommended_size}"
        )
    }
}
