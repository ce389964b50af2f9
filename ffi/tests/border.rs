//! What the C ABI answers, called from Rust so that Miri can watch.
#![allow(unsafe_code)]

mod left;
mod opened;

use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Barrier;
use std::thread;

use knhk_pool_ffi::*;
use opened::{filled, in_use};

fn pool(name: &CStr) -> Pool {
    opened::pool(name, 2)
}

fn acquire(pool: Pool) -> Buffer {
    filled(|place| knhk_pool_acquire(pool, place)).expect("memory")
}

#[test]
fn a_pool_that_many_threads_open_at_once_is_one() {
    let start = Barrier::new(4);
    let opened = thread::scope(|scope| {
        let open = || {
            start.wait();
            pool(c"at-once")
        };
        let openers = [(); 4].map(|()| scope.spawn(open));
        openers.map(|opener| opener.join().expect("it opens"))
    });
    assert_eq!(opened, [opened[0]; 4]);
    assert_eq!(pool(c"at-once"), opened[0]);
}

fn copy(buffer: &Buffer) -> Buffer {
    Buffer { ..*buffer }
}

fn write(buffer: &Buffer) {
    // SAFETY: `capacity` bytes that this test holds.
    unsafe { buffer.data.write_bytes(7, buffer.capacity) };
}

#[test]
fn a_copy_of_a_released_buffer_releases_nothing_not_even_the_next_holders() {
    let pool = pool(c"copies");
    let mut first = acquire(pool);
    let mut copied = copy(&first);
    assert_eq!(knhk_pool_release(Some(&mut first)), Status::Ok);
    assert_eq!(knhk_pool_release(Some(&mut copied)), Status::Stale);
    let mut second = acquire(pool);
    // In that mode each is an allocation of its own.
    if !cfg!(knhk_pool = "passthrough") {
        assert_eq!(second.data, copied.data);
    }
    assert_eq!(knhk_pool_release(Some(&mut copied)), Status::Stale);
    assert_eq!(in_use(pool), 1);
    assert_eq!(knhk_pool_release(Some(&mut second)), Status::Ok);
    assert_eq!(in_use(pool), 0);
}

#[test]
fn a_refused_reserve_writes_nothing_to_what_it_was_handed() {
    let pool = pool(c"refused-reserve");
    let mut buffer = acquire(pool);
    let untouched = ptr::without_provenance_mut(64);
    let too_long = buffer.capacity + 1;
    for (len, capacity, refusal) in [
        (too_long, 1000, Status::Invalid),
        (0, usize::MAX, Status::OutOfMemory),
    ] {
        let mut own = Buffer {
            data: untouched,
            len,
            capacity: 77,
            ..buffer
        };
        // SAFETY: `len` is 0, or more than the buffer has, which is refused.
        let status = unsafe { knhk_pool_reserve(Some(&mut own), capacity) };
        assert_eq!(status, refusal);
        assert_eq!((own.data, own.len, own.capacity), (untouched, len, 77));
    }
    write(&buffer);
    // SAFETY: what an acquire has filled; `len` is 0.
    let status = unsafe { knhk_pool_reserve(Some(&mut buffer), 1000) };
    assert_eq!(status, Status::Ok);
    assert!(buffer.capacity >= 1000);
    write(&buffer);
    assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
}

/// As many buffers as make the desk grow, given back in an order that leaves holes, and out again.
#[test]
fn buffers_may_be_released_in_any_order() {
    let pool = pool(c"any-order");
    let steps: &[usize] = if cfg!(miri) { &[7] } else { &[1, 3, 7, 39] };
    for step in steps {
        let mut out: Vec<Buffer> = (0..40).map(|_| acquire(pool)).collect();
        out.iter().for_each(write);
        let mut index = 0;
        for left in (0..40).rev() {
            index = (index + step) % (left + 1);
            let mut buffer = out.swap_remove(index);
            let mut copied = copy(&buffer);
            assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
            assert_eq!(knhk_pool_release(Some(&mut copied)), Status::Stale);
            assert_eq!(in_use(pool), left as u64);
            if left == 20 {
                let mut between = [acquire(pool), acquire(pool), acquire(pool)];
                between.iter().for_each(write);
                for buffer in &mut between {
                    assert_eq!(knhk_pool_release(Some(buffer)), Status::Ok);
                }
            }
        }
    }
}

