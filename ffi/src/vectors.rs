//! Vectors of `float`, the best of their scores, and strengths that fade.
//!
//! # Invariants
//!
//! 1. No other symbol of the process has the name of one exported here: all begin with `knhk_`.
//! 2. An array that is written shares no byte with one that is read in the same call: `apart_from` was
//!    asked before either became a slice.

use knhk_kernels::{KernelError, cosine_similarity, decay, decay_half_life, dot, l2, top_k};

use crate::array::Array;
use crate::layout::Scored;
use crate::place::Place;
use crate::status::{Status, guarded};

/// Arguments that do not fit each other, but for memory that is refused.
impl From<KernelError> for Status {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::OutOfMemory { .. } => Self::OutOfMemory,
            _ => Self::Invalid,
        }
    }
}

/// The dot product of two vectors of `len` numbers; 0 of empty ones. The same bits on every processor.
///
/// Where a product or a sum on the way overflows `float`, it is infinite, or NaN where both signs meet, of finite
/// vectors too.
///
/// # Safety
///
/// * `a` and `b` are null or `len` numbers, `product` null or a place for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_vector_dot(
    a: *const f32,
    b: *const f32,
    len: usize,
    product: Place<'_, f32>,
) -> Status {
    guarded(|| {
        let product = product.not_null()?;
        let (a, b) = (Array::new(a, len)?, Array::new(b, len)?);
        // SAFETY: `len` numbers (the caller's bullet); none is written.
        let (a, b) = (unsafe { a.read() }, unsafe { b.read() });
        product.write(dot(a, b)?);
        Ok(())
    })
}

/// The Euclidean distance of two vectors of `len` numbers; 0 of empty ones. The same bits on every processor.
///
/// Where squares overflow or vanish in `float`, as those of equal vectors do, it is worked out in `double`:
/// infinite only if a `float` cannot hold it, or one of the numbers is.
///
/// # Safety
///
/// * `a` and `b` are null or `len` numbers, `distance` null or a place for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_vector_distance(
    a: *const f32,
    b: *const f32,
    len: usize,
    distance: Place<'_, f32>,
) -> Status {
    guarded(|| {
        let distance = distance.not_null()?;
        let (a, b) = (Array::new(a, len)?, Array::new(b, len)?);
        // SAFETY: `len` numbers (the caller's bullet); none is written.
        let (a, b) = (unsafe { a.read() }, unsafe { b.read() });
        distance.write(l2(a, b)?);
        Ok(())
    })
}

/// `scores[row]` = the cosine of the angle between `query`, of `dimension` numbers, and row `row` of
/// `candidates`, whose `rows` rows stand one after the other, `candidates_len` numbers in all.
///
/// A score is from -1 to 1, and 0 if either vector is empty, all zeros, or holds NaN or an infinity.
/// `INVALID` if `candidates_len` is not `rows * dimension`, or `scores` overlaps what is read. Allocates
/// nothing.
///
/// # Safety
///
/// * `query` is null or `dimension` numbers, `candidates` null or `candidates_len`, `scores` null or `rows`
///   places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_vector_cosine(
    query: *const f32,
    dimension: usize,
    candidates: *const f32,
    candidates_len: usize,
    scores: *mut f32,
    rows: usize,
) -> Status {
    guarded(|| {
        let query = Array::new(query, dimension)?;
        let candidates = Array::new(candidates, candidates_len)?;
        let scores = Array::new(scores, rows)?;
        // Also the kernel's first question: asked here, before the scores are written.
        if rows.checked_mul(dimension) != Some(candidates_len) {
            return Err(Status::Invalid);
        }
        scores.apart_from(query)?;
        scores.apart_from(candidates)?;
        // SAFETY: as many numbers as said (the caller's bullet), none of which is written (invariant 2).
        let (query, candidates) = (unsafe { query.read() }, unsafe { candidates.read() });
        // SAFETY: as many places as said (the caller's bullet), for this call alone (invariant 2).
        let scores = unsafe { scores.filled(0.0) };
        cosine_similarity(query, candidates, scores)?;
        Ok(())
    })
}

/// The `k` greatest of `len` scores into `best`, greatest first, equal ones by index; says how many there
/// are: fewer than `k` if there are fewer scores that are not NaN. The places behind them become zero.
/// `INVALID` if `best` overlaps `scores`. Meant for tens, not for thousands.
///
/// # Safety
///
/// * `scores` is null or `len` numbers, `best` null or `k` places, `found` null or a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_vector_top_k(
    scores: *const f32,
    len: usize,
    best: *mut Scored,
    k: usize,
    found: Place<'_, usize>,
) -> Status {
    guarded(|| {
        let found = found.not_null()?;
        let scores = Array::new(scores, len)?;
        // `Scored` is laid out as the kernels' own (`layout`).
        let best = Array::<knhk_kernels::Scored>::new(best.cast_const().cast(), k)?;
        best.apart_from(scores)?;
        // SAFETY: as many numbers as said (the caller's bullet), none of which is written (invariant 2).
        let scores = unsafe { scores.read() };
        // SAFETY: as many places as said (the caller's bullet), for this call alone (invariant 2).
        let best = unsafe { best.filled(knhk_kernels::Scored::default()) };
        found.write(top_k(scores, best));
        Ok(())
    })
}

/// `strengths[i] *= exp(-ages[i] / time_constant)`: after one time constant 37 % is left.
///
/// Ages and time constant are in one unit. A time constant of 0 leaves nothing of what is finite and has an
/// age; infinities and NaN stay. `INVALID` if it is negative or NaN, or the arrays overlap. Allocates nothing.
///
/// # Safety
///
/// * `strengths` is null or `len` numbers, `ages` null or `len` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_decay_time_constant(
    strengths: *mut f32,
    ages: *const u64,
    len: usize,
    time_constant: f64,
) -> Status {
    guarded(|| {
        // SAFETY: the caller's bullet, which is the same.
        let (strengths, ages) = unsafe { strengths_and_ages(strengths, ages, len) }?;
        decay(strengths, ages, time_constant)?;
        Ok(())
    })
}

/// `strengths[i] *= 2^(-ages[i] / half_life)`: after one half-life half is left. All else as
/// `knhk_decay_time_constant`.
///
/// # Safety
///
/// * `strengths` is null or `len` numbers, `ages` null or `len` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_decay_half_life(
    strengths: *mut f32,
    ages: *const u64,
    len: usize,
    half_life: f64,
) -> Status {
    guarded(|| {
        // SAFETY: the caller's bullet, which is the same.
        let (strengths, ages) = unsafe { strengths_and_ages(strengths, ages, len) }?;
        decay_half_life(strengths, ages, half_life)?;
        Ok(())
    })
}

/// # Safety
///
/// * `strengths` is null or `len` numbers, `ages` null or `len` numbers, for as long as the slices are
///   used.
unsafe fn strengths_and_ages<'a>(
    strengths: *mut f32,
    ages: *const u64,
    len: usize,
) -> Result<(&'a mut [f32], &'a [u64]), Status> {
    let (strengths, ages) = (Array::new(strengths, len)?, Array::new(ages, len)?);
    strengths.apart_from(ages)?;
    // SAFETY: `len` numbers (the caller's bullet), used by nothing else (invariant 2).
    let strengths = unsafe { strengths.write() };
    // SAFETY: `len` numbers (the caller's bullet), none of which is written (invariant 2).
    let ages = unsafe { ages.read() };
    Ok((strengths, ages))
}
