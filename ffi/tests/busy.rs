//! An allocator that uses an arena, or opens something, while the C ABI that has called it is at work: it is
//! served, or refused.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::iter;
use std::ptr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use knhk_pool_ffi::*;

thread_local! {
    /// What the next call of the allocator, to allocate or to free, does first.
    static ASK_ALLOC: Cell<Option<Ask>> = const { Cell::new(None) };
    static ASK_FREE: Cell<Option<Ask>> = const { Cell::new(None) };
    /// Allocations before that one.
    static SERVED: Cell<u32> = const { Cell::new(0) };
    static ANSWERS: Cell<Option<Answers>> = const { Cell::new(None) };
    static OPENED: Cell<Option<[(Status, u64); 3]>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
enum Ask {
    Use(Arena, Mark),
    /// A pool of that name, another, and an arena.
    Open(*const c_char),
}

/// What the functions of an arena answered, all of them.
type Answers = [Status; 6];

fn work_off(ask: &Cell<Option<Ask>>) {
    match ask.take() {
        Some(Ask::Use(arena, mark)) => ANSWERS.set(Some(use_arena(arena, mark))),
        Some(Ask::Open(name)) => OPENED.set(Some([
            try_open(name),
            try_open(c"of-the-allocators".as_ptr()),
            try_create(c"of-the-allocators".as_ptr()),
        ])),
        None => {}
    }
}

struct Asking;

// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for Asking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match SERVED.get().checked_sub(1) {
            Some(left) => SERVED.set(left),
            None => ASK_ALLOC.with(work_off),
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        ASK_FREE.with(work_off);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Asking = Asking;

fn use_arena(arena: Arena, mark: Mark) -> Answers {
    let (mut other, mut bytes, mut stats) = (0, ptr::null_mut::<c_void>(), ArenaStats::default());
    [
        knhk_arena_alloc(arena, 8, 8, (&mut bytes).into()),
        knhk_arena_mark(arena, (&mut other).into()),
        knhk_arena_rewind(arena, mark),
        knhk_arena_reset(arena),
        knhk_stats_arena(arena, (&mut stats).into()),
        knhk_arena_destroy(arena),
    ]
}

fn mark(arena: Arena) -> Mark {
    let mut mark = 0;
    assert_eq!(knhk_arena_mark(arena, (&mut mark).into()), Status::Ok);
    mark
}

/// An arena that takes from the heap, with blocks from there below its two marks, between them, and above.
fn spilled() -> (Arena, [Mark; 2], [*mut u8; 3]) {
    let config = ArenaConfig {
        size: 64 << 10,
        overflow: 2,
        zero: 0,
    };
    let mut arena = 0;
    // SAFETY: no name, a config, a place.
    let created = unsafe { knhk_arena_create(ptr::null(), Some(&config), (&mut arena).into()) };
    assert_eq!(created, Status::Ok);
    let below = spill(arena);
    let first = mark(arena);
    let between = spill(arena);
    let second = mark(arena);
    let above = [spill(arena), spill(arena)];
    (arena, [first, second], [below, between, above[0]])
}

/// More than the chunk has.
const SPILL: usize = 100_000;

fn spill(arena: Arena) -> *mut u8 {
    let mut bytes = ptr::null_mut::<c_void>();
    let allocated = knhk_arena_alloc(arena, SPILL, 8, (&mut bytes).into());
    assert_eq!(allocated, Status::Ok);
    let bytes = bytes.cast::<u8>();
    // SAFETY: allocated above.
    unsafe { bytes.write_bytes(7, SPILL) };
    bytes
}

fn is_whole(bytes: *mut u8) -> bool {
    // SAFETY: a spill that is not given back, and written.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, SPILL) };
    bytes.iter().all(|&byte| byte == 7)
}

fn heap_bytes(arena: Arena) -> u64 {
    let mut stats = ArenaStats::default();
    assert_eq!(knhk_stats_arena(arena, (&mut stats).into()), Status::Ok);
    stats.heap_bytes
}

fn try_open(name: *const c_char) -> (Status, Pool) {
    let config = PoolConfig {
        pool_size: 1,
        buffer_size: 64,
        zero_on_release: 0,
    };
    let mut pool = 0;
    // SAFETY: a C string, a config, a place.
    let opened = unsafe { knhk_pool_open(name, Some(&config), (&mut pool).into()) };
    (opened, pool)
}

fn try_create(name: *const c_char) -> (Status, Arena) {
    let mut arena = 0;
    // SAFETY: a C string, no config, a place.
    let created = unsafe { knhk_arena_create(name, None, (&mut arena).into()) };
    (created, arena)
}

const REFUSED: Option<Answers> = Some([Status::Busy; 6]);

#[test]
fn allocator_cannot_use_the_arena_that_asks_it_for_a_spill() {
    let (arena, [_, second], [below, between, above]) = spilled();
    ASK_ALLOC.set(Some(Ask::Use(arena, second)));
    let spilled = spill(arena);
    assert_eq!(ANSWERS.take(), REFUSED);
    assert!([below, between, above, spilled].map(is_whole) == [true; 4]);
    assert_eq!(knhk_arena_rewind(arena, second), Status::Ok);
    assert_eq!(knhk_arena_destroy(arena), Status::Ok);
}

#[test]
fn allocator_cannot_use_the_arena_that_asks_it_for_room_for_a_mark() {
    let (arena, [_, second], _) = spilled();
    for _ in 0..40 {
        ASK_ALLOC.set(Some(Ask::Use(arena, second)));
        mark(arena);
    }
    ASK_ALLOC.set(None);
    assert_eq!(ANSWERS.take(), REFUSED, "there was room for 40 marks");
    assert_eq!(knhk_arena_rewind(arena, second), Status::Ok);
    assert_eq!(knhk_arena_destroy(arena), Status::Ok);
}

#[test]
fn allocator_cannot_use_the_arena_whose_spills_a_rewind_frees() {
    let (arena, [first, second], [below, between, _]) = spilled();
    ASK_FREE.set(Some(Ask::Use(arena, first)));
    assert_eq!(knhk_arena_rewind(arena, second), Status::Ok);
    assert_eq!(ANSWERS.take(), REFUSED);
    assert!([below, between].map(is_whole) == [true; 2]);
    ASK_FREE.set(Some(Ask::Use(arena, second)));
    assert_eq!(knhk_arena_rewind(arena, first), Status::Ok);
    assert_eq!(ANSWERS.take(), REFUSED);
    assert!(is_whole(below));
    assert_eq!(knhk_arena_destroy(arena), Status::Ok);
}

/// `marked` or not: the spills are freed with the marks, or after them.
#[test]
fn allocator_cannot_use_the_arena_whose_spills_a_reset_frees() {
    for marked in [true, false] {
        let (arena, [first, second], _) = spilled();
        if !marked {
            assert_eq!(knhk_arena_rewind(arena, first), Status::Ok);
        }
        ASK_FREE.set(Some(Ask::Use(arena, second)));
        assert_eq!(knhk_arena_reset(arena), Status::Ok);
        assert_eq!(ANSWERS.take(), REFUSED);
        assert_eq!(heap_bytes(arena), 0);
        assert_eq!(knhk_arena_destroy(arena), Status::Ok);
    }
}

#[test]
fn allocator_finds_no_arena_while_it_is_destroyed() {
    let (arena, [_, second], _) = spilled();
    ASK_FREE.set(Some(Ask::Use(arena, second)));
    assert_eq!(knhk_arena_destroy(arena), Status::Ok);
    assert_eq!(ANSWERS.take(), Some([Status::Stale; 6]));
}

/// Where `open` allocates first, where it reads the configuration, and last, where it enters what it has made.
fn points(open: impl FnOnce()) -> impl Iterator<Item = u32> {
    SERVED.set(u32::MAX);
    open();
    let all = u32::MAX - SERVED.replace(0);
    iter::once(0).chain(all.saturating_sub(12)..all)
}

/// Has the allocator open things while `open` does. How often it was served, and how often refused.
fn opened_inside(what: &str, open: impl Fn(*const c_char) -> (Status, u64)) -> [usize; 2] {
    let first = || assert_eq!(open(c"first".as_ptr()).0, Status::Ok);
    let mut answers = Vec::new();
    for point in points(first) {
        let name = CString::new(format!("{what}-{point}")).expect("digits");
        SERVED.set(point);
        ASK_ALLOC.set(Some(Ask::Open(name.as_ptr())));
        let outer = open(name.as_ptr());
        SERVED.set(0);
        ASK_ALLOC.set(None);
        assert_eq!(outer.0, Status::Ok);
        let Some([same, other, arena]) = OPENED.take() else {
            continue;
        };
        if arena.0 == Status::Ok {
            assert_eq!(knhk_arena_destroy(arena.1), Status::Ok);
        }
        if same.0 == Status::Ok {
            assert_eq!(try_open(name.as_ptr()), same);
        }
        answers.extend([same.0, other.0, arena.0]);
    }
    let of = |status| answers.iter().filter(|answer| **answer == status).count();
    let counts = [of(Status::Ok), of(Status::Busy)];
    assert_eq!(counts.iter().sum::<usize>(), answers.len(), "{answers:?}");
    counts
}

#[test]
fn allocator_that_opens_while_something_is_opened_is_served_or_refused() {
    let (finished, wait) = mpsc::channel();
    let opening = thread::spawn(move || {
        let in_pools = opened_inside("pool", try_open);
        let in_arenas = opened_inside("arena", try_create);
        finished.send(()).expect("the test waits");
        [in_pools, in_arenas]
    });
    let waited = wait.recv_timeout(Duration::from_secs(300));
    assert_ne!(
        waited,
        Err(mpsc::RecvTimeoutError::Timeout),
        "it waits for itself"
    );
    let counts = opening.join().expect("as promised");
    assert!(
        counts.as_flattened().iter().all(|&count| count > 0),
        "{counts:?}"
    );
}
