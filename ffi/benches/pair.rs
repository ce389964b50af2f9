//! What does the border cost a pair of acquire and release? Rust and C ABI by turns, in one run.
//!
//! All four write a byte into the buffer. Printed: the best of 200 rounds, and how it compares with Rust's.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::time::Instant;

use knhk_pool::{BufferPool, PoolHandle};
use knhk_pool_ffi::{
    Buffer, Here, Pool, Status, knhk_pool_acquire, knhk_pool_acquire_here, knhk_pool_here,
    knhk_pool_open, knhk_pool_release,
};

const PAIRS: u32 = 20_000;
const ROUNDS: u32 = 200;

type Acquire = extern "C" fn(u64, Option<&mut MaybeUninit<Buffer>>) -> Status;
type Release = extern "C" fn(Option<&mut Buffer>) -> Status;
type Place = MaybeUninit<knhk_pool::Buffer<'static>>;

fn rust_inlined(here: &PoolHandle<'_>) {
    for _ in 0..PAIRS {
        let mut buffer = here.acquire();
        buffer.push(black_box(1));
        black_box(buffer.as_slice());
    }
}

#[inline(never)]
extern "C" fn rust_acquire(here: &'static PoolHandle<'static>, place: &mut Place) {
    place.write(here.acquire());
}

#[inline(never)]
extern "C" fn rust_release(place: &mut Place) {
    // SAFETY: each call follows a `rust_acquire` into the place.
    unsafe { place.assume_init_drop() };
}

fn rust_called(here: &'static PoolHandle<'static>) {
    let (acquire, release) = black_box((
        rust_acquire as extern "C" fn(_, &mut Place),
        rust_release as extern "C" fn(&mut Place),
    ));
    let mut place = Place::uninit();
    for _ in 0..PAIRS {
        acquire(here, &mut place);
        // SAFETY: acquired on the line above.
        let buffer = unsafe { place.assume_init_mut() };
        buffer.push(black_box(1));
        release(&mut place);
    }
}

fn c_abi(acquire: Acquire, from: u64) {
    let (acquire, release) = black_box((acquire, knhk_pool_release as Release));
    let mut place = MaybeUninit::uninit();
    for _ in 0..PAIRS {
        assert_eq!(acquire(from, Some(&mut place)), Status::Ok);
        // SAFETY: filled on the line above.
        let buffer = unsafe { place.assume_init_mut() };
        // SAFETY: the pool's buffers are not empty.
        unsafe { buffer.data.write(black_box(1)) };
        assert_eq!(release(Some(buffer)), Status::Ok);
    }
}

fn open() -> (Pool, Here) {
    let (mut pool, mut here) = (0, 0);
    // SAFETY: a C string, no config, a place.
    let opened = unsafe { knhk_pool_open(c"bench".as_ptr(), None, (&mut pool).into()) };
    assert_eq!(opened, Status::Ok);
    assert_eq!(knhk_pool_here(pool, (&mut here).into()), Status::Ok);
    (pool, here)
}

fn main() {
    static RUST: BufferPool = BufferPool::new("bench-rust");
    let (pool, here) = open();
    let handle: &'static PoolHandle<'static> = Box::leak(Box::new(RUST.handle()));
    let mut shapes: [(&str, &mut dyn FnMut()); 4] = [
        ("Rust, inlined", &mut || rust_inlined(handle)),
        ("Rust, two calls", &mut || rust_called(handle)),
        ("C ABI, by handle", &mut || {
            c_abi(knhk_pool_acquire_here, here)
        }),
        ("C ABI, by pool", &mut || c_abi(knhk_pool_acquire, pool)),
    ];
    let mut best = [f64::INFINITY; 4];
    for _ in 0..ROUNDS {
        for (best, (_, run)) in best.iter_mut().zip(&mut shapes) {
            let start = Instant::now();
            run();
            let ns = start.elapsed().as_nanos() as f64 / f64::from(PAIRS);
            *best = best.min(ns);
        }
    }
    for (ns, (shape, _)) in best.iter().zip(&shapes) {
        let (more, times) = (ns - best[1], ns / best[1]);
        println!(
            "{shape:<18} {ns:6.2} ns a pair, {more:+6.2} ns and {times:5.2} times Rust's two calls"
        );
    }
}
