//! *Ingest*: N-Triples text to id triples, with a dictionary back.
//!
//! Each line is parsed on its own (`oxttl`), so a bad one costs itself and nothing else: it is
//! counted, the first few are kept to be shown, and the rest of the file is processed. Files are
//! streamed; what stays in memory is three ids a triple and each distinct term once.
//!
//! A line that only RDF 1.1 allows is bad: an IRI is by RFC 3987, a language tag by BCP 47, and a blank
//! node's label, as of RDF 1.2, has no `:`.

use std::fmt;
use std::io::BufRead;

use oxrdf::{TermRef, Triple};
use oxttl::NTriplesParser;
use serde::Serialize;

use crate::input::{Input, ReadError};
use crate::lines::{LINE_BYTES_MAX, Line, Lines};
use crate::shown;
use crate::terms::{Collision, Dictionary};

/// Bad lines that are kept to be shown; more are only counted.
pub const BAD_LINES_SHOWN: usize = 5;

/// Of UTF-8; some editors write it in front of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Triples between two calls of a progress callback.
const PROGRESS_STEP: u64 = 4096;

/// Why ingest stopped before the end.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// An input cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Two terms have one id.
    #[error(transparent)]
    Collision(#[from] Collision),
}

/// A line that is not N-Triples. Its `Display` is `file:line:column: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The input that it stands in.
    pub input: Input,
    /// Counted from 1.
    pub line: u64,
    /// Counted from 1, in characters.
    pub column: u64,
    /// What is wrong, without control characters, and not long.
    pub message: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            input,
            line,
            column,
            message,
        } = self;
        write!(f, "{input}:{line}:{column}: {message}")
    }
}

/// Why a stream of N-Triples was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The stream refused.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// Two terms have one id.
    #[error(transparent)]
    Collision(#[from] Collision),
}

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Counted from 1.
    pub line: u64,
    /// Counted from 1, in characters.
    pub column: u64,
    /// What is wrong, without control characters, and not long.
    pub message: String,
}

/// All that was read: the triples in input order, their terms, and what was wrong.
#[derive(Debug, Default)]
pub struct Ingested {
    /// Subject, predicate and object of each triple, in input order.
    pub triples: Vec<[u64; 3]>,
    /// The terms behind the ids.
    pub terms: Dictionary,
    /// Lines that are not N-Triples.
    pub bad_lines: u64,
    /// The first [`BAD_LINES_SHOWN`] of them.
    pub bad_lines_shown: Vec<BadLine>,
}

impl Ingested {
    /// Nothing read yet; `terms` may know the hooks' terms already.
    pub fn new(terms: Dictionary) -> Self {
        Self {
            terms,
            ..Self::default()
        }
    }

    /// Reads `input` to its end. `file` numbers it among the inputs: the scope of its blank nodes.
    /// `progress` is called now and then with the number of triples so far.
    ///
    /// # Errors
    ///
    /// [`IngestError`] when it cannot be read, or two terms have one id. A bad line is not an error.
    pub fn read(
        &mut self,
        input: &Input,
        file: usize,
        progress: impl Fn(u64),
    ) -> Result<(), IngestError> {
        let mut shown = std::mem::take(&mut self.bad_lines_shown);
        let read = self.read_stream(input.open()?, file, progress, |fault| {
            if shown.len() < BAD_LINES_SHOWN {
                let Fault {
                    line,
                    column,
                    message,
                } = fault;
                shown.push(BadLine {
                    input: input.clone(),
                    line,
                    column,
                    message,
                });
            }
        });
        self.bad_lines_shown = shown;
        read.map_err(|error| match error {
            StreamError::Read(error) => input.cannot_read(error).into(),
            StreamError::Collision(collision) => collision.into(),
        })
    }

    /// Reads `stream` to its end, and hands each line that is not N-Triples to `bad`. The rest is as
    /// in [`read`](Self::read).
    ///
    /// # Errors
    ///
    /// [`StreamError`] when it cannot be read, or two terms have one id.
    pub fn read_stream(
        &mut self,
        stream: impl BufRead,
        file: usize,
        progress: impl Fn(u64),
        mut bad: impl FnMut(Fault),
    ) -> Result<(), StreamError> {
        let mut lines = Lines::new(stream);
        while let Some(parsed) = next_triple(&mut lines)? {
            match parsed {
                Ok(triple) => self.add(&triple, file)?,
                Err(fault) => {
                    self.bad_lines += 1;
                    bad(fault);
                }
            }
            if (self.triples.len() as u64).is_multiple_of(PROGRESS_STEP) {
                progress(self.triples.len() as u64);
            }
        }
        Ok(())
    }

    fn add(&mut self, triple: &Triple, file: usize) -> Result<(), Collision> {
        let Triple {
            subject,
            predicate,
            object,
        } = triple;
        let terms: [TermRef<'_>; 3] = [
            subject.as_ref().into(),
            predicate.as_ref().into(),
            object.as_ref(),
        ];
        let mut ids = [0; 3];
        for (id, term) in ids.iter_mut().zip(terms) {
            *id = self.terms.intern(term, file)?;
        }
        self.triples.push(ids);
        Ok(())
    }
}

/// The triple of the next line that is neither empty nor a comment, or what is wrong with it.
fn next_triple(lines: &mut Lines<impl BufRead>) -> std::io::Result<Option<Result<Triple, Fault>>> {
    loop {
        let is_first = lines.number() == 0;
        let Some(line) = lines.next_line()? else {
            return Ok(None);
        };
        let parsed = match line {
            Line::Bytes(bytes) if is_first => {
                parse(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes))
            }
            Line::Bytes(bytes) => parse(bytes),
            Line::TooLong => Err(too_long()),
        };
        if let Some(parsed) = parsed.transpose() {
            let line = lines.number();
            return Ok(Some(parsed.map_err(|fault| Fault { line, ..fault })));
        }
    }
}

/// One line's triple; none when it is empty or a comment. A line with an error has no triple; its
/// number is the caller's to know.
fn parse(line: &[u8]) -> Result<Option<Triple>, Fault> {
    let mut found = None;
    for parsed in NTriplesParser::new().for_slice(line) {
        found = Some(parsed.map_err(|error| Fault {
            line: 0,
            column: error.location().start.column + 1,
            message: shown::line(&of_a_line(error.message())),
        })?);
    }
    Ok(found)
}

/// What the parser says, which knows of quads, and takes the line for a whole file.
fn of_a_line(message: &str) -> String {
    if let Some(more) = message.strip_prefix(MORE) {
        // As the parser's own type shows it: `IriRef("a:a")`.
        let text = more
            .split_once("(\"")
            .and_then(|(_, it)| it.rsplit_once("\")"));
        let text = text.map_or(more, |(text, _)| text);
        return format!("a line is one triple, and behind its dot stands {text}");
    }
    let message = match message {
        "Unexpected end of file" => "the line ends inside a term",
        "Unexpected end" => "the line ends inside a triple",
        "Quads must be followed by a dot" => "Triples must be followed by a dot",
        message => message,
    };
    message.to_owned()
}

const MORE: &str = "Only a single triple or quad can be written in a line, found ";

fn too_long() -> Fault {
    Fault {
        line: 0,
        column: 1,
        message: format!("line is longer than {LINE_BYTES_MAX} bytes"),
    }
}
