//! Threads that use the library for the first time in the destructor of a POSIX key.
#![allow(unsafe_code)]
#![cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]

mod hop;
mod left;
mod opened;

use std::ffi::{c_int, c_uint, c_void};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{ptr, thread};

use knhk_pool_ffi::*;
use opened::{filled, in_use};

unsafe extern "C" {
    fn pthread_key_create(key: *mut c_uint, end: extern "C" fn(*mut c_void)) -> c_int;
    fn pthread_setspecific(key: c_uint, value: *const c_void) -> c_int;
}

static POOL: AtomicU64 = AtomicU64::new(0);
/// What the last thread has left: a buffer, without its address, and an arena.
static LEFT: Mutex<Option<(Here, u64, Arena)>> = Mutex::new(None);

extern "C" fn first_use(_: *mut c_void) {
    let pool = POOL.load(Ordering::Relaxed);
    let buffer = filled(|place| knhk_pool_acquire(pool, place)).expect("there is a place");
    let mut arena = 0;
    // SAFETY: null, a null config, a place.
    let made = unsafe { knhk_arena_create(ptr::null(), None, (&mut arena).into()) };
    assert_eq!(made, Status::Ok);
    let mut activation = [1.0, 0.0];
    assert_eq!(hop::spread(&mut activation), Status::Ok);
    assert_eq!(activation, [1.0, 0.5]);
    *LEFT.lock().expect("nobody panics") = Some((buffer.here, buffer.ticket, arena));
}

#[test]
fn what_a_keys_destructor_has_taken_ends_with_its_thread() {
    let pool = opened::pool(c"first-used-late", 2);
    POOL.store(pool, Ordering::Relaxed);
    let mut key = 0;
    // SAFETY: a place for a key, and a function that takes any pointer.
    assert_eq!(unsafe { pthread_key_create(&mut key, first_use) }, 0);
    // More than there are places for at once.
    for _ in 0..5000 {
        let ends = move || {
            // SAFETY: a key that was made.
            let set = unsafe { pthread_setspecific(key, ptr::without_provenance(1)) };
            assert_eq!(set, 0);
        };
        thread::spawn(ends).join().expect("it ends well");
        let left = LEFT.lock().expect("nobody panics").take();
        let (here, ticket, arena) = left.expect("its key's destructor was called");
        let mut buffer = left::named(here, ticket);
        assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Stale);
        assert_eq!(knhk_arena_destroy(arena), Status::Stale);
    }
    assert_eq!(in_use(pool), 0);
}
