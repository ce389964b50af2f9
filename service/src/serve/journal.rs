//! The journal: each batch's receipts and constructed triples, and a line that says that they are whole.
//!
//! ```text
//! {"journal":"knhk-poold","version":1}    its first line; with `"after":6` where another file has batch 6
//! {"cycle":0,"shard":0,"hook":0,…}        the lines of a batch, as `run --out -` writes them
//! <http://…> <http://…> "…" .
//! {"batch":7,"bytes":123,"xxh3":"89ab0123cdef4567","triples":100,"receipts":1}    its end line
//! ```
//!
//! A batch is acknowledged after its end line was written; with `--journal-sync`, after the file's
//! data were on the disk. `bytes` and `xxh3` are of the lines between two end lines. What stands
//! behind the last end line that is true is cut off at start: a write that was torn, and never acknowledged. But
//! what no torn write leaves (an end line whose lines are not those that were written, a whole line that is none
//! of the above) is kept in a file of its own. An end line of nothing takes its place, so that the number is not
//! given again.
//!
//! One process writes it: a second one is refused, by a lock that ends with the process that has it.
//!
//! A blank node's label holds within its batch. Several batches that wait for the disk together are
//! on it with one `fdatasync`.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::refusal::Refusal;
use super::{Tell, instruments};
use loss::Loss;
use opened::{open, take};

use crate::shown;

mod head;
mod kept;
mod loss;
mod opened;
mod tail;

/// What an end line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) batch: u64,
    pub(super) bytes: u64,
    pub(super) xxh3: String,
    pub(super) triples: u64,
    pub(super) receipts: u64,
}

impl End {
    fn of(batch: u64, lines: &[u8], triples: u64, receipts: u64) -> Self {
        Self {
            batch,
            bytes: lines.len() as u64,
            xxh3: format!("{:016x}", xxh3_64(lines)),
            triples,
            receipts,
        }
    }

    fn push_to(&self, lines: &mut Vec<u8>) {
        // Not twice as much memory for one line more.
        lines.reserve_exact(tail::END_BYTES_MAX as usize);
        serde_json::to_writer(&mut *lines, self).expect("a vector takes all");
        lines.push(b'\n');
    }
}

/// Where it is, and how sure one wants to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalChoice {
    /// The file; made if it is not there.
    pub path: PathBuf,
    /// Whether an answer waits for the disk.
    pub sync: bool,
}

/// The journal cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the journal {}: {source}", shown::path(path))]
pub struct JournalError {
    path: PathBuf,
    source: io::Error,
}

/// An open journal.
pub(super) struct Journal {
    choice: JournalChoice,
    tell: Tell,
    written: Mutex<Written>,
    synced: Mutex<Synced>,
    /// The open file's. Its lock is held for no write and no sync: whoever only asks never waits for a disk.
    loss: Mutex<Arc<Loss>>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("choice", &self.choice)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Written {
    file: File,
    /// A pipe or a device has no length, and nothing can be cut off.
    is_file: bool,
    /// All that is acknowledged, or will be.
    len: u64,
    /// Whether something may stand behind `len`.
    is_torn: bool,
    batch: u64,
    loss: Arc<Loss>,
}

#[derive(Debug)]
struct Synced {
    file: File,
    len: u64,
    loss: Arc<Loss>,
}

/// A batch that is written: its number, and the length and the fate of the file with it.
#[derive(Debug)]
struct Appended {
    batch: u64,
    len: u64,
    loss: Arc<Loss>,
}

impl Journal {
    /// Opens it and cuts a torn tail off, of which `tell` is told; later, of what becomes of it.
    pub(super) fn open(choice: JournalChoice, tell: Tell) -> Result<Self, JournalError> {
        let opened = open(&choice, 0, &*tell).map_err(|source| JournalError {
            path: choice.path.clone(),
            source,
        });
        let (written, synced) = opened?;
        Ok(Self {
            choice,
            tell,
            loss: Mutex::new(Arc::clone(&written.loss)),
            written: Mutex::new(written),
            synced: Mutex::new(synced),
        })
    }

    /// Opens the file of that name again: after a rotation it is another one. Batches go on counting.
    pub(super) fn reopen(&self) -> Result<(), JournalError> {
        let loss = Arc::clone(&lock(&self.loss));
        let reopened = self.try_reopen();
        self.tell_once(&loss);
        reopened
    }

    fn try_reopen(&self) -> Result<(), JournalError> {
        let refused = |source| JournalError {
            path: self.choice.path.clone(),
            source,
        };
        // In the order of `sync`. Nobody writes in between.
        let mut synced = lock(&self.synced);
        let mut written = lock(&self.written);
        let repaired = written.repair();
        // Of a file that is lost already neither promises anything: the next one begins anew.
        if written.loss.why().is_none() {
            repaired.map_err(refused)?;
            if self.choice.sync {
                written.sync().map_err(refused)?;
            }
        }
        // It may be the same file.
        written.unlock().map_err(refused)?;
        let opened = open(&self.choice, written.batch, &*self.tell);
        let (next, next_synced) = opened
            .inspect_err(|_| written.lock_again())
            .map_err(refused)?;
        let batch = written.batch.max(next.batch);
        *lock(&self.loss) = Arc::clone(&next.loss);
        *written = Written { batch, ..next };
        *synced = next_synced;
        Ok(())
    }

