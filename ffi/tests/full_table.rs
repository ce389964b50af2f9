//! As many rings as there can be, and one more.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::Mutex;
use std::thread;

use knhk_pool_ffi::*;

fn create() -> Result<[Half; 2], Status> {
    let (mut producer, mut consumer) = (0, 0);
    match knhk_ring_create(8, 1, (&mut producer).into(), (&mut consumer).into()) {
        Status::Ok => Ok([producer, consumer]),
        status => Err(status),
    }
}

fn close(half: Half) {
    assert_eq!(knhk_ring_close(half), Status::Ok);
}

fn create_arena() -> Status {
    let mut arena = 0;
    // SAFETY: no name, no config, a place.
    unsafe { knhk_arena_create(ptr::null(), None, (&mut arena).into()) }
}

/// What the last moment of a thread was answered: to an arena, and to a ring.
static LAST: Mutex<Option<(Status, Option<Status>)>> = Mutex::new(None);

struct LastMoment;

impl Drop for LastMoment {
    fn drop(&mut self) {
        let answers = (create_arena(), create().err());
        *LAST.lock().expect("nobody panics with it") = Some(answers);
    }
}

thread_local! {
    static LAST_MOMENT: LastMoment = const { LastMoment };
}

/// Where the first half has a place and the second has none, also on a thread that can own nothing any more.
#[test]
fn ring_that_is_refused_leaves_neither_half_behind() {
    let mut rings: Vec<_> = (0..4096)
        .map(|_| create().expect("there is a place"))
        .collect();
    assert_eq!(create().err(), Some(Status::TooMany));
    let [producer, consumer] = rings.pop().expect("4096");
    close(consumer);
    assert_eq!(create().err(), Some(Status::TooMany), "for its producer");

    let ending = thread::spawn(|| {
        // Before the library's own, so that it is dropped after it.
        LAST_MOMENT.with(|_| {});
        assert_eq!(create_arena(), Status::Ok);
    });
    ending.join().expect("it is only refused");
    let answers = LAST.lock().expect("the thread is gone").take();
    assert_eq!(answers, Some((Status::ThreadEnding, Some(Status::TooMany))));

    close(producer);
    rings.push(create().expect("both places are vacant"));
    rings.into_iter().flatten().for_each(close);
}
