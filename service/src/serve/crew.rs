//! The worker threads, each with its pools, fed by the one queue.
//!
//! A crew that is replaced ends after the batch that each of its workers has in hand; what waits in the
//! queue is the next crew's.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use knhk_pool::{BufferPool, KnhkPool};

use super::batch::Batch;
use super::counts::{Ledger, WorkerCounts};
use super::instruments;
use super::queue::{Queue, Stay, Taker};
use super::refusal::Refusal;
use super::station::{Outlets, Sheet, Station};
use crate::memory::PooledMemory;
use crate::pools::KNHK;
use crate::settings::Settings;
use crate::worker::Desk;

/// What a crew works with.
#[derive(Clone, Debug)]
pub(super) struct Equipment {
    pub(super) workers: usize,
    pub(super) delta_len: usize,
    pub(super) buffers: Arc<BufferPool>,
    pub(super) outlets: Arc<Outlets>,
}

impl Equipment {
    pub(super) fn of(settings: &Settings, buffers: BufferPool, outlets: &Arc<Outlets>) -> Self {
        Self {
            workers: settings.workers.value,
            delta_len: settings.delta.value,
            buffers: Arc::new(buffers),
            outlets: Arc::clone(outlets),
        }
    }
}

/// Worker threads that run.
#[derive(Debug)]
pub(super) struct Crew {
    /// Dropped to say that they shall end.
    stay: Stay,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    /// Starts the threads; each makes its part of the pools before it takes a batch.
    pub(super) fn start(equipment: &Equipment, queue: &Queue, ledger: &Ledger) -> io::Result<Self> {
        let mut crew = Self {
            stay: queue.open(),
            threads: Vec::with_capacity(equipment.workers),
        };
        for index in 0..equipment.workers {
            let (equipment, counts) = (equipment.clone(), ledger.of_worker(index));
            let taker = crew.stay.taker();
            let started = thread::Builder::new()
                .name(format!("knhk-worker-{index}"))
                .spawn(move || {
                    super::cores::pin(index);
                    work(&equipment, &counts, &taker);
                });
            // Those that were started leave when `crew` is dropped.
            crew.threads.push(started?);
        }
        ledger.set_active(equipment.workers);
        Ok(crew)
    }

    /// Ends them after the batches that they have in hand, and waits for that.
    pub(super) fn dismiss(self) {
        drop(self.stay);
        for thread in self.threads {
            // A panic of its own has been told by the panic hook.
            let _ = thread.join();
        }
    }
}

/// Until it shall leave.
fn work(equipment: &Equipment, counts: &WorkerCounts, taker: &Taker) {
    let knhk = KnhkPool::named(KNHK);
    equipment.buffers.warm_up();
    let memory = PooledMemory {
        knhk: &knhk,
        buffers: &equipment.buffers,
    };
    let new_station = || Station {
        desk: Desk::new(&memory),
        delta_len: equipment.delta_len,
        outlets: &equipment.outlets,
        counts,
        sheet: Sheet::default(),
    };
    let mut station = new_station();
    while let Some(batch) = taker.next() {
        if !batch.begin() {
            continue;
        }
        let processed = catch_unwind(AssertUnwindSafe(|| station.process(&batch)));
        let reply = processed.unwrap_or_else(|_| {
            // What a panic has left half done goes back to the pools with it.
            station = new_station();
            Err(Refusal::Worker)
        });
        instruments::record_duration(batch.since.elapsed());
        let Batch {
            body,
            reply: to,
            pending,
            ..
        } = batch;
        // Before the answer: whoever has it may rely on the memory.
        drop(body);
        // The client may have gone; it was not promised anything.
        let _ = to.send(reply);
        drop(pending);
    }
}
