//! What a thread holds or does when it ends, cell by cell of a matrix.
//!
//! Compiled twice: into the executable beside it, and into a shared library that this executable
//! opens, where every thread-local is the library's own. A process runs one cell on one thread.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{RefCell, UnsafeCell};
use std::sync::atomic::{AtomicU64, Ordering};

use knhk_pool::{Arena, BufferPool, ThreadObjectPool, snapshot};

static BUFFERS: BufferPool = BufferPool::new("exit-order-buffers");
static OBJECTS: ThreadObjectPool<Vec<u8>> =
    ThreadObjectPool::new("exit-order-objects", 2, || Vec::with_capacity(64));

/// Acquires and arena uses so far, served or refused.
static USES: AtomicU64 = AtomicU64::new(0);

/// What is used: a thread's part of a pool, or the thread's own arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum Kind {
    /// A pool of buffers.
    Buffers,
    /// A pool of objects.
    Objects,
    /// `Arena::with_thread`.
    Arena,
}

/// How the thread's end meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum Meeting {
    /// Another thread-local holds one, and its destructor gives it back.
    Held,
    /// Another thread-local's destructor acquires one and gives it back.
    Acquired,
    /// As `Acquired`, while a static holds another one.
    Static,
}

/// One cell, but for the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Cell {
    /// What is used.
    pub kind: Kind,
    /// How the thread's end meets it.
    pub meeting: Meeting,
    /// Whether the other thread-local is registered before the pool's part is.
    pub other_first: bool,
}

impl Cell {
    /// Every cell. Nothing of an arena can be held: a scope's allocations end with its closure.
    pub fn all() -> impl Iterator<Item = Self> {
        let kinds = [Kind::Buffers, Kind::Objects, Kind::Arena];
        let meetings = [Meeting::Held, Meeting::Acquired, Meeting::Static];
        let pairs = kinds
            .into_iter()
            .flat_map(move |kind| meetings.map(|meeting| (kind, meeting)));
        let possible =
            pairs.filter(|(kind, meeting)| *kind != Kind::Arena || *meeting == Meeting::Acquired);
        possible.flat_map(|(kind, meeting)| {
            [false, true].map(|other_first| Self {
                kind,
                meeting,
                other_first,
            })
        })
    }
}

/// The library's two symbols, as functions.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Prepares the calling thread, which is to end next.
    pub begin: extern "C" fn(Cell),
    /// After that thread's end: whether the books are balanced. On that very thread, if it is the
    /// main one, which runs its exit handlers after its thread-locals' destructors.
    pub verify: extern "C" fn(Cell, on_that_thread: bool) -> bool,
}

/// A buffer or an object's guard: nothing is done with it but to drop it.
type Held = Box<dyn Any>;

impl Kind {
    fn acquire(self) -> Option<Held> {
        USES.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::Buffers => {
                let mut buffer = BUFFERS.acquire();
                buffer.push(1);
                Some(Box::new(buffer))
            }
            Self::Objects => OBJECTS.get().ok().map(|mut object| {
                object.push(1);
                Box::new(object) as Held
            }),
            Self::Arena => {
                Arena::with_thread(|arena| assert_eq!(*arena.alloc(7), 7));
                None
            }
        }
    }
}

/// In a thread-local whose destructor gives back what it holds, or acquires.
struct Late {
    _held: Option<Held>,
    acquires: Option<Kind>,
}

impl Drop for Late {
    fn drop(&mut self) {
        drop(self.acquires.map(Kind::acquire));
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

/// What a static holds.
struct Kept(UnsafeCell<Option<Held>>);

// SAFETY: the process' one cell runs on one thread, and `verify` looks into it on that thread alone.
unsafe impl Sync for Kept {}

static KEPT: Kept = Kept(UnsafeCell::new(None));

/// See [`Functions::begin`].
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_exit_order_begin(cell: Cell) {
    if cell.other_first {
        LATE.with_borrow(|late| assert!(late.is_none()));
    }
    let held = cell.kind.acquire();
    let late = match cell.meeting {
        Meeting::Held => Late {
            _held: held,
            acquires: None,
        },
        Meeting::Acquired => Late {
            _held: None,
            acquires: Some(cell.kind),
        },
        Meeting::Static => {
            // SAFETY: the one thread of the process that uses it.
            unsafe { *KEPT.0.get() = held };
            Late {
                _held: None,
                acquires: Some(cell.kind),
            }
        }
    };
    LATE.set(Some(late));
}

/// See [`Functions::verify`].
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_exit_order_verify(cell: Cell, on_that_thread: bool) -> bool {
    if on_that_thread {
        // SAFETY: the one thread of the process that uses it.
        drop(unsafe { (*KEPT.0.get()).take() });
    }
    let is_kept = cell.meeting == Meeting::Static && !on_that_thread;
    let uses = USES.load(Ordering::Relaxed);
    let stats = match cell.kind {
        Kind::Buffers => BUFFERS.stats(),
        Kind::Objects => OBJECTS.stats(),
        Kind::Arena => return is_arena_balanced(uses),
    };
    let gone = stats.released + stats.freed + stats.detached;
    let is_balanced = stats.hits + stats.misses == gone + stats.in_use as u64;
    let expected = uses == if cell.meeting == Meeting::Held { 1 } else { 2 };
    expected
        && is_balanced
        && stats.acquires() == uses
        && (stats.in_use, stats.threads) == (usize::from(is_kept), 0)
}

fn is_arena_balanced(uses: u64) -> bool {
    let snapshot = snapshot();
    let arena = snapshot.arenas.iter().find(|arena| arena.name == "thread");
    arena.is_some_and(|arena| {
        uses == 2 && arena.stats.allocations == uses && arena.stats.arenas == 0
    })
}