    /// Writes a batch of these `lines`, and gives its number when that can be acknowledged.
    pub(super) fn append(
        &self,
        lines: &mut Vec<u8>,
        triples: u64,
        receipts: u64,
    ) -> Result<u64, Refusal> {
        let appended = self.try_append(lines, triples, receipts);
        if appended.is_err() {
            // If it is another file's by now, whoever opened that has told the other loss.
            let loss = Arc::clone(&lock(&self.loss));
            self.tell_once(&loss);
        }
        appended
    }

    fn try_append(&self, lines: &mut Vec<u8>, triples: u64, receipts: u64) -> Result<u64, Refusal> {
        let appended = lock(&self.written).append(lines, triples, receipts)?;
        instruments::count_journal_bytes(lines.len() as u64);
        if self.choice.sync {
            self.sync(&appended)?;
        }
        Ok(appended.batch)
    }

    /// Why a batch cannot be acknowledged now, if that is so. Waits for no disk.
    pub(super) fn lost(&self) -> Option<String> {
        lock(&self.loss).why()
    }

    /// Tells a loss that nobody has told. Whoever reads that may be slow: no lock is held.
    fn tell_once(&self, loss: &Loss) {
        if let Some(why) = loss.untold() {
            let refusal = Refusal::JournalLost(why);
            (self.tell)(&format!(
                "journal {}: no batch is taken any more: {refusal}",
                shown::path(&self.choice.path)
            ));
        }
    }

    /// Whoever comes first syncs for all that have written by then.
    fn sync(&self, appended: &Appended) -> Result<(), Refusal> {
        let mut synced = lock(&self.synced);
        // The kernel tells a failure once: whoever has waited meanwhile would be told that all is well.
        if let Some(why) = appended.loss.why() {
            return Err(Refusal::JournalLost(why));
        }
        // Another file is open by now, and this one was synced before that.
        if !Arc::ptr_eq(&appended.loss, &synced.loss) || synced.len >= appended.len {
            return Ok(());
        }
        let all = lock(&self.written).len;
        if let Err(error) = synced.file.sync_data() {
            let why = lose(&appended.loss, &error);
            return Err(Refusal::JournalLost(why));
        }
        synced.len = all;
        Ok(())
    }
}

/// What is on the disk is not known any more.
fn lose(loss: &Loss, error: &io::Error) -> String {
    loss.set(|| format!("it could not be synced: {error}"))
}

impl Written {
    fn append(
        &mut self,
        lines: &mut Vec<u8>,
        triples: u64,
        receipts: u64,
    ) -> Result<Appended, Refusal> {
        if let Some(why) = self.loss.why() {
            return Err(Refusal::JournalLost(why));
        }
        End::of(self.batch + 1, lines, triples, receipts).push_to(lines);
        let prepared = self.repair().and_then(|()| self.look());
        if let Some(why) = self.loss.why() {
            return Err(Refusal::JournalLost(why));
        }
        let written = prepared.and_then(|()| {
            self.is_torn = true;
            self.file.write_all(lines)
        });
        if let Err(error) = written {
            // The file may never be written again. What fails here, the next batch tries again.
            let _ = self.repair();
            return Err(Refusal::Journal(error.to_string()));
        }
        self.is_torn = false;
        self.batch += 1;
        self.len += lines.len() as u64;
        Ok(Appended {
            batch: self.batch,
            len: self.len,
            loss: Arc::clone(&self.loss),
        })
    }

    fn unlock(&self) -> io::Result<()> {
        if self.is_file {
            flock(&self.file, FlockOperation::Unlock)?;
        }
        Ok(())
    }

    fn lock_again(&self) {
        if self.is_file
            && let Err(error) = take(&self.file)
        {
            self.loss.set(|| error.to_string());
        }
    }

    fn sync(&self) -> io::Result<()> {
        let synced = self.file.sync_data();
        synced.inspect_err(|error| {
            lose(&self.loss, error);
        })
    }

    /// Whether the file is as it was left: one that was emptied in its place has lost its head, too, and one
    /// that has no name is gone as soon as nobody has it open.
    fn look(&self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        let (is, was) = (metadata.len(), self.len);
        // One that was moved away has its name still, if another one.
        if metadata.is_file() && metadata.nlink() == 0 {
            self.loss
                .set(|| "another program has deleted it".to_owned());
        }
        if metadata.is_file() && is != was {
            self.loss.set(|| {
                format!("another program has changed it: it has {is} bytes, and had {was}")
            });
        }
        Ok(())
    }

