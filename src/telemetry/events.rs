//! The events of a pool's health, through `tracing`.

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
            size,
            recommended_size,
        } => tracing::warn!(
            name: event::KNHK_BUFFER_POOL_LOW_HIT_RATE,
            target: TARGET,
            {
                "knhk.buffer_pool.name" = name,
                "knhk.hit_rate.value" = rate,
                "knhk.hit_rate.threshold" = threshold,
                "knhk.buffer_pool.size" = size as u64,
                "knhk.buffer_pool.recommended_size" = recommended_size as u64,
            },
            "hit rate of buffer pool {name:?} is {:.1} %, below {:.1} %: {recommended_size} buffers \
             a thread would have held it, it has {size}",
            rate * 100.0,
            threshold * 100.0,
        ),
        Change::Fell {
            kind: PoolKind::Object,
            name,
            rate,
            threshold,
            size,
            recommended_size,
        } => tracing::warn!(
            name: event::KNHK_OBJECT_POOL_LOW_HIT_RATE,
            target: TARGET,
            {
                "knhk.object_pool.name" = name,
                "knhk.hit_rate.value" = rate,
                "knhk.hit_rate.threshold" = threshold,
                "knhk.object_pool.size" = size as u64,
                "knhk.object_pool.recommended_size" = recommended_size as u64,
            },
            "hit rate of object pool {name:?} is {:.1} %, below {:.1} %: {recommended_size} objects \
             would have held it, it has {size}",
            rate * 100.0,
            threshold * 100.0,
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
