//! Our shape on the body of each [seed](seed.rs): `ours b06` does the work of b06 with the library,
//! `ours` does all of it. The judge that finds the seed has to be silent here.

use std::cell::RefCell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use knhk_pool::{
    Arena, Buffer, BufferPool, EventRingBuffer, HeapObjectPool, LocalPool, PoolConfig,
};
use knhk_pool::{Reset, Workload, scratch};

const ALL: [(&str, fn()); 14] = [
    ("b01", scratch_used_again_after_its_end),
    ("b02", two_live_slices),
    ("b03", bytes_leave_the_thread_as_a_vec),
    ("b04", every_byte_that_is_read_was_written),
    ("b06", buffers_end_before_their_pool),
    ("b07", blocks_and_slots_become_vecs),
    ("b08", vector_read_into_the_padding),
    ("b09", counts_of_two_threads),
    ("b10", ring_drops_what_it_holds),
    ("b12", words_behind_an_odd_byte),
    ("b13", make_that_panics),
    ("b14", bytes_dropped_on_another_thread),
    ("S7", objects_that_use_their_pool_as_they_end),
    ("S8", buffers_that_outlive_their_threads_part),
];

fn main() {
    let wanted = std::env::args().nth(1);
    let mut ran = 0;
    for (name, run) in ALL {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            run();
            ran += 1;
        }
    }
    assert!(ran > 0, "there is no {wanted:?}");
    println!("went on");
}

fn local_pool(buffers: usize, bytes: usize) -> LocalPool {
    let config = PoolConfig::from(Workload::Low).with_pool_size(buffers);
    LocalPool::new(config.with_buffer_size(bytes)).expect("sizes are in range")
}

fn scratch_used_again_after_its_end() {
    scratch::with(|scope| scope.alloc_slice::<u8>(8)[0] = 2);
    let read = scratch::with(|scope| {
        let b = scope.alloc_slice::<u8>(8);
        b[0] = 1;
        black_box(b[0])
    });
    assert_eq!(read, 1);
}

fn two_live_slices() {
    scratch::with(|scope| {
        let a = scope.alloc_slice::<u8>(8);
        let b = scope.alloc_slice::<u8>(8);
        a[0] = 1;
        b[0] = 2;
        assert_eq!((black_box(a[0]), b[0]), (1, 2));
    });
}

fn bytes_leave_the_thread_as_a_vec() {
    let thread =
        thread::spawn(|| scratch::with(|scope| scope.alloc_slice_copy(&[7_u8; 8]).to_vec()));
    assert_eq!(thread.join().expect("it ends"), [7; 8]);
}

fn every_byte_that_is_read_was_written() {
    let pool = local_pool(1, 4096);
    let mut buffer = pool.acquire();
    buffer.resize(78, 0);
    assert_eq!(black_box(&buffer)[77], 0);
    assert!(buffer.padded()[78..].iter().all(|byte| *byte == 0));
}

fn buffers_end_before_their_pool() {
    let pool = local_pool(1, 64);
    let [slot, block] = [pool.acquire(), pool.acquire()];
    drop((slot, block));
    assert_eq!(pool.stats().in_use, 0);
}

fn blocks_and_slots_become_vecs() {
    let pool = local_pool(1, 4096);
    let vecs = [pool.acquire(), pool.acquire()].map(|mut buffer| {
        buffer.resize(4096, 3);
        buffer.into_vec()
    });
    assert!(vecs.iter().all(|vec| *vec == [3; 4096]));
}

fn vector_read_into_the_padding() {
    let pool = local_pool(1, 100);
    // The slot, and a block.
    for mut buffer in [pool.acquire(), pool.acquire()] {
        buffer.resize(100, 1);
        let bytes = black_box(buffer.padded());
        // SAFETY: 64 bytes follow the hundred.
        let word = unsafe { bytes.as_ptr().add(96).cast::<u64>().read_unaligned() };
        assert_eq!(word.to_le(), 0x0101_0101);
    }
}

fn counts_of_two_threads() {
    static POOL: BufferPool = BufferPool::new("gates-count");
    let count = || (0..100).for_each(|_| drop(POOL.acquire()));
    let other = thread::spawn(count);
    count();
    other.join().expect("it ends");
    let stats = POOL.stats();
    assert_eq!((stats.hits + stats.misses, stats.in_use), (200, 0));
}

fn ring_drops_what_it_holds() {
    let mut ring = EventRingBuffer::<Box<[u8; 100]>, 4>::new();
    ring.push(Box::new([1; 100])).expect("it is empty");
    black_box(&mut ring);
}

fn words_behind_an_odd_byte() {
    let arena = Arena::with_capacity(100);
    arena.alloc(1_u8);
    let words = arena.alloc_slice::<u64>(2);
    assert_eq!((black_box(words[0]), words.as_ptr().addr() % 8), (0, 0));
}

#[derive(Debug)]
struct Boxed(#[expect(dead_code, reason = "here to be dropped")] Box<u64>);

impl Reset for Boxed {
    fn reset(&mut self) {}
}

fn make_that_panics() {
    let mut made = 0;
    let pool = catch_unwind(AssertUnwindSafe(|| {
        HeapObjectPool::new(2, || {
            made += 1;
            assert!(made < 2, "make");
            Boxed(Box::new(1))
        })
    }));
    assert!(pool.is_err());
}

fn bytes_dropped_on_another_thread() {
    let pool = local_pool(2, 64);
    let bytes = pool.acquire().into_vec();
    let other = thread::spawn(move || drop(black_box(bytes)));
    (0..50).for_each(|_| drop(pool.acquire()));
    other.join().expect("it ends");
    assert_eq!(pool.stats().detached, 1);
}

/// Uses its pool whenever the pool calls it.
#[derive(Default)]
struct Meddler(Option<std::rc::Rc<HeapObjectPool<Meddler>>>);

impl Meddler {
    fn meddle(&self) {
        if let Some(pool) = &self.0 {
            drop(pool.get());
            drop(pool.acquire().map(|object| pool.release(object)));
        }
    }
}

impl Reset for Meddler {
    fn reset(&mut self) {
        self.meddle();
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.meddle();
    }
}

fn objects_that_use_their_pool_as_they_end() {
    let pool = std::rc::Rc::new(HeapObjectPool::<Meddler>::with_default(1));
    let [first, second] = [1, 2].map(|_| Meddler(Some(std::rc::Rc::clone(&pool))));
    let kept = pool.acquire().expect("one is idle");
    assert!(pool.release(first).is_ok());
    // There is no room: the second comes back, and is dropped here.
    drop(pool.release(second));
    drop(pool.acquire());
    drop(kept);
    assert_eq!(pool.available(), 0);

    let buffers = local_pool(1, 64);
    let two = [buffers.acquire(), buffers.acquire()];
    drop(two);
    assert_eq!(buffers.stats().in_use, 0);
}

thread_local! {
    static HELD: RefCell<Vec<Buffer<'static>>> = const { RefCell::new(Vec::new()) };
}

static LATE: BufferPool = BufferPool::new("gates-late");

fn buffers_that_outlive_their_threads_part() {
    fn hold() {
        HELD.with_borrow_mut(|held| held.push(LATE.acquire()));
    }
    let orders: [fn(); 2] = [|| HELD.with_borrow_mut(Vec::clear), || drop(LATE.acquire())];
    for touch_first in orders {
        let thread = thread::spawn(move || {
            touch_first();
            hold();
        });
        thread.join().expect("it ends");
    }
    let stats = LATE.stats();
    assert_eq!(
        (stats.hits + stats.misses, stats.in_use),
        (3, 0),
        "{stats:?}"
    );
}
