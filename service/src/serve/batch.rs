//! One request's triples: on their way to a worker, and read there.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::oneshot;

use super::answer::BAD_LINES_SHOWN;
use super::held::Body;
use super::hook_sets::Hooks;
use super::pending;
use super::refusal::Refusal;
use crate::gzip::Members;
use crate::ingest::{Fault, Ingested, StreamError};
use crate::shown;
use crate::terms::Collision;

const READ_BYTES: usize = 64 << 10;

/// What a worker sends back: the answer, as JSON.
pub(super) type Reply = Result<Arc<str>, Refusal>;

/// N-Triples that were accepted, and who waits for what becomes of them.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) body: Body,
    pub(super) is_gzip: bool,
    pub(super) text_bytes_max: usize,
    pub(super) hooks: Arc<Hooks>,
    pub(super) reply: oneshot::Sender<Reply>,
    pub(super) since: Instant,
    pub(super) claim: Claim,
    /// What is told of it is told before this goes.
    pub(super) pending: pending::One,
}

/// What a worker that would begin with a batch and a client that has waited long enough race for. A
/// clone is the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Whether it is the caller's: it is the first's who asks.
    pub(super) fn take(&self) -> bool {
        // Relaxed: who comes first is all that is asked; the batch comes by the queue.
        !self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether somebody has it.
    pub(super) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Batch {
    /// Whether somebody waits for its answer still, who from now on does so to the end.
    pub(super) fn begin(&self) -> bool {
        self.claim.take()
    }

    /// Its triples, and its first bad lines.
    ///
    /// Blank nodes are numbered as those of a run's first file, so that ids are the same.
    pub(super) fn read(&self) -> Result<(Ingested, Vec<Fault>), Refusal> {
        let mut ingested = Ingested::new(self.hooks.terms.clone());
        let mut shown = Vec::new();
        let keep = |fault| {
            if shown.len() < BAD_LINES_SHOWN {
                shown.push(fault);
            }
        };
        let text = self.body.bytes();
        if !self.is_gzip && text.len() > self.text_bytes_max {
            return Err(Refusal::TextTooLarge(self.text_bytes_max));
        }
        let read = if self.is_gzip {
            let text = Bounded::new(Members::new(text), self.text_bytes_max);
            let text = BufReader::with_capacity(READ_BYTES, text);
            ingested.read_stream(text, 0, |_| {}, keep)
        } else {
            ingested.read_stream(text, 0, |_| {}, keep)
        };
        match read {
            Ok(()) => Ok((ingested, shown)),
            Err(error) => Err(self.refusal(error)),
        }
    }

    fn refusal(&self, error: StreamError) -> Refusal {
        match error {
            StreamError::Collision(collision) => quoting(collision),
            StreamError::Read(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                Refusal::TextTooLarge(self.text_bytes_max)
            }
            StreamError::Read(error) => Refusal::Body(error.to_string()),
        }
    }
}

/// A term may be as long as a body: of each only the beginning is shown.
fn quoting(collision: Collision) -> Refusal {
    let Collision { id, first, second } = collision;
    let [first, second] = [first, second].map(|term| shown::line(&term));
    Refusal::Collision(Collision { id, first, second }.to_string())
}

/// A stream that ends in an error behind so many bytes.
struct Bounded<R> {
    stream: R,
    left: usize,
}

impl<R> Bounded<R> {
    fn new(stream: R, left: usize) -> Self {
        Self { stream, left }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(bytes)?;
        self.left = match self.left.checked_sub(read) {
            Some(left) => left,
            None => return Err(io::ErrorKind::FileTooLarge.into()),
        };
        Ok(read)
    }
}

#[cfg(test)]
impl Batch {
    /// Of that body, without hooks, and its claim.
    pub(super) fn of(text: &[u8]) -> (Self, Claim) {
        let mut body = Body::new(&Arc::default());
        body.append(text, text.len()).expect("there is memory");
        let hooks = super::hook_sets::HookSets::load(&[]).expect("there are none");
        let claim = Claim::default();
        let batch = Self {
            body,
            is_gzip: false,
            text_bytes_max: text.len(),
            hooks: hooks.named(None).expect("the default"),
            reply: oneshot::channel().0,
            since: Instant::now(),
            claim: claim.clone(),
            pending: pending::Pending::new().one(),
        };
        (batch, claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_terms_that_collide_the_beginnings_are_shown() {
        let [first, second] = ["a", "b"].map(|letter| letter.repeat(1 << 20));
        let id = 7;
        let message = quoting(Collision { id, first, second }).to_string();
        assert!(message.contains("aaa…") && message.ends_with("bbb…"));
        assert!(message.len() < 600, "{message}");
    }
}