    /// Cuts off what a failed write has left.
    fn repair(&mut self) -> io::Result<()> {
        if self.is_torn && self.is_file {
            self.file.set_len(self.len)?;
        }
        self.is_torn = false;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic leaves no half-made state: `is_torn` is set before a write and cleared after it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The `len` bytes of `file` from `start`.
fn read_at(file: &mut File, start: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use axum::response::IntoResponse as _;

    use super::*;

    /// A new journal that syncs, its file, and the folder that lasts as long as they do.
    fn synced() -> (tempfile::TempDir, PathBuf, Journal) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        let choice = JournalChoice {
            path: path.clone(),
            sync: true,
        };
        let journal = Journal::open(choice, Arc::new(|_| {})).expect("it is new");
        (folder, path, journal)
    }

    #[test]
    fn a_batch_that_waited_while_a_sync_failed_is_not_acknowledged() {
        let (_folder, _, journal) = synced();
        let write = || {
            let appended = lock(&journal.written).append(&mut b"{}\n".to_vec(), 1, 1);
            appended.expect("the disk takes it")
        };
        let (first, second) = (write(), write());
        // There is nothing to sync in a device: it fails as a disk may.
        let device = File::open("/dev/null").expect("it is there");
        let good = std::mem::replace(&mut lock(&journal.synced).file, device);
        let is_lost = |result| matches!(result, Err(Refusal::JournalLost(_)));
        assert!(is_lost(journal.sync(&second)));
        lock(&journal.synced).file = good;
        assert!(is_lost(journal.sync(&first)));
        assert!(is_lost(journal.append(&mut Vec::new(), 0, 0).map(|_| ())));
        assert!(journal.lost().is_some());

        journal.reopen().expect("the file is there");
        assert_eq!(journal.lost(), None);
        assert_eq!(journal.append(&mut Vec::new(), 0, 0).ok(), Some(3));
        // What it was told stays so.
        assert!(is_lost(journal.sync(&first)));
    }

    #[test]
    fn a_disk_that_is_full_takes_no_batch_and_leaves_nothing_of_it() {
        let (_folder, path, journal) = synced();
        let append = || journal.append(&mut b"{}\n".to_vec(), 1, 1);
        assert_eq!(append().ok(), Some(1));
        let before = std::fs::read(&path).expect("it is there");

        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
            eprintln!("SKIPPED: this machine has no /dev/full");
            return;
        };
        let swap = |file| std::mem::replace(&mut lock(&journal.written).file, file);
        let good = swap(full);
        let refused = append().expect_err("it is full");
        assert!(matches!(refused, Refusal::Journal(_)), "{refused}");
        assert_eq!(refused.into_response().status(), 507);
        swap(good);
        // As much of it as a disk takes before it is full.
        lock(&journal.written)
            .file
            .write_all(b"{}")
            .expect("it has room");

        assert_eq!(append().ok(), Some(2));
        let after = std::fs::read(&path).expect("it is there");
        let added = after.strip_prefix(&before[..]).expect("it goes on");
        assert!(added.starts_with(b"{}\n{\"batch\":2,"), "{added:?}");
    }

    #[test]
    fn a_file_that_is_rotated_away_keeps_nothing_of_a_batch_that_a_full_disk_refused() {
        let (folder, path, journal) = synced();
        let before = std::fs::read(&path).expect("it is there");
        {
            let mut written = lock(&journal.written);
            written.is_torn = true;
            written.file.write_all(b"{}").expect("it has room");
        }
        let old = folder.path().join("old");
        std::fs::rename(&path, &old).expect("it is there");
        journal.reopen().expect("it is made anew");
        assert_eq!(std::fs::read(&old).expect("it is there"), before);
    }

    #[test]
    fn a_disk_that_fails_to_sync_is_told_once_for_each_file() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let (_folder, path, mut journal) = synced();
        journal.tell = Arc::new(move |line: &str| lock(&telling).push(line.to_owned()));
        let break_disk = || {
            let device = File::open("/dev/null").expect("it is there");
            lock(&journal.synced).file = device;
        };
        for files in 1..=2 {
            break_disk();
            for _ in 0..2 {
                assert!(journal.append(&mut Vec::new(), 0, 0).is_err());
            }
            let told = lock(&told).clone();
            assert_eq!(told.len(), files, "{told:?}");
            let last = &told[files - 1];
            assert!(last.contains(&*path.to_string_lossy()), "{last}");
            assert!(last.contains("could not be synced"), "{last}");
            assert!(last.contains("SIGHUP"), "{last}");
            journal.reopen().expect("the file is there");
        }
    }

    #[test]
    fn a_batch_whose_file_was_synced_at_its_end_is_acknowledged() {
        let (folder, path, journal) = synced();
        let appended = lock(&journal.written).append(&mut Vec::new(), 0, 0);
        std::fs::rename(&path, folder.path().join("old")).expect("it is there");
        journal.reopen().expect("it is made anew");
        assert!(journal.sync(&appended.expect("the disk takes it")).is_ok());
    }
}
