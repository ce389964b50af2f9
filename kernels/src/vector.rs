//! Vectors of `f32`: dot product, distance, cosine similarity in batches, and the best of many scores.
//!
//! Products and sums are rounded each by itself, in 32 accumulators that are folded pairwise, always in
//! the same order: the same bits on every instruction set.

use knhk_pool::hot_path;

use crate::dispatch::{Kernel, dispatch};
use crate::error::{KernelError, same_length};

/// Accumulators: four vectors of eight lanes.
const WAYS: usize = 32;

/// Sums over two vectors. A trait and not closures, which the compiler does not always inline.
trait Sums {
    fn block(&mut self, a: &[f32; WAYS], b: &[f32; WAYS]);
}

/// Hands both vectors to `sums` block by block, the last one filled up with zeros.
#[inline(always)]
fn add_up<S: Sums>(a: &[f32], b: &[f32], mut sums: S) -> S {
    let ((a_blocks, a_rest), (b_blocks, b_rest)) = (a.as_chunks(), b.as_chunks());
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        sums.block(a, b);
    }
    if !a_rest.is_empty() {
        sums.block(&filled_up(a_rest), &filled_up(b_rest));
    }
    sums
}

#[inline(always)]
fn filled_up(rest: &[f32]) -> [f32; WAYS] {
    let mut block = [0.0; WAYS];
    block[..rest.len()].copy_from_slice(rest);
    block
}

/// Four to one, lane by lane, which stays in vectors; then the eight that are left.
#[inline(always)]
fn fold_pairs(sums: [f32; WAYS]) -> f32 {
    let mut eight = [0.0; WAYS / 4];
    for (lane, sum) in eight.iter_mut().enumerate() {
        *sum = (sums[lane] + sums[lane + 16]) + (sums[lane + 8] + sums[lane + 24]);
    }
    let [a, b, c, d, e, f, g, h] = eight;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

struct Products([f32; WAYS]);

impl Sums for Products {
    #[inline(always)]
    fn block(&mut self, a: &[f32; WAYS], b: &[f32; WAYS]) {
        for lane in 0..WAYS {
            self.0[lane] += a[lane] * b[lane];
        }
    }
}

struct SquaredDistances([f32; WAYS]);

impl Sums for SquaredDistances {
    #[inline(always)]
    fn block(&mut self, a: &[f32; WAYS], b: &[f32; WAYS]) {
        for lane in 0..WAYS {
            let distance = a[lane] - b[lane];
            self.0[lane] += distance * distance;
        }
    }
}

/// Products of a query with a row, and the row's squares.
struct RowSums {
    products: [f32; WAYS],
    squares: [f32; WAYS],
}

impl Sums for RowSums {
    #[inline(always)]
    fn block(&mut self, query: &[f32; WAYS], row: &[f32; WAYS]) {
        for lane in 0..WAYS {
            self.products[lane] += query[lane] * row[lane];
            self.squares[lane] += row[lane] * row[lane];
        }
    }
}

struct Dot<'a>(&'a [f32], &'a [f32]);

impl Kernel for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        fold_pairs(add_up(self.0, self.1, Products([0.0; WAYS])).0)
    }
}

struct SquaredDistance<'a>(&'a [f32], &'a [f32]);

impl Kernel for SquaredDistance<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        fold_pairs(add_up(self.0, self.1, SquaredDistances([0.0; WAYS])).0)
    }
}

/// The dot product of two vectors; zero of empty ones.
///
/// A product or a sum on the way that no `f32` holds is infinite, and so is the result, though the whole may be within
/// range: of finite vectors it may be +∞, −∞, or NaN where both signs meet.
///
/// # Errors
///
/// If the lengths differ.
///
/// # Examples
///
/// ```
/// assert_eq!(knhk_kernels::dot(&[1.0, 2.0], &[3.0, 4.0])?, 11.0);
/// assert!(knhk_kernels::dot(&[1e30, 1e30], &[1e10, -1e10])?.is_nan());
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn dot(a: &[f32], b: &[f32]) -> Result<f32, KernelError> {
    same_length(a.len(), b.len())?;
    Ok(dispatch(Dot(a, b)))
}

/// The Euclidean distance of two vectors; zero of empty ones.
///
/// Vectors whose squared distances overflow or vanish in `f32` are measured too, in `f64`: it is infinite
/// only if an `f32` cannot hold it, or one of the numbers is.
///
/// # Cost
///
/// A difference, a product and a sum a number; two vectors that are equal, or all but, take a second pass
/// in `f64`. Allocates nothing.
///
/// # Errors
///
/// If the lengths differ.
///
/// # Examples
///
/// ```
/// assert_eq!(knhk_kernels::l2(&[1.0, 2.0], &[4.0, 6.0])?, 5.0);
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn l2(a: &[f32], b: &[f32]) -> Result<f32, KernelError> {
    same_length(a.len(), b.len())?;
    let squares = dispatch(SquaredDistance(a, b));
    Ok(if is_safe(squares) {
        squares.sqrt()
    } else {
        l2_wide(a, b)
    })
}

