//! The allocator refuses while the C ABI is used: each point of each function that hands out or takes
//! back, once and from there on, is answered by a status, and all works afterwards. What opens or
//! creates reads the configuration, which may end the process as any program's start may.
#![allow(unsafe_code)]

#[path = "../../tests/allocation_failure/failing.rs"]
mod failing;
mod hop;
mod opened;

use std::ffi::c_void;
use std::ptr;

use failing::{Failing, at_every_point};
use hop::spread;
use knhk_pool_ffi::*;
use opened::{BYTES, filled, in_use, pool};

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// On a thread of its own, which has no part of the pool yet.
#[test]
fn threads_first_acquire_is_served_or_answered() {
    let pool = pool(c"first", 2);
    for tries in [false, true] {
        let mut points = 0;
        for refusal in [failing::Refusal::Once, failing::Refusal::FromThereOn] {
            for served in 0.. {
                let first = move || {
                    failing::begin(refusal, served);
                    let first = filled(|place| match tries {
                        true => knhk_pool_try_acquire(pool, place),
                        false => knhk_pool_acquire(pool, place),
                    });
                    let was_refused = failing::end();
                    match first {
                        Ok(mut buffer) => {
                            assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
                        }
                        Err(status) => assert!(
                            was_refused
                                && [Status::OutOfMemory, Status::Exhausted].contains(&status),
                            "{status:?}"
                        ),
                    }
                    let again = filled(|place| knhk_pool_acquire(pool, place));
                    let mut again = again.expect("there is memory again");
                    assert_eq!(knhk_pool_release(Some(&mut again)), Status::Ok);
                    was_refused
                };
                let worker = std::thread::spawn(first);
                if !worker.join().expect("it does not panic") {
                    break;
                }
                points += 1;
                assert_eq!(in_use(pool), 0);
            }
        }
        println!("{points:4} points at which a thread's first acquire was refused memory");
        assert!(points >= 4);
    }
}

#[test]
fn after_a_warm_up_no_acquire_of_the_pools_own_buffers_calls_the_allocator() {
    const BUFFERS: usize = 40;
    let pool = pool(c"warm", BUFFERS);
    let worker = std::thread::spawn(move || {
        assert_eq!(knhk_pool_warm_up(pool), Status::Ok);
        failing::begin(failing::Refusal::FromThereOn, 0);
        let acquired = [(); BUFFERS].map(|()| filled(|place| knhk_pool_acquire(pool, place)));
        assert!(!failing::end());
        for buffer in acquired {
            let mut buffer = buffer.expect("the pool's own");
            assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
        }
    });
    worker.join().expect("it does not panic");
}

#[test]
fn miss_is_served_or_answered() {
    let pool = pool(c"miss", 1);
    let mut held = filled(|place| knhk_pool_acquire(pool, place)).expect("the pool's own");
    let points = at_every_point("knhk_pool_acquire, a miss", |run| {
        match run.refusing(|| filled(|place| knhk_pool_acquire(pool, place))) {
            Ok(mut buffer) => assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok),
            Err(status) => assert_eq!(status, Status::OutOfMemory),
        }
        // What came from the heap has joined the pool.
        assert_eq!(knhk_pool_trim(pool, Place::NULL), Status::Ok);
        assert_eq!(in_use(pool), 1);
    });
    assert_eq!(points, 2);
    assert_eq!(knhk_pool_release(Some(&mut held)), Status::Ok);
}

#[test]
fn buffer_grows_or_stays_what_it_is() {
    let pool = pool(c"grows", 1);
    let points = at_every_point("knhk_pool_reserve", |run| {
        let mut buffer = filled(|place| knhk_pool_acquire(pool, place)).expect("idle");
        let before = buffer.data;
        // SAFETY: 64 bytes that this test holds.
        unsafe { buffer.data.write_bytes(7, BYTES) };
        buffer.len = BYTES;
        // SAFETY: what an acquire has filled, and all of it written.
        match run.refusing(|| unsafe { knhk_pool_reserve(Some(&mut buffer), 1000) }) {
            Status::Ok => assert!(buffer.capacity >= 1000),
            status => {
                assert_eq!(status, Status::OutOfMemory);
                assert_eq!((buffer.data, buffer.capacity), (before, BYTES));
            }
        }
        // SAFETY: as long as that, and written, wherever it is now.
        let bytes = unsafe { std::slice::from_raw_parts(buffer.data, BYTES) };
        assert_eq!(bytes, [7; BYTES]);
        assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
    });
    assert_eq!(points, 2);
}

