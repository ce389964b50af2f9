//! Where receipts and constructed triples go.
//!
//! Receipts are JSON lines, constructed triples N-Triples: two files, of which `--out` names one.
//!
//! | `--out` | receipts | constructed triples |
//! |---|---|---|
//! | `NAME.nt` | `NAME.jsonl` | `NAME.nt` |
//! | any other file `NAME.EXT` | `NAME.EXT` | `NAME.nt` |
//! | `-`, a pipe, a device | there | there too, in delta order: a receipt begins with `{`, a triple does not |
//!
//! The file for triples is made only when some hook constructs.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use knhk_pool::permit_alloc;

use crate::shown;
use crate::turnstile::Ticket;

/// One of the two kinds of result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JSON lines.
    Receipts,
    /// N-Triples.
    Triples,
}

/// An output cannot be opened or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", shown::path(path))]
pub struct WriteError {
    /// The file, or `-`.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

impl WriteError {
    /// Whether the reader at the other end has had enough: an end, not a failure.
    pub fn is_closed_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

type Stream = Box<dyn Write + Send>;

struct Target {
    path: PathBuf,
    stream: Stream,
}

struct Streams {
    receipts: Target,
    /// `None` when triples go where receipts go, or there are none.
    triples: Option<Target>,
    failed: Option<WriteError>,
}

/// The output of all workers.
pub struct Output {
    streams: Mutex<Streams>,
    is_one_stream: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

impl Output {
    /// Opens what `out` names, by the table above; what was in the files is gone.
    ///
    /// # Errors
    ///
    /// [`WriteError`] when a file cannot be made.
    pub fn open(out: &Path, constructs: bool) -> Result<Self, WriteError> {
        if out.as_os_str() == "-" {
            return Ok(Self::new(
                Target {
                    path: out.to_owned(),
                    stream: Box::new(io::stdout()),
                },
                None,
            ));
        }
        let [receipts, triples] = files(out);
        let triples = triples
            .filter(|_| constructs)
            .map(Target::create)
            .transpose()?;
        Ok(Self::new(
            Target::create(receipts.unwrap_or_else(|| out.to_owned()))?,
            triples,
        ))
    }

    /// Both kinds, in delta order, to `stream`; errors call it `name`.
    pub fn to_stream(name: &str, stream: impl Write + Send + 'static) -> Self {
        let (path, stream) = (name.into(), Box::new(stream));
        Self::new(Target { path, stream }, None)
    }

    fn new(receipts: Target, triples: Option<Target>) -> Self {
        let is_one_stream = triples.is_none();
        Self {
            streams: Mutex::new(Streams {
                receipts,
                triples,
                failed: None,
            }),
            is_one_stream,
        }
    }

    /// Writes `bytes`; `false` when that, or an earlier write, failed.
    fn write(&self, kind: Kind, bytes: &[u8]) -> bool {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let Streams {
            receipts,
            triples,
            failed,
        } = &mut *streams;
        let target = match (kind, triples) {
            (Kind::Triples, Some(triples)) => triples,
            _ => receipts,
        };
        if failed.is_none()
            && let Err(source) = target.stream.write_all(bytes)
        {
            *failed = Some(WriteError {
                // The run ends with it: the known exception.
                path: permit_alloc(|| target.path.clone()),
                source,
            });
        }
        failed.is_none()
    }

    /// Writes what is still held back, and tells whether all writes went well.
    ///
    /// # Errors
    ///
    /// The first [`WriteError`] of any worker.
    pub fn finish(self) -> Result<(), WriteError> {
        let Streams {
            receipts,
            triples,
            failed,
        } = self
            .streams
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = failed {
            return Err(error);
        }
        for Target { path, mut stream } in [Some(receipts), triples].into_iter().flatten() {
            stream
                .flush()
                .map_err(|source| WriteError { path, source })?;
        }
        Ok(())
    }
}

impl Target {
    fn create(path: PathBuf) -> Result<Self, WriteError> {
        match File::create(&path) {
            Ok(file) => Ok(Self {
                path,
                stream: Box::new(file),
            }),
            Err(source) => Err(WriteError { path, source }),
        }
    }
}

/// The files that `--out` stands for: receipts, then triples; no second one beside a pipe or device.
pub fn files(out: &Path) -> [Option<PathBuf>; 2] {
    let is_stream =
        out.as_os_str() == "-" || out.metadata().is_ok_and(|metadata| !metadata.is_file());
    if is_stream {
        [Some(out.to_owned()), None]
    } else if out.extension().is_some_and(|extension| extension == "nt") {
        [Some(out.with_extension("jsonl")), Some(out.to_owned())]
    } else {
        [Some(out.to_owned()), Some(out.with_extension("nt"))]
    }
}

/// The way of one block's bytes to the output.
#[derive(Debug)]
pub struct Door<'a> {
    ticket: Ticket<'a>,
    output: Option<&'a Output>,
}

impl<'a> Door<'a> {
    /// For the block of `ticket`; without an output all bytes are dropped.
    pub fn new(ticket: Ticket<'a>, output: Option<&'a Output>) -> Self {
        Self { ticket, output }
    }

    /// Which block.
    pub fn block(&self) -> u64 {
        self.ticket.block()
    }

    /// The kind as which `kind` is to be kept: where both go to one stream they must be one, or lines
    /// of the one would break into lines of the other.
    pub fn stream_of(&self, kind: Kind) -> Kind {
        if self.output.is_some_and(|output| output.is_one_stream) {
            Kind::Receipts
        } else {
            kind
        }
    }

    /// Whether bytes go anywhere.
    pub fn leads_somewhere(&self) -> bool {
        self.output.is_some()
    }

    /// Writes `bytes` when the block's turn has come. A failure is kept by the output, ends the
    /// whole run at its next block, and is told by [`Output::finish`].
    pub fn write(&self, kind: Kind, bytes: &[u8]) {
        if let Some(output) = self.output
            && self.ticket.wait_turn()
            && !output.write(kind, bytes)
        {
            self.ticket.close();
        }
    }

    /// The block is done.
    pub fn pass(self) {
        self.ticket.pass();
    }
}
