//! What several passes over the same deltas came to, in memory that does not grow with their number.

use std::time::Duration;

use crate::clock::Samples;
use crate::pass::Pass;
use crate::totals::Totals;

/// Passes whose time is kept; further ones take the place of the oldest.
const WALLS_MAX: usize = 1 << 16;

/// One pass or more, all with the same results.
#[derive(Clone, Debug)]
pub struct Passes {
    totals: Totals,
    len: usize,
    walls: Vec<Duration>,
    samples: Samples,
    writing: Duration,
}

impl Passes {
    /// The first one.
    pub fn of(first: Pass) -> Self {
        Self {
            totals: first.totals,
            len: 1,
            walls: vec![first.wall],
            samples: first.samples,
            writing: first.writing,
        }
    }

    /// Adds one more.
    ///
    /// # Panics
    ///
    /// If it had other results than those before: it would be a bug.
    pub fn push(&mut self, pass: &Pass) {
        let agree = pass.totals == self.totals;
        assert!(agree, "the same deltas gave different results");
        if self.walls.len() < WALLS_MAX {
            self.walls.push(pass.wall);
        } else {
            self.walls[self.len % WALLS_MAX] = pass.wall;
        }
        self.len += 1;
        self.samples.extend(&pass.samples);
        self.writing += pass.writing;
    }

    /// The time that a pass beside these has spent writing.
    pub fn add_writing(&mut self, writing: Duration) {
        self.writing += writing;
    }

    /// How many.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Results, of one pass.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The time of the median pass, among the newest 65,536; of an even number, of the lower middle one.
    pub fn median_wall(&self) -> Duration {
        let mut walls = self.walls.clone();
        walls.sort();
        walls[(walls.len() - 1) / 2]
    }

    /// What the stages took for sampled batches, among the newest.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Waiting for turns and writing, in all passes together and the one that wrote.
    pub fn writing(&self) -> Duration {
        self.writing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Sample;

    fn pass(wall_ns: u64) -> Pass {
        let mut pass = Pass {
            wall: Duration::from_nanos(wall_ns),
            ..Pass::default()
        };
        pass.samples.push(Sample::default());
        pass
    }

    #[test]
    fn memory_is_bounded_and_the_median_is_of_the_newest() {
        let mut passes = Passes::of(pass(1));
        for _ in 1..WALLS_MAX {
            passes.push(&pass(1));
        }
        assert_eq!(passes.median_wall(), Duration::from_nanos(1));
        for _ in 0..WALLS_MAX {
            passes.push(&pass(2));
        }
        assert_eq!(passes.walls, [Duration::from_nanos(2)].repeat(WALLS_MAX));
        assert_eq!(passes.len(), 2 * WALLS_MAX);
        assert_eq!(passes.samples.iter().count(), Samples::ALL_MAX);
    }

    #[test]
    fn of_an_even_number_the_median_is_the_lower_middle() {
        let mut passes = Passes::of(pass(4));
        for wall in [1, 3, 2] {
            passes.push(&pass(wall));
        }
        assert_eq!(passes.median_wall(), Duration::from_nanos(2));
        let mut samples = Samples::default();
        for load in [4, 1, 3, 2].map(Duration::from_nanos) {
            let runs = 1;
            samples.push(Sample {
                load,
                runs,
                ..Sample::default()
            });
        }
        assert_eq!(
            samples.median_ns(|batch| batch.load, |batch| batch.runs),
            2.0
        );
    }

    #[test]
    #[should_panic(expected = "different results")]
    fn a_pass_with_other_results_is_a_bug() {
        let mut other = pass(1);
        other.totals.runs = 1;
        Passes::of(pass(1)).push(&other);
    }
}
