//! A worker thread's place: takes batch after batch through the whole pipeline.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use knhk_pool::permit_alloc;
use knhk_pool::telemetry::semconv::KnhkPipelineStage as Stage;

use super::answer::Answer;
use super::batch::{Batch, Reply};
use super::counts::WorkerCounts;
use super::journal::Journal;
use super::numbers::Numbers;
use super::receipts::Receipts;
use super::refusal::Refusal;
use crate::ingest::{Fault, Ingested};
use crate::instruments;
use crate::memory::{Memory, PooledMemory};
use crate::output::{Output, WriteError};
use crate::totals::Totals;
use crate::transform::group_deltas;
use crate::turnstile::Turnstile;
use crate::worker::{Desk, Plan, Worker};

/// Where results go.
#[derive(Debug)]
pub(super) struct Outlets {
    pub(super) journal: Option<Journal>,
    /// What numbers batches that no journal numbers.
    pub(super) numbers: Numbers,
    pub(super) receipts: Receipts,
}

/// One thread's.
pub(super) struct Station<'s, 'm> {
    pub(super) desk: Desk<'m, PooledMemory<'m>>,
    pub(super) delta_len: usize,
    pub(super) outlets: &'s Outlets,
    pub(super) counts: &'s WorkerCounts,
    /// The lines of the batch under way, when there is a journal.
    pub(super) sheet: Sheet,
}

impl Station<'_, '_> {
    /// All five stages, and the journal.
    pub(super) fn process(&mut self, batch: &Batch) -> Reply {
        let _run = instruments::run_span(1).entered();
        let start = Instant::now();
        let (mut ingested, faults) = self.ingest(batch)?;
        let read = Instant::now();
        instruments::transform_span(ingested.triples.len())
            .in_scope(|| group_deltas(&mut ingested.triples, self.delta_len));
        let kind = PooledMemory::KIND;
        instruments::record(kind, Stage::Ingest, read - start);
        instruments::record(kind, Stage::Transform, read.elapsed());
        let totals = self.pass(batch, &ingested)?;
        self.settle(batch, &ingested, faults, &totals)
    }

    fn ingest(&self, batch: &Batch) -> Result<(Ingested, Vec<Fault>), Refusal> {
        let span = instruments::ingest_span().entered();
        let (ingested, faults) = batch.read()?;
        instruments::set_triples(&span, ingested.triples.len());
        instruments::count_bad_lines(ingested.bad_lines);
        Ok((ingested, faults))
    }

    /// *Load*, *Reflex* and *Emit*.
    fn pass(&mut self, batch: &Batch, ingested: &Ingested) -> Result<Totals, Refusal> {
        let plan = Plan {
            triples: &ingested.triples,
            delta_len: self.delta_len,
            hooks: &batch.hooks.set,
            terms: &ingested.terms,
        };
        let kind = PooledMemory::KIND;
        let span = instruments::pass_span(kind, plan.triples.len()).entered();
        self.sheet.clear();
        let journal = self.outlets.journal.as_ref();
        let output = journal.map(|_| {
            let pen = self.sheet.pen(batch.text_bytes_max);
            Output::to_stream("the journal", pen)
        });
        let turnstile = Turnstile::new(plan.blocks(), output.is_some());
        let mut worker = Worker::new(plan, &mut self.desk);
        let done = worker.run(&turnstile, output.as_ref());
        let totals = worker.into_totals();
        drop(span);
        let written = output.map_or(Ok(()), Output::finish);
        if let Err(WriteError { source, .. }) = written {
            self.desk.forget_samples();
            self.sheet.clear();
            return Err(match source.kind() {
                io::ErrorKind::FileTooLarge => Refusal::OutputTooLarge(batch.text_bytes_max),
                _ => Refusal::Journal(source.to_string()),
            });
        }
        instruments::record_samples(kind, self.desk.samples());
        self.counts
            .add(plan.triples.len(), &totals, self.desk.samples());
        self.desk.forget_samples();
        // The pools are as large as a batch needs: this would be a bug.
        done.map_err(|_| Refusal::Worker)?;
        Ok(totals)
    }

    /// Writes the journal, and makes the answer.
    fn settle(
        &mut self,
        batch: &Batch,
        ingested: &Ingested,
        faults: Vec<Fault>,
        totals: &Totals,
    ) -> Reply {
        let triples = ingested.triples.len() as u64;
        let number = match &self.outlets.journal {
            Some(journal) => {
                let mut lines = self.sheet.lock();
                let appended = journal.append(&mut lines, triples, totals.merged.count);
                drop(lines);
                self.sheet.clear();
                appended?
            }
            None => self.outlets.numbers.next(),
        };
        let answer = Answer {
            batch: number,
            triples,
            bad_lines: ingested.bad_lines,
            bad_lines_shown: faults,
            deltas: triples.div_ceil(self.delta_len as u64),
            ..Answer::new(&batch.hooks.set, totals)
        };
        let answer = serde_json::to_string(&answer).expect("numbers and text");
        let answer: Arc<str> = answer.into();
        if self.outlets.receipts.has_readers() {
            self.outlets.receipts.tell(&answer);
        }
        Ok(answer)
    }
}

/// A batch's lines, in memory that is used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet(Arc<Mutex<Vec<u8>>>);

/// Of a sheet that a large batch has made larger than this, the rest is given back.
const SHEET_BYTES_KEPT: usize = 1 << 20;

impl Sheet {
    /// Empty, and no larger than what is kept.
    fn clear(&self) {
        let mut lines = self.lock();
        lines.clear();
        lines.shrink_to(SHEET_BYTES_KEPT);
    }

    /// Writes at most `bytes_max` on it.
    fn pen(&self, bytes_max: usize) -> Pen {
        let sheet = self.clone();
        Pen { sheet, bytes_max }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a batch writes by: many hooks may hold for each triple.
struct Pen {
    sheet: Sheet,
    bytes_max: usize,
}

impl Pen {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut lines = self.sheet.lock();
        let len = lines.len() + bytes.len();
        if len > self.bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if len > lines.capacity() {
            // Doubling, as a vector does, and never above the bound.
            let capacity = len.max(2 * lines.capacity()).min(self.bytes_max);
            let additional = capacity - lines.len();
            lines
                .try_reserve_exact(additional)
                .map_err(|_| io::ErrorKind::OutOfMemory)?;
        }
        lines.extend_from_slice(bytes);
        Ok(())
    }
}

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // It stands for a file, whose memory is not the stage's either.
        permit_alloc(|| self.append(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_filled_up_to_the_bound_and_gives_its_memory_back() {
        let sheet = Sheet::default();
        let bytes_max = 4 * SHEET_BYTES_KEPT;
        let mut pen = sheet.pen(bytes_max);
        let part = vec![b'x'; bytes_max / 8];
        (0..8).for_each(|_| pen.write_all(&part).expect("there is room"));
        assert_eq!(sheet.lock().capacity(), bytes_max);
        let refused = pen.write_all(b"x").expect_err("it is full");
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        sheet.clear();
        let lines = sheet.lock();
        assert!(lines.is_empty() && lines.capacity() <= SHEET_BYTES_KEPT);
    }
}
