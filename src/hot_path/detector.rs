//! The armed detector: what a thread knows of its sections, and what its allocator notes.
//!
//! # Invariants
//!
//! 1. `STATE` has no destructor and is constant at the start: it is there from a thread's first
//!    instant to its last, and reaching it runs no code. All of it belongs to its thread.
//! 2. `watch` is zero when there is nothing to note: the allocator looks at this word alone.
//! 3. `noted` is the sum of `notes.by_depth`; `notes.first` is set when it is not zero.

mod ledger;
mod report;
mod section;

use std::alloc::Layout;
use std::cell::Cell;
use std::hint::black_box;
use std::mem::needs_drop;
use std::panic::Location;
use std::thread;

pub(super) use self::ledger::{permits, violations};
use self::report::Violation;
pub(super) use self::section::Section;
use super::AllocationStats;
use super::operation::{Call, Operation};
use crate::register::in_register;

pub(super) const IN_THIS_BUILD: bool = true;

/// A source line with a name.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: &'static str,
    location: &'static Location<'static>,
}

/// Bits of `watch`: the calls of this thread are recorded.
const RECORD: u64 = 1 << 63;
/// Bits of `watch`: a call in a section aborts at once.
const ABORT: u64 = 1 << 62;
/// Bits of `watch`: how many sections deep this thread is.
const DEPTH: u64 = ABORT - 1;

/// Depths that are told apart in the counts.
const DEPTHS: usize = 4;

struct State {
    /// Depth and flags; zero when the allocator has nothing to note.
    watch: Cell<u64>,
    /// Violations that are not reported yet.
    noted: Cell<u64>,
    notes: Cell<Notes>,
    /// Depth down to which sections permit frees; 0: none does.
    free_depth: Cell<u64>,
    /// Depth whose calls are permitted; 0: none.
    permit_depth: Cell<u64>,
    /// Calls that the innermost permit has let through.
    permitted: Cell<u64>,
    recorded: Cell<AllocationStats>,
    /// The section that set `ABORT`.
    abort_place: Cell<Option<Place>>,
    /// Whether this thread is reading the mode, which may call the allocator, which may enter a
    /// section.
    reads_mode: Cell<bool>,
}

/// What was noted since the outermost section began.
#[derive(Clone, Copy)]
struct Notes {
    /// Violations by the depth at which they happened, less one; the last holds the deeper ones too.
    by_depth: [u64; DEPTHS],
    first: Option<First>,
}

/// The first violation.
#[derive(Clone, Copy)]
struct First {
    operation: Operation,
    depth: u64,
    /// The section that it happened in, once that has ended.
    place: Option<Place>,
}

impl Notes {
    const NONE: Self = Self {
        by_depth: [0; DEPTHS],
        first: None,
    };
}

thread_local! {
    static STATE: State = const {
        State {
            watch: Cell::new(0),
            noted: Cell::new(0),
            notes: Cell::new(Notes::NONE),
            free_depth: Cell::new(0),
            permit_depth: Cell::new(0),
            permitted: Cell::new(0),
            recorded: Cell::new(AllocationStats {
                allocations: 0,
                reallocations: 0,
                frees: 0,
                bytes_allocated: 0,
                bytes_freed: 0,
            }),
            abort_place: Cell::new(None),
            reads_mode: Cell::new(false),
        }
    };
}

const _: () = assert!(!needs_drop::<State>() && size_of::<State>() <= 256);

#[inline(always)]
fn with_state<R>(work: impl FnOnce(&State) -> R) -> R {
    STATE.with(|state| {
        // SAFETY: the very reference that `with` lends for this call.
        work(unsafe { &*in_register(state) })
    })
}

/// Whether a call of the allocator is to be noted.
#[inline(always)]
pub(super) fn is_watching() -> bool {
    // Not through `with_state`: one compare with memory is all that an allocation pays.
    STATE.with(|state| state.watch.get() != 0)
}

/// Notes a call of the allocator. Does not unwind, and does not allocate.
#[cold]
#[inline(never)]
pub(super) fn note(operation: Operation) {
    STATE.with(|state| {
        let watch = state.watch.get();
        if watch & RECORD != 0 {
            state.record(operation);
        }
        let depth = watch & DEPTH;
        let is_free = operation.call == Call::Dealloc;
        if depth == 0 || (is_free && depth <= state.free_depth.get()) || thread::panicking() {
            return;
        }
        if depth == state.permit_depth.get() {
            state.permitted.set(state.permitted.get() + 1);
        } else if watch & ABORT != 0 {
            state.watch.set(0);
            let place = state.abort_place.get();
            report::abort(&Violation::at_once(operation, place));
        } else {
            state.note_violation(operation, depth);
        }
    });
}

impl State {
    fn note_violation(&self, operation: Operation, depth: u64) {
        let mut notes = self.notes.get();
        notes.by_depth[row(depth)] += 1;
        notes.first.get_or_insert(First {
            operation,
            depth,
            place: None,
        });
        self.notes.set(notes);
        self.noted.set(self.noted.get() + 1);
    }

    fn record(&self, operation: Operation) {
        let mut stats = self.recorded.get();
        let (bytes, new_bytes) = (operation.bytes as u64, operation.new_bytes as u64);
        match operation.call {
            Call::Alloc | Call::AllocZeroed => {
                stats.allocations += 1;
                stats.bytes_allocated += bytes;
            }
            Call::Realloc => {
                stats.reallocations += 1;
                stats.bytes_allocated += new_bytes.saturating_sub(bytes);
                stats.bytes_freed += bytes.saturating_sub(new_bytes);
            }
            Call::Dealloc => {
                stats.frees += 1;
                stats.bytes_freed += bytes;
            }
        }
        self.recorded.set(stats);
    }

