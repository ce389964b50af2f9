//! What a free list notes where it records: see [`Recorder`](crate::counters::Recorder).

use std::ptr::NonNull;

use super::FreeList;
use crate::counters::Demand;
use crate::sync::Ordering;

impl FreeList {
    /// What this list was asked for, from any thread; `None` if it does not record.
    pub(crate) fn demand(&self) -> Option<Demand> {
        Some(self.recorder.as_ref()?.demand(self.buffer_size))
    }

    /// Afterwards: it is noted in another way if it was refused. `out` were out before.
    pub(super) fn note_acquire(&self, out: usize, is_answered: bool) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        match (self.state.is_owned(), is_answered) {
            (false, _) => recorder.unserved(out),
            (true, true) => recorder.acquired(out),
            (true, false) => recorder.refused(),
        }
    }

    /// A buffer comes back or leaves, with `len` bytes.
    pub(super) fn note_end(&self, len: usize) {
        if let Some(recorder) = &self.recorder {
            recorder.ended(len);
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
