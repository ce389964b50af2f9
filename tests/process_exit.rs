//! `exit` runs the calling thread's destructors while its frames are live, and other threads may still
//! read what these lent: it is not freed before the process is gone.

#![cfg(all(unix, not(miri)))]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::{Command, Output, abort, exit};
use std::sync::atomic::{AtomicUsize, Ordering};

use knhk_pool::{Arena, BufferPool, ThreadObjectPool, scratch};

/// Says to this test's own binary which use to exit in.
const VARIABLE: &str = "KNHK_TEST_EXITS_IN";

/// What the child exits with.
const CODE: i32 = 7;

/// The address that must not be freed; 0: none.
static OUT: AtomicUsize = AtomicUsize::new(0);

struct Watching;

// SAFETY: every call goes to `System` as it came, but the last one of a process that is aborted.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        let first = start.addr();
        if (first..first + layout.size()).contains(&OUT.load(Ordering::Relaxed)) {
            abort();
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

fn exit_with<T: ?Sized>(out: &T) -> ! {
    let address = std::ptr::from_ref(out).cast::<u8>().addr();
    OUT.store(address, Ordering::Relaxed);
    exit(CODE)
}

static BUFFERS: BufferPool = BufferPool::new("process-exit");
static OBJECTS: ThreadObjectPool<Vec<u8>> =
    ThreadObjectPool::new("process-exit", 2, || Vec::with_capacity(9));

const USES: [(&str, fn()); 6] = [
    ("Arena::with_thread", || {
        Arena::with_thread(|arena| exit_with(arena.alloc(1_u64)))
    }),
    ("Arena::with_thread, the outer of two", || {
        Arena::with_thread(|outer| {
            let out = outer.alloc(1_u64);
            Arena::with_thread(|_inner| exit_with(out))
        })
    }),
    ("Arena::with_thread, after a nested one", || {
        Arena::with_thread(|outer| {
            Arena::with_thread(|inner| assert_eq!(*inner.alloc(1), 1));
            exit_with(outer.alloc(1_u64))
        })
    }),
    ("scratch::with", || {
        scratch::with(|scratch| exit_with(scratch.alloc_slice::<u64>(9)))
    }),
    ("BufferPool::acquire", || {
        let mut buffer = BUFFERS.acquire();
        buffer.push(1);
        exit_with(&buffer[..])
    }),
    ("ThreadObjectPool::get", || {
        exit_with(&*OBJECTS.get().expect("two are there"))
    }),
];

/// On the main thread, or on one that was spawned: by one thread the harness runs tests on its own.
fn child(of: &str, name: &str, test_threads: &str) -> Output {
    Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", of, "--test-threads", test_threads])
        .env(VARIABLE, name)
        .output()
        .expect("it can be started")
}

#[test]
fn what_is_out_when_the_process_exits_is_not_freed() {
    if let Ok(wanted) = std::env::var(VARIABLE) {
        let exits = USES.iter().find(|(name, _)| *name == wanted);
        exits.expect("the name of a use").1();
    }
    for (name, _) in USES {
        for test_threads in ["1", "2"] {
            let output = child(
                "what_is_out_when_the_process_exits_is_not_freed",
                name,
                test_threads,
            );
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(CODE),
                "{name}: {output:?} {said}"
            );
        }
    }
}
