//! Every name, unit and attribute of the telemetry of this project.
//!
//! Generated from `weaver/registry` by `weaver/templates/rust`. Do not edit: change the registry.

/// The schema that the telemetry follows; it stands on the instrumentation scope.
pub const SCHEMA_URL: &str = "https://knhk.dev/schemas/knhk-pool/0.1.0";

/// Kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instrument {
    /// A sum that only rises.
    Counter,
    /// A sum that rises and falls.
    UpDownCounter,
    /// The last value.
    Gauge,
    /// A distribution.
    Histogram,
}

/// Kind of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Whole numbers.
    Int,
    /// Floating point.
    Double,
}

/// What the registry says of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Name on the wire.
    pub name: &'static str,
    /// Its kind.
    pub instrument: Instrument,
    /// Unit, in UCUM.
    pub unit: &'static str,
    /// Kind of its values.
    pub value_type: ValueType,
    /// What it measures.
    pub brief: &'static str,
    /// Keys of the attributes that each of its points has.
    pub attributes: &'static [&'static str],
}

/// Attribute keys.
pub mod attribute {
    /// Name of the arena, as given when it was made.
    pub const KNHK_ARENA_NAME: &str = "knhk.arena.name";
    /// Bytes of each buffer of the pool.
    pub const KNHK_BUFFER_POOL_BUFFER_SIZE: &str = "knhk.buffer_pool.buffer_size";
    /// Where a released buffer went.
    pub const KNHK_BUFFER_POOL_DESTINATION: &str = "knhk.buffer_pool.destination";
    /// Name of the buffer pool, as given when it was made.
    pub const KNHK_BUFFER_POOL_NAME: &str = "knhk.buffer_pool.name";
    /// Where an acquired buffer came from.
    pub const KNHK_BUFFER_POOL_OUTCOME: &str = "knhk.buffer_pool.outcome";
    /// Buffers for each thread that would have held the hit rate, or twice the size, where acquires were refused.
    pub const KNHK_BUFFER_POOL_RECOMMENDED_SIZE: &str = "knhk.buffer_pool.recommended_size";
    /// Buffers that the pool has for each thread.
    pub const KNHK_BUFFER_POOL_SIZE: &str = "knhk.buffer_pool.size";
    /// What is wrong with the configuration: key, value, range and source.
    pub const KNHK_CONFIG_ERROR: &str = "knhk.config.error";
    /// Acquires of the last interval that were refused.
    pub const KNHK_HIT_RATE_EXHAUSTED: &str = "knhk.hit_rate.exhausted";
    /// The hit rate that was crossed, from 0 to 1.
    pub const KNHK_HIT_RATE_THRESHOLD: &str = "knhk.hit_rate.threshold";
    /// Hit rate of the last interval, from 0 to 1.
    pub const KNHK_HIT_RATE_VALUE: &str = "knhk.hit_rate.value";
    /// Alignment in bytes that was asked for.
    pub const KNHK_HOT_PATH_ALIGNMENT: &str = "knhk.hot_path.alignment";
    /// Bytes that were asked for.
    pub const KNHK_HOT_PATH_BYTES: &str = "knhk.hot_path.bytes";
    /// Calls of the allocator that came after the first in the same section.
    pub const KNHK_HOT_PATH_FURTHER_CALLS: &str = "knhk.hot_path.further_calls";
    /// Source line at which the section begins.
    pub const KNHK_HOT_PATH_LOCATION: &str = "knhk.hot_path.location";
    /// Name of the marked section; module path and function unless it was given another.
    pub const KNHK_HOT_PATH_SECTION: &str = "knhk.hot_path.section";
    /// Where a released object went.
    pub const KNHK_OBJECT_POOL_DESTINATION: &str = "knhk.object_pool.destination";
    /// Name of the object pool, as given when it was made.
    pub const KNHK_OBJECT_POOL_NAME: &str = "knhk.object_pool.name";
    /// Where an acquired object came from.
    pub const KNHK_OBJECT_POOL_OUTCOME: &str = "knhk.object_pool.outcome";
    /// Objects for each pool that would have held the hit rate, or twice the size, where acquires were refused.
    pub const KNHK_OBJECT_POOL_RECOMMENDED_SIZE: &str = "knhk.object_pool.recommended_size";
    /// Objects that one pool of that name can hold.
    pub const KNHK_OBJECT_POOL_SIZE: &str = "knhk.object_pool.size";
    /// Where the pipeline took its memory from.
    pub const KNHK_PIPELINE_MEMORY: &str = "knhk.pipeline.memory";
    /// Stage of the pipeline.
    pub const KNHK_PIPELINE_STAGE: &str = "knhk.pipeline.stage";
    /// Triples that went through.
    pub const KNHK_PIPELINE_TRIPLE_COUNT: &str = "knhk.pipeline.triple_count";
    /// Worker threads.
    pub const KNHK_PIPELINE_WORKER_COUNT: &str = "knhk.pipeline.worker_count";
    /// Why a request was turned away.
    pub const KNHK_SERVICE_REASON: &str = "knhk.service.reason";
    /// How an attempt to read the configuration again ended.
    pub const KNHK_SERVICE_RELOAD_OUTCOME: &str = "knhk.service.reload_outcome";
    /// Class of an HTTP status.
    pub const KNHK_SERVICE_STATUS_CLASS: &str = "knhk.service.status_class";
    /// How an export ended.
    pub const KNHK_TELEMETRY_OUTCOME: &str = "knhk.telemetry.outcome";
    /// Signal that was exported.
    pub const KNHK_TELEMETRY_SIGNAL: &str = "knhk.telemetry.signal";
}

