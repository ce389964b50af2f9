//! A journal's file as it is opened: its own, whole, and with its name on the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::loss::Loss;
use super::tail::Tail;
use super::{End, JournalChoice, Synced, Written, head, kept};
use crate::shown;

/// Opens it; a file that is made begins behind batch number `after`.
pub(super) fn open(
    choice: &JournalChoice,
    after: u64,
    tell: &dyn Fn(&str),
) -> io::Result<(Written, Synced)> {
    let path = &choice.path;
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let metadata = file.metadata()?;
    if choice.sync && !metadata.is_file() {
        let message = "what is no file cannot be synced: leave --journal-sync away";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let mut tail = if metadata.is_file() {
        // Before anything is cut off.
        take(&file)?;
        Tail::of(&mut file)?
    } else {
        Tail::default()
    };
    if let Some(damaged) = tail.damaged {
        let kept = kept::keep(path, &mut file, &tail)?;
        tell(&format!(
            "journal {}: {} bytes behind batch {} are damaged, and may have been acknowledged: they are in {} now; the next batch is {}",
            shown::path(path),
            tail.torn,
            tail.batch,
            shown::path(&kept),
            damaged + 1,
        ));
        file.set_len(tail.len)?;
        // So that no later start gives its number again.
        let mut end = Vec::new();
        End::of(damaged, &[], 0, 0).push_to(&mut end);
        file.write_all(&end)?;
        (tail.len, tail.batch) = (tail.len + end.len() as u64, damaged);
    } else if tail.torn > 0 {
        file.set_len(tail.len)?;
        let (path, torn) = (shown::path(path), tail.torn);
        tell(&format!(
            "journal {path}: {torn} bytes behind batch {} were never acknowledged, and are cut off",
            tail.batch
        ));
    }
    if tail.len == 0 {
        let head = head::line(after);
        file.write_all(&head)?;
        (tail.len, tail.batch) = (head.len() as u64, after);
    }
    if choice.sync && metadata.is_file() {
        file.sync_data()?;
        sync_name(path)?;
    }
    let loss = Arc::<Loss>::default();
    let synced = Synced {
        file: file.try_clone()?,
        len: 0,
        loss: Arc::clone(&loss),
    };
    let written = Written {
        file,
        is_file: metadata.is_file(),
        len: tail.len,
        is_torn: false,
        batch: tail.batch,
        loss,
    };
    Ok((written, synced))
}

/// Makes `file` this process's, as long as it has it open.
pub(super) fn take(file: &File) -> io::Result<()> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => {
            let message = "another process writes to it";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, message))
        }
        locked => Ok(locked?),
    }
}

/// Puts the name of the file at `path` on the disk: its data alone could not be found there.
pub(super) fn sync_name(path: &Path) -> io::Result<()> {
    // Of a link it is the name that it leads to.
    let whole = path.canonicalize()?;
    File::open(whole.parent().unwrap_or(Path::new("/")))?.sync_all()
}
