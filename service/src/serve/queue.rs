//! Batches that wait for a worker.
//!
//! One queue for all, so that no batch waits behind a large one while another worker is free. A batch that
//! nobody waits for any more keeps its place until a worker comes to it or the place is wanted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::batch::Batch;
use super::refusal::Refusal;

/// A clone is the same.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting: Mutex<VecDeque<Batch>>,
    /// A batch has come, or some shall leave.
    changed: Condvar,
    capacity: usize,
    /// How many have been given up since they were last looked for.
    given_up: AtomicUsize,
}

/// Those who take batches, until it is dropped.
#[derive(Debug)]
pub(super) struct Stay {
    queue: Queue,
    is_over: Arc<AtomicBool>,
}

/// One of those.
#[derive(Clone, Debug)]
pub(super) struct Taker {
    queue: Queue,
    is_over: Arc<AtomicBool>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Arc::new(Shared {
            waiting: Mutex::new(VecDeque::with_capacity(capacity)),
            changed: Condvar::new(),
            capacity,
            given_up: AtomicUsize::new(0),
        }))
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// Accepts `batch`, or turns it away.
    pub(super) fn push(&self, batch: Batch) -> Result<(), Refusal> {
        let mut waiting = self.lock();
        if waiting.len() >= self.capacity() {
            drop(waiting);
            self.sweep();
            waiting = self.lock();
            if waiting.len() >= self.capacity() {
                return Err(Refusal::QueueFull(self.capacity()));
            }
        }
        waiting.push_back(batch);
        drop(waiting);
        self.0.changed.notify_one();
        Ok(())
    }

    /// Counts one that nobody waits for any more.
    pub(super) fn give_up(&self) {
        // Release, with the Acquire of `sweep`: who sees the count sees that the batch is claimed.
        self.0.given_up.fetch_add(1, Ordering::Release);
    }

    /// Frees the places and the memory of those that were given up; whether there were any.
    pub(super) fn sweep(&self) -> bool {
        // Before the look at the count: who finds none waits for the places that another one frees.
        let mut waiting = self.lock();
        if self.0.given_up.swap(0, Ordering::Acquire) == 0 {
            return false;
        }
        let (gone, stay): (Vec<_>, Vec<_>) =
            waiting.drain(..).partition(|batch| batch.claim.is_taken());
        waiting.extend(stay);
        drop(waiting);
        !gone.is_empty()
    }

    /// For a crew that begins.
    pub(super) fn open(&self) -> Stay {
        Stay {
            queue: self.clone(),
            is_over: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Batch>> {
        // Nothing under the lock panics half way.
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stay {
    pub(super) fn taker(&self) -> Taker {
        Taker {
            queue: self.queue.clone(),
            is_over: Arc::clone(&self.is_over),
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        // Under the lock: no taker is between its look at this and its wait.
        let waiting = self.queue.lock();
        self.is_over.store(true, Ordering::Relaxed);
        drop(waiting);
        self.queue.0.changed.notify_all();
    }
}

impl Taker {
    /// The next batch; `None` when it shall leave.
    pub(super) fn next(&self) -> Option<Batch> {
        let changed = &self.queue.0.changed;
        let mut waiting = self.queue.lock();
        loop {
            if self.is_over.load(Ordering::Relaxed) {
                if !waiting.is_empty() {
                    // It may have been woken in another's place.
                    changed.notify_one();
                }
                return None;
            }
            if let Some(batch) = waiting.pop_front() {
                return Some(batch);
            }
            waiting = changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::Claim;
    use super::*;

    fn push(queue: &Queue) -> Result<Claim, Refusal> {
        let (batch, claim) = Batch::of(b"");
        queue.push(batch).map(|()| claim)
    }

    #[test]
    fn a_batch_that_was_given_up_keeps_nobody_out() {
        let queue = Queue::new(2);
        let gone = push(&queue).expect("there is room");
        let stays = push(&queue).expect("there is room");
        assert!(matches!(push(&queue), Err(Refusal::QueueFull(2))));
        assert!(gone.take());
        queue.give_up();
        push(&queue).expect("one place is free again");
        assert_eq!(queue.len(), 2);
        assert!(matches!(push(&queue), Err(Refusal::QueueFull(2))));
        let stay = queue.open();
        let first = stay.taker().next().expect("one waits");
        assert!(first.begin() && stays.is_taken(), "they keep their order");
    }

    #[test]
    fn who_shall_leave_leaves_what_waits_to_others() {
        let queue = Queue::new(1);
        let (old, new) = (queue.open(), queue.open());
        let taker = old.taker();
        let leaves = std::thread::spawn(move || taker.next().is_none());
        drop(old);
        assert!(leaves.join().expect("it does not panic"));
        push(&queue).expect("there is room");
        assert!(new.taker().next().is_some());
    }

    #[test]
    fn a_taker_waits_for_what_comes() {
        let queue = Queue::new(1);
        let stay = queue.open();
        let taker = stay.taker();
        let takes = std::thread::spawn(move || taker.next().is_some());
        push(&queue).expect("there is room");
        assert!(takes.join().expect("it does not panic"));
    }
}
