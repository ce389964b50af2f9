//! What RealtimeSanitizer says of one probe: `rtsan-probe rust|c|hits`.
//!
//! It is the second judge of hot paths: it sees C's allocator too, to which the detector is blind.

#![feature(sanitize)]

use std::ffi::c_void;
use std::hint::black_box;

use knhk_pool::{LocalPool, PoolConfig, Workload};

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn free(start: *mut c_void);
}

#[sanitize(realtime = "nonblocking")]
fn allocates_in_rust() {
    drop(black_box(Box::new(black_box(1_u64))));
}

#[sanitize(realtime = "nonblocking")]
fn allocates_in_c() {
    // SAFETY: C's own contract; null is as good here.
    let start = unsafe { malloc(black_box(64)) };
    // SAFETY: from `malloc`, or null.
    unsafe { free(black_box(start)) };
}

#[sanitize(realtime = "nonblocking")]
fn hits(pool: &LocalPool) {
    for _ in 0..1000 {
        let mut buffer = pool.acquire();
        buffer.extend_from_slice(black_box(b"<s> <p> <o> ."));
        drop((pool.acquire(), pool.try_acquire()));
    }
}

fn main() {
    let pool = LocalPool::new(PoolConfig::from(Workload::Low)).expect("a profile is in range");
    match std::env::args().nth(1).as_deref() {
        Some("rust") => allocates_in_rust(),
        Some("c") => allocates_in_c(),
        Some("hits") => hits(&pool),
        _ => panic!("which probe?"),
    }
    println!("reached the end");
}