/// A queue: the oldest goes first, always. The places of those that went are used again.
#[test]
fn a_queue_of_buffers_does_not_run_out_of_places() {
    let pool = pool(c"queue");
    let mut queue = std::collections::VecDeque::new();
    for _ in 0..if cfg!(miri) { 50 } else { 5_000_000 } {
        queue.push_back(acquire(pool));
        if queue.len() == 3 {
            let mut oldest = queue.pop_front().expect("three");
            assert_eq!(knhk_pool_release(Some(&mut oldest)), Status::Ok);
        }
    }
    for buffer in &mut queue {
        assert_eq!(knhk_pool_release(Some(buffer)), Status::Ok);
    }
}

#[test]
fn made_up_handles_are_stale() {
    let pool = pool(c"made-up");
    let mut kept = acquire(pool);
    let mut buffer = MaybeUninit::uninit();
    for handle in [
        0,
        1,
        0xfff,
        0x1fff,
        0x2000,
        0x2fff,
        kept.here ^ 1 << 16,
        u64::MAX,
    ] {
        assert_eq!(
            knhk_pool_acquire_here(handle, Some(&mut buffer)),
            Status::Stale
        );
        assert_eq!(knhk_arena_reset(handle), Status::Stale);
        assert_eq!(knhk_ring_close(handle), Status::Stale);
        assert_eq!(knhk_pool_acquire(handle, Some(&mut buffer)), Status::Stale);
        assert_eq!(knhk_pool_warm_up(handle), Status::Stale);
    }
    for bit in 0..64 {
        let mut forged = copy(&kept);
        forged.ticket ^= 1 << bit;
        assert_eq!(knhk_pool_release(Some(&mut forged)), Status::Stale);
        let mut forged = copy(&kept);
        forged.here ^= 1 << bit;
        assert_eq!(knhk_pool_release(Some(&mut forged)), Status::Stale);
    }
    assert_eq!(knhk_pool_release(Some(&mut kept)), Status::Ok);
}

#[test]
fn a_thread_takes_its_buffers_arenas_and_halves_with_it() {
    let pool = pool(c"thread-end");
    let (mut producer, mut consumer) = (0, 0);
    let made = knhk_ring_create(8, 4, (&mut producer).into(), (&mut consumer).into());
    assert_eq!(made, Status::Ok);
    let left_behind = thread::spawn(move || {
        let buffers = [acquire(pool), acquire(pool), acquire(pool)];
        buffers.iter().for_each(write);
        let (mut arena, mut mark, mut bytes) = (0, 0, ptr::null_mut::<c_void>());
        // SAFETY: null, a null config, a place.
        let made = unsafe { knhk_arena_create(ptr::null(), None, (&mut arena).into()) };
        assert_eq!(made, Status::Ok);
        assert_eq!(knhk_arena_mark(arena, (&mut mark).into()), Status::Ok);
        assert_eq!(
            knhk_arena_alloc(arena, 8, 8, (&mut bytes).into()),
            Status::Ok
        );
        let number = 5_u64;
        // SAFETY: one record.
        let pushed =
            unsafe { knhk_ring_push(producer, (&raw const number).cast(), 1, Place::NULL) };
        assert_eq!(pushed, Status::Ok);
        let here = buffers[0].here;
        (
            arena,
            here,
            buffers.map(|buffer| (buffer.here, buffer.ticket)),
        )
    });
    let (arena, here, buffers) = left_behind.join().expect("it ends well");
    assert_eq!(knhk_arena_destroy(arena), Status::Stale);
    let mut place = MaybeUninit::uninit();
    let acquired = knhk_pool_acquire_here(here, Some(&mut place));
    assert_eq!(acquired, Status::Stale);
    for (here, ticket) in buffers {
        let mut buffer = left::named(here, ticket);
        assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Stale);
    }
    assert_eq!(in_use(pool), 0);
    let mut ring = RingStats::default();
    assert_eq!(knhk_stats_ring(consumer, (&mut ring).into()), Status::Ok);
    assert_eq!((ring.len, ring.is_abandoned), (1, 1));
    let mut number = 0_u64;
    // SAFETY: room for one record.
    let popped =
        unsafe { knhk_ring_pop(consumer, (&raw mut number).cast::<c_void>(), 1, Place::NULL) };
    assert_eq!((popped, number), (Status::Ok, 5));
    assert_eq!(knhk_ring_close(consumer), Status::Ok);
    assert_eq!(knhk_ring_close(producer), Status::Stale);
}

