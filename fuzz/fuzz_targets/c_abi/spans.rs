//! Memory that is lent: what is where, and what was written into it.

use std::collections::BTreeMap;

/// A stretch of lent memory, filled with a byte of its own.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: *mut u8,
    pub len: usize,
    pub mark: u8,
}

impl Span {
    /// Fills the stretch.
    pub fn new(start: *mut u8, len: usize, mark: u8) -> Self {
        let span = Self { start, len, mark };
        span.fill(len);
        span
    }

    pub fn fill(&self, len: usize) {
        // SAFETY: the library has lent `len` bytes from there on; what the model holds is live.
        unsafe { self.start.write_bytes(self.mark, len) };
    }

    /// Whether the first `len` bytes are as they were written.
    #[track_caller]
    pub fn check(&self, len: usize) {
        // SAFETY: as in `fill`, which has written them.
        let bytes = unsafe { std::slice::from_raw_parts(self.start, len) };
        assert!(
            bytes.iter().all(|byte| *byte == self.mark),
            "somebody else has written here"
        );
    }
}

/// Every live stretch, by its start.
#[derive(Default)]
pub struct Spans(BTreeMap<usize, usize>);

impl Spans {
    #[track_caller]
    pub fn claim(&mut self, start: *mut u8, len: usize) {
        if len == 0 {
            return;
        }
        let (start, end) = (start.addr(), start.addr() + len);
        let before = self.0.range(..end).next_back();
        assert!(
            before.is_none_or(|(_, taken)| *taken <= start),
            "two owners of {start:#x}"
        );
        self.0.insert(start, end);
    }

    pub fn give_up(&mut self, start: *mut u8) {
        self.0.remove(&start.addr());
    }
}
