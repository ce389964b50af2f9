//! A byte stream cut into lines, with a bound on a line's length.
//!
//! A line ends at `\n`, `\r` or `\r\n`, as N-Triples has it; the last may lack its end. What stands
//! in memory is the reader's buffer and one line, however large the stream.

use std::io::{self, BufRead};

/// A longer line is not kept: [`Line::TooLong`].
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes, at most [`LINE_BYTES_MAX`].
    Bytes(&'a [u8]),
    /// Longer than that; skipped.
    TooLong,
}

/// The lines of `reader`, numbered from 1.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
    after_cr: bool,
}

impl<R: BufRead> Lines<R> {
    /// Lines of `reader`, from where it stands.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            line: Vec::new(),
            number: 0,
            after_cr: false,
        }
    }

    /// The number of the line that [`next_line`](Self::next_line) gave last.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line, or `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// What the reader refuses; an interrupted read is tried again.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut bytes_seen, mut ended) = (0, false);
        while !ended {
            self.skip_rest_of_crlf()?;
            let bytes = filled(&mut self.reader)?;
            if bytes.is_empty() {
                break;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = LINE_BYTES_MAX - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            ended = end.is_some();
            self.after_cr = end.is_some_and(|end| bytes[end] == b'\r');
            bytes_seen += part.len();
            let consumed = part.len() + usize::from(ended);
            self.reader.consume(consumed);
        }
        if bytes_seen == 0 && !ended {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(if bytes_seen > LINE_BYTES_MAX {
            Line::TooLong
        } else {
            Line::Bytes(&self.line)
        }))
    }

    /// After a `\r`, a `\n` belongs to the same line end. Asked only when the next line is wanted, so
    /// that a line is given as soon as it is whole.
    fn skip_rest_of_crlf(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.after_cr) && filled(&mut self.reader)?.first() == Some(&b'\n') {
            self.reader.consume(1);
        }
        Ok(())
    }
}

/// What the reader holds; empty at the end of the stream.
fn filled(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            // Asked again (without reading): returning the first answer would keep the reader
            // borrowed in the next round.
            Ok(_) => return reader.fill_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// The lines of `text`, read through a buffer of `buffer` bytes.
    fn lines(text: &str, buffer: usize) -> Vec<String> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, text.as_bytes()));
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().expect("memory does not fail") {
            let Line::Bytes(bytes) = line else {
                panic!("too long")
            };
            all.push(String::from_utf8_lossy(bytes).into_owned());
        }
        assert_eq!(lines.number(), all.len() as u64);
        all
    }

    #[test]
    fn each_kind_of_line_end_ends_one_line_wherever_the_buffer_is_cut() {
        for buffer in 1..8 {
            assert_eq!(
                lines("a\nb\r\nc\rd", buffer),
                ["a", "b", "c", "d"],
                "buffer of {buffer}"
            );
            assert_eq!(
                lines("a\n\n\r\n\r\rb\n", buffer),
                ["a", "", "", "", "", "b"],
                "buffer of {buffer}"
            );
        }
        assert!(lines("", 4).is_empty());
    }

    #[test]
    fn a_line_above_the_bound_is_skipped_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; LINE_BYTES_MAX + 1];
        text.extend_from_slice(b"\nnext");
        let mut lines = Lines::new(text.as_slice());
        assert_eq!(lines.next_line().expect("memory"), Some(Line::TooLong));
        assert_eq!(
            lines.next_line().expect("memory"),
            Some(Line::Bytes(b"next"))
        );
        assert_eq!(lines.next_line().expect("memory"), None);
    }
}
