//! The end of a journal: the last end line that is true, found from behind.
//!
//! Only the tail is read, so that a start takes no longer with a journal of years.
//!
//! A write that was torn leaves a beginning of one batch: lines of it, and a part of a line, which no line's
//! end follows. Whatever else stands behind the last true end line was written whole, and is damaged.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};

use serde::de::IgnoredAny;
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
    /// The highest number that may have been given behind that, if what is there was not torn.
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
        let (mut len, mut batch, mut before) = (head_len, after, whole);
        while let Some(start) = last_end_start(file, before)? {
            if let Some((end, end_len)) = whole_end(file, start, whole)?
                && is_true(file, start, &end)?
            {
                (len, batch) = (end_len, end.batch);
                break;
            }
            before = start;
        }
        Ok(Self {
            len,
            torn: whole - len,
            batch,
            damaged: damaged(file, len, batch)?,
        })
    }
}

/// A line behind the last true end line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// A receipt or a triple, or a part of any line.
    Torn,
    /// An end line, with its number: its lines are not those that were written.
    FalseEnd(u64),
    /// None of the three.
    Unreadable,
}

impl Line {
    /// What `line` is, with its end if it has one.
    fn of(line: &[u8]) -> Self {
        if line.starts_with(END_START) {
            let mut values = serde_json::Deserializer::from_slice(line).into_iter::<End>();
            if let Some(Ok(end)) = values.next()
                && values.byte_offset() < line.len()
            {
                // Whether or not a line's end is what is behind it: it was written.
                return Self::FalseEnd(end.batch);
            }
        }
        match line.strip_suffix(b"\n") {
            Some(text) if !is_receipt(text) && !is_triple(text) => Self::Unreadable,
            _ => Self::Torn,
        }
    }
}

/// An end line whose first bytes are damaged is none, nor is a receipt that has grown together with one.
fn is_receipt(text: &[u8]) -> bool {
    text.starts_with(b"{\"cycle\":") && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

fn is_triple(text: &[u8]) -> bool {
    (text.starts_with(b"<") || text.starts_with(b"_:")) && text.ends_with(b" .")
}

/// The highest number that the batches behind the true end line of number `batch`, which ends at `len`, may
/// have, if any of them is whole. One too many is no harm: numbers need not be without gaps.
fn damaged(file: &mut File, len: u64, batch: u64) -> io::Result<Option<u64>> {
    let torn = file.metadata()?.len() - len;
    // A number may be what is damaged.
    let most = batch.saturating_add((torn / END_BYTES_MIN).max(1));
    let (mut number, mut unreadable, mut line) = (batch, 0, Vec::new());
    file.seek(SeekFrom::Start(len))?;
    let mut lines = BufReader::new(file);
    while lines.read_until(b'\n', &mut line)? > 0 {
        match Line::of(&line) {
            Line::Torn => {}
            Line::FalseEnd(given) if number < given && given <= most => {
                (number, unreadable) = (given, 0);
            }
            // Each may have been an end line.
            Line::FalseEnd(_) | Line::Unreadable => unreadable += 1,
        }
        line.clear();
    }
    let highest = number.saturating_add(unreadable).min(most);
    Ok((highest > batch).then_some(highest))
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

    const RECEIPT: &str = "{\"cycle\":0,\"shard\":0}\n";
    const TRIPLE: &str = "<a:a> <a:b> \"c\" .\n";

    /// A journal of batch 1, and its length.
    fn first() -> (String, u64) {
        let head = String::from_utf8(line(0)).expect("ASCII");
        let first = [head, batch(1, RECEIPT)].concat();
        let len = first.len() as u64;
        (first, len)
    }

    #[test]
    fn a_number_that_cannot_be_is_no_batchs() {
        let (first, _) = first();
        let number = batch(2, RECEIPT).replace("\"batch\":2", "\"batch\":18446744073709551615");
        let whole = [first, number.replace("\"shard\":0", "\"shard\":1")].concat();
        let found = tail(whole.as_bytes()).expect("a journal");
        assert_eq!((found.batch, found.damaged), (1, Some(2)));
    }

    #[test]
    fn whatever_byte_of_a_whole_batch_is_damaged_its_number_is_not_given_again() {
        let (first, len) = first();
        for (lines, next) in [
            ([RECEIPT, TRIPLE].concat(), ""),
            ([TRIPLE, RECEIPT].concat(), ""),
            (RECEIPT.to_owned(), RECEIPT),
            (String::new(), &TRIPLE[..9]),
        ] {
            let second = batch(2, &lines);
            for (place, byte) in (0..second.len()).flat_map(|at| b"X\n} \0".map(|byte| (at, byte)))
            {
                let mut bytes = [&*first, &*second, next].concat().into_bytes();
                if std::mem::replace(&mut bytes[first.len() + place], byte) == byte {
                    continue;
                }
                let found = tail(&bytes).expect("a journal");
                let shown = String::from_utf8_lossy(&bytes[first.len()..]).into_owned();
                assert_eq!((found.len, found.batch), (len, 1), "{shown}");
                let given = found.damaged.unwrap_or_default();
                assert!((2..=3).contains(&given), "{given}: {shown}");
            }
        }
    }

    #[test]
    fn each_end_line_that_cannot_be_read_has_a_number() {
        let (first, len) = first();
        let unreadable = |number| batch(number, RECEIPT).replace("\"xxh3\"", "\"xxh\"");
        let wrong = batch(4, RECEIPT).replace("\"shard\":0", "\"shard\":1");
        for (behind, highest) in [
            (vec![unreadable(2)], 2),
            (vec![unreadable(2), unreadable(3)], 3),
            (vec![unreadable(2), unreadable(3), wrong.clone()], 4),
            (vec![unreadable(2), unreadable(3), wrong, unreadable(5)], 5),
        ] {
            let whole = [first.clone(), behind.concat(), RECEIPT.to_owned()].concat();
            let found = tail(whole.as_bytes()).expect("a journal");
            assert_eq!((found.len, found.damaged), (len, Some(highest)), "{whole}");
        }
    }

    #[test]
    fn a_batch_of_receipts_and_triples_that_was_torn_is_not_damaged() {
        let (first, len) = first();
        let second = batch(
            2,
            &[RECEIPT, TRIPLE, "_:b <a:b> <a:c> .\n", RECEIPT].concat(),
        );
        for cut in 0..second.len() {
            let whole = [&*first, &second[..cut]].concat();
            let found = tail(whole.as_bytes()).expect("a journal");
            let expected = (len, cut as u64, 1, None);
            let found = (found.len, found.torn, found.batch, found.damaged);
            assert_eq!(found, expected, "{whole}");
        }
    }

    #[test]
    fn another_file_is_refused() {
        for text in ["<a:a> <a:b> <a:c> .\n", "{\"cycle\":0}\n", " "] {
            assert!(tail(text.as_bytes()).is_err(), "{text}");
        }
    }
}
