//! What a step that looks back remembers: the last blocks, in a ring.
//!
//! ```text
//!   lag = 2 · 512 + r        b − 3              b − 2       b − 1     b
//!   ring of 4 blocks    [ ····|last r ][ first 512 − r |···][     ][ now ]
//!                              └──── combined with ────┘             │
//!                                        └────────────────────────────┘
//! ```
//!
//! Nothing is moved: a block is written once into its place, and read twice.

use crate::map::{self, Binary};

/// Lanes of a block: with two blocks for a delay, two to work in, and those of input and output it
/// stays in 32 KiB of cache.
pub(crate) const BLOCK: usize = 512;

/// The ring of one step, at one block.
pub(crate) struct Delay<'a> {
    /// Whole blocks.
    ring: &'a mut [f64],
    lag: usize,
    /// The block's first lane in the column.
    start: usize,
}

impl<'a> Delay<'a> {
    /// Lanes of memory for a step of this lag on a column of `len`: none if it looks at nothing.
    pub(crate) fn memory(lag: Option<usize>, len: usize) -> usize {
        match lag {
            Some(lag) if 0 < lag && lag < len => (lag / BLOCK + 2) * BLOCK,
            _ => 0,
        }
    }

    /// `ring` is as long as [`Self::memory`] says, and was written by the blocks before.
    pub(crate) fn new(ring: &'a mut [f64], lag: usize, start: usize) -> Self {
        Self { ring, lag, start }
    }

    /// Where `back` blocks before the present one stands in the ring.
    fn place(&self, back: usize) -> usize {
        let blocks = self.ring.len() / BLOCK;
        // `back` is at most `blocks - 1`.
        (self.start / BLOCK + blocks - back) % blocks * BLOCK
    }

    /// The place of the present block, to be written.
    pub(crate) fn block(&mut self, len: usize) -> &mut [f64] {
        let place = self.place(0);
        &mut self.ring[place..place + len]
    }

    /// `out[i] = op(block[i], block[i - lag])`, and NaN where there is no lane to look back at.
    pub(crate) fn combine<O: Binary>(&self, out: &mut [f64], op: O) {
        let now = &self.ring[self.place(0)..];
        let (whole, rest) = (self.lag / BLOCK, self.lag % BLOCK);
        let split = rest.min(out.len());
        let older = self.place(whole + 1) + BLOCK - rest;
        let newer = self.place(whole);

        let (out_first, out_rest) = out.split_at_mut(split);
        map::binary(
            out_first,
            &now[..split],
            &self.ring[older..older + split],
            op,
        );
        let rest_len = out_rest.len();
        let before = &self.ring[newer..newer + rest_len];
        map::binary(out_rest, &now[split..split + rest_len], before, op);

        let without = self.lag.saturating_sub(self.start).min(out.len());
        out[..without].fill(f64::NAN);
    }
}
