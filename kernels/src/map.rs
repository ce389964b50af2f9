//! Loops over lanes: one slice, or two, into another.

use std::marker::PhantomData;

use crate::dispatch::{Kernel, dispatch};
use crate::group::Group;

/// Lanes that are looked at together: a word of a bitmap.
const BLOCK: usize = 64;
/// Streams that a block is taken in: enough to hide the latency of a chain.
const STREAMS: usize = 4;
const STREAM: usize = BLOCK / STREAMS;
/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// An operation on one lane that costs about as much as loading it.
pub(crate) trait Light: Copy {
    fn lane(self, x: f64) -> f64;
}

/// An operation on two lanes.
pub(crate) trait Binary: Copy {
    fn lanes(self, x: f64, y: f64) -> f64;
}

/// An operation with a long chain. Arguments are *plain*, which most are, and NaN with them, since it is
/// what stands under most nulls; *special*, whose results are known beforehand; or *rare*, which are
/// worked out one by one.
pub(crate) trait Transcendental {
    /// In the top bit: whether it is special or rare. A one too many costs time, and no more.
    fn stands_out(x: f64) -> u64;

    /// For what is plain; of other arguments it makes anything.
    fn plain<const W: usize>(x: Group<W>) -> Group<W>;

    /// The result for `x`, of which [`Self::plain`] has made `y`: `y` for what is plain, anything for what
    /// is rare.
    fn settled(x: f64, y: f64) -> f64;

    /// In the top bit: whether it is rare. A one too many costs time, and no more.
    fn is_rare(x: f64) -> u64;

    fn rare(x: f64) -> f64;
}

/// `out[i] = op(x[i])`, for slices of one length.
#[inline]
pub(crate) fn light<O: Light>(out: &mut [f64], x: &[f64], op: O) {
    debug_assert_eq!(out.len(), x.len());
    dispatch(LightMap { out, x, op });
}

struct LightMap<'a, O> {
    out: &'a mut [f64],
    x: &'a [f64],
    op: O,
}

impl<O: Light> Kernel for LightMap<'_, O> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let head = to_a_line(self.out);
        let (out_head, out) = self.out.split_at_mut(head);
        let (x_head, x) = self.x.split_at(head);
        for (out, &x) in out_head.iter_mut().zip(x_head) {
            *out = self.op.lane(x);
        }
        for (out, &x) in out.iter_mut().zip(x) {
            *out = self.op.lane(x);
        }
    }
}

/// How many lanes stand before the first that begins a cache line. A vector's memory is aligned for
/// its lanes, not for a machine's vectors, and a store of 64 bytes that is not aligned writes two lines.
#[inline(always)]
fn to_a_line(out: &[f64]) -> usize {
    out.as_ptr().align_offset(LINE).min(out.len())
}

/// `out[i] = op(x[i], y[i])`, for slices of one length.
#[inline]
pub(crate) fn binary<O: Binary>(out: &mut [f64], x: &[f64], y: &[f64], op: O) {
    debug_assert!(out.len() == x.len() && out.len() == y.len());
    dispatch(BinaryMap { out, x, y, op });
}

struct BinaryMap<'a, O> {
    out: &'a mut [f64],
    x: &'a [f64],
    y: &'a [f64],
    op: O,
}

impl<O: Binary> Kernel for BinaryMap<'_, O> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let head = to_a_line(self.out);
        let (out_head, out) = self.out.split_at_mut(head);
        let (x_head, x) = self.x.split_at(head);
        let (y_head, y) = self.y.split_at(head);
        for ((out, &x), &y) in out_head.iter_mut().zip(x_head).zip(y_head) {
            *out = self.op.lanes(x, y);
        }
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            *out = self.op.lanes(x, y);
        }
    }
}

/// `out[i] = op(x[i])`, for slices of one length.
#[inline]
pub(crate) fn transcendental<O: Transcendental>(out: &mut [f64], x: &[f64]) {
    debug_assert_eq!(out.len(), x.len());
    dispatch(TranscendentalMap::<O> {
        out,
        x,
        op: PhantomData,
    });
}

struct TranscendentalMap<'a, O> {
    out: &'a mut [f64],
    x: &'a [f64],
    op: PhantomData<O>,
}

impl<O: Transcendental> Kernel for TranscendentalMap<'_, O> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (blocks, rest) = self.x.as_chunks::<BLOCK>();
        let (out_blocks, out_rest) = self.out.as_chunks_mut::<BLOCK>();
        for (out, x) in out_blocks.iter_mut().zip(blocks) {
            block::<O>(out, x);
        }
        if !rest.is_empty() {
            let mut x = [1.0; BLOCK]; // plain for all
            let mut out = [0.0; BLOCK];
            x[..rest.len()].copy_from_slice(rest);
            block::<O>(&mut out, &x);
            out_rest.copy_from_slice(&out[..rest.len()]);
        }
    }
}

#[inline(always)]
fn block<O: Transcendental>(out: &mut [f64; BLOCK], x: &[f64; BLOCK]) {
    if !any(x, O::stands_out) {
        return streams::<O, true>(out, x);
    }
    streams::<O, false>(out, x);
    if any(x, O::is_rare) {
        rare::<O>(out, x);
    }
}

/// Bits that are or-ed become vectors of integers on every instruction set; a conjunction of comparisons
/// becomes branches, and a count of them goes through mask registers.
#[inline(always)]
fn any(x: &[f64; BLOCK], mark: impl Fn(f64) -> u64) -> bool {
    is_marked(x.iter().fold(0, |seen, &x| seen | mark(x)))
}

#[inline(always)]
fn is_marked(mark: u64) -> bool {
    mark >> 63 == 1
}

#[cold]
#[inline(never)]
fn rare<O: Transcendental>(out: &mut [f64; BLOCK], x: &[f64; BLOCK]) {
    for (out, &x) in out.iter_mut().zip(x) {
        if is_marked(O::is_rare(x)) {
            *out = O::rare(x);
        }
    }
}

#[inline(always)]
fn streams<O: Transcendental, const ALL_PLAIN: bool>(out: &mut [f64; BLOCK], x: &[f64; BLOCK]) {
    for index in 0..STREAM {
        let mut group = Group([0.0; STREAMS]);
        for (stream, lane) in group.0.iter_mut().enumerate() {
            *lane = x[stream * STREAM + index];
        }
        // A branch and not a closure: calls of closures are not always inlined.
        let plain = O::plain(group);
        let result = if ALL_PLAIN {
            plain
        } else {
            group.zip(plain, O::settled)
        };
        for (stream, lane) in result.0.iter().enumerate() {
            out[stream * STREAM + index] = *lane;
        }
    }
}
