//! Proof that a hot path does not allocate: an allocator that notes, and sections that report.
//!
//! ```text
//!  enter ──▶ section ─────────────────────────▶ end of the outermost section
//!               │ the allocator is called             │ was something noted?
//!               └─▶ it notes: a count and             └─▶ panic, abort, warn or count
//!                   the first call, nothing else
//! ```
//!
//! The allocator never unwinds, formats, locks or allocates: it only notes, in thread-locals without
//! a destructor, and so it works in a thread's first and last instant. The report is raised by the
//! section's end, as an ordinary panic that a test can expect. If the thread is already panicking
//! then, there is no report: the panic under way keeps its message.
//!
//! # Use
//!
//! ```
//! use std::alloc::System;
//! use knhk_pool::{HotPathAlloc, HotPathGuard};
//!
//! #[global_allocator]
//! static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);
//!
//! fn sum(values: &[u64]) -> u64 {
//!     let _section = HotPathGuard::enter("sum");
//!     values.iter().sum()
//! }
//!
//! # if !knhk_pool::hot_path::is_armed() { return } // a release build
//! knhk_pool::hot_path::assert_armed(); // fails where the allocator was forgotten
//! assert_eq!(sum(&[1, 2, 3]), 6);
//!
//! let caught = std::panic::catch_unwind(|| {
//!     let _section = HotPathGuard::enter("copy");
//!     vec![0_u8; 64] // here
//! });
//! let message = *caught.unwrap_err().downcast::<String>().unwrap();
//! assert!(message.starts_with("ALLOCATION IN HOT PATH: alloc_zeroed of 64 bytes"), "{message}");
//! ```
//!
//! # What a section is
//!
//! It belongs to its thread, and lasts until its guard is dropped. Sections nest; an inner one can
//! neither disarm nor loosen an outer one. Guards that are still there when an outer one is dropped
//! end with it; one of them that is dropped after that ends what has begun in its place since. A guard
//! that is forgotten (`mem::forget`) ends with the guard around it; the outermost
//! forgotten leaves its thread inside the section for good: `#[hot_path]` and [`assert_no_alloc`] have no
//! guard to forget.
//!
//! Calls of the allocator while the thread unwinds are not noted. When a report panics, the compiler
//! does not drop what the function was about to return: it is leaked.
//!
//! # When it is armed
//!
//! Under `debug_assertions`, or with the feature `allocation-tracking`. In other builds guards are
//! zero-sized and do nothing, [`HotPathAlloc`] forwards, and not an instruction is added to a marked
//! function. Whether the program has installed the allocator, the build cannot know:
//! [`assert_armed`] does.
//!
//! # What it does not see
//!
//! C's `malloc`, `mmap`, locks and system calls: it sees calls of Rust's global allocator alone.
//! RealtimeSanitizer sees some of the others (`docs/hot-path.md`).
//!
//! # Cost
//!
//! Where armed: 4 instructions and less than a tick for an allocation and its free outside of sections,
//! 2 ticks to enter and leave one (`docs/hot-path.md` has the measured figures).

mod alloc;
mod mode;
mod operation;
mod stats;

#[cfg(any(debug_assertions, feature = "allocation-tracking"))]
mod detector;
#[cfg(not(any(debug_assertions, feature = "allocation-tracking")))]
#[path = "hot_path/unarmed.rs"]
mod detector;

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

pub use self::alloc::HotPathAlloc;
use self::detector::Section;
pub use self::mode::{Mode, init_from_env, mode, set_mode};
pub use self::stats::{AllocationStats, Permits, SectionViolations};

/// A section of this thread's work that must not allocate, until it is dropped.
///
/// # Cost
///
/// Nothing in a build that is not armed; else see the [module](self).
///
/// # Examples
///
/// It stays on its thread:
///
/// ```compile_fail,E0277
/// let section = knhk_pool::HotPathGuard::enter("moved");
/// std::thread::spawn(move || drop(section));
/// ```
#[must_use = "the section ends when the guard is dropped"]
pub struct HotPathGuard {
    section: Section,
    /// `!Send`, in every build.
    thread: PhantomData<*const ()>,
}

impl HotPathGuard {
    /// Begins a section. `name` and the caller's source line stand in its reports.
    ///
    /// # Panics
    ///
    /// The first section of an armed process reads `KNHK_HOT_PATH`, and panics if that is not a mode:
    /// a detector that runs in another mode than the one asked for proves nothing. Programs that
    /// want an error instead call [`init_from_env`] first.
    ///
    /// Dropping the outermost guard panics if something was noted and the mode is [`Mode::Panic`].
    #[inline(always)]
    #[track_caller]
    pub fn enter(name: &'static str) -> Self {
        Self {
            section: Section::enter(name, Location::caller()),
            thread: PhantomData,
        }
    }

