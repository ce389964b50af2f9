//! Where triples come from: files, standard input, or the generator; gzip is seen by its first bytes.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::generate::University;
use crate::gzip::Members;
use crate::shown;

const READ_BYTES: usize = 64 << 10;
pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One source of N-Triples text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file, compressed or not.
    File(PathBuf),
    /// Standard input, compressed or not.
    Stdin,
    /// The built-in data set of so many triples.
    Generated(u64),
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&shown::path(path)),
            Self::Stdin => f.write_str("standard input"),
            Self::Generated(_) => f.write_str("generated data"),
        }
    }
}

/// An input cannot be opened or read to its end.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {input}: {source}")]
pub struct ReadError {
    /// What was being read.
    pub input: Input,
    /// Why it cannot be.
    pub source: io::Error,
}

impl Input {
    /// Whether it is there and can be a stream of triples: asked for every input before the first
    /// is read, so that a misspelt name costs no waiting.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when a file is missing, a directory, or may not be opened.
    pub fn check(&self) -> Result<(), ReadError> {
        let Self::File(path) = self else {
            return Ok(());
        };
        check_file(path).map_err(|source| self.cannot_read(source))
    }

    /// Opens it, decompressing if its first two bytes are gzip's.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it cannot be opened, or its first bytes not be read.
    pub fn open(&self) -> Result<Box<dyn BufRead>, ReadError> {
        let opened = match self {
            Self::File(path) => File::open(path).and_then(decompressed),
            Self::Stdin => decompressed(io::stdin()),
            Self::Generated(triples) => decompressed(University::new(*triples)),
        };
        opened.map_err(|source| self.cannot_read(source))
    }

    /// The error that says that reading it failed.
    pub fn cannot_read(&self, source: io::Error) -> ReadError {
        ReadError {
            input: self.clone(),
            source,
        }
    }
}

fn check_file(path: &Path) -> io::Result<()> {
    let metadata = path.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // Opening a pipe and closing it again would end it for its writer.
    if metadata.is_file() {
        File::open(path).map(drop)
    } else {
        Ok(())
    }
}

/// `reader`, decompressed if its first two bytes are gzip's.
pub(crate) fn decompressed<'r>(mut reader: impl Read + 'r) -> io::Result<Box<dyn BufRead + 'r>> {
    let mut start = Vec::with_capacity(GZIP_MAGIC.len());
    reader
        .by_ref()
        .take(GZIP_MAGIC.len() as u64)
        .read_to_end(&mut start)?;
    let compressed = start == GZIP_MAGIC;
    let whole = BufReader::with_capacity(READ_BYTES, Cursor::new(start).chain(reader));
    Ok(if compressed {
        Box::new(BufReader::with_capacity(READ_BYTES, Members::new(whole)))
    } else {
        Box::new(whole)
    })
}
