//! *Load*: triples into columns, run by run, without allocation.

use std::array;
use std::ops::{Deref, DerefMut};

use super::{PredicateRun, RUN_LEN_MAX, SoaTriples, TriplesError, run_len};
#[cfg(feature = "allocation-tracking")]
use crate::hot_path::HotPathGuard;

/// The runs of one [`SoaTriples`]: up to eight, by value.
///
/// Derefs to the slice of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunList {
    runs: [PredicateRun; RUN_LEN_MAX],
    /// 0 to 8.
    len: usize,
}

impl RunList {
    /// Adds a run. The caller sees to it that there is room: runs of at least one lane each are at
    /// most eight.
    fn push(&mut self, run: PredicateRun) {
        self.runs[self.len] = run;
        self.len += 1;
    }
}

impl Deref for RunList {
    type Target = [PredicateRun];

    fn deref(&self) -> &[PredicateRun] {
        &self.runs[..self.len]
    }
}

/// Two lists are equal when their runs are.
impl PartialEq for RunList {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for RunList {}

/// Groups 1 to 8 triples `[s, p, o]` by predicate into the columns of `soa`, and describes the
/// groups in `runs`.
///
/// Runs stand in the order in which their predicates first appear, triples within a run in the order
/// given. Lanes behind the last triple are left as they were; no run covers them.
///
/// # Cost
///
/// 28 comparisons of ids, whatever they are, and no branch that depends on one.
///
/// # Errors
///
/// [`TriplesError::InvalidSize`] for no triple or more than 8: then `soa` and `runs` are untouched.
///
/// # Examples
///
/// ```
/// use knhk_pool::{RunList, SoaTriples, load_into};
///
/// let (mut soa, mut runs) = (SoaTriples::default(), RunList::default());
/// load_into(&[[1, 7, 10], [2, 9, 20], [3, 7, 30]], &mut soa, &mut runs)?;
/// assert_eq!((&soa.s[..3], &soa.p[..3]), (&[1, 3, 2][..], &[7, 7, 9][..]));
/// assert_eq!(runs.iter().map(|run| run.len()).collect::<Vec<_>>(), [2, 1]);
/// # Ok::<(), knhk_pool::TriplesError>(())
/// ```
pub fn load_into(
    triples: &[[u64; 3]],
    soa: &mut SoaTriples,
    runs: &mut RunList,
) -> Result<(), TriplesError> {
    #[cfg(feature = "allocation-tracking")]
    let _section = HotPathGuard::enter("knhk_pool::load_into");
    run_len(triples.len())?;
    let groups = Groups::of(triples);
    runs.len = 0;
    for (index, &triple) in triples.iter().enumerate() {
        let (first, earlier) = groups.place(index);
        soa.set_lane(first + earlier, triple);
        // Written for every triple, kept for a run's first: else the next one overwrites it.
        runs.runs[runs.len] = PredicateRun::within(triple[1], first, groups.lens[index]);
        runs.len += usize::from(earlier == 0);
    }
    Ok(())
}

/// Which of up to eight triples belong together.
struct Groups {
    /// For each triple, the earlier ones with its predicate: bit *i* for triple *i*.
    earlier: [u8; RUN_LEN_MAX],
    /// For each triple that is the first with its predicate, how many have it.
    lens: [usize; RUN_LEN_MAX],
    /// For each such triple, the first lane of its run.
    firsts: [usize; RUN_LEN_MAX],
}

impl Groups {
    fn of(triples: &[[u64; 3]]) -> Self {
        let mut groups = Self {
            earlier: earlier(triples),
            lens: [0; RUN_LEN_MAX],
            firsts: [0; RUN_LEN_MAX],
        };
        for index in 0..triples.len() {
            groups.lens[groups.leader(index)] += 1;
        }
        let mut lane = 0;
        for (first, len) in groups.firsts.iter_mut().zip(groups.lens) {
            *first = lane;
            lane += len;
        }
        groups
    }

    /// The first triple with the predicate of triple `index`.
    fn leader(&self, index: usize) -> usize {
        (self.earlier[index] | 1 << index).trailing_zeros() as usize
    }