/// Where a released buffer went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkBufferPoolDestination {
    /// Back to the pool.
    Pool,
    /// Its memory was given back to the allocator.
    Heap,
    /// The caller kept its bytes for good (`into_vec`).
    Caller,
}

impl KnhkBufferPoolDestination {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Pool, Self::Heap, Self::Caller];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Heap => "heap",
            Self::Caller => "caller",
        }
    }
}

/// Where an acquired buffer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkBufferPoolOutcome {
    /// From the pool; nothing was allocated.
    Hit,
    /// From the heap, as the pool had nothing idle.
    Miss,
    /// Refused: the pool had nothing idle, and the caller did not want the heap.
    Exhausted,
}

impl KnhkBufferPoolOutcome {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Hit, Self::Miss, Self::Exhausted];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Exhausted => "exhausted",
        }
    }
}

/// Where a released object went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkObjectPoolDestination {
    /// Back to the pool.
    Pool,
    /// It was dropped.
    Heap,
    /// It was taken by value and never given back.
    Caller,
}

impl KnhkObjectPoolDestination {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Pool, Self::Heap, Self::Caller];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Heap => "heap",
            Self::Caller => "caller",
        }
    }
}

/// Where an acquired object came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkObjectPoolOutcome {
    /// From the pool; nothing was allocated.
    Hit,
    /// Always 0: no object pool makes an object for an acquire.
    Miss,
    /// Refused: the pool had nothing idle.
    Exhausted,
}

impl KnhkObjectPoolOutcome {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Hit, Self::Miss, Self::Exhausted];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Exhausted => "exhausted",
        }
    }
}

/// Where the pipeline took its memory from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkPipelineMemory {
    /// From the pools.
    Pool,
    /// From the heap at each use.
    Heap,
}

impl KnhkPipelineMemory {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Pool, Self::Heap];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Heap => "heap",
        }
    }
}

/// Stage of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkPipelineStage {
    /// Reading N-Triples, terms to ids.
    Ingest,
    /// Cutting the triples into deltas, grouped by predicate.
    Transform,
    /// Filling `SoaTriples`.
    Load,
    /// Asking the hooks.
    Reflex,
    /// Writing receipts and constructed triples.
    Emit,
}

impl KnhkPipelineStage {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[
        Self::Ingest,
        Self::Transform,
        Self::Load,
        Self::Reflex,
        Self::Emit,
    ];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Transform => "transform",
            Self::Load => "load",
            Self::Reflex => "reflex",
            Self::Emit => "emit",
        }
    }
}

/// Why a request was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkServiceReason {
    /// All places of the queue were taken.
    QueueFull,
    /// The bodies in memory had all the bytes that they may have.
    MemoryFull,
    /// All seats for viewers and readers of receipts were taken.
    ViewersFull,
    /// No worker was free in time.
    Expired,
    /// The service was stopping.
    Stopping,
    /// The journal could not be written.
    Journal,
    /// A worker failed.
    Worker,
}

impl KnhkServiceReason {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[
        Self::QueueFull,
        Self::MemoryFull,
        Self::ViewersFull,
        Self::Expired,
        Self::Stopping,
        Self::Journal,
        Self::Worker,
    ];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::MemoryFull => "memory_full",
            Self::ViewersFull => "viewers_full",
            Self::Expired => "expired",
            Self::Stopping => "stopping",
            Self::Journal => "journal",
            Self::Worker => "worker",
        }
    }
}

/// How an attempt to read the configuration again ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkServiceReloadOutcome {
    /// What it says holds.
    Ok,
    /// What held before still holds.
    Refused,
}

