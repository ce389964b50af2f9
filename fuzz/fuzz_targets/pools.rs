//! Buffers of several pools, of different sizes and both kinds, acquired, written, grown, given back
//! and taken away in any order, against a plain model.
//!
//! Asserts that no two live buffers share a byte, padding included; that each keeps what was written
//! into it and nothing else; that every count of every pool is the model's; and that a pool which has
//! all of its buffers back holds no more memory than its slots.
//!
//! Seen to find, within 10 s, a release that puts a buffer into the list twice, and a growth that is not
//! counted.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use knhk_pool::{Buffer, BufferPool, LocalPool, PoolConfig, PoolStats, Workload};
use libfuzzer_sys::fuzz_target;

const POOLS: usize = 4;
const PADDING: usize = 64;
const HELD_MAX: usize = 64;

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Sizes {
    buffers: u8,
    bytes: u8,
    wipes: bool,
}

impl Sizes {
    fn config(self) -> PoolConfig {
        PoolConfig::from(Workload::Low)
            .with_pool_size(self.buffers())
            .with_buffer_size(self.bytes())
            .with_zero_on_release(self.wipes)
    }

    fn buffers(self) -> usize {
        usize::from(self.buffers % 9)
    }

    fn bytes(self) -> usize {
        PoolConfig::BUFFER_SIZE_MIN + usize::from(self.bytes)
    }
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Acquire { pool: u8 },
    TryAcquire { pool: u8 },
    Release { buffer: u8 },
    Resize { buffer: u8, len: u16, value: u8 },
    Extend { buffer: u8, bytes: Vec<u8> },
    Truncate { buffer: u8, len: u16 },
    Reserve { buffer: u8, more: u16 },
    Padded { buffer: u8 },
    IntoVec { buffer: u8 },
    Trim { pool: u8 },
    WarmUp { pool: u8 },
}

#[derive(Arbitrary, Debug)]
struct Case {
    pools: [Sizes; POOLS],
    operations: Vec<Operation>,
}

enum Pool {
    Local(LocalPool),
    Named(BufferPool),
}

impl Pool {
    fn new(index: usize, sizes: Sizes) -> Self {
        if index.is_multiple_of(2) {
            return Self::Local(LocalPool::new(sizes.config()).expect("sizes are in range"));
        }
        let name = ["fuzz-a", "fuzz-b"][index / 2];
        let builder = BufferPool::builder(name).pool_size(sizes.buffers());
        let builder = builder
            .buffer_size(sizes.bytes())
            .zero_on_release(sizes.wipes);
        Self::Named(builder.build().expect("sizes are in range"))
    }

    fn acquire(&self) -> Buffer<'_> {
        match self {
            Self::Local(pool) => pool.acquire(),
            Self::Named(pool) => pool.acquire(),
        }
    }

    fn try_acquire(&self) -> Option<Buffer<'_>> {
        match self {
            Self::Local(pool) => pool.try_acquire().ok(),
            Self::Named(pool) => pool.try_acquire().ok(),
        }
    }

    fn trim(&self) -> usize {
        match self {
            Self::Local(pool) => pool.trim(),
            Self::Named(pool) => pool.trim_current_thread(),
        }
    }

    fn warm_up(&self) {
        if let Self::Named(pool) = self {
            pool.warm_up();
        }
    }

    fn stats(&self) -> PoolStats {
        match self {
            Self::Local(pool) => pool.stats(),
            Self::Named(pool) => pool.stats(),
        }
    }
}

/// What a pool must have done.
#[derive(Default)]
struct Books {
    served: u64,
    given_back: u64,
    detached: u64,
    exhausted: u64,
    grown: u64,
    out: usize,
    high_water: usize,
}

struct Held<'pool> {
    pool: usize,
    buffer: Buffer<'pool>,
    bytes: Vec<u8>,
}

struct Model<'pool> {
    pools: &'pool [Pool],
    sizes: [Sizes; POOLS],
    books: [Books; POOLS],
    held: Vec<Held<'pool>>,
    /// Start and end, padding included, of every live buffer.
    live: BTreeMap<usize, usize>,
}

