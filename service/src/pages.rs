//! One worker's output buffers: filled one after the other, held until the block's turn has come.
//!
//! Bytes run on from one buffer into the next, so that a buffer never grows, however long a line.

use std::time::{Duration, Instant};

use crate::memory::{Bytes, Memory};
use crate::output::{Door, Kind};

/// Buffers that a worker has out at most: as many as the smallest workload profile gives a thread,
/// so that no profile is exhausted. Beyond it, the worker waits for its turn.
pub const BUFFERS_HELD_MAX: usize = knhk_pool::Workload::Low.pool_size();

/// Receipts and triples are filled side by side.
const OPEN: usize = 2;

const _: () = assert!(BUFFERS_HELD_MAX > OPEN);

/// The buffers of one worker.
#[derive(Debug)]
pub struct Pages<'m, M: Memory> {
    memory: &'m M,
    open: [Option<M::Bytes>; OPEN],
    filled: Vec<(Kind, M::Bytes)>,
    writing: Duration,
}

impl<'m, M: Memory> Pages<'m, M> {
    /// No buffers yet; they will come from `memory`.
    pub fn new(memory: &'m M) -> Self {
        let filled = Vec::with_capacity(BUFFERS_HELD_MAX);
        Self {
            memory,
            open: [None, None],
            filled,
            writing: Duration::ZERO,
        }
    }

    /// Appends `bytes` to what was put of this kind before.
    pub fn put(&mut self, kind: Kind, mut bytes: &[u8], door: &Door<'_>) {
        let kind = door.stream_of(kind);
        while !bytes.is_empty() {
            let page = self.open[kind as usize].get_or_insert_with(|| self.memory.bytes());
            let (now, later) = bytes.split_at(bytes.len().min(page.room()));
            page.append(now);
            bytes = later;
            if page.room() == 0 {
                self.close(kind);
                if self.filled.len() + OPEN >= BUFFERS_HELD_MAX {
                    self.flush(door);
                }
            }
        }
    }

    /// Sends everything on, and gives all buffers back.
    pub fn finish(&mut self, door: &Door<'_>) {
        self.close(Kind::Receipts);
        self.close(Kind::Triples);
        self.flush(door);
    }

    /// Time spent waiting for turns and writing.
    pub fn writing(&self) -> Duration {
        self.writing
    }

    fn close(&mut self, kind: Kind) {
        if let Some(page) = self.open[kind as usize].take() {
            self.filled.push((kind, page));
        }
    }

    fn flush(&mut self, door: &Door<'_>) {
        if !door.leads_somewhere() {
            return self.filled.clear();
        }
        let start = Instant::now();
        for (kind, page) in self.filled.drain(..) {
            door.write(kind, &page);
        }
        self.writing += start.elapsed();
    }
}
