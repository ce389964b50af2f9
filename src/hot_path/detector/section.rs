//! One section: how it begins, and what its end does.

use std::panic::Location;
use std::thread;

use super::report::{self, Violation};
use super::{ABORT, DEPTH, First, Notes, Place, RECORD, State, ledger, row, with_state};
use crate::hot_path::mode::{self, Mode};

/// A section that has begun. To be left by the thread that entered it.
#[derive(Debug)]
pub(in crate::hot_path) struct Section {
    place: Place,
    /// What was watched before.
    outer: u64,
    mode: Option<Mode>,
    frees: bool,
}

impl Section {
    #[inline(always)]
    pub(in crate::hot_path) fn enter(
        name: &'static str,
        location: &'static Location<'static>,
    ) -> Self {
        let place = Place { name, location };
        let outer = with_state(|state| {
            if !mode::is_quiet() {
                return state.enter_cold(name, location);
            }
            let outer = state.watch.get();
            state.watch.set(outer + 1);
            outer
        });
        Self {
            place,
            outer,
            mode: None,
            frees: false,
        }
    }

    #[inline(always)]
    pub(in crate::hot_path) fn set_mode(&mut self, mode: Mode) {
        self.mode = Some(mode);
        if mode == Mode::Abort {
            with_state(|state| state.abort_at_once(self.place));
        }
    }

    #[inline(always)]
    pub(in crate::hot_path) fn allow_free(&mut self) {
        self.frees = true;
        let outer = self.outer & DEPTH;
        with_state(|state| {
            if outer <= state.free_depth.get() {
                state.free_depth.set(outer + 1);
            }
        });
    }

    /// Ends the section.
    #[inline(always)]
    pub(in crate::hot_path) fn leave(&mut self) {
        with_state(|state| {
            let is_plain = state.watch.get() == self.outer + 1 && state.noted.get() == 0;
            if is_plain && !self.frees {
                state.watch.set(self.outer);
            } else {
                // By value: a reference would put the section into memory on every enter.
                let Self {
                    place, outer, mode, ..
                } = *self;
                state.leave_cold(place.name, place.location, outer, mode);
            }
        });
    }
}

impl State {
    /// Begins a section while the mode is unknown, or abort.
    #[cold]
    #[inline(never)]
    fn enter_cold(&self, name: &'static str, location: &'static Location<'static>) -> u64 {
        self.read_mode();
        let outer = self.watch.get();
        self.watch.set(outer + 1);
        if mode::mode() == Mode::Abort {
            self.abort_at_once(Place { name, location });
        }
        outer
    }

    /// Reads the mode, once a process, with nothing watched.
    fn read_mode(&self) {
        if self.reads_mode.replace(true) {
            return;
        }
        let paused = self.pause();
        let mode = mode::init_from_env();
        drop(paused);
        self.reads_mode.set(false);
        if let Err(error) = mode {
            panic!("{error}");
        }
    }

    #[cold]
    fn abort_at_once(&self, place: Place) {
        if self.watch.get() & ABORT == 0 {
            self.watch.set(self.watch.get() | ABORT);
            self.abort_place.set(Some(place));
        }
    }

    /// Ends a section in which something was noted, that changed what is watched, or whose inner
    /// guards are still there.
    #[cold]
    #[inline(never)]
    fn leave_cold(
        &self,
        name: &'static str,
        location: &'static Location<'static>,
        before: u64,
        mode: Option<Mode>,
    ) {
        let place = Place { name, location };
        let outer = before & DEPTH;
        if self.watch.get() & DEPTH <= outer {
            // It ended with a guard around it.
            return;
        }
        let recorded = self.watch.get() & RECORD;
        self.watch.set(before & !RECORD | recorded);
        self.free_depth.set(self.free_depth.get().min(outer));
        if self.noted.get() == 0 {
            return;
        }
        self.settle(place, outer + 1);
        if outer == 0 {
            self.report(place, mode);
        }
    }

    /// Counts what was noted at `depth` and below for the section at `place`.
    fn settle(&self, place: Place, depth: u64) {
        let mut notes = self.notes.get();
        let own = &mut notes.by_depth[row(depth)..];
        let count: u64 = own.iter().sum();
        own.fill(0);
        if let Some(first) = &mut notes.first
            && first.depth >= depth
        {
            first.place.get_or_insert(place);
        }
        self.notes.set(notes);
        if count != 0 {
            let _paused = self.pause();
            ledger::add_violations(place, count);
        }
    }

    /// Reports what was noted, and forgets it.
    fn report(&self, outermost: Place, mode: Option<Mode>) {
        let count = self.noted.replace(0);
        let Some(First {
            operation, place, ..
        }) = self.notes.replace(Notes::NONE).first
        else {
            return;
        };
        if thread::panicking() {
            return;
        }
        let violation = Violation {
            operation,
            place: place.or(Some(outermost)),
            more: count - 1,
        };
        match mode.unwrap_or_else(mode::mode) {
            Mode::Panic => panic!("{violation}"),
            Mode::Abort => report::abort(&violation),
            Mode::Warn => {
                let _paused = self.pause();
                report::warn(&violation);
            }
            Mode::Count => {}
        }
    }
}
