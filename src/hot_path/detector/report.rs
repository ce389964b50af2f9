//! What is said of a violation.

use std::fmt::{self, Write as _};
use std::mem::ManuallyDrop;
use std::process;

use super::{Place, ledger};
use crate::hot_path::operation::Operation;

/// The first call of the allocator in an outermost section, and how many came after it.
pub(super) struct Violation {
    pub(super) operation: Operation,
    pub(super) place: Option<Place>,
    pub(super) more: u64,
}

impl Violation {
    /// One that is not the end's: nobody knows how many would come.
    pub(super) const fn at_once(operation: Operation, place: Option<Place>) -> Self {
        Self {
            operation,
            place,
            more: 0,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ALLOCATION IN HOT PATH: {}", self.operation)?;
        if let Some(Place { name, location }) = self.place {
            write!(f, ", in section `{name}` ({location})")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

/// Emits a warning, if it is the first for its section.
pub(super) fn warn(violation: &Violation) {
    let Some(place) = violation.place else { return };
    if !ledger::is_first_warning(place) {
        return;
    }
    let operation = violation.operation;
    tracing::warn!(
        name: "knhk.hot_path.violation",
        target: "knhk_pool",
        {
            "knhk.hot_path.section" = place.name,
            "knhk.hot_path.location" = %place.location,
            "knhk.hot_path.bytes" = operation.new_bytes as u64,
            "knhk.hot_path.alignment" = operation.align as u64,
            "knhk.hot_path.further_calls" = violation.more,
        },
        "{violation}"
    );
}

/// Writes the message to standard error and aborts. Neither allocates nor takes a lock: it may run
/// inside the allocator.
#[cold]
pub(super) fn abort(violation: &Violation) -> ! {
    let mut line = Line {
        bytes: [0; 512],
        len: 0,
    };
    // What does not fit is cut off.
    let _ = writeln!(line, "{violation}");
    write_to_stderr(&line.bytes[..line.len]);
    process::abort();
}

/// A line of text on the stack; what does not fit is cut off.
struct Line {
    bytes: [u8; 512],
    len: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..];
        let fits = text.len().min(room.len());
        room[..fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        Ok(())
    }
}

fn write_to_stderr(line: &[u8]) {
    use std::io::Write as _;
    // Nobody is left to tell if it fails.
    let _ = (&*stderr()).write_all(line);
}

// Not `io::stderr`: this thread may be inside it, with its cell borrowed.
#[cfg(unix)]
fn stderr() -> ManuallyDrop<std::fs::File> {
    use std::os::fd::FromRawFd as _;
    // SAFETY: a process's standard error; it is not closed, for the file is never dropped.
    ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(2) })
}

#[cfg(not(unix))]
fn stderr() -> ManuallyDrop<std::io::Stderr> {
    ManuallyDrop::new(std::io::stderr())
}
