//! *Transform*: the stream cut into deltas in input order, each delta grouped by predicate.
//!
//! ```text
//! input order      a b a c │ b b a        (predicates, delta of 4)
//! after transform  a a b c │ b b a        groups in order of first appearance, order kept within
//! ```
//!
//! Where a delta begins depends on the triples alone, never on the number of workers.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::terms::IdHasher;

/// Groups each delta of `delta_len` triples by predicate, in place.
///
/// Groups stand in the order of their predicate's first appearance in the delta, triples within a
/// group in input order.
///
/// # Panics
///
/// When `delta_len` is 0.
///
/// # Examples
///
/// ```
/// let mut triples = vec![[1, 7, 1], [2, 8, 2], [3, 7, 3], [4, 8, 4]];
/// knhk_poold::transform::group_deltas(&mut triples, 3);
/// assert_eq!(triples, [[1, 7, 1], [3, 7, 3], [2, 8, 2], [4, 8, 4]]);
/// ```
pub fn group_deltas(triples: &mut [[u64; 3]], delta_len: usize) {
    let mut ranks: HashMap<u64, usize, BuildHasherDefault<IdHasher>> = HashMap::default();
    for delta in triples.chunks_mut(delta_len) {
        ranks.clear();
        for &[_, predicate, _] in &*delta {
            let next = ranks.len();
            ranks.entry(predicate).or_insert(next);
        }
        delta.sort_by_cached_key(|[_, predicate, _]| ranks[predicate]);
    }
}
