//! Triples in columns: at most eight at a time, in runs of one predicate.
//!
//! ```text
//!  lane   0    1    2    3    4    5    6    7
//!  s    │ 12 │ 15 │ 12 │ 40 │ 41 │    │    │    │  one cache line a column,
//!  p    │ 7  │ 7  │ 7  │ 9  │ 9  │    │    │    │  one vector register wide
//!  o    │ 3  │ 0  │ 8  │ 12 │ 15 │    │    │    │
//!         └── run p=7 ──┘└ run p=9 ┘
//!          offset 0, len 3  offset 3, len 2
//! ```
//!
//! Terms are 64-bit ids; which id stands for which term is the caller's affair. Zero is an id like
//! any other: which lanes count is said by the [`PredicateRun`] alone, never by what a lane holds.
//!
//! The layouts are those of KNHK's C structs, checked at compile time. Nothing here allocates but
//! [`KnhkPool::new`] and [`KnhkRings::new`].

mod knhk_pool;
mod load;
mod receipt;
mod rings;

use std::fmt;

use crate::object_pool::Reset;

pub use knhk_pool::{CapacityUsage, KnhkPool};
pub use load::{RunList, RunPacker, load_into};
pub use receipt::{MergedReceipt, Receipt, receipt_hash};
pub use rings::{Assertion, AssertionRing, Delta, DeltaRing, KnhkRings};

/// The longest run, and the number of lanes (KNHK's Chatman Constant): eight 64-bit ids fill one
/// 512-bit register.
pub const RUN_LEN_MAX: usize = 8;

/// Up to eight triples, column by column.
///
/// # Examples
///
/// ```
/// use knhk_pool::{RunList, SoaTriples, load_into};
///
/// let mut soa = SoaTriples::default();
/// let mut runs = RunList::default();
/// load_into(&[[12, 7, 3], [40, 9, 12], [15, 7, 0]], &mut soa, &mut runs)?;
/// assert_eq!(soa.s[..3], [12, 15, 40]);
/// assert_eq!(runs[0].lanes(), 0b011);
/// assert_eq!((runs[1].predicate(), runs[1].lanes()), (9, 0b100));
/// # Ok::<(), knhk_pool::TriplesError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct SoaTriples {
    /// Subjects.
    pub s: [u64; RUN_LEN_MAX],
    /// Predicates.
    pub p: [u64; RUN_LEN_MAX],
    /// Objects.
    pub o: [u64; RUN_LEN_MAX],
}

const _: () = assert!(size_of::<SoaTriples>() == 192 && align_of::<SoaTriples>() == 64);

impl SoaTriples {
    /// Writes `[s, p, o]` into one lane.
    #[inline(always)]
    fn set_lane(&mut self, lane: usize, [s, p, o]: [u64; 3]) {
        self.s[lane] = s;
        self.p[lane] = p;
        self.o[lane] = o;
    }
}

/// All lanes become zero, so that nothing of one owner reaches the next.
impl Reset for SoaTriples {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// A run: which lanes of a [`SoaTriples`] count, and the predicate that they share.
///
/// `offset + len` is at most [`RUN_LEN_MAX`]. A run may be empty: then no lane counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct PredicateRun {
    predicate: u64,
    offset: u64,
    len: u64,
}

const _: () = assert!(size_of::<PredicateRun>() == 24);

impl PredicateRun {
    /// The run of lanes `offset..offset + len`.
    ///
    /// # Errors
    ///
    /// [`TriplesError::RunOutOfBounds`] if it would end after lane 7.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::{PredicateRun, TriplesError};
    ///
    /// assert_eq!(PredicateRun::new(7, 3, 2).map(|run| run.lanes()), Ok(0b0001_1000));
    /// assert_eq!(
    ///     PredicateRun::new(7, 3, 6),
    ///     Err(TriplesError::RunOutOfBounds { offset: 3, len: 6 })
    /// );
    /// ```
    pub const fn new(predicate: u64, offset: usize, len: usize) -> Result<Self, TriplesError> {
        match offset.checked_add(len) {
            Some(end) if end <= RUN_LEN_MAX => Ok(Self::within(predicate, offset, len)),
            _ => Err(TriplesError::RunOutOfBounds { offset, len }),
        }
    }

    /// The run, where the caller has seen to the bounds.
    const fn within(predicate: u64, offset: usize, len: usize) -> Self {
        debug_assert!(offset + len <= RUN_LEN_MAX);
        Self {
            predicate,
            offset: offset as u64,
            len: len as u64,
        }
    }

    /// The predicate of every triple in the run.
    pub const fn predicate(&self) -> u64 {
        self.predicate
    }

    /// The first lane, 0 to 8.
    pub const fn offset(&self) -> usize {
        self.offset as usize
    }

    /// How many lanes, 0 to 8.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether no lane counts.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The lanes that count, bit *i* for lane *i*.
    pub const fn lanes(&self) -> u8 {
        (((1_u16 << self.len) - 1) << self.offset) as u8
    }
}

/// Why triples were not taken, or no memory for them was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TriplesError {
    /// None, or more than one run can hold.
    InvalidSize {
        /// How many triples.
        size: usize,
        /// How many there may be.
        max: usize,
    },
    /// A run would end behind the last lane.
    RunOutOfBounds {
        /// Its first lane.
        offset: usize,
        /// How many lanes.
        len: usize,
    },
    /// A run does not fit in the lanes that are left.
    NoRoom {
        /// How many triples.
        len: usize,
        /// How many lanes are left.
        room: usize,
    },
    /// Triples that were to be one run have more than one predicate.
    MixedRun {
        /// The first triple's predicate.
        predicate: u64,
        /// Another one among them.
        other: u64,
    },
    /// No object of the pool is idle.
    Exhausted {
        /// The pool's name.
        pool: &'static str,
        /// How many it can hold.
        capacity: usize,
    },
}

impl fmt::Display for TriplesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSize { size, max } => {
                write!(f, "{size} triples in one run: there must be 1 to {max}")
            }
            Self::RunOutOfBounds { offset, len } => {
                write!(
                    f,
                    "a run of {len} from lane {offset} on ends after the {RUN_LEN_MAX} lanes"
                )
            }
            Self::NoRoom { len, room } => {
                write!(
                    f,
                    "a run of {len} triples does not fit in the {room} lanes that are left"
                )
            }
            Self::MixedRun { predicate, other } => {
                write!(f, "predicates {predicate} and {other} in one run")
            }
            Self::Exhausted { pool, capacity } => {
                write!(
                    f,
                    "pool {pool:?} is exhausted: none of its {capacity} is idle"
                )
            }
        }
    }
}

impl std::error::Error for TriplesError {}

/// `len` itself, if a run can have it and a run must have something.
const fn run_len(len: usize) -> Result<usize, TriplesError> {
    match len {
        1..=RUN_LEN_MAX => Ok(len),
        _ => Err(TriplesError::InvalidSize {
            size: len,
            max: RUN_LEN_MAX,
        }),
    }
}
