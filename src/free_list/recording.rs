//! What a free list notes where it records: see [`Recorder`](crate::counters::Recorder).

use std::ptr::NonNull;

use super::FreeList;
use crate::counters::Demand;
use crate::raw::untouched;
use crate::sync::Ordering;

impl FreeList {
    /// What this list was asked for, from any thread; `None` if it does not record.
    pub(crate) fn demand(&self) -> Option<Demand> {
        Some(self.recorder.as_ref()?.demand(self.buffer_size))
    }

    /// After an acquire, since a refused one is noted in another way; `out` were out before.
    ///
    /// # Safety
    ///
    /// * The answer is `buffer_size` bytes, writable, that nobody looks at yet.
    pub(super) unsafe fn note_acquire(&self, out: usize, answer: Option<NonNull<u8>>) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        match (self.state.is_owned(), answer.is_some()) {
            (false, _) => recorder.unserved(out),
            (true, true) => recorder.acquired(out),
            (true, false) => recorder.refused(),
        }
        if let Some(buffer) = answer {
            // SAFETY: the caller's bullet.
            unsafe { self.mark_untouched(buffer, 0, self.buffer_size) };
        }
    }

    /// When a buffer is handed out or has grown: nobody has written from `from` on.
    ///
    /// # Safety
    ///
    /// * `capacity` bytes from `buffer` on are writable, and nobody looks at those from `from` on.
    pub(super) unsafe fn mark_untouched(&self, buffer: NonNull<u8>, from: usize, capacity: usize) {
        if self.recorder.is_some() {
            // SAFETY: the caller's bullet.
            unsafe { untouched::mark(buffer, from, capacity) };
        }
    }

    /// A buffer comes back or leaves.
    ///
    /// # Safety
    ///
    /// * `buffer` is `capacity` bytes, was handed out by this list, and nobody uses it now.
    pub(super) unsafe fn note_end(&self, buffer: NonNull<u8>, capacity: usize) {
        if let Some(recorder) = &self.recorder {
            // SAFETY: the caller's bullet.
            recorder.ended(unsafe { untouched::len_before(buffer, capacity) });
        }
    }

    pub(super) fn restart_record(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.restart();
        }
    }

    /// Puts an idle buffer back, past the closed slot. Inside a change. Whether there was room.
    pub(super) fn push_recorded(&self, buffer: NonNull<u8>) -> bool {
        let len = self.len.load(Ordering::Relaxed);
        let has_room = len < self.capacity;
        if has_room {
            self.fold_high_water();
            self.place(len).store(buffer.as_ptr(), Ordering::Relaxed);
            self.len.store(len + 1, Ordering::Relaxed);
            self.low.store(len + 1, Ordering::Relaxed);
        }
        has_room
    }

    /// Buffers that are out now.
    pub(super) fn out(&self) -> usize {
        self.books.total().saturating_sub(self.idle())
    }
}
