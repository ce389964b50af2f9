//! Memory at rest: faults that a pool hides as shipped, and that the mode *poison* finds (ADR-016).
//!
//! `.ci/gates` does the same under AddressSanitizer, in every mode.

// Where the fault itself is what a tool reports, or frees memory twice.
#![cfg(not(any(miri, knhk_pool = "asan", knhk_pool = "passthrough")))]
#![allow(unsafe_code, clippy::multiple_unsafe_ops_per_block)]

mod armed;

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use knhk_pool::{
    Arena, Buffer, BufferPool, EventRingBuffer, LocalPool, PoolConfig, Workload, snapshot,
};

const BYTES: usize = 100;

fn pool() -> LocalPool {
    let config = PoolConfig::from(Workload::Low).with_pool_size(1);
    LocalPool::new(config.with_buffer_size(BYTES)).expect("sizes are in range")
}

/// What the panic of `work` says; nothing, as shipped.
fn found(work: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(work)).err()?;
    Some(panic.downcast_ref::<String>().expect("a message").clone())
}

#[track_caller]
fn assert_found(wanted: &str, work: impl FnOnce()) {
    match found(work) {
        Some(said) if cfg!(knhk_pool = "poison") => {
            let (what, where_it_is) = said.split_once(", a buffer of ").expect("it says which");
            assert_eq!(what, format!("POISON: {wanted}"));
            assert!(where_it_is.contains(" bytes at 0x"), "{where_it_is}");
        }
        said => assert_eq!((said, cfg!(knhk_pool = "poison")), (None, false)),
    }
}

/// Acquires two buffers of a pool, the second of which is the heap's; does `fault` to one of them,
/// and gives it back.
#[track_caller]
fn assert_found_at_release(wanted: &str, fault: unsafe fn(*mut u8)) {
    for of_the_heap in [false, true] {
        let pool = pool();
        let (slot, block) = (pool.acquire(), pool.acquire());
        let (mut faulty, other) = if of_the_heap {
            (block, slot)
        } else {
            (slot, block)
        };
        // SAFETY: as shipped the faults stay inside the allocation; else it is what is to be found.
        unsafe { fault(faulty.as_mut_ptr()) };
        drop(other);
        assert_found(wanted, || drop(faulty));
    }
}

#[test]
fn write_into_the_padding_is_found_when_the_buffer_comes_back() {
    assert_found_at_release("overrun behind the end, at offset 103, of", |start| {
        // SAFETY: the padding is the buffer's own.
        unsafe { start.add(BYTES + 3).write(1) };
    });
}

#[test]
fn write_behind_the_padding_is_found_when_the_buffer_comes_back() {
    // As shipped a slot of 100 bytes is 192 long; a block ends with its 164th byte.
    if cfg!(knhk_pool = "poison") {
        assert_found_at_release("overrun behind the end, at offset 169, of", |start| {
            // SAFETY: a cookie behind the padding.
            unsafe { start.add(BYTES + 64 + 5).write(1) };
        });
    }
}

#[test]
fn write_in_front_is_found_when_the_buffer_comes_back() {
    if cfg!(knhk_pool = "poison") {
        assert_found_at_release("overrun in front of", |start| {
            // SAFETY: the last cookie in front.
            unsafe { start.sub(1).write(1) };
        });
    }
}

#[test]
fn write_after_a_buffer_was_returned_is_found_when_it_is_handed_out_again() {
    let pool = pool();
    let mut buffer = pool.acquire();
    let start = buffer.as_mut_ptr();
    drop(buffer);
    // SAFETY: the slab is still there; it is the fault that a pool hides.
    unsafe { start.add(77).write(1) };
    assert_found("written to at offset 77 after it was returned:", || {
        drop(pool.acquire());
    });
}

/// One that records takes what is idle by the cold path, always.
static READ_BY_THE_HOOK: LazyLock<BufferPool> = LazyLock::new(|| {
    let pool = BufferPool::builder("rest-hook").pool_size(1);
    let pool = pool.buffer_size(BYTES).recording(true).build();
    pool.expect("sizes are in range")
});

/// Whether a look from another thread ends while the caller waits for it.
fn is_readable() -> bool {
    let (done, watch) = mpsc::channel();
    let look = move || {
        std::hint::black_box((READ_BY_THE_HOOK.stats(), snapshot()));
        done.send(())
    };
    thread::spawn(look);
    watch.recv_timeout(Duration::from_secs(60)).is_ok()
}