#[test]
fn sizes_that_cannot_be_are_answered_and_leave_the_buffer_out() {
    let pool = pool(c"sizes", 1);
    let mut buffer = filled(|place| knhk_pool_acquire(pool, place)).expect("idle");
    for shift in 0..8 {
        for less in [0, 1, 63, 64, 127, 128, 200] {
            let capacity = (usize::MAX >> shift) - less;
            // SAFETY: what an acquire has filled; `len` is 0.
            let status = unsafe { knhk_pool_reserve(Some(&mut buffer), capacity) };
            assert_eq!(
                (status, buffer.capacity),
                (Status::OutOfMemory, BYTES),
                "{capacity:#x}"
            );
        }
    }
    assert_eq!(in_use(pool), 1);
    assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
}

/// On a thread of its own, which has met no graph yet.
#[test]
fn activation_spreads_or_stays_what_it_was() {
    let mut points = 0;
    for refusal in [failing::Refusal::Once, failing::Refusal::FromThereOn] {
        for served in 0.. {
            let worker = std::thread::spawn(move || {
                let mut activation = [1.0, 0.0];
                failing::begin(refusal, served);
                let status = spread(&mut activation);
                let was_refused = failing::end();
                if status == Status::OutOfMemory {
                    assert!(was_refused);
                    assert_eq!(activation, [1.0, 0.0]);
                    assert_eq!(spread(&mut activation), Status::Ok, "there is memory again");
                } else {
                    assert_eq!(status, Status::Ok);
                }
                assert_eq!(activation, [1.0, 0.5]);
                was_refused
            });
            if !worker.join().expect("it does not panic") {
                break;
            }
            points += 1;
        }
    }
    println!("{points:4} points at which knhk_graph_spread was refused memory");
    assert!(points >= 6, "three numbers a node, once and from there on");
}

#[test]
fn ring_is_made_or_refused() {
    let points = at_every_point("knhk_ring_create", |run| {
        let (mut producer, mut consumer) = (0, 0);
        match run
            .refusing(|| knhk_ring_create(8, 4, (&mut producer).into(), (&mut consumer).into()))
        {
            Status::Ok => {
                assert_eq!(knhk_ring_close(producer), Status::Ok);
                assert_eq!(knhk_ring_close(consumer), Status::Ok);
            }
            status => assert_eq!(
                (status, producer, consumer),
                (Status::OutOfMemory, 0, 0),
                "nothing is written"
            ),
        }
    });
    assert!(points >= 4, "the slots, what the halves share");
}

#[test]
fn arena_allocates_and_marks_or_answers() {
    let config = ArenaConfig {
        size: 64 << 10,
        overflow: 2,
        zero: 0,
    };
    let points = at_every_point("knhk_arena_alloc and _mark", |run| {
        let mut arena = 0;
        // SAFETY: no name, a config, a place.
        let made = unsafe { knhk_arena_create(ptr::null(), Some(&config), (&mut arena).into()) };
        assert_eq!(made, Status::Ok);
        let (mut mark, mut bytes) = (0, ptr::null_mut::<c_void>());
        let statuses = run.refusing(|| {
            [
                knhk_arena_mark(arena, (&mut mark).into()),
                knhk_arena_alloc(arena, 100_000, 64, (&mut bytes).into()),
            ]
        });
        let allowed = [Status::Ok, Status::OutOfMemory];
        assert!(
            statuses.iter().all(|status| allowed.contains(status)),
            "{statuses:?}"
        );
        assert_eq!(bytes.is_null(), statuses[1] != Status::Ok);
        let rewound = knhk_arena_rewind(arena, mark);
        assert_eq!(rewound == Status::Ok, statuses[0] == Status::Ok);
        assert_eq!(
            knhk_arena_alloc(arena, 100_000, 64, (&mut bytes).into()),
            Status::Ok
        );
        assert_eq!(knhk_arena_destroy(arena), Status::Ok);
    });
    assert!(points >= 3);
}
