//! Ten million random operations against a plain model: two buffers never share a byte, nothing
//! written is lost, and the books are right.

mod armed;

use std::collections::BTreeMap;

use knhk_pool::{Buffer, BufferPool, LocalPool, PoolConfig, PoolStats, Workload};

const OPERATIONS: u64 = if cfg!(miri) { 800 } else { 10_000_000 };
const PHASE: u64 = if cfg!(miri) { 50 } else { 4_000 };
const CAPACITY: usize = 12;
const MOST_HELD: usize = 3 * CAPACITY;
const BUFFER_SIZE: usize = 192;

/// SplitMix64 (Steele, Lea, Flood 2014): the same sequence in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// A live buffer, and what it must hold: `len` bytes of `mark`.
struct Held<'pool> {
    buffer: Buffer<'pool>,
    mark: u8,
}

/// What the pool must have done.
#[derive(Default)]
struct Model<'pool> {
    held: Vec<Held<'pool>>,
    /// Start and end, padding included, of every live buffer.
    live: BTreeMap<usize, usize>,
    acquires: u64,
    given_back: u64,
    detached: u64,
    exhausted: u64,
    grown: u64,
    high_water: usize,
}

fn span(buffer: &Buffer<'_>) -> (usize, usize) {
    let start = buffer.as_ptr().addr();
    (start, start + buffer.capacity() + 64)
}

impl<'pool> Model<'pool> {
    fn claim(&mut self, buffer: &Buffer<'pool>) {
        let (start, end) = span(buffer);
        let before = self.live.range(..end).next_back();
        assert!(
            before.is_none_or(|(_, taken)| *taken <= start),
            "two owners of {start:#x}"
        );
        self.live.insert(start, end);
    }

    fn give_up(&mut self, buffer: &Buffer<'pool>) {
        let (start, end) = span(buffer);
        assert_eq!(self.live.remove(&start), Some(end));
    }

    fn add(&mut self, buffer: Buffer<'pool>, mark: u8) {
        assert!(buffer.is_empty() && buffer.capacity() == BUFFER_SIZE);
        self.claim(&buffer);
        self.acquires += 1;
        self.held.push(Held { buffer, mark });
        self.high_water = self.high_water.max(self.held.len());
    }

    fn write(&mut self, at: usize, len: usize) {
        let Held { mut buffer, mark } = self.held.swap_remove(at);
        self.give_up(&buffer);
        let was_pooled = buffer.capacity() == BUFFER_SIZE;
        buffer.resize(len, mark);
        self.grown += u64::from(was_pooled && buffer.capacity() != BUFFER_SIZE);
        self.claim(&buffer);
        self.held.push(Held { buffer, mark });
    }

    fn take(&mut self, at: usize) -> Buffer<'pool> {
        let Held { buffer, mark } = self.held.swap_remove(at);
        assert!(
            buffer.iter().all(|byte| *byte == mark),
            "somebody else wrote here"
        );
        self.give_up(&buffer);
        buffer
    }

    fn check(&self, stats: &PoolStats) {
        let answered = (stats.hits + stats.misses, stats.exhausted);
        assert_eq!(answered, (self.acquires, self.exhausted));
        assert_eq!(stats.released + stats.freed, self.given_back);
        assert_eq!((stats.detached, stats.grown), (self.detached, self.grown));
        assert_eq!(
            (stats.in_use, stats.high_water),
            (self.held.len(), self.high_water)
        );
        assert!(stats.idle <= CAPACITY, "{} idle", stats.idle);
    }
}

/// Runs the operations on a pool seen through four functions.
fn run<'pool>(
    seed: u64,
    acquire: impl Fn() -> Buffer<'pool>,
    try_acquire: impl Fn() -> Option<Buffer<'pool>>,
    trim: impl Fn() -> usize,
    stats: impl Fn() -> PoolStats,
) {
    let mut random = Random(seed);
    let mut model = Model::default();
    for operation in 0..OPERATIONS / 2 {
        // Phases of filling and of emptying, so that both ends are reached.
        let filling = (operation / PHASE).is_multiple_of(2);
        let some = (!model.held.is_empty()).then(|| random.below(model.held.len().max(1)));
        match (random.below(100), some) {
            (0..45, _) if (filling || model.held.len() < 3) && model.held.len() < MOST_HELD => {
                model.add(acquire(), random.next() as u8);
            }
            (0..6, _) => match try_acquire() {
                Some(buffer) => model.add(buffer, random.next() as u8),
                None => model.exhausted += 1,
            },
            (6..80, Some(at)) if random.below(4) > 0 => {
                drop(model.take(at));
                model.given_back += 1;
            }
            (80..97, Some(at)) => model.write(at, random.below(BUFFER_SIZE + 1)),
            (97, Some(at)) => model.write(at, BUFFER_SIZE + 1 + random.below(500)),
            (98, Some(at)) => {
                let buffer = model.take(at);
                let bytes = buffer.to_vec();
                assert_eq!(buffer.into_vec(), bytes);
                model.detached += 1;
            }
            (99, _) if random.below(50) == 0 => {
                trim();
            }
            _ => {}
        }
        if operation % 64 == 0 {
            model.check(&stats());
        }
    }
    while !model.held.is_empty() {
        drop(model.take(0));
        model.given_back += 1;
    }
    model.check(&stats());
    if cfg!(miri) {
        // Too few operations to be sure of each kind.
        return;
    }
    let end = stats();
    assert!(
        end.hits > 0 && end.misses > 0 && end.exhausted > 0 && end.grown > 0,
        "{end:?}"
    );
}

#[test]
fn local_pool_agrees_with_the_model() {
    let config = PoolConfig::from(Workload::Low);
    let config = config
        .with_pool_size(CAPACITY)
        .with_buffer_size(BUFFER_SIZE);
    let pool = LocalPool::new(config).expect("sizes are in range");
    run(
        1,
        || pool.acquire(),
        || pool.try_acquire().ok(),
        || pool.trim(),
        || pool.stats(),
    );
}

#[test]
fn buffer_pool_agrees_with_the_model() {
    let pool = BufferPool::builder("model")
        .pool_size(CAPACITY)
        .buffer_size(BUFFER_SIZE);
    let pool = pool
        .zero_on_release(true)
        .build()
        .expect("sizes are in range");
    run(
        2,
        || pool.acquire(),
        || pool.try_acquire().ok(),
        || pool.trim_current_thread(),
        || pool.stats(),
    );
}