#[test]
fn panic_hook_can_read_the_pool_in_which_a_fault_was_found() {
    const NAME: &str = "panics-and-reads";
    let (told, watch) = mpsc::channel();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name() == Some(NAME) {
            told.send(is_readable()).expect("the test is waiting");
        }
        before(info);
    }));
    let work = || {
        let mut buffer = READ_BY_THE_HOOK.acquire();
        let start = buffer.as_mut_ptr();
        drop(buffer);
        // SAFETY: the slab is still there; it is the fault that a pool hides.
        unsafe { start.add(77).write(1) };
        assert_found("written to at offset 77 after it was returned:", || {
            drop(READ_BY_THE_HOOK.acquire());
        });
    };
    let worker = thread::Builder::new().name(NAME.to_owned()).spawn(work);
    let worker = worker.expect("a thread can be started");
    worker.join().expect("it is found, and nothing else is");
    let was_readable = watch.try_recv().ok();
    assert_eq!(was_readable, cfg!(knhk_pool = "poison").then_some(true));
    assert_eq!(READ_BY_THE_HOOK.stats().hits, 2);
}

/// A pool whose one slot was written to after it came back.
fn written_after_return() -> LocalPool {
    let pool = pool();
    let mut buffer = pool.acquire();
    let start = buffer.as_mut_ptr();
    drop(buffer);
    // SAFETY: the slab is still there; it is the fault that a pool hides.
    unsafe { start.add(77).write(1) };
    pool
}

#[test]
fn write_after_a_return_is_found_when_the_slab_is_freed() {
    let dropped = written_after_return();
    let wanted = "written to at offset 77 after it was returned:";
    assert_found(wanted, || drop(dropped));
    let trimmed = written_after_return();
    assert_found(wanted, || {
        trimmed.trim();
    });
}

#[test]
fn overrun_of_a_forgotten_buffer_is_found_when_the_slab_is_freed() {
    let pool = pool();
    let mut buffer = pool.acquire();
    // SAFETY: the padding is the buffer's own.
    unsafe { buffer.as_mut_ptr().add(BYTES + 3).write(1) };
    std::mem::forget(buffer);
    assert_found("overrun behind the end, at offset 103, of", || drop(pool));
}

#[test]
fn fault_is_told_once() {
    let pool = written_after_return();
    let wanted = "written to at offset 77 after it was returned:";
    assert_found(wanted, || drop(pool.acquire()));
    assert_eq!(found(|| drop(pool)), None);
}

#[test]
fn slab_that_is_freed_by_a_panic_adds_none() {
    let said = found(|| {
        let _pool = written_after_return();
        panic::panic_any("the first".to_owned());
    });
    assert_eq!(said.as_deref(), Some("the first"));
}

#[test]
fn buffer_that_is_returned_twice_is_found() {
    let pool = pool();
    let buffer = pool.acquire();
    // SAFETY: none: two owners of one buffer, which is the fault.
    let twin: Buffer<'_> = unsafe { std::ptr::read(&buffer) };
    drop(twin);
    if cfg!(knhk_pool = "poison") {
        assert_found("returned twice:", || drop(buffer));
    } else {
        std::mem::forget(buffer);
    }
}

#[test]
fn what_padded_writes_is_no_overrun() {
    let pool = pool();
    for len in [0, 1, 63, 99, 100] {
        let mut buffer = pool.acquire();
        buffer.resize(len, 1);
        assert_eq!(buffer.padded()[len..], [0; 64]);
        assert_eq!(found(|| drop(buffer)), None);
    }
}

#[test]
fn write_after_an_arena_was_reset_is_found_when_the_place_is_allocated_again() {
    let mut arena = Arena::with_capacity(1024);
    let words = arena.alloc_slice::<u64>(8).as_mut_ptr();
    arena.reset();
    // SAFETY: the chunk is still there; it is the fault that an arena hides.
    unsafe { words.add(3).write(1) };
    let said = found(|| assert_eq!(arena.alloc_slice_uninit::<u64>(8).len(), 8));
    assert_eq!(said.is_some(), cfg!(knhk_pool = "poison"));
    let wanted = "POISON: written to at offset 24 after it was given back: 64 bytes at 0x";
    assert!(said.is_none_or(|said| said.starts_with(wanted)));
}

#[test]
fn values_of_a_ring_that_was_cleared_are_gone_from_their_slots() {
    let mut ring = EventRingBuffer::<u32, 4>::new();
    assert_eq!(ring.push_slice(&[7; 4]), 4);
    let slots = ring.as_slices().0.as_ptr();
    ring.clear();
    // SAFETY: initialised, if by nobody's values, and the ring was not moved.
    let left = unsafe { std::slice::from_raw_parts(slots, 4) };
    let wanted = if cfg!(knhk_pool = "poison") {
        0xDDDD_DDDD
    } else {
        7
    };
    assert_eq!(left, [wanted; 4]);
}

#[test]
fn popped_value_is_gone_from_its_slot() {
    let mut ring = EventRingBuffer::<u32, 4>::new();
    ring.push(7).expect("it is empty");
    let slot: *const u32 = ring.peek().expect("just pushed");
    assert_eq!(ring.pop(), Some(7));
    // SAFETY: initialised, if by nobody's value, and the ring was not moved.
    let left = unsafe { slot.read() };
    let wanted = if cfg!(knhk_pool = "poison") {
        0xDDDD_DDDD
    } else {
        7
    };
    assert_eq!(left, wanted);
}
