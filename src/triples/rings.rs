//! The rings at the two ends of KNHK's pipeline: deltas in, assertions out.

use super::knhk_pool::lend;
use super::{PredicateRun, Receipt, SoaTriples, TriplesError};
use crate::object_pool::{ObjectPool, Pooled};
use crate::ring::EventRingBuffer;

/// A run of triples that came in, with its columns: what a hook is evaluated on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Delta {
    /// The columns.
    pub soa: SoaTriples,
    /// Which of their lanes count.
    pub run: PredicateRun,
    /// The beat's cycle in which it came.
    pub cycle: u64,
}

/// Four cache lines, so that a ring of them wastes none.
const _: () = assert!(size_of::<Delta>() == 256);

impl Delta {
    /// The tick of the beat in which it came, 0 to 7.
    pub const fn tick(&self) -> u8 {
        (self.cycle % 8) as u8
    }
}

/// Triples that a hook has asserted, and the proof of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Assertion {
    /// The columns.
    pub soa: SoaTriples,
    /// Which of their lanes count.
    pub run: PredicateRun,
    /// What the hook gave; its `cycle` is the delta's.
    pub receipt: Receipt,
}

const _: () = assert!(size_of::<Assertion>() == 320);

impl Assertion {
    /// The tick of the beat that it belongs to, 0 to 7.
    pub const fn tick(&self) -> u8 {
        (self.receipt.cycle % 8) as u8
    }
}

/// A queue of up to `N` [`Delta`]s.
pub type DeltaRing<const N: usize = 64> = EventRingBuffer<Delta, N>;

/// A queue of up to `N` [`Assertion`]s.
pub type AssertionRing<const N: usize = 64> = EventRingBuffer<Assertion, N>;

/// Four delta rings and four assertion rings, made once and lent by guard.
///
/// A ring is empty when it is lent. What comes in one tick stays apart from the next by order: events
/// are pushed as cycles go on, so [`pop_if`](EventRingBuffer::pop_if) takes those of one tick and
/// stops at the next.
///
/// # Cost
///
/// 144 KiB for the 64 events a ring that are the default, allocated when it is made; `N` is a power of
/// two. Lending and taking back allocate nothing and touch no event. Rings are made on the stack and
/// moved to their place, 20 KiB each by default: for an `N` in the thousands, make a pool of
/// [boxed](EventRingBuffer::boxed) rings instead.
///
/// # Examples
///
/// ```
/// use knhk_pool::{Assertion, Delta, KnhkRings, TriplesError};
///
/// let rings: KnhkRings = KnhkRings::new();
/// let (mut deltas, mut assertions) = (rings.get_delta_ring()?, rings.get_assertion_ring()?);
/// for cycle in [8, 8, 9] {
///     deltas.push(Delta { cycle, ..Delta::default() }).expect("three of 64");
/// }
/// while let Some(delta) = deltas.pop_if(|delta| delta.tick() == 0) {
///     let mut asserted = Assertion { soa: delta.soa, run: delta.run, ..Assertion::default() };
///     asserted.receipt.cycle = delta.cycle;
///     assertions.push(asserted).expect("as many as there were deltas");
/// }
/// assert_eq!((deltas.len(), assertions.len()), (1, 2)); // tick 1 waits for its turn
/// # Ok::<(), TriplesError>(())
/// ```
#[derive(Debug)]
pub struct KnhkRings<const N: usize = 64> {
    deltas: ObjectPool<DeltaRing<N>, RINGS>,
    assertions: ObjectPool<AssertionRing<N>, RINGS>,
}

const RINGS: usize = 4;

impl<const N: usize> KnhkRings<N> {
    /// How many rings of each kind there are.
    pub const RINGS_CAPACITY: usize = RINGS;

    /// Rings that are not listed in [`snapshot`](crate::snapshot()).
    pub fn new() -> Self {
        Self {
            deltas: ObjectPool::with_default(),
            assertions: ObjectPool::with_default(),
        }
    }

    /// Rings that are listed in [`snapshot`](crate::snapshot()), as `NAME.delta_rings` and
    /// `NAME.assertion_rings`.
    pub fn named(name: &str) -> Self {
        Self {
            deltas: ObjectPool::named(&format!("{name}.delta_rings"), DeltaRing::default),
            assertions: ObjectPool::named(
                &format!("{name}.assertion_rings"),
                AssertionRing::default,
            ),
        }
    }

    /// Lends a delta ring, empty.
    ///
    /// # Errors
    ///
    /// [`TriplesError::Exhausted`] when all four are lent.
    #[inline]
    pub fn get_delta_ring(&self) -> Result<Pooled<'_, DeltaRing<N>>, TriplesError> {
        lend(&self.deltas)
    }

    /// Lends an assertion ring, empty.
    ///
    /// # Errors
    ///
    /// [`TriplesError::Exhausted`] when all four are lent.
    #[inline]
    pub fn get_assertion_ring(&self) -> Result<Pooled<'_, AssertionRing<N>>, TriplesError> {
        lend(&self.assertions)
    }

    /// The delta rings' pool.
    pub fn deltas(&self) -> &ObjectPool<DeltaRing<N>, RINGS> {
        &self.deltas
    }

    /// The assertion rings' pool.
    pub fn assertions(&self) -> &ObjectPool<AssertionRing<N>, RINGS> {
        &self.assertions
    }
}

/// As [`KnhkRings::new`].
impl<const N: usize> Default for KnhkRings<N> {
    fn default() -> Self {
        Self::new()
    }
}