impl KnhkServiceReloadOutcome {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Ok, Self::Refused];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
        }
    }
}

/// Class of an HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkServiceStatusClass {
    /// The request was served.
    Success,
    /// The request was wrong.
    ClientError,
    /// The service could not serve it.
    ServerError,
}

impl KnhkServiceStatusClass {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Success, Self::ClientError, Self::ServerError];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }
}

/// How an export ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkTelemetryOutcome {
    /// The collector took it.
    Ok,
    /// The collector could not be reached, or refused it.
    Failed,
}

impl KnhkTelemetryOutcome {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Ok, Self::Failed];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }
}

/// Signal that was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnhkTelemetrySignal {
    /// Metrics.
    Metrics,
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

impl KnhkTelemetrySignal {
    /// Every value, in the order of the registry.
    pub const ALL: &'static [Self] = &[Self::Metrics, Self::Traces, Self::Logs];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Traces => "traces",
            Self::Logs => "logs",
        }
    }
}

/// Metrics.
pub mod metric {
    use super::{Instrument, Metric, ValueType, attribute};

    /// Allocations from the arena.
    pub const KNHK_ARENA_ALLOCATE: Metric = Metric {
        name: "knhk.arena.allocate",
        instrument: Instrument::Counter,
        unit: "{allocation}",
        value_type: ValueType::Int,
        brief: "Allocations from the arena.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// Bytes of the chunks of the living arenas.
    pub const KNHK_ARENA_CAPACITY: Metric = Metric {
        name: "knhk.arena.capacity",
        instrument: Instrument::UpDownCounter,
        unit: "By",
        value_type: ValueType::Int,
        brief: "Bytes of the chunks of the living arenas.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// Living arenas.
    pub const KNHK_ARENA_COUNT: Metric = Metric {
        name: "knhk.arena.count",
        instrument: Instrument::UpDownCounter,
        unit: "{arena}",
        value_type: ValueType::Int,
        brief: "Living arenas.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// Bytes that overflowing allocations hold on the heap.
    pub const KNHK_ARENA_HEAP: Metric = Metric {
        name: "knhk.arena.heap",
        instrument: Instrument::UpDownCounter,
        unit: "By",
        value_type: ValueType::Int,
        brief: "Bytes that overflowing allocations hold on the heap.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// The most bytes that one arena ever had allocated at once, heap included. What was refused is not in it.
    pub const KNHK_ARENA_HIGH_WATER: Metric = Metric {
        name: "knhk.arena.high_water",
        instrument: Instrument::Gauge,
        unit: "By",
        value_type: ValueType::Int,
        brief: "The most bytes that one arena ever had allocated at once, heap included. What was refused is not in it.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// Bytes of the chunk that are allocated, padding included.
    pub const KNHK_ARENA_IN_USE: Metric = Metric {
        name: "knhk.arena.in_use",
        instrument: Instrument::UpDownCounter,
        unit: "By",
        value_type: ValueType::Int,
        brief: "Bytes of the chunk that are allocated, padding included.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// Requests that did not fit into the arena's chunk: refused, or served by the heap.
    pub const KNHK_ARENA_OVERFLOW: Metric = Metric {
        name: "knhk.arena.overflow",
        instrument: Instrument::Counter,
        unit: "{overflow}",
        value_type: ValueType::Int,
        brief: "Requests that did not fit into the arena's chunk: refused, or served by the heap.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// Times that the arena was reset, or that an outermost use of a lent one ended; the end of a scope is none.
    pub const KNHK_ARENA_RESET: Metric = Metric {
        name: "knhk.arena.reset",
        instrument: Instrument::Counter,
        unit: "{reset}",
        value_type: ValueType::Int,
        brief: "Times that the arena was reset, or that an outermost use of a lent one ended; the end of a scope is none.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// Allocated bytes as a share of the capacity, from 0 to 1.
    pub const KNHK_ARENA_UTILIZATION: Metric = Metric {
        name: "knhk.arena.utilization",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Allocated bytes as a share of the capacity, from 0 to 1.",
        attributes: &[attribute::KNHK_ARENA_NAME],
    };
    /// Acquires, by where the buffer came from.
    pub const KNHK_BUFFER_POOL_ACQUIRE: Metric = Metric {
        name: "knhk.buffer_pool.acquire",
        instrument: Instrument::Counter,
        unit: "{acquire}",
        value_type: ValueType::Int,
        brief: "Acquires, by where the buffer came from.",
        attributes: &[
            attribute::KNHK_BUFFER_POOL_NAME,
            attribute::KNHK_BUFFER_POOL_OUTCOME,
        ],
    };
    /// Buffers that the living threads' parts of the pool can hold.
    pub const KNHK_BUFFER_POOL_CAPACITY: Metric = Metric {
        name: "knhk.buffer_pool.capacity",
        instrument: Instrument::UpDownCounter,
        unit: "{buffer}",
        value_type: ValueType::Int,
        brief: "Buffers that the living threads' parts of the pool can hold.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Buffers that outgrew the pool's buffer size and moved to the heap.
    pub const KNHK_BUFFER_POOL_GROW: Metric = Metric {
        name: "knhk.buffer_pool.grow",
        instrument: Instrument::Counter,
        unit: "{buffer}",
        value_type: ValueType::Int,
        brief: "Buffers that outgrew the pool's buffer size and moved to the heap.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// The most buffers that one thread ever had out at once.
    pub const KNHK_BUFFER_POOL_HIGH_WATER: Metric = Metric {
        name: "knhk.buffer_pool.high_water",
        instrument: Instrument::Gauge,
        unit: "{buffer}",
        value_type: ValueType::Int,
        brief: "The most buffers that one thread ever had out at once.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Share of the last interval's acquires that the pool served, from 0 to 1.
    pub const KNHK_BUFFER_POOL_HIT_RATE: Metric = Metric {
        name: "knhk.buffer_pool.hit_rate",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Share of the last interval's acquires that the pool served, from 0 to 1.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Buffers that are ready to be handed out.
    pub const KNHK_BUFFER_POOL_IDLE: Metric = Metric {
        name: "knhk.buffer_pool.idle",
        instrument: Instrument::UpDownCounter,
        unit: "{buffer}",
        value_type: ValueType::Int,
        brief: "Buffers that are ready to be handed out.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Buffers that are handed out.
    pub const KNHK_BUFFER_POOL_IN_USE: Metric = Metric {
        name: "knhk.buffer_pool.in_use",
        instrument: Instrument::UpDownCounter,
        unit: "{buffer}",
        value_type: ValueType::Int,
        brief: "Buffers that are handed out.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Share of all acquires that the pool served, from 0 to 1.
    pub const KNHK_BUFFER_POOL_LIFETIME_HIT_RATE: Metric = Metric {
        name: "knhk.buffer_pool.lifetime_hit_rate",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Share of all acquires that the pool served, from 0 to 1.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Releases, by where the buffer went.
    pub const KNHK_BUFFER_POOL_RELEASE: Metric = Metric {
        name: "knhk.buffer_pool.release",
        instrument: Instrument::Counter,
        unit: "{release}",
        value_type: ValueType::Int,
        brief: "Releases, by where the buffer went.",
        attributes: &[
            attribute::KNHK_BUFFER_POOL_DESTINATION,
            attribute::KNHK_BUFFER_POOL_NAME,
        ],
    };
    /// Bytes of memory that the pool holds.
    pub const KNHK_BUFFER_POOL_RETAINED: Metric = Metric {
        name: "knhk.buffer_pool.retained",
        instrument: Instrument::UpDownCounter,
        unit: "By",
        value_type: ValueType::Int,
        brief: "Bytes of memory that the pool holds.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Acquires of the living thread with the most.
    pub const KNHK_BUFFER_POOL_THREAD_ACQUIRE_MAX: Metric = Metric {
        name: "knhk.buffer_pool.thread.acquire.max",
        instrument: Instrument::Gauge,
        unit: "{acquire}",
        value_type: ValueType::Int,
        brief: "Acquires of the living thread with the most.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Acquires of the living thread with the fewest.
    pub const KNHK_BUFFER_POOL_THREAD_ACQUIRE_MIN: Metric = Metric {
        name: "knhk.buffer_pool.thread.acquire.min",
        instrument: Instrument::Gauge,
        unit: "{acquire}",
        value_type: ValueType::Int,
        brief: "Acquires of the living thread with the fewest.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Living threads with a part of the pool.
    pub const KNHK_BUFFER_POOL_THREAD_COUNT: Metric = Metric {
        name: "knhk.buffer_pool.thread.count",
        instrument: Instrument::UpDownCounter,
        unit: "{thread}",
        value_type: ValueType::Int,
        brief: "Living threads with a part of the pool.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Hit rate of the living thread with the highest, from 0 to 1.
    pub const KNHK_BUFFER_POOL_THREAD_HIT_RATE_MAX: Metric = Metric {
        name: "knhk.buffer_pool.thread.hit_rate.max",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Hit rate of the living thread with the highest, from 0 to 1.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Hit rate of the living thread with the lowest, from 0 to 1.
    pub const KNHK_BUFFER_POOL_THREAD_HIT_RATE_MIN: Metric = Metric {
        name: "knhk.buffer_pool.thread.hit_rate.min",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Hit rate of the living thread with the lowest, from 0 to 1.",
        attributes: &[attribute::KNHK_BUFFER_POOL_NAME],
    };
    /// Calls of the allocator inside sections that must not allocate.
    pub const KNHK_HOT_PATH_ALLOCATION: Metric = Metric {
        name: "knhk.hot_path.allocation",
        instrument: Instrument::Counter,
        unit: "{call}",
        value_type: ValueType::Int,
        brief: "Calls of the allocator inside sections that must not allocate.",
        attributes: &[attribute::KNHK_HOT_PATH_SECTION],
    };
    /// Acquires, by where the object came from.
    pub const KNHK_OBJECT_POOL_ACQUIRE: Metric = Metric {
        name: "knhk.object_pool.acquire",
        instrument: Instrument::Counter,
        unit: "{acquire}",
        value_type: ValueType::Int,
        brief: "Acquires, by where the object came from.",
        attributes: &[
            attribute::KNHK_OBJECT_POOL_NAME,
            attribute::KNHK_OBJECT_POOL_OUTCOME,
        ],
    };
    /// Objects that the living threads' parts of the pool can hold.
    pub const KNHK_OBJECT_POOL_CAPACITY: Metric = Metric {
        name: "knhk.object_pool.capacity",
        instrument: Instrument::UpDownCounter,
        unit: "{object}",
        value_type: ValueType::Int,
        brief: "Objects that the living threads' parts of the pool can hold.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// The most objects that one thread ever had out at once.
    pub const KNHK_OBJECT_POOL_HIGH_WATER: Metric = Metric {
        name: "knhk.object_pool.high_water",
        instrument: Instrument::Gauge,
        unit: "{object}",
        value_type: ValueType::Int,
        brief: "The most objects that one thread ever had out at once.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Share of the last interval's acquires that the pool served, from 0 to 1.
    pub const KNHK_OBJECT_POOL_HIT_RATE: Metric = Metric {
        name: "knhk.object_pool.hit_rate",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Share of the last interval's acquires that the pool served, from 0 to 1.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Objects of the living threads' parts that are ready to be handed out.
    pub const KNHK_OBJECT_POOL_IDLE: Metric = Metric {
        name: "knhk.object_pool.idle",
        instrument: Instrument::UpDownCounter,
        unit: "{object}",
        value_type: ValueType::Int,
        brief: "Objects of the living threads' parts that are ready to be handed out.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Objects that are handed out.
    pub const KNHK_OBJECT_POOL_IN_USE: Metric = Metric {
        name: "knhk.object_pool.in_use",
        instrument: Instrument::UpDownCounter,
        unit: "{object}",
        value_type: ValueType::Int,
        brief: "Objects that are handed out.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Share of all acquires that the pool served, from 0 to 1.
    pub const KNHK_OBJECT_POOL_LIFETIME_HIT_RATE: Metric = Metric {
        name: "knhk.object_pool.lifetime_hit_rate",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Share of all acquires that the pool served, from 0 to 1.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Releases, by where the object went.
    pub const KNHK_OBJECT_POOL_RELEASE: Metric = Metric {
        name: "knhk.object_pool.release",
        instrument: Instrument::Counter,
        unit: "{release}",
        value_type: ValueType::Int,
        brief: "Releases, by where the object went.",
        attributes: &[
            attribute::KNHK_OBJECT_POOL_DESTINATION,
            attribute::KNHK_OBJECT_POOL_NAME,
        ],
    };
    /// Bytes of memory that the pool holds.
    pub const KNHK_OBJECT_POOL_RETAINED: Metric = Metric {
        name: "knhk.object_pool.retained",
        instrument: Instrument::UpDownCounter,
        unit: "By",
        value_type: ValueType::Int,
        brief: "Bytes of memory that the pool holds.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Acquires of the living thread with the most.
    pub const KNHK_OBJECT_POOL_THREAD_ACQUIRE_MAX: Metric = Metric {
        name: "knhk.object_pool.thread.acquire.max",
        instrument: Instrument::Gauge,
        unit: "{acquire}",
        value_type: ValueType::Int,
        brief: "Acquires of the living thread with the most.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Acquires of the living thread with the fewest.
    pub const KNHK_OBJECT_POOL_THREAD_ACQUIRE_MIN: Metric = Metric {
        name: "knhk.object_pool.thread.acquire.min",
        instrument: Instrument::Gauge,
        unit: "{acquire}",
        value_type: ValueType::Int,
        brief: "Acquires of the living thread with the fewest.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Living threads with a part of the pool.
    pub const KNHK_OBJECT_POOL_THREAD_COUNT: Metric = Metric {
        name: "knhk.object_pool.thread.count",
        instrument: Instrument::UpDownCounter,
        unit: "{thread}",
        value_type: ValueType::Int,
        brief: "Living threads with a part of the pool.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Hit rate of the living thread with the highest, from 0 to 1.
    pub const KNHK_OBJECT_POOL_THREAD_HIT_RATE_MAX: Metric = Metric {
        name: "knhk.object_pool.thread.hit_rate.max",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Hit rate of the living thread with the highest, from 0 to 1.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Hit rate of the living thread with the lowest, from 0 to 1.
    pub const KNHK_OBJECT_POOL_THREAD_HIT_RATE_MIN: Metric = Metric {
        name: "knhk.object_pool.thread.hit_rate.min",
        instrument: Instrument::Gauge,
        unit: "1",
        value_type: ValueType::Double,
        brief: "Hit rate of the living thread with the lowest, from 0 to 1.",
        attributes: &[attribute::KNHK_OBJECT_POOL_NAME],
    };
    /// Input lines that are not N-Triples.
    pub const KNHK_PIPELINE_BAD_LINES: Metric = Metric {
        name: "knhk.pipeline.bad_lines",
        instrument: Instrument::Counter,
        unit: "{line}",
        value_type: ValueType::Int,
        brief: "Input lines that are not N-Triples.",
        attributes: &[],
    };
    /// Hooks that were asked of a run of triples.
    pub const KNHK_PIPELINE_EVALUATIONS: Metric = Metric {
        name: "knhk.pipeline.evaluations",
        instrument: Instrument::Counter,
        unit: "{evaluation}",
        value_type: ValueType::Int,
        brief: "Hooks that were asked of a run of triples.",
        attributes: &[attribute::KNHK_PIPELINE_MEMORY],
    };
    /// Time that a stage took: Ingest and Transform for a run, the others for a batch of up to 16 `SoaTriples`.
    pub const KNHK_PIPELINE_STAGE_DURATION: Metric = Metric {
        name: "knhk.pipeline.stage.duration",
        instrument: Instrument::Histogram,
        unit: "s",
        value_type: ValueType::Double,
        brief: "Time that a stage took: Ingest and Transform for a run, the others for a batch of up to 16 `SoaTriples`.",
        attributes: &[
            attribute::KNHK_PIPELINE_MEMORY,
            attribute::KNHK_PIPELINE_STAGE,
        ],
    };
    /// Triples that went through Load, Reflex and Emit.
    pub const KNHK_PIPELINE_TRIPLES: Metric = Metric {
        name: "knhk.pipeline.triples",
        instrument: Instrument::Counter,
        unit: "{triple}",
        value_type: ValueType::Int,
        brief: "Triples that went through Load, Reflex and Emit.",
        attributes: &[attribute::KNHK_PIPELINE_MEMORY],
    };
    /// Connections that are open.
    pub const KNHK_SERVICE_CONNECTIONS: Metric = Metric {
        name: "knhk.service.connections",
        instrument: Instrument::Gauge,
        unit: "{connection}",
        value_type: ValueType::Int,
        brief: "Connections that are open.",
        attributes: &[],
    };
    /// Bytes that were written to the journal.
    pub const KNHK_SERVICE_JOURNAL_WRITTEN: Metric = Metric {
        name: "knhk.service.journal.written",
        instrument: Instrument::Counter,
        unit: "By",
        value_type: ValueType::Int,
        brief: "Bytes that were written to the journal.",
        attributes: &[],
    };
    /// Accepted requests that may wait for a worker.
    pub const KNHK_SERVICE_QUEUE_CAPACITY: Metric = Metric {
        name: "knhk.service.queue.capacity",
        instrument: Instrument::Gauge,
        unit: "{request}",
        value_type: ValueType::Int,
        brief: "Accepted requests that may wait for a worker.",
        attributes: &[],
    };
    /// Accepted requests that wait for a worker.
    pub const KNHK_SERVICE_QUEUE_LENGTH: Metric = Metric {
        name: "knhk.service.queue.length",
        instrument: Instrument::Gauge,
        unit: "{request}",
        value_type: ValueType::Int,
        brief: "Accepted requests that wait for a worker.",
        attributes: &[],
    };
    /// Whether the service takes triples, 1 or 0, as its `/readyz` answers.
    pub const KNHK_SERVICE_READY: Metric = Metric {
        name: "knhk.service.ready",
        instrument: Instrument::Gauge,
        unit: "{service}",
        value_type: ValueType::Int,
        brief: "Whether the service takes triples, 1 or 0, as its `/readyz` answers.",
        attributes: &[],
    };
    /// Batches that slow readers of the receipts were not told of.
    pub const KNHK_SERVICE_RECEIPTS_MISSED: Metric = Metric {
        name: "knhk.service.receipts.missed",
        instrument: Instrument::Counter,
        unit: "{batch}",
        value_type: ValueType::Int,
        brief: "Batches that slow readers of the receipts were not told of.",
        attributes: &[],
    };
    /// Requests that were turned away for what the service could not do, by reason.
    pub const KNHK_SERVICE_REJECTED: Metric = Metric {
        name: "knhk.service.rejected",
        instrument: Instrument::Counter,
        unit: "{request}",
        value_type: ValueType::Int,
        brief: "Requests that were turned away for what the service could not do, by reason.",
        attributes: &[attribute::KNHK_SERVICE_REASON],
    };
    /// Attempts to read the configuration again, by outcome.
    pub const KNHK_SERVICE_RELOAD: Metric = Metric {
        name: "knhk.service.reload",
        instrument: Instrument::Counter,
        unit: "{reload}",
        value_type: ValueType::Int,
        brief: "Attempts to read the configuration again, by outcome.",
        attributes: &[attribute::KNHK_SERVICE_RELOAD_OUTCOME],
    };
    /// Time from the moment at which a request with triples was whole to the moment at which a worker was done with it.
    pub const KNHK_SERVICE_REQUEST_DURATION: Metric = Metric {
        name: "knhk.service.request.duration",
        instrument: Instrument::Histogram,
        unit: "s",
        value_type: ValueType::Double,
        brief: "Time from the moment at which a request with triples was whole to the moment at which a worker was done with it.",
        attributes: &[],
    };
    /// HTTP requests that were answered, by the class of the status.
    pub const KNHK_SERVICE_REQUESTS: Metric = Metric {
        name: "knhk.service.requests",
        instrument: Instrument::Counter,
        unit: "{request}",
        value_type: ValueType::Int,
        brief: "HTTP requests that were answered, by the class of the status.",
        attributes: &[attribute::KNHK_SERVICE_STATUS_CLASS],
    };
    /// When the process started, in seconds since 1970-01-01T00:00:00Z.
    pub const KNHK_SERVICE_START_TIME: Metric = Metric {
        name: "knhk.service.start_time",
        instrument: Instrument::Gauge,
        unit: "s",
        value_type: ValueType::Double,
        brief: "When the process started, in seconds since 1970-01-01T00:00:00Z.",
        attributes: &[],
    };
    /// Exports to the collector, by signal and by how they ended.
    pub const KNHK_TELEMETRY_EXPORT: Metric = Metric {
        name: "knhk.telemetry.export",
        instrument: Instrument::Counter,
        unit: "{export}",
        value_type: ValueType::Int,
        brief: "Exports to the collector, by signal and by how they ended.",
        attributes: &[
            attribute::KNHK_TELEMETRY_OUTCOME,
            attribute::KNHK_TELEMETRY_SIGNAL,
        ],
    };

    /// Every metric of the registry, in the order of their names.
    pub const ALL: &[Metric] = &[
        KNHK_ARENA_ALLOCATE,
        KNHK_ARENA_CAPACITY,
        KNHK_ARENA_COUNT,
        KNHK_ARENA_HEAP,
        KNHK_ARENA_HIGH_WATER,
        KNHK_ARENA_IN_USE,
        KNHK_ARENA_OVERFLOW,
        KNHK_ARENA_RESET,
        KNHK_ARENA_UTILIZATION,
        KNHK_BUFFER_POOL_ACQUIRE,
        KNHK_BUFFER_POOL_CAPACITY,
        KNHK_BUFFER_POOL_GROW,
        KNHK_BUFFER_POOL_HIGH_WATER,
        KNHK_BUFFER_POOL_HIT_RATE,
        KNHK_BUFFER_POOL_IDLE,
        KNHK_BUFFER_POOL_IN_USE,
        KNHK_BUFFER_POOL_LIFETIME_HIT_RATE,
        KNHK_BUFFER_POOL_RELEASE,
        KNHK_BUFFER_POOL_RETAINED,
        KNHK_BUFFER_POOL_THREAD_ACQUIRE_MAX,
        KNHK_BUFFER_POOL_THREAD_ACQUIRE_MIN,
        KNHK_BUFFER_POOL_THREAD_COUNT,
        KNHK_BUFFER_POOL_THREAD_HIT_RATE_MAX,
        KNHK_BUFFER_POOL_THREAD_HIT_RATE_MIN,
        KNHK_HOT_PATH_ALLOCATION,
        KNHK_OBJECT_POOL_ACQUIRE,
        KNHK_OBJECT_POOL_CAPACITY,
        KNHK_OBJECT_POOL_HIGH_WATER,
        KNHK_OBJECT_POOL_HIT_RATE,
        KNHK_OBJECT_POOL_IDLE,
        KNHK_OBJECT_POOL_IN_USE,
        KNHK_OBJECT_POOL_LIFETIME_HIT_RATE,
        KNHK_OBJECT_POOL_RELEASE,
        KNHK_OBJECT_POOL_RETAINED,
        KNHK_OBJECT_POOL_THREAD_ACQUIRE_MAX,
        KNHK_OBJECT_POOL_THREAD_ACQUIRE_MIN,
        KNHK_OBJECT_POOL_THREAD_COUNT,
        KNHK_OBJECT_POOL_THREAD_HIT_RATE_MAX,
        KNHK_OBJECT_POOL_THREAD_HIT_RATE_MIN,
        KNHK_PIPELINE_BAD_LINES,
        KNHK_PIPELINE_EVALUATIONS,
        KNHK_PIPELINE_STAGE_DURATION,
        KNHK_PIPELINE_TRIPLES,
        KNHK_SERVICE_CONNECTIONS,
        KNHK_SERVICE_JOURNAL_WRITTEN,
        KNHK_SERVICE_QUEUE_CAPACITY,
        KNHK_SERVICE_QUEUE_LENGTH,
        KNHK_SERVICE_READY,
        KNHK_SERVICE_RECEIPTS_MISSED,
        KNHK_SERVICE_REJECTED,
        KNHK_SERVICE_RELOAD,
        KNHK_SERVICE_REQUEST_DURATION,
        KNHK_SERVICE_REQUESTS,
        KNHK_SERVICE_START_TIME,
        KNHK_TELEMETRY_EXPORT,
    ];
}

/// Names of events.
pub mod event {
    /// The threads' arenas are configured wrongly, and run on defaults.
    pub const KNHK_ARENA_BAD_CONFIG: &str = "knhk.arena.bad_config";
    /// A pool's configuration is wrong, and the pool runs on the default profile.
    pub const KNHK_BUFFER_POOL_BAD_CONFIG: &str = "knhk.buffer_pool.bad_config";
    /// The hit rate of a buffer pool rose above its clear threshold, after a warning.
    pub const KNHK_BUFFER_POOL_HIT_RATE_RECOVERED: &str = "knhk.buffer_pool.hit_rate_recovered";
    /// The hit rate of a buffer pool fell below its threshold.
    pub const KNHK_BUFFER_POOL_LOW_HIT_RATE: &str = "knhk.buffer_pool.low_hit_rate";
    /// A section that must not allocate called the allocator.
    pub const KNHK_HOT_PATH_VIOLATION: &str = "knhk.hot_path.violation";
    /// The hit rate of an object pool rose above its clear threshold, after a warning.
    pub const KNHK_OBJECT_POOL_HIT_RATE_RECOVERED: &str = "knhk.object_pool.hit_rate_recovered";
    /// The hit rate of an object pool fell below its threshold.
    pub const KNHK_OBJECT_POOL_LOW_HIT_RATE: &str = "knhk.object_pool.low_hit_rate";
}

/// Names of spans.
pub mod span {
    /// Preparation of the calling thread's part of a pool: its slab is allocated and touched.
    pub const KNHK_BUFFER_POOL_PREPARE: &str = "knhk.buffer_pool.prepare";
    /// One batch of up to 16 `SoaTriples`.
    pub const KNHK_PIPELINE_BATCH: &str = "knhk.pipeline.batch";
    /// Emit of one batch.
    pub const KNHK_PIPELINE_EMIT: &str = "knhk.pipeline.emit";
    /// Reading of all inputs.
    pub const KNHK_PIPELINE_INGEST: &str = "knhk.pipeline.ingest";
    /// Load of one batch.
    pub const KNHK_PIPELINE_LOAD: &str = "knhk.pipeline.load";
    /// One pass of Load, Reflex and Emit over all deltas.
    pub const KNHK_PIPELINE_PASS: &str = "knhk.pipeline.pass";
    /// Reflex of one batch.
    pub const KNHK_PIPELINE_REFLEX: &str = "knhk.pipeline.reflex";
    /// A run of the pipeline, from its inputs to its summary.
    pub const KNHK_PIPELINE_RUN: &str = "knhk.pipeline.run";
    /// Cutting of the triples into deltas.
    pub const KNHK_PIPELINE_TRANSFORM: &str = "knhk.pipeline.transform";
}