#[test]
fn another_thread_is_refused_and_changes_nothing() {
    let pool = pool(c"trespass");
    let mut buffer = acquire(pool);
    let (here, ticket) = (buffer.here, buffer.ticket);
    thread::spawn(move || {
        let mut theirs = left::named(here, ticket);
        assert_eq!(knhk_pool_release(Some(&mut theirs)), Status::WrongThread);
        let mut place = MaybeUninit::uninit();
        let acquired = knhk_pool_acquire_here(here, Some(&mut place));
        assert_eq!(acquired, Status::WrongThread);
    })
    .join()
    .expect("it is only refused");
    assert_eq!(in_use(pool), 1);
    assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_to_the_thread_that_asked() {
    let told = || {
        let text = knhk_config_error();
        // SAFETY: not null, hence a C string that lasts as long as this closure.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().map(str::to_owned))
    };
    assert_eq!(told(), None);
    let config = PoolConfig {
        pool_size: 70_000,
        buffer_size: 64,
        zero_on_release: 0,
    };
    let mut pool = 0;
    // SAFETY: a C string, a config, a place.
    let opened = unsafe { knhk_pool_open(c"wrong".as_ptr(), Some(&config), (&mut pool).into()) };
    assert_eq!(opened, Status::Config);
    let expected = "pool_size is 70000, expected an integer from 0 to 65536";
    assert!(
        told()
            .expect("it is told")
            .expect("UTF-8")
            .contains(expected)
    );
    let config = ArenaConfig {
        size: 1,
        ..ArenaConfig::default()
    };
    let mut arena = 0;
    // SAFETY: null, a config, a place.
    let made = unsafe { knhk_arena_create(ptr::null(), Some(&config), (&mut arena).into()) };
    assert_eq!(made, Status::Config);
    assert!(
        told()
            .expect("it is told")
            .expect("UTF-8")
            .contains("size is 1, expected")
    );
    thread::scope(|scope| {
        let others = scope.spawn(|| knhk_config_error().is_null()).join();
        assert!(others.expect("it only asks"));
    });
}

#[test]
fn a_mark_of_another_arena_or_of_one_that_is_gone_is_stale() {
    let made = || {
        let (mut arena, mut mark) = (0, 0);
        // SAFETY: null, a null config, a place.
        let made = unsafe { knhk_arena_create(ptr::null(), None, (&mut arena).into()) };
        assert_eq!(made, Status::Ok);
        assert_eq!(knhk_arena_mark(arena, (&mut mark).into()), Status::Ok);
        (arena, mark)
    };
    let ((first, firsts), (second, seconds)) = (made(), made());
    assert_eq!(knhk_arena_rewind(second, firsts), Status::Stale);
    assert_eq!(knhk_arena_rewind(second, seconds), Status::Ok);
    assert_eq!(knhk_arena_destroy(first), Status::Ok);
    let (third, _) = made();
    assert_eq!(knhk_arena_rewind(third, firsts), Status::Stale);
    for arena in [second, third] {
        assert_eq!(knhk_arena_destroy(arena), Status::Ok);
    }
}

#[test]
fn a_rewind_ends_the_marks_after_it() {
    let (mut arena, mut bytes) = (0, ptr::null_mut::<c_void>());
    // SAFETY: null, a null config, a place.
    let made = unsafe { knhk_arena_create(ptr::null(), None, (&mut arena).into()) };
    assert_eq!(made, Status::Ok);
    let mut marks = [0; 4];
    for mark in &mut marks {
        assert_eq!(knhk_arena_mark(arena, mark.into()), Status::Ok);
        assert_eq!(
            knhk_arena_alloc(arena, 8, 8, (&mut bytes).into()),
            Status::Ok
        );
        // SAFETY: eight bytes of the arena.
        unsafe { bytes.cast::<u64>().write(1) };
    }
    let stats = || {
        let mut stats = ArenaStats::default();
        assert_eq!(knhk_stats_arena(arena, (&mut stats).into()), Status::Ok);
        stats.in_use
    };
    assert_eq!(stats(), 32);
    assert_eq!(knhk_arena_rewind(arena, marks[1]), Status::Ok);
    assert_eq!(stats(), 8);
    for mark in &marks[1..] {
        assert_eq!(knhk_arena_rewind(arena, *mark), Status::Stale);
    }
    assert_eq!(knhk_arena_rewind(arena, marks[0]), Status::Ok);
    assert_eq!(stats(), 0);
    assert_eq!(knhk_arena_mark(arena, (&mut marks[0]).into()), Status::Ok);
    assert_eq!(knhk_arena_reset(arena), Status::Ok);
    assert_eq!(knhk_arena_rewind(arena, marks[0]), Status::Stale);
    assert_eq!(knhk_arena_destroy(arena), Status::Ok);
}

fn at<'a, T>(address: *mut T) -> Place<'a, T> {
    // SAFETY: a local of these tests, which no reference is to.
    unsafe { Place::at(address) }
}

#[test]
fn two_halves_in_one_place_are_refused() {
    let mut half = 0;
    let address = &raw mut half;
    let made = knhk_ring_create(8, 1, at(address), at(address));
    assert_eq!((made, half), (Status::Invalid, 0));
}

/// Two triples where their columns go, and then where their runs go.
#[test]
fn triples_may_lie_in_what_is_written() {
    let triples = [1, 7, 2, 3, 9, 4];
    let (mut columns, mut runs, mut count) =
        (SoaTriples::default(), [PredicateRun::default(); 8], 0);
    let (into_columns, into_runs) = (&raw mut columns, &raw mut runs);
    for first in [into_columns.cast::<u64>(), into_runs.cast()] {
        // SAFETY: room for more than six numbers.
        unsafe { first.copy_from_nonoverlapping(triples.as_ptr(), triples.len()) };
        let (place, runs_place) = (at(into_columns), at(into_runs));
        // SAFETY: two triples, and three places.
        let loaded = unsafe { knhk_triples_load(first, 2, place, runs_place, (&mut count).into()) };
        assert_eq!((loaded, count), (Status::Ok, 2));
        assert_eq!(columns.s, [1, 3, 0, 0, 0, 0, 0, 0]);
        assert_eq!(columns.p, [7, 9, 0, 0, 0, 0, 0, 0]);
        assert_eq!(runs.map(|run| run.predicate), columns.p);
        assert_eq!(runs.map(|run| run.len), [1, 1, 0, 0, 0, 0, 0, 0]);
    }
}

/// As C declares it: `uint64_t half; knhk_ring_stats stats;`
#[test]
fn what_is_answered_need_not_be_initialised() {
    let mut halves = [const { MaybeUninit::<Half>::uninit() }; 2];
    let [producer, consumer] = halves.each_mut().map(|half| at(half.as_mut_ptr()));
    assert_eq!(knhk_ring_create(8, 3, producer, consumer), Status::Ok);
    // SAFETY: both are written.
    let [producer, consumer] = halves.map(|half| unsafe { half.assume_init() });
    let mut stats = MaybeUninit::<RingStats>::uninit();
    let asked = knhk_stats_ring(producer, at(stats.as_mut_ptr()));
    assert_eq!(asked, Status::Ok);
    // SAFETY: written.
    assert_eq!(unsafe { stats.assume_init() }.capacity, 3);
    assert_eq!(knhk_ring_close(producer), Status::Ok);
    assert_eq!(knhk_ring_close(consumer), Status::Ok);
}

/// More than the table has: each place is used again, and no old handle comes back to life.
#[test]
fn places_are_used_again_and_old_handles_stay_dead() {
    let mut old = Vec::new();
    for _ in 0..if cfg!(miri) { 5 } else { 5000 } {
        let (mut producer, mut consumer) = (0, 0);
        let made = knhk_ring_create(8, 1, (&mut producer).into(), (&mut consumer).into());
        assert_eq!(made, Status::Ok);
        assert_eq!(knhk_ring_close(producer), Status::Ok);
        assert_eq!(knhk_ring_close(consumer), Status::Ok);
        old.extend([producer, consumer]);
    }
    let (mut producer, mut consumer) = (0, 0);
    let made = knhk_ring_create(8, 1, (&mut producer).into(), (&mut consumer).into());
    assert_eq!(made, Status::Ok);
    for handle in old {
        assert_eq!(knhk_ring_close(handle), Status::Stale);
    }
    assert_eq!(knhk_ring_close(producer), Status::Ok);
    assert_eq!(knhk_ring_close(consumer), Status::Ok);
}
