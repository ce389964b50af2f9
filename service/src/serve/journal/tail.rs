//! The end of a journal: the last end line that is true, found from behind.
//!
//! Only the tail is read, so that a start takes no longer with a journal of years.

use std::fs::File;
use std::io;

use xxhash_rust::xxh3::xxh3_64;

use super::head::{HEAD_BYTES_MAX, Head};
use super::{End, read_at};

/// Bytes that are looked through at once.
const STEP: u64 = 64 << 10;

/// How an end line begins; no receipt and no triple does.
const END_START: &[u8] = b"{\"batch\":";

/// An end line is not longer: five numbers of 20 digits, and their names.
pub(super) const END_BYTES_MAX: u64 = 256;

/// What holds of a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// Bytes up to the end of the last true end line, or of the head.
    pub(super) len: u64,
    /// Bytes behind it.
    pub(super) torn: u64,
    /// The number of the last batch that holds, here or in the file before; 0 if there is none.
    pub(super) batch: u64,
    /// The highest number in a whole end line behind that, whose lines are not those that were written.
    pub(super) damaged: Option<u64>,
}

/// An end line is not shorter.
const END_BYTES_MIN: u64 = 70;

impl Tail {
    /// Of `file`. One that does not begin as a journal does is refused: nothing of it is cut off.
    pub(super) fn of(file: &mut File) -> io::Result<Self> {
        let whole = file.metadata()?.len();
        let first = read_at(file, 0, whole.min(HEAD_BYTES_MAX) as usize)?;
        let (head_len, after) = match Head::of(&first) {
            Head::Whole { len, after } => (len, after),
            Head::Torn => (0, 0),
            Head::Foreign => {
                let message = "it is not empty, and not a journal";
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        };
        let (mut before, mut false_ends) = (whole, Vec::new());
        while let Some(start) = last_end_start(file, before)? {
            if let Some((end, len)) = whole_end(file, start, whole)? {
                if is_true(file, start, &end)? {
                    return Ok(Self::new(len, whole - len, end.batch, &false_ends));
                }
                false_ends.push(end.batch);
            }
            before = start;
        }
        let torn = whole - head_len;
        Ok(Self::new(head_len, torn, after, &false_ends))
    }

    fn new(len: u64, torn: u64, batch: u64, false_ends: &[u64]) -> Self {
        // A number may be what is damaged.
        let most = batch.saturating_add(torn / END_BYTES_MIN);
        let numbers = false_ends.iter().copied();
        let highest = numbers.filter(|it| (batch..=most).contains(it)).max();
        let is_damaged = !false_ends.is_empty();
        Self {
            len,
            torn,
            batch,
            damaged: is_damaged.then(|| highest.unwrap_or(batch)),
        }
    }
}

/// Where the last line before `before` starts that looks like an end line.
fn last_end_start(file: &mut File, mut before: u64) -> io::Result<Option<u64>> {
    while before > 0 {
        let start = before.saturating_sub(STEP);
        // Its first bytes may reach into the next step; the byte before it must be a line's end.
        let from = start.saturating_sub(1);
        let until = before + (END_START.len() as u64 - 1);
        let until = until.min(file.metadata()?.len());
        let bytes = read_at(file, from, (until - from) as usize)?;
        let is_end = |at: &usize| {
            let at = *at;
            let position = from + at as u64;
            position < before
                && bytes[at..].starts_with(END_START)
                && (position == 0 || (at > 0 && bytes[at - 1] == b'\n'))
        };
        if let Some(at) = (0..bytes.len()).rev().find(is_end) {
            return Ok(Some(from + at as u64));
        }
        before = start;
    }
    Ok(None)
}

/// What the end line at `start` says and where it ends, if it is whole.
fn whole_end(file: &mut File, start: u64, whole: u64) -> io::Result<Option<(End, u64)>> {
    let line = read_at(file, start, (whole - start).min(END_BYTES_MAX) as usize)?;
    let Some(len) = line.iter().position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    let end = serde_json::from_slice::<End>(&line[..len]).ok();
    Ok(end.map(|end| (end, start + len as u64 + 1)))
}

/// Whether the lines before the end line at `start` are those that it is of.
fn is_true(file: &mut File, start: u64, end: &End) -> io::Result<bool> {
    let Some(first) = start.checked_sub(end.bytes) else {
        return Ok(false);
    };
    let lines = read_at(file, first, end.bytes as usize)?;
    Ok(format!("{:016x}", xxh3_64(&lines)) == end.xxh3)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::head::line;
    use super::*;

    fn batch(number: u64, lines: &str) -> String {
        let xxh3 = format!("{:016x}", xxh3_64(lines.as_bytes()));
        let end = End {
            batch: number,
            bytes: lines.len() as u64,
            xxh3,
            triples: 1,
            receipts: 1,
        };
        let end = serde_json::to_string(&end).expect("it is plain");
        format!("{lines}{end}\n")
    }

    fn tail(bytes: &[u8]) -> io::Result<Tail> {
        let mut file = tempfile::tempfile().expect("a file can be made");
        file.write_all(bytes).expect("the disk takes it");
        Tail::of(&mut file)
    }

    #[test]
    fn wherever_a_journal_is_cut_what_holds_is_its_last_whole_batch() {
        let head = String::from_utf8(line(0)).expect("ASCII");
        let receipt = "{\"cycle\":0,\"shard\":0}\n";
        let large = receipt.repeat(3 * STEP as usize / receipt.len());
        let parts = [head, batch(1, receipt), batch(2, ""), batch(3, &large)];
        let whole = parts.concat();
        let mut ends = vec![0];
        for part in &parts {
            ends.push(ends[ends.len() - 1] + part.len());
        }
        let near = |len: &usize| ends.iter().any(|end| end.abs_diff(*len) < 300);
        let lens = (0..=whole.len()).filter(|len| near(len) || len.is_multiple_of(9973));
        for len in lens {
            let found = tail(&whole.as_bytes()[..len]).expect("it is a journal");
            let batches = ends.iter().filter(|end| **end <= len).count().max(1) - 1;
            let expected = Tail {
                len: ends[batches] as u64,
                torn: (len - ends[batches]) as u64,
                batch: batches.saturating_sub(1) as u64,
                damaged: None,
            };
            assert_eq!(found, expected, "cut at {len}");
        }
    }

    #[test]
    fn a_batch_with_a_wrong_byte_does_not_hold() {
        let head = String::from_utf8(line(0)).expect("ASCII");
        let first = [head, batch(1, "{\"cycle\":0}\n")].concat();
        let second = batch(2, "{\"cycle\":1}\n").replace("\"cycle\":1", "\"cycle\":2");
        let found = tail(&[first.clone(), second].concat().into_bytes()).expect("a journal");
        assert_eq!((found.len, found.batch), (first.len() as u64, 1));
        assert_eq!(found.damaged, Some(2));
    }

    #[test]
    fn a_number_that_cannot_be_is_no_batchs() {
        let head = String::from_utf8(line(0)).expect("ASCII");
        let number = batch(2, "{}\n").replace("\"batch\":2", "\"batch\":18446744073709551615");
        let whole = [head, batch(1, "{}\n"), number.replace("{}", "[]")].concat();
        let found = tail(whole.as_bytes()).expect("a journal");
        assert_eq!((found.batch, found.damaged), (1, Some(1)));
    }

    #[test]
    fn another_file_is_refused() {
        for text in ["<a:a> <a:b> <a:c> .\n", "{\"cycle\":0}\n", " "] {
            assert!(tail(text.as_bytes()).is_err(), "{text}");
        }
    }
}
