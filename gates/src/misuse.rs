//! Faults of a program that uses the library, all by `unsafe` code: `misuse after-return` does one,
//! and says `went on` when nothing stopped it. As shipped a pool hides them from AddressSanitizer; the
//! build modes *poison* and *passthrough* bring them to light (ADR-016).

use std::hint::black_box;
use std::ptr;

use knhk_pool::{Arena, HeapObjectPool, LocalPool, PoolConfig, Workload};

fn main() {
    let fault = std::env::args().nth(1).unwrap_or_default();
    let config = PoolConfig::from(Workload::Low).with_pool_size(3);
    let pool = LocalPool::new(config.with_buffer_size(4096)).expect("sizes are in range");
    // The second of three slots, so that what is around it is the slab's too.
    let (_first, mut buffer) = (pool.acquire(), pool.acquire());
    let start = black_box(buffer.as_mut_ptr());
    match fault.as_str() {
        "none" => buffer.resize(4096, 1),
        "write-after-return" => {
            drop(buffer);
            unsafe { start.add(77).write(1) };
            buffer = pool.acquire();
        }
        "read-after-return" => {
            drop(buffer);
            black_box(unsafe { start.add(77).read() });
            buffer = pool.acquire();
        }
        "write-into-the-padding" => unsafe { start.add(4096).write(1) },
        "write-behind-the-padding" => unsafe { start.add(4096 + 64).write(1) },
        "write-in-front" => unsafe { start.sub(1).write(1) },
        "return-twice" => drop(unsafe { ptr::read(&buffer) }),
        "object-after-return" => object_after_return(),
        "arena-after-reset" => arena_after_reset(),
        other => panic!("there is no fault {other:?}"),
    }
    drop(buffer);
    println!("went on");
}

fn object_after_return() {
    let pool = HeapObjectPool::<Vec<u64>>::with_default(2);
    let mut guard = pool.get().expect("two are idle");
    let object: *mut Vec<u64> = &mut *guard;
    drop(guard);
    black_box(unsafe { (*object).len() });
    drop(pool.get());
}

fn arena_after_reset() {
    let mut arena = Arena::with_capacity(4096);
    let words: *mut u64 = arena.alloc_slice::<u64>(8).as_mut_ptr();
    arena.reset();
    unsafe { black_box(words).add(3).write(1) };
    arena.alloc_slice_uninit::<u64>(8);
}
