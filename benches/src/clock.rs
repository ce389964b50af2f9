//! The core's clock, which is not the time stamp counter's.

use std::hint::black_box;
use std::time::Instant;

/// Steps of the chain in one sample: some 25 µs, too short to be interrupted every time.
const STEPS: u32 = 40_000;

/// Core cycles a nanosecond, by the time that a chain of dependent one-cycle operations takes.
///
/// A tick of the tables is one such cycle. One sample; a caller takes the median of many, spread
/// over the run that it wants to convert.
pub fn core_ghz() -> f64 {
    let addend = black_box(0x9e37_79b9_7f4a_7c15);
    let mask = black_box(0xbf58_476d_1ce4_e5b9);
    let start = Instant::now();
    black_box(chain(addend, mask));
    f64::from(2 * STEPS) / start.elapsed().as_secs_f64() / 1e9
}

/// Two operations a step, each on the result of the one before. Which of them commute the compiler
/// knows; these two do not, so nothing can be taken together.
#[inline(never)]
fn chain(addend: u64, mask: u64) -> u64 {
    (0..STEPS).fold(addend, |word, _| word.wrapping_add(addend) ^ mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_is_what_it_says() {
        let mut word: u64 = 5;
        for _ in 0..STEPS {
            word = word.wrapping_add(5) ^ 3;
        }
        assert_eq!(chain(5, 3), word);
    }
}
