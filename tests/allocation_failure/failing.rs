//! The system's allocator, which refuses this thread the n-th request from now, once or from then on.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

pub(crate) struct Failing;

/// Which requests are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Once,
    FromThereOn,
}

#[derive(Clone, Copy)]
struct Plan {
    refusal: Refusal,
    /// Requests that are served before.
    served: u64,
    has_refused: bool,
}

thread_local! {
    // Without destructor, so that it is there whenever the allocator is called.
    static PLAN: Cell<Option<Plan>> = const { Cell::new(None) };
    /// Bytes that this thread has and has not given back.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

fn is_refused() -> bool {
    let Some(mut plan) = PLAN.get() else {
        return false;
    };
    let now = plan.served == 0 && (!plan.has_refused || plan.refusal == Refusal::FromThereOn);
    plan.served = plan.served.saturating_sub(1);
    plan.has_refused |= now;
    PLAN.set(Some(plan));
    now
}

// SAFETY: null, or what the system's allocator answers.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused() {
            return ptr::null_mut();
        }
        // SAFETY: the caller keeps `alloc`'s contract.
        let start = unsafe { System.alloc(layout) };
        if !start.is_null() {
            LIVE.set(LIVE.get() + layout.size() as isize);
        }
        start
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size() as isize);
        // SAFETY: the caller keeps `dealloc`'s contract, and the memory is the system's.
        unsafe { System.dealloc(start, layout) }
    }
}

/// Bytes that this thread has now.
pub(crate) fn live() -> isize {
    LIVE.get()
}

/// Refuses this thread what comes after `served` more requests.
pub(crate) fn begin(refusal: Refusal, served: u64) {
    let has_refused = false;
    PLAN.set(Some(Plan {
        refusal,
        served,
        has_refused,
    }));
}

/// Refuses nothing any more; whether something was.
pub(crate) fn end() -> bool {
    PLAN.take().is_some_and(|plan| plan.has_refused)
}

/// One run of an operation, of which one request is refused.
pub(crate) struct Run {
    refusal: Refusal,
    served: u64,
    was_refused: Cell<bool>,
}

impl Run {
    /// The operation. What it is done to is made before, and looked at after.
    pub(crate) fn refusing<R>(&self, operation: impl FnOnce() -> R) -> R {
        begin(self.refusal, self.served);
        let result = operation();
        self.was_refused.set(end());
        result
    }
}

/// Runs `run` with the first request of its operation refused, with the second, and so on, until all
/// were served. At each point it must free all that it took. Prints how many points there were.
#[track_caller]
pub(crate) fn at_every_point(operation: &str, mut run: impl FnMut(&Run)) -> u64 {
    let mut points = 0;
    // What is kept for ever, such as names, is taken in the first run, in which all is served.
    run(&Run::new(Refusal::Once, u64::MAX));
    for refusal in [Refusal::Once, Refusal::FromThereOn] {
        for served in 0.. {
            let one = Run::new(refusal, served);
            let mut lost = || {
                let before = live();
                run(&one);
                live() != before
            };
            // A list of the process may have grown just now, since another thread has made much: not again.
            assert!(
                !lost() || !lost(),
                "{operation}, {refusal:?} after {served}: lost"
            );
            if !one.was_refused.get() {
                break;
            }
            points += 1;
        }
    }
    println!("{points:4} points at which {operation} was refused memory");
    points
}

impl Run {
    fn new(refusal: Refusal, served: u64) -> Self {
        Self {
            refusal,
            served,
            was_refused: Cell::new(false),
        }
    }
}