    /// The mode of this section, whatever the process's is, unless that is [`Mode::Abort`]. Of nested
    /// sections the outermost's decides; [`Mode::Abort`] holds at once, wherever it stands.
    #[inline(always)]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.section.set_mode(mode);
        self
    }

    /// Permits frees. Inside a section that does not permit them this has no effect.
    #[inline(always)]
    pub fn allow_free(mut self) -> Self {
        self.section.allow_free();
        self
    }

    /// Whether this guard guards: as [`is_armed`].
    pub fn is_armed(&self) -> bool {
        is_armed()
    }
}

impl Drop for HotPathGuard {
    #[inline(always)]
    fn drop(&mut self) {
        self.section.leave();
    }
}

impl fmt::Debug for HotPathGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotPathGuard")
            .field("section", &self.section)
            .finish_non_exhaustive()
    }
}

/// Runs `work` and permits what it allocates, inside of any section: the known exception.
///
/// It is named by the caller's source line; [`permits`] counts what it let through. A section that
/// begins inside of it is armed again.
///
/// # Examples
///
/// ```
/// # #[global_allocator]
/// # static ALLOCATOR: knhk_pool::HotPathAlloc = knhk_pool::HotPathAlloc::new(std::alloc::System);
/// use knhk_pool::{HotPathGuard, permit_alloc};
///
/// # if !knhk_pool::hot_path::is_armed() { return } // a release build
/// let section = HotPathGuard::enter("reply");
/// let first = permit_alloc(|| String::from("prepared at first use"));
/// drop(section);
/// assert_eq!(knhk_pool::hot_path::permits()[0].count, 1);
/// # drop(first);
/// ```
#[inline]
#[track_caller]
pub fn permit_alloc<R>(work: impl FnOnce() -> R) -> R {
    detector::permitted(Location::caller(), work)
}

/// Runs `work` as a section of its own, and panics at its end if it allocated or freed. For tests.
///
/// It reports whatever section is around it, and whatever the mode; of `KNHK_HOT_PATH` it heeds
/// `abort` alone.
///
/// # Panics
///
/// If the allocator was called, with what and how often. Also if the detector is not armed: an
/// assertion that looks at nothing must not hold.
#[track_caller]
pub fn assert_no_alloc<R>(work: impl FnOnce() -> R) -> R {
    assert_armed();
    let location = Location::caller();
    detector::alone(|| {
        let mut section = Section::enter("assert_no_alloc", location);
        section.set_mode(Mode::Panic);
        let _guard = HotPathGuard {
            section,
            thread: PhantomData,
        };
        work()
    })
}

/// What this thread asked of the allocator while `work` ran; other threads are not counted.
///
/// # Panics
///
/// If the detector is not armed: there is no number to give.
///
/// # Examples
///
/// ```
/// # #[global_allocator]
/// # static ALLOCATOR: knhk_pool::HotPathAlloc = knhk_pool::HotPathAlloc::new(std::alloc::System);
/// # if !knhk_pool::hot_path::is_armed() { return } // a release build
/// let stats = knhk_pool::hot_path::allocations(|| drop(vec![1_u8; 100]));
/// assert_eq!((stats.allocations, stats.frees, stats.bytes_allocated), (1, 1, 100));
/// ```
#[track_caller]
pub fn allocations(work: impl FnOnce()) -> AllocationStats {
    assert_armed();
    detector::recorded(work)
}

/// Whether an allocation in a section would be seen: the build is armed, and the program's global
/// allocator is a [`HotPathAlloc`].
///
/// # Cost
///
/// Allocates a byte and frees it.
pub fn is_armed() -> bool {
    detector::is_armed()
}

/// Fails a test that would prove nothing.
///
/// # Panics
///
/// If an allocation in a section would not be seen; the message says why not.
#[track_caller]
pub fn assert_armed() {
    if !detector::IN_THIS_BUILD {
        panic!(
            "hot-path sections are not armed in this build: enable debug assertions, or the \
             feature `allocation-tracking` of knhk-pool"
        );
    }
    assert!(
        is_armed(),
        "hot-path sections are not armed: the global allocator is not a `HotPathAlloc`; add \
         `#[global_allocator] static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);`"
    );
}

/// Violations since the process began, one entry a section, in the order of their first. Each is
/// counted for the innermost section that it happened in (from four deep on, for the deepest), when
/// that section ends, in every mode and also where a panic takes the report's place.
///
/// A telemetry reader takes it at observation time; the counts never fall.
pub fn violations() -> Vec<SectionViolations> {
    detector::violations()
}

/// What each [`permit_alloc`] has let through, one entry a source line, in the order of their first.
pub fn permits() -> Vec<Permits> {
    detector::permits()
}
