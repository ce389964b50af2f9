//! A block of deltas, cut into portions that fill one `SoaTriples` each.
//!
//! The packing rule: runs stand in order of first appearance, at most 8 triples a run; a run that
//! does not fit beside those before it opens the next `SoaTriples`, and so does each delta.

use knhk_pool::RUN_LEN_MAX;

/// Triples for one `SoaTriples`: whole runs, at most 8 triples together, of one delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion<'a> {
    /// The triples, grouped by predicate.
    pub triples: &'a [[u64; 3]],
    /// The delta's place in the stream, from 0.
    pub delta: u64,
    /// The first run's place in its delta, from 0.
    pub first_run: u64,
}

/// The portions of one block, in order.
#[derive(Clone, Debug)]
pub struct Feed<'a> {
    triples: &'a [[u64; 3]],
    delta_len: usize,
    first_delta: u64,
    at: usize,
    run: u64,
}

impl<'a> Feed<'a> {
    /// The portions of `triples`: whole deltas of `delta_len` (the last may be shorter), already
    /// grouped by predicate, of which the first is number `first_delta`.
    pub fn new(triples: &'a [[u64; 3]], delta_len: usize, first_delta: u64) -> Self {
        Self {
            triples,
            delta_len,
            first_delta,
            at: 0,
            run: 0,
        }
    }

    /// Whether all portions were given.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Triples that are left.
    pub fn len(&self) -> usize {
        self.triples.len() - self.at
    }
}

impl<'a> Iterator for Feed<'a> {
    type Item = Portion<'a>;

    fn next(&mut self) -> Option<Portion<'a>> {
        if self.is_empty() {
            return None;
        }
        let delta = self.at / self.delta_len;
        let delta_end = self.triples.len().min((delta + 1) * self.delta_len);
        let (taken, runs) = fitting(&self.triples[self.at..delta_end]);
        let portion = Portion {
            triples: &self.triples[self.at..self.at + taken],
            delta: self.first_delta + delta as u64,
            first_run: self.run,
        };
        self.at += taken;
        self.run = if self.at == delta_end {
            0
        } else {
            self.run + runs
        };
        Some(portion)
    }
}

/// How many triples of `rest` fit one `SoaTriples` by whole runs, and how many runs they are.
fn fitting(rest: &[[u64; 3]]) -> (usize, u64) {
    let (mut taken, mut runs) = (0, 0);
    while let Some([_, predicate, _]) = rest.get(taken) {
        let same = |triple: &&[u64; 3]| triple[1] == *predicate;
        let run = rest[taken..]
            .iter()
            .take(RUN_LEN_MAX)
            .take_while(same)
            .count();
        if taken + run > RUN_LEN_MAX {
            break;
        }
        taken += run;
        runs += 1;
    }
    (taken, runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each letter is a triple of that predicate; the portions come back as words.
    fn portions(predicates: &str, delta_len: usize) -> Vec<(u64, u64, String)> {
        let triples: Vec<[u64; 3]> = predicates.bytes().map(|p| [0, u64::from(p), 0]).collect();
        let word = |p: Portion<'_>| p.triples.iter().map(|t| char::from(t[1] as u8)).collect();
        Feed::new(&triples, delta_len, 10)
            .map(|p| (p.delta, p.first_run, word(p)))
            .collect()
    }

    #[test]
    fn a_run_that_does_not_fit_opens_the_next() {
        let expected = [(10, 0, "aaabb"), (10, 2, "ccccc"), (10, 3, "d")];
        let expected = [expected[0], (10, 2, "cccccd")]
            .map(|(d, r, w): (u64, u64, &str)| (d, r, w.to_owned()));
        assert_eq!(portions("aaabbcccccd", 100), expected);
    }

    #[test]
    fn a_group_above_eight_is_cut_and_its_rest_opens_the_next() {
        let expected = [(10, 0, "aaa"), (10, 1, "bbbbbbbb"), (10, 2, "bc")];
        assert_eq!(
            portions("aaabbbbbbbbbc", 100),
            expected.map(|(d, r, w)| (d, r, w.to_owned()))
        );
    }

    #[test]
    fn a_delta_opens_the_next_and_counts_its_runs_from_zero() {
        let expected = [(10, 0, "aab"), (11, 0, "bba"), (12, 0, "a")];
        assert_eq!(
            portions("aabbbaa", 3),
            expected.map(|(d, r, w)| (d, r, w.to_owned()))
        );
    }
}