    /// The first lane of the triple's run, and how many of the run's triples are before it.
    fn place(&self, index: usize) -> (usize, usize) {
        let earlier = self.earlier[index].count_ones() as usize;
        (self.firsts[self.leader(index)], earlier)
    }
}

/// For each triple, the earlier ones with its predicate. Always for eight, so that the loops are
/// unrolled; what stands behind the last triple is not looked at.
fn earlier(triples: &[[u64; 3]]) -> [u8; RUN_LEN_MAX] {
    let mut predicates = [0; RUN_LEN_MAX];
    for (predicate, triple) in predicates.iter_mut().zip(triples) {
        *predicate = triple[1];
    }
    array::from_fn(|index| {
        let same = |other| u8::from(predicates[other] == predicates[index]) << other;
        (0..index).fold(0, |mask, other| mask | same(other))
    })
}

/// Packs finished runs one after the other into one [`SoaTriples`], until one does not fit.
///
/// `S` is whatever leads to the columns: a `&mut SoaTriples`, or a pooled one.
///
/// # Examples
///
/// A delta of any size, already grouped by predicate, in runs of at most eight:
///
/// ```
/// use knhk_pool::{KnhkPool, RUN_LEN_MAX, RunPacker, TriplesError};
///
/// let delta: Vec<[u64; 3]> = (0..10).map(|i| [i, 7, i]).chain([[1, 9, 2]]).collect();
/// let pool = KnhkPool::new();
/// let mut packer = RunPacker::new(pool.get_soa(RUN_LEN_MAX)?);
/// let mut loaded = Vec::new();
/// for group in delta.chunk_by(|a, b| a[1] == b[1]) {
///     for run in group.chunks(RUN_LEN_MAX) {
///         if run.len() > packer.room() {
///             loaded.push(packer.runs().len());
///             packer = RunPacker::new(pool.get_soa(RUN_LEN_MAX)?);
///         }
///         packer.push_run(run)?;
///     }
/// }
/// loaded.push(packer.runs().len());
/// assert_eq!(loaded, [1, 2]); // a run of 8, then one of 2 and one of 1
/// # Ok::<(), TriplesError>(())
/// ```
#[derive(Debug)]
pub struct RunPacker<S> {
    soa: S,
    runs: RunList,
    /// Lanes in use: those of `runs`.
    used: usize,
}

impl<S: DerefMut<Target = SoaTriples>> RunPacker<S> {
    /// Starts with all lanes free, whatever they hold.
    pub fn new(soa: S) -> Self {
        Self {
            soa,
            runs: RunList::default(),
            used: 0,
        }
    }

    /// Adds 1 to 8 triples `[s, p, o]` of one predicate as one run.
    ///
    /// # Errors
    ///
    /// [`TriplesError::InvalidSize`] for no triple or more than 8, [`TriplesError::NoRoom`] if they
    /// do not fit in the lanes left, [`TriplesError::MixedRun`] if their predicates differ. Then
    /// nothing is added.
    pub fn push_run(&mut self, run: &[[u64; 3]]) -> Result<PredicateRun, TriplesError> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::RunPacker::push_run");
        let len = run_len(run.len())?;
        let room = self.room();
        if len > room {
            return Err(TriplesError::NoRoom { len, room });
        }
        let predicate = run[0][1];
        if let Some(other) = run.iter().map(|triple| triple[1]).find(|p| *p != predicate) {
            return Err(TriplesError::MixedRun { predicate, other });
        }
        for (lane, &triple) in (self.used..).zip(run) {
            self.soa.set_lane(lane, triple);
        }
        let pushed = PredicateRun::within(predicate, self.used, len);
        self.runs.push(pushed);
        self.used += len;
        Ok(pushed)
    }

    /// The columns.
    pub fn soa(&self) -> &SoaTriples {
        &self.soa
    }

    /// Gives up packing, and the columns back.
    pub fn into_inner(self) -> S {
        self.soa
    }
}

impl<S> RunPacker<S> {
    /// The runs so far.
    pub fn runs(&self) -> &RunList {
        &self.runs
    }

    /// Lanes left.
    pub fn room(&self) -> usize {
        RUN_LEN_MAX - self.used
    }
}