    /// Nothing is noted and nothing recorded until the guard is dropped: the detector at work.
    fn pause(&self) -> Paused<'_> {
        Paused {
            watch: self.watch.replace(0),
            state: self,
        }
    }
}

/// The row of `Notes::by_depth` for `depth`, which is not 0.
fn row(depth: u64) -> usize {
    (depth as usize - 1).min(DEPTHS - 1)
}

/// Restores what is watched.
struct Paused<'a> {
    watch: u64,
    state: &'a State,
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.state.watch.set(self.watch);
    }
}

/// See [`permit_alloc`](super::permit_alloc).
#[inline]
pub(super) fn permitted<R>(location: &'static Location<'static>, work: impl FnOnce() -> R) -> R {
    STATE.with(|state| {
        let depth = state.watch.get() & DEPTH;
        let _permit = (depth != 0).then(|| Permit {
            outer_depth: state.permit_depth.replace(depth),
            outer_permitted: state.permitted.replace(0),
            location,
            state,
        });
        work()
    })
}

/// Calls are permitted until it is dropped.
struct Permit<'a> {
    outer_depth: u64,
    outer_permitted: u64,
    location: &'static Location<'static>,
    state: &'a State,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let count = self.state.permitted.replace(self.outer_permitted);
        self.state.permit_depth.set(self.outer_depth);
        if count != 0 {
            let _paused = self.state.pause();
            ledger::add_permits(self.location, count);
        }
    }
}

/// Runs `work` as if this thread were in no section and in no permit.
pub(super) fn alone<R>(work: impl FnOnce() -> R) -> R {
    STATE.with(|state| {
        let _outer = Outer {
            watch: state.watch.replace(state.watch.get() & RECORD),
            noted: state.noted.replace(0),
            notes: state.notes.replace(Notes::NONE),
            free_depth: state.free_depth.replace(0),
            permit_depth: state.permit_depth.replace(0),
            state,
        };
        work()
    })
}

/// Restores the sections around.
struct Outer<'a> {
    watch: u64,
    noted: u64,
    notes: Notes,
    free_depth: u64,
    permit_depth: u64,
    state: &'a State,
}

impl Drop for Outer<'_> {
    fn drop(&mut self) {
        self.state.watch.set(self.watch);
        self.state.noted.set(self.noted);
        self.state.notes.set(self.notes);
        self.state.free_depth.set(self.free_depth);
        self.state.permit_depth.set(self.permit_depth);
    }
}

/// See [`allocations`](super::allocations).
pub(super) fn recorded(work: impl FnOnce()) -> AllocationStats {
    STATE.with(|state| {
        let before = state.recorded.get();
        let recording = Recording {
            outer: state.watch.get() & RECORD,
            state,
        };
        state.watch.set(state.watch.get() | RECORD);
        work();
        drop(recording);
        let now = state.recorded.get();
        AllocationStats {
            allocations: now.allocations - before.allocations,
            reallocations: now.reallocations - before.reallocations,
            frees: now.frees - before.frees,
            bytes_allocated: now.bytes_allocated - before.bytes_allocated,
            bytes_freed: now.bytes_freed - before.bytes_freed,
        }
    })
}

/// Restores whether calls are recorded.
struct Recording<'a> {
    outer: u64,
    state: &'a State,
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        let watch = self.state.watch.get() & !RECORD;
        self.state.watch.set(watch | self.outer);
    }
}

/// Allocates a byte where nothing else is watched, and looks whether that was seen.
pub(super) fn is_armed() -> bool {
    STATE.with(|state| {
        let _paused = state.pause();
        let before = state.recorded.get();
        state.watch.set(RECORD);
        let layout = Layout::new::<u8>();
        // SAFETY: the layout's size is 1.
        let probe = black_box(unsafe { std::alloc::alloc(layout) });
        if !probe.is_null() {
            // SAFETY: allocated by the line above with this layout.
            unsafe { std::alloc::dealloc(probe, layout) };
        }
        state.recorded.replace(before) != before
    })
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::super::{HotPathAlloc, HotPathGuard, assert_armed, permit_alloc};
    use super::*;

    #[global_allocator]
    static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

    #[test]
    fn the_librarys_own_tests_are_armed() {
        assert_armed();
    }

    // From outside it would show as time alone.
    #[test]
    fn nothing_is_watched_once_all_has_ended() {
        let _ = recorded(|| {
            let _section = HotPathGuard::enter("ended").allow_free();
            permit_alloc(|| assert!(is_watching()));
            alone(|| assert!(is_watching(), "the recording goes on"));
        });
        assert!(!is_watching());
    }

    #[test]
    fn section_alone_records_nothing() {
        let recorded = || STATE.with(|state| state.recorded.get());
        let before = recorded();
        let _section = HotPathGuard::enter("records nothing");
        permit_alloc(|| drop(black_box(Box::new(1))));
        assert_eq!(recorded(), before);
    }

    #[test]
    fn what_runs_alone_leaves_the_section_around_as_it_was() {
        let watched = || STATE.with(|state| state.watch.get());
        let _section = HotPathGuard::enter("around");
        let before = watched();
        assert_eq!(before & DEPTH, 1);
        alone(|| drop(black_box(Box::new(1))));
        assert_eq!(watched(), before);
    }

    #[test]
    fn each_depth_has_a_row_and_the_deepest_share_the_last() {
        let last = DEPTHS as u64;
        assert_eq!(
            [1, 2, last, last + 5].map(row),
            [0, 1, DEPTHS - 1, DEPTHS - 1]
        );
    }
}
