//! What the pipeline tells of itself: its metrics and its spans.
//!
//! Workers add to three process-wide counters, once for each block; the instruments read these. Stage
//! durations are recorded after a pass, from the batches that were timed. Nothing is recorded inside
//! a stage, and nothing at all costs anything where no meter was registered and no subscriber listens.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use knhk_pool::telemetry::semconv::{
    KnhkPipelineMemory, KnhkPipelineStage, Metric, SCHEMA_URL, attribute, metric, span,
};
use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry::{InstrumentationScope, KeyValue};
use tracing::Span;

use crate::clock::Samples;

/// Where spans come from.
const TARGET: &str = "knhk_poold";

/// One batch in so many has spans, the first of each worker included.
const SPAN_EVERY: u64 = 512;

/// A count for pools and one for the heap. Relaxed: a figure publishes nothing but itself.
struct ByMemory([AtomicU64; 2]);

static TRIPLES: ByMemory = ByMemory::new();
static EVALUATIONS: ByMemory = ByMemory::new();
static BAD_LINES: AtomicU64 = AtomicU64::new(0);
static STAGES: OnceLock<Histogram<f64>> = OnceLock::new();

impl ByMemory {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; 2])
    }

    fn add(&self, memory: KnhkPipelineMemory, more: u64) {
        self.0[memory as usize].fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self, memory: KnhkPipelineMemory) -> u64 {
        self.0[memory as usize].load(Ordering::Relaxed)
    }
}

/// The scope that the service's telemetry belongs to: name, version and schema.
pub fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}

/// Installs the pipeline's metrics on `meter`. Once for each process: of several meters the first
/// has the durations.
pub fn register(meter: &Meter) {
    by_memory(meter, &metric::KNHK_PIPELINE_TRIPLES, &TRIPLES);
    by_memory(meter, &metric::KNHK_PIPELINE_EVALUATIONS, &EVALUATIONS);
    let bad_lines = &metric::KNHK_PIPELINE_BAD_LINES;
    meter
        .u64_observable_counter(bad_lines.name)
        .with_unit(bad_lines.unit)
        .with_description(bad_lines.brief)
        .with_callback(|to| to.observe(BAD_LINES.load(Ordering::Relaxed), &[]))
        .build();
    let stages = &metric::KNHK_PIPELINE_STAGE_DURATION;
    STAGES.get_or_init(|| {
        meter
            .f64_histogram(stages.name)
            .with_unit(stages.unit)
            .with_description(stages.brief)
            .with_boundaries(boundaries())
            .build()
    });
}

fn by_memory(meter: &Meter, metric: &Metric, counts: &'static ByMemory) {
    meter
        .u64_observable_counter(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.brief)
        .with_callback(move |to| {
            for memory in KnhkPipelineMemory::ALL {
                to.observe(counts.get(*memory), &[memory_value(*memory)]);
            }
        })
        .build();
}

/// 1, 2.5 and 5 times each power of ten from a microsecond, which is a small batch, to ten seconds,
/// which is a large input.
pub(crate) fn boundaries() -> Vec<f64> {
    let decades = (-6..1).flat_map(|power| [1.0, 2.5, 5.0].map(|step| step * 10_f64.powi(power)));
    decades.chain([10.0]).collect()
}

fn memory_value(memory: KnhkPipelineMemory) -> KeyValue {
    KeyValue::new(attribute::KNHK_PIPELINE_MEMORY, memory.as_str())
}

/// A worker is through with a block.
pub(crate) fn count(memory: KnhkPipelineMemory, triples: u64, evaluations: u64) {
    TRIPLES.add(memory, triples);
    EVALUATIONS.add(memory, evaluations);
}

/// An input had lines that are not N-Triples.
pub(crate) fn count_bad_lines(lines: u64) {
    BAD_LINES.fetch_add(lines, Ordering::Relaxed);
}

/// A stage took `duration`.
pub(crate) fn record(memory: KnhkPipelineMemory, stage: KnhkPipelineStage, duration: Duration) {
    let Some(stages) = STAGES.get() else { return };
    let stage = KeyValue::new(attribute::KNHK_PIPELINE_STAGE, stage.as_str());
    stages.record(duration.as_secs_f64(), &[stage, memory_value(memory)]);
}

/// A pass has timed these batches.
pub(crate) fn record_samples(memory: KnhkPipelineMemory, samples: &Samples) {
    if STAGES.get().is_none() {
        return;
    }
    for sample in samples.iter() {
        record(memory, KnhkPipelineStage::Load, sample.load);
        record(memory, KnhkPipelineStage::Reflex, sample.reflex);
        record(memory, KnhkPipelineStage::Emit, sample.emit);
    }
}

pub(crate) fn run_span(workers: usize) -> Span {
    tracing::info_span!(
        target: TARGET,
        span::KNHK_PIPELINE_RUN,
        "knhk.pipeline.worker_count" = workers as i64,
    )
}

pub(crate) fn ingest_span() -> Span {
    tracing::info_span!(
        target: TARGET,
        span::KNHK_PIPELINE_INGEST,
        "knhk.pipeline.triple_count" = tracing::field::Empty,
    )
}

pub(crate) fn transform_span(triples: usize) -> Span {
    tracing::info_span!(
        target: TARGET,
        span::KNHK_PIPELINE_TRANSFORM,
        "knhk.pipeline.triple_count" = triples as i64,
    )
}

pub(crate) fn pass_span(memory: KnhkPipelineMemory, triples: usize) -> Span {
    tracing::info_span!(
        target: TARGET,
        span::KNHK_PIPELINE_PASS,
        "knhk.pipeline.memory" = memory.as_str(),
        "knhk.pipeline.triple_count" = triples as i64,
    )
}

/// Says how many triples the stage of `span` had.
pub(crate) fn set_triples(span: &Span, triples: usize) {
    span.record(attribute::KNHK_PIPELINE_TRIPLE_COUNT, triples as i64);
}

/// The spans of one batch; none at all for most batches.
#[derive(Debug)]
pub(crate) struct BatchSpan(Option<Span>);

impl BatchSpan {
    /// Of a worker's batch number `batch`, below `pass`.
    pub(crate) fn new(pass: &Span, batch: u64) -> Self {
        let is_shown = batch.is_multiple_of(SPAN_EVERY);
        Self(
            is_shown.then(
                || tracing::info_span!(target: TARGET, parent: pass, span::KNHK_PIPELINE_BATCH),
            ),
        )
    }

    pub(crate) fn load(&self) -> Span {
        self.stage(
            |batch| tracing::info_span!(target: TARGET, parent: batch, span::KNHK_PIPELINE_LOAD),
        )
    }

    pub(crate) fn reflex(&self) -> Span {
        self.stage(
            |batch| tracing::info_span!(target: TARGET, parent: batch, span::KNHK_PIPELINE_REFLEX),
        )
    }

    pub(crate) fn emit(&self) -> Span {
        self.stage(
            |batch| tracing::info_span!(target: TARGET, parent: batch, span::KNHK_PIPELINE_EMIT),
        )
    }

    fn stage(&self, span: impl FnOnce(&Span) -> Span) -> Span {
        self.0.as_ref().map_or_else(Span::none, span)
    }
}
