//! What does the proof cost, and what does that cost which it finds? The tables of `docs/hot-path.md`.
//!
//! `cargo bench -p knhk-pool-benches --features allocation-tracking --bench hot_path [-- THREADS]`;
//! without the feature, the same in a build that is not armed.
//!
//! Ticks are those of the loop less those of the empty loop, the fastest tenth of the samples, all
//! cases interleaved. With two threads both measure at once.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::env;
use std::hint::black_box;
use std::panic;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use assert_no_alloc::AllocDisabler;
use knhk_pool::{BufferPool, HotPathAlloc, HotPathGuard, hot_path};
use knhk_pool_benches::{assert_proved, core_ghz};

#[cfg(not(feature = "allocation-tracking"))]
#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

static POOL: BufferPool = BufferPool::new("hot-path-bench");

static BARE: System = System;
static PEER: AllocDisabler = AllocDisabler;
static WRAPPED: HotPathAlloc = HotPathAlloc::new(System);

const ROUNDS: usize = 300;
/// Operations a sample; the slow cases do fewer.
const OPERATIONS: u64 = 4000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let threads = arguments.iter().find_map(|argument| argument.parse().ok());
    let rounds = if is_bench { ROUNDS } else { 2 };
    assert_proved();
    panic::set_hook(Box::new(|_| {}));
    println!("armed: {}", hot_path::is_armed());
    thread::scope(|scope| {
        for _ in 1..threads.unwrap_or(1) {
            scope.spawn(|| measure(rounds));
        }
        print(&measure(rounds));
    });
}

type Loop = fn(u64);

const CASES: [(&str, u64, Loop); 23] = [
    ("empty loop", 1, empty),
    ("section", 1, section),
    ("section of assert_no_alloc", 1, peers_section),
    ("counter by hand", 1, counter),
    ("64 B, bare allocator", 1, |n| pairs(&BARE, 64, n)),
    ("64 B, HotPathAlloc", 1, |n| pairs(&WRAPPED, 64, n)),
    ("64 B, assert_no_alloc", 1, |n| pairs(&PEER, 64, n)),
    ("4096 B, bare allocator", 1, |n| pairs(&BARE, 4096, n)),
    ("4096 B, HotPathAlloc", 1, |n| pairs(&WRAPPED, 4096, n)),
    ("4096 B, assert_no_alloc", 1, |n| pairs(&PEER, 4096, n)),
    ("Box::new(u64)", 1, |n| {
        each(n, |i| drop(black_box(Box::new(i))))
    }),
    ("Arc::new(u64)", 1, |n| {
        each(n, |i| drop(black_box(Arc::new(i))))
    }),
    ("Box<dyn Fn>", 1, |n| each(n, boxed_closure)),
    ("String::from, 16 B", 1, |n| {
        each(n, |_| {
            drop(black_box(String::from(black_box("0123456789abcdef"))))
        });
    }),
    ("first push", 1, |n| {
        each(n, |i| black_box(Vec::new()).push(i as u8))
    }),
    ("push, 64 to 128 B", 1, |n| {
        each(n, |_| black_box(vec![1_u8; 64]).push(2))
    }),
    ("collect 8", 1, |n| {
        each(n, |i| drop(black_box((i..i + 8).collect::<Vec<u64>>())))
    }),
    ("collect 64, filtered", 10, |n| {
        each(n, |i| drop(black_box(filtered(i))))
    }),
    ("to_string", 1, |n| {
        each(n, |i| drop(black_box(i.to_string())))
    }),
    ("format!", 1, |n| {
        each(n, |i| drop(black_box(format!("{}", black_box(i)))))
    }),
    ("HashMap::insert, 100 times", 100, |n| {
        each(n, hundred_inserts)
    }),
    ("a pool's pair, 4 KiB", 1, |n| {
        each(n, |_| drop(black_box(POOL.acquire())))
    }),
    ("panic!, caught", 1000, |n| {
        each(n, |i| drop(panic::catch_unwind(|| panic!("no {i}"))))
    }),
];

#[inline(never)]
fn empty(n: u64) {
    each(n, |i| {
        black_box(i);
    });
}

#[inline(never)]
fn section(n: u64) {
    each(n, |i| {
        let _section = HotPathGuard::enter("bench");
        black_box(i);
    });
}

#[inline(never)]
fn peers_section(n: u64) {
    each(n, |i| {
        assert_no_alloc::assert_no_alloc(|| black_box(i));
    });
}

thread_local! {
    static DEPTH: Cell<u64> = const { Cell::new(0) };
}

/// The least that a section could be: no name, no report.
#[inline(never)]
fn counter(n: u64) {
    each(n, |i| {
        DEPTH.set(DEPTH.get() + 1);
        black_box(i);
        DEPTH.set(DEPTH.get() - 1);
    });
}

#[inline(never)]
fn pairs<A: GlobalAlloc>(allocator: &A, size: usize, n: u64) {
    let layout = Layout::from_size_align(size, 8).expect("8 is a power of two");
    each(n, |_| {
        // SAFETY: `size` is not zero.
        let start = unsafe { allocator.alloc(layout) };
        // SAFETY: from the line above, with this layout.
        unsafe { allocator.dealloc(black_box(start), layout) };
    });
}

#[inline(always)]
fn each(n: u64, mut work: impl FnMut(u64)) {
    for i in 0..n {
        work(i);
    }
}

fn boxed_closure(i: u64) {
    let closure: Box<dyn Fn() -> u64> = Box::new(move || i);
    black_box(black_box(closure)());
}

fn filtered(i: u64) -> Vec<u64> {
    (0..64).filter(|n| black_box(*n) != i + 100).collect()
}

fn hundred_inserts(_: u64) {
    let mut map = HashMap::new();
    each(100, |i| {
        map.insert(i, i);
    });
    black_box(&map);
}

/// Nanoseconds an operation, the fastest tenth of each case, and the core's clock.
fn measure(rounds: usize) -> (Vec<f64>, f64) {
    let mut samples = vec![Vec::with_capacity(rounds); CASES.len()];
    let mut clock = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        for ((_, divisor, work), samples) in CASES.iter().zip(&mut samples) {
            let operations = OPERATIONS / divisor;
            work(operations / 4);
            let start = Instant::now();
            work(operations);
            samples.push(start.elapsed().as_nanos() as f64 / operations as f64);
        }
        clock.push(core_ghz());
    }
    let fastest = samples.into_iter().map(|samples| quantile(samples, 0.1));
    (fastest.collect(), quantile(clock, 0.5))
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

fn print((costs, ghz): &(Vec<f64>, f64)) {
    println!("{ghz:.3} GHz");
    println!("| what | ns | ticks |\n|---|---|---|");
    for ((name, ..), cost) in CASES.iter().zip(costs) {
        let alone = cost - costs[0];
        println!("| {name} | {alone:.2} | {:.1} |", alone * ghz);
    }
}
