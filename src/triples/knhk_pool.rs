//! The pool of KNHK's pipeline: columns and receipts.

use super::{Receipt, SoaTriples, TriplesError, run_len};
use crate::object_pool::{HeapObjectPool, ObjectPool, Pooled, Reset};

/// 16 [`SoaTriples`] and 1024 [`Receipt`]s, made once and lent by guard.
///
/// Both are [`ObjectPool`]s, open to all that those can do: [`soa`](Self::soa),
/// [`receipts`](Self::receipts). `docs/knhk.md` shows how KNHK's own pool is replaced by this one.
///
/// # Cost
///
/// About 67 KiB, allocated when it is made. Lending and taking back allocate nothing; what is
/// released is zeroed, 192 or 56 bytes.
///
/// # Examples
///
/// ```
/// use knhk_pool::{KnhkPool, TriplesError};
///
/// let pool = KnhkPool::new();
/// let mut soa = pool.get_soa(2)?;
/// soa.s[0] = 12;
/// assert_eq!(pool.capacity_usage().soa_in_use, 1);
/// assert_eq!(
///     pool.get_soa(9).map(drop),
///     Err(TriplesError::InvalidSize { size: 9, max: 8 }) // `soa` goes back, here too
/// );
/// drop(soa);
/// assert_eq!(pool.capacity_usage().soa_in_use, 0);
/// # Ok::<(), TriplesError>(())
/// ```
#[derive(Debug)]
pub struct KnhkPool {
    soa: ObjectPool<SoaTriples, { Self::SOA_CAPACITY }>,
    receipts: ObjectPool<Receipt, { Self::RECEIPTS_CAPACITY }>,
}

impl KnhkPool {
    /// How many [`SoaTriples`] there are.
    pub const SOA_CAPACITY: usize = 16;
    /// How many [`Receipt`]s there are.
    pub const RECEIPTS_CAPACITY: usize = 1024;

    /// A pool that is not listed in [`snapshot`](crate::snapshot()).
    pub fn new() -> Self {
        Self {
            soa: ObjectPool::with_default(),
            receipts: ObjectPool::with_default(),
        }
    }

    /// A pool whose parts are listed in [`snapshot`](crate::snapshot()), as `NAME.soa` and
    /// `NAME.receipts`.
    ///
    /// A name is kept as long as the process lives: give pools of one purpose one name; they are summed.
    pub fn named(name: &str) -> Self {
        Self {
            soa: ObjectPool::named(&format!("{name}.soa"), SoaTriples::default),
            receipts: ObjectPool::named(&format!("{name}.receipts"), Receipt::default),
        }
    }

    /// Lends columns for `size` triples, all zero.
    ///
    /// Every lane is there whatever the `size`; it is checked, so that a batch that is too long fails
    /// here and not after it was begun.
    ///
    /// # Errors
    ///
    /// [`TriplesError::InvalidSize`] for 0 or more than 8, [`TriplesError::Exhausted`] when all are
    /// lent.
    #[inline]
    pub fn get_soa(&self, size: usize) -> Result<Pooled<'_, SoaTriples>, TriplesError> {
        run_len(size)?;
        lend(&self.soa)
    }

    /// Lends a receipt, all zero.
    ///
    /// # Errors
    ///
    /// [`TriplesError::Exhausted`] when all are lent.
    #[inline]
    pub fn get_receipt(&self) -> Result<Pooled<'_, Receipt>, TriplesError> {
        lend(&self.receipts)
    }

    /// [Clears](HeapObjectPool::clear) the receipts. No call is needed to get any back: guards do
    /// that.
    pub fn reset_receipt_pool(&self) {
        self.receipts.clear();
    }

    /// [Clears](HeapObjectPool::clear) both parts. What is lent stays with its guards, and stays
    /// counted.
    pub fn clear(&self) {
        self.soa.clear();
        self.receipts.clear();
    }

    /// How much of the pool is lent.
    pub fn capacity_usage(&self) -> CapacityUsage {
        CapacityUsage {
            soa_in_use: self.soa.in_use(),
            soa_capacity: self.soa.capacity(),
            receipts_in_use: self.receipts.in_use(),
            receipts_capacity: self.receipts.capacity(),
        }
    }

    /// The columns' pool.
    pub fn soa(&self) -> &ObjectPool<SoaTriples, { Self::SOA_CAPACITY }> {
        &self.soa
    }

    /// The receipts' pool.
    pub fn receipts(&self) -> &ObjectPool<Receipt, { Self::RECEIPTS_CAPACITY }> {
        &self.receipts
    }
}

/// As [`KnhkPool::new`].
impl Default for KnhkPool {
    fn default() -> Self {
        Self::new()
    }
}

#[inline]
pub(super) fn lend<T: Reset>(pool: &HeapObjectPool<T>) -> Result<Pooled<'_, T>, TriplesError> {
    let refused = || TriplesError::Exhausted {
        pool: pool.name(),
        capacity: pool.capacity(),
    };
    pool.lend().ok_or_else(refused)
}

/// How much of a [`KnhkPool`] is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapacityUsage {
    /// [`SoaTriples`] lent.
    pub soa_in_use: usize,
    /// [`SoaTriples`] in all.
    pub soa_capacity: usize,
    /// [`Receipt`]s lent.
    pub receipts_in_use: usize,
    /// [`Receipt`]s in all.
    pub receipts_capacity: usize,
}
