//! The first line of a journal: what it is, and behind which batch it goes on where another file has
//! those before.

/// How it begins.
const START: &[u8] = b"{\"journal\":\"knhk-poold\",\"version\":1";

/// Behind it stands the number of a batch.
const AFTER: &[u8] = b",\"after\":";

/// A head is not longer: the two above, and a number of 20 digits.
pub(super) const HEAD_BYTES_MAX: u64 = 80;

/// What the first bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// A whole one: its bytes, and the number of the last batch before it.
    Whole { len: u64, after: u64 },
    /// The beginning of one, or nothing.
    Torn,
    /// Another file's.
    Foreign,
}

/// The line of a journal whose batches begin behind number `after`.
pub(super) fn line(after: u64) -> Vec<u8> {
    let mut line = START.to_vec();
    if after > 0 {
        line.extend_from_slice(AFTER);
        line.extend_from_slice(after.to_string().as_bytes());
    }
    line.extend_from_slice(b"}\n");
    line
}

impl Head {
    /// Of a file that begins with `bytes`: [`HEAD_BYTES_MAX`], or all that there are.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').next();
        let first = lines.unwrap_or_default();
        let after = after(first).unwrap_or_default();
        if first == line(after) {
            let len = first.len() as u64;
            return Self::Whole { len, after };
        }
        let beginnings = [line(0), [START, AFTER].concat(), line(after)];
        let is_torn = bytes == first && beginnings.iter().any(|it| it.starts_with(first));
        if is_torn { Self::Torn } else { Self::Foreign }
    }
}

/// The number in `line`.
fn after(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(START)?.strip_prefix(AFTER)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wherever_a_head_is_cut_it_is_torn_and_whole_it_says_where_it_goes_on() {
        for after in [0, 1, 9, 10, 120, u64::MAX] {
            let whole = line(after);
            let len = whole.len() as u64;
            assert!(len <= HEAD_BYTES_MAX);
            for cut in 0..whole.len() {
                assert_eq!(Head::of(&whole[..cut]), Head::Torn, "{after}, {cut}");
            }
            let more = [&whole[..], b"{\"batch\":"].concat();
            for bytes in [&whole, &more] {
                assert_eq!(Head::of(bytes), Head::Whole { len, after });
            }
        }
    }

    #[test]
    fn what_no_journal_begins_with_is_foreign() {
        let begun = |rest: &str| [START, rest.as_bytes()].concat();
        for bytes in [
            b"<a:a> <a:b> <a:c> .\n".to_vec(),
            b" ".to_vec(),
            begun("0}\n"),
            begun(",\"after\":0}\n"),
            begun(",\"after\":-1}\n"),
            begun(",\"after\":07"),
            begun(",\"after\":18446744073709551616"),
            begun(",\"after\":}\n"),
            begun(",\"before\":1}\n"),
        ] {
            let shown = String::from_utf8_lossy(&bytes);
            assert_eq!(Head::of(&bytes), Head::Foreign, "{shown}");
        }
    }
}