/// `scores[row]` = the cosine of the angle between `query` and row `row` of `candidates`.
///
/// `candidates` is row-major: `scores.len()` rows of `query.len()` numbers, without gaps. A score is
/// between −1 and 1; it is 0 if either vector is empty, all zeros, or holds NaN or an infinity.
/// Vectors whose squares overflow or vanish in `f32` are scored too, in `f64`.
///
/// # Cost
///
/// Two products and two sums a number; the query's norm once. Allocates nothing.
///
/// # Errors
///
/// If `candidates` are not `scores.len()` rows of `query.len()`.
///
/// # Examples
///
/// ```
/// use knhk_kernels::cosine_similarity;
///
/// let mut scores = [0.0; 3];
/// cosine_similarity(&[1.0, 0.0], &[2.0, 0.0, 0.0, 5.0, -1.0, 0.0], &mut scores)?;
/// assert_eq!(scores, [1.0, 0.0, -1.0]);
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn cosine_similarity(
    query: &[f32],
    candidates: &[f32],
    scores: &mut [f32],
) -> Result<(), KernelError> {
    let (rows, columns) = (scores.len(), query.len());
    if rows.checked_mul(columns) != Some(candidates.len()) {
        let len = candidates.len();
        return Err(KernelError::ShapeMismatch { rows, columns, len });
    }
    if query.is_empty() {
        scores.fill(0.0);
        return Ok(());
    }
    dispatch(Cosine {
        query,
        candidates,
        scores,
    });
    Ok(())
}

struct Cosine<'a> {
    query: &'a [f32],
    candidates: &'a [f32],
    scores: &'a mut [f32],
}

impl Kernel for Cosine<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let norm = Dot(self.query, self.query).run();
        let rows = self.candidates.chunks_exact(self.query.len());
        for (score, row) in self.scores.iter_mut().zip(rows) {
            let sums = RowSums {
                products: [0.0; WAYS],
                squares: [0.0; WAYS],
            };
            let RowSums { products, squares } = add_up(self.query, row, sums);
            let (dot, squares) = (fold_pairs(products), fold_pairs(squares));
            *score = if is_safe(norm) && is_safe(squares) {
                (dot / (norm.sqrt() * squares.sqrt())).clamp(-1.0, 1.0)
            } else {
                cosine_wide(self.query, row)
            };
        }
    }
}

/// Far from where a square, or a sum of them, would have overflowed or lost its digits.
#[inline(always)]
fn is_safe(squares: f32) -> bool {
    squares > 1e-24 && squares < 1e36
}

/// Both in `f64`, where no square of an `f32` overflows or vanishes.
fn wide(a: &[f32], b: &[f32]) -> impl Iterator<Item = (f64, f64)> {
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)))
}

#[cold]
#[inline(never)]
fn l2_wide(a: &[f32], b: &[f32]) -> f32 {
    let squares: f64 = wide(a, b).map(|(a, b)| (a - b) * (a - b)).sum();
    (squares.sqrt() + 0.0) as f32 // the distance of nothing is +0
}

#[cold]
#[inline(never)]
fn cosine_wide(query: &[f32], row: &[f32]) -> f32 {
    let pairs = || wide(query, row);
    let dot: f64 = pairs().map(|(a, b)| a * b).sum();
    let query_squares: f64 = pairs().map(|(a, _)| a * a).sum();
    let row_squares: f64 = pairs().map(|(_, b)| b * b).sum();
    let cosine = dot / (query_squares.sqrt() * row_squares.sqrt());
    if cosine.is_finite() {
        cosine.clamp(-1.0, 1.0) as f32
    } else {
        0.0
    }
}

/// A score and where it stood. Laid out as in C.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Scored {
    /// Index in the scores.
    pub index: usize,
    /// The score.
    pub score: f32,
}

impl Scored {
    /// Whether it goes before `other`: the greater score, and of equal ones the lower index.
    fn precedes(self, other: Self) -> bool {
        self.score > other.score || self.score == other.score && self.index < other.index
    }
}

/// The `best.len()` greatest of `scores` into `best`, greatest first, equal ones by index; returns
/// how many there are. NaN is never among them.
///
/// # Cost
///
/// One comparison a score that is not among the best so far, and a shift of up to `best.len()` for one
/// that is: meant for tens, not for thousands. Allocates nothing.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Scored, top_k};
///
/// let mut best = [Scored::default(); 2];
/// assert_eq!(top_k(&[0.1, 0.9, f32::NAN, 0.9, 0.3], &mut best), 2);
/// assert_eq!(best.map(|scored| scored.index), [1, 3]);
/// ```
#[hot_path]
pub fn top_k(scores: &[f32], best: &mut [Scored]) -> usize {
    let mut found = 0;
    for (index, &score) in scores.iter().enumerate() {
        let scored = Scored { index, score };
        let is_full = found == best.len();
        if score.is_nan() || is_full && !best.last().is_some_and(|last| scored.precedes(*last)) {
            continue;
        }
        let place = best[..found].partition_point(|other| other.precedes(scored));
        found += usize::from(!is_full);
        best[place..found].rotate_right(1);
        best[place] = scored;
    }
    found
}