impl<'pool> Model<'pool> {
    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Acquire { pool } if self.held.len() < HELD_MAX => {
                let pool = usize::from(*pool) % POOLS;
                self.add(pool, self.pools[pool].acquire());
            }
            Operation::TryAcquire { pool } if self.held.len() < HELD_MAX => {
                let pool = usize::from(*pool) % POOLS;
                match self.pools[pool].try_acquire() {
                    Some(buffer) => self.add(pool, buffer),
                    None => self.books[pool].exhausted += 1,
                }
            }
            Operation::Release { buffer } => {
                if let Some(Held { pool, .. }) = self.take(*buffer) {
                    self.books[pool].given_back += 1;
                }
            }
            Operation::Resize { buffer, len, value } => self.change(*buffer, |buffer, model| {
                let len = usize::from(len % 2048);
                buffer.resize(len, *value);
                model.resize(len, *value);
            }),
            Operation::Extend { buffer, bytes } => self.change(*buffer, |buffer, model| {
                buffer.extend_from_slice(bytes);
                model.extend_from_slice(bytes);
            }),
            Operation::Truncate { buffer, len } => self.change(*buffer, |buffer, model| {
                buffer.truncate((*len).into());
                model.truncate((*len).into());
            }),
            Operation::Reserve { buffer, more } => self.change(*buffer, |buffer, _| {
                let more = usize::from(more % 2048);
                buffer.reserve(more);
                assert!(buffer.capacity() - buffer.len() >= more);
            }),
            Operation::Padded { buffer } => self.change(*buffer, |buffer, model| {
                let padded = buffer.padded();
                assert_eq!(padded[..model.len()], model[..]);
                assert_eq!(padded[model.len()..], [0; PADDING]);
            }),
            Operation::IntoVec { buffer } => {
                if let Some(Held {
                    pool,
                    buffer,
                    bytes,
                }) = self.take(*buffer)
                {
                    assert_eq!(buffer.into_vec(), bytes);
                    self.books[pool].detached += 1;
                }
            }
            Operation::Trim { pool } => {
                self.pools[usize::from(*pool) % POOLS].trim();
            }
            Operation::WarmUp { pool } => self.pools[usize::from(*pool) % POOLS].warm_up(),
            Operation::Acquire { .. } | Operation::TryAcquire { .. } => {}
        }
    }

    fn add(&mut self, pool: usize, buffer: Buffer<'pool>) {
        assert!(buffer.is_empty() && buffer.as_ptr().addr().is_multiple_of(64));
        assert_eq!(buffer.capacity(), self.sizes[pool].bytes());
        self.claim(&buffer);
        let books = &mut self.books[pool];
        books.served += 1;
        books.out += 1;
        books.high_water = books.high_water.max(books.out);
        self.held.push(Held {
            pool,
            buffer,
            bytes: Vec::new(),
        });
    }

    fn claim(&mut self, buffer: &Buffer<'_>) {
        let start = buffer.as_ptr().addr();
        let end = start + buffer.capacity() + PADDING;
        let before = self.live.range(..end).next_back();
        assert!(
            before.is_none_or(|(_, taken)| *taken <= start),
            "two owners of {start:#x}"
        );
        self.live.insert(start, end);
    }

    fn take(&mut self, nth: u8) -> Option<Held<'pool>> {
        let index = usize::from(nth).checked_rem(self.held.len())?;
        let held = self.held.swap_remove(index);
        assert_eq!(held.buffer, held.bytes);
        self.live
            .remove(&held.buffer.as_ptr().addr())
            .expect("it is live");
        self.books[held.pool].out -= 1;
        Some(held)
    }

    fn change(&mut self, nth: u8, change: impl FnOnce(&mut Buffer<'_>, &mut Vec<u8>)) {
        let Some(mut held) = self.take(nth) else {
            return;
        };
        let bytes = self.sizes[held.pool].bytes();
        let was_pooled = held.buffer.capacity() == bytes;
        change(&mut held.buffer, &mut held.bytes);
        assert_eq!(held.buffer, held.bytes);
        self.claim(&held.buffer);
        let books = &mut self.books[held.pool];
        books.out += 1;
        books.grown += u64::from(was_pooled && held.buffer.capacity() != bytes);
        self.held.push(held);
    }

    fn check(&self) {
        for (index, books) in self.books.iter().enumerate() {
            let (stats, sizes) = (self.pools[index].stats(), self.sizes[index]);
            assert_eq!(
                (stats.hits + stats.misses, stats.exhausted),
                (books.served, books.exhausted)
            );
            assert_eq!(stats.released + stats.freed, books.given_back);
            assert_eq!((stats.detached, stats.grown), (books.detached, books.grown));
            assert_eq!(
                (stats.in_use, stats.high_water),
                (books.out, books.high_water)
            );
            assert!(stats.idle <= sizes.buffers(), "{stats:?}");
            // A slot's padding and rounding, and a block's, are less than 192 bytes.
            let bytes_max = sizes.buffers() * (sizes.bytes() + 192);
            assert!(books.out > 0 || stats.bytes <= bytes_max, "{stats:?}");
        }
    }
}

fuzz_target!(|case: Case| {
    let pools: Vec<Pool> = case
        .pools
        .iter()
        .enumerate()
        .map(|(index, sizes)| Pool::new(index, *sizes))
        .collect();
    let mut model = Model {
        pools: &pools,
        sizes: case.pools,
        books: Default::default(),
        held: Vec::new(),
        live: BTreeMap::new(),
    };
    for operation in &case.operations {
        model.apply(operation);
        model.check();
    }
    while let Some(held) = model.take(0) {
        model.books[held.pool].given_back += 1;
        drop(held);
        model.check();
    }
});
