//! Each thread's own arenas: made at first use, freed when the thread ends.
//!
//! Two thread-locals an arena. The *place* has no destructor: every use reads it, and it is there
//! until the thread's last instant. The *owner* has one, which empties the place and frees the arena;
//! only the first use touches it.
//!
//! # Invariant
//!
//! 1. A place is null, or holds this thread's lender, which its owner frees only after it has emptied
//!    the place, and never while it is in use. It can be: `exit` runs the destructors of the thread that
//!    calls it while that thread's frames are live, and scoped threads may read what these lent. Then
//!    the lender stays until the process is gone.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::thread::LocalKey;

use super::error::ArenaError;
use super::lender::Lender;
use super::region::{Home, Region};
use super::scope::Scope;
use super::{Arena, ArenaConfig};
use crate::config::{self, ArenaOverflow, ConfigError};
use crate::counters::ArenaCounters;
use crate::hot_path::permit_alloc;
use crate::late_end::LateEnd;
use crate::raw::chunk::CHUNK_ALIGN;
use crate::raw::nowhere;
use crate::reentry;
use crate::sync::{AtomicBool, OnceLock, Ordering};

/// One of the arenas that every thread has.
#[derive(Debug)]
pub(crate) struct Local {
    /// The name under which all threads' are listed.
    pub(crate) name: &'static str,
    pub(crate) place: &'static LocalKey<Cell<*const Lender>>,
    pub(crate) owner: &'static LocalKey<Owner>,
    /// Does what the owner's destructor does.
    pub(crate) late_end: &'static LateEnd,
    /// Its size, out of the configured one.
    pub(crate) size: fn(usize) -> usize,
}

impl Local {
    /// Runs `work` with a scope of this thread's.
    #[inline(always)]
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        let lender = self.place.with(Cell::get);
        if lender.is_null() {
            return self.with_cold(work);
        }
        // SAFETY: this thread's lender, which lives while it is in use (invariant 1).
        unsafe { &*lender }.with(work)
    }

    #[cold]
    fn with_cold<R>(&self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        if reentry::is_inside() {
            return with_nothing(work);
        }
        let made = self.make();
        warn_once();
        match made {
            // SAFETY: as in `with`; `make` has put it into the place.
            Ok(own) => unsafe { own.as_ref() }.with(work),
            Err(passing) => passing.with(work),
        }
    }

    /// This thread's lender; one for a single use, if the thread is ending and its own is gone.
    fn make(&self) -> Result<NonNull<Lender>, Passing> {
        let _inside = reentry::enter();
        // First use on a thread is the known exception.
        let own = permit_alloc(|| self.owner.try_with(|owner| owner.make(self)));
        own.map_err(|_gone| Passing(Some(self.lender())))
    }

    fn lender(&self) -> Lender {
        Lender::new(super::granted(self.arena().listed(self.name)))
    }

    /// # Panics
    ///
    /// If the allocator refuses the memory.
    fn arena(&self) -> Arena {
        let (config, _) = thread_config();
        let bytes = (self.size)(config.size());
        let config = config.clone().with_size(bytes);
        super::granted(Arena::from_config(&config))
    }
}

/// Frees a thread's arena when the thread ends, unless it ends in the middle of a use.
#[derive(Debug)]
pub(crate) struct Owner {
    made: Cell<Option<Made>>,
}

#[derive(Clone, Copy, Debug)]
struct Made {
    lender: NonNull<Lender>,
    place: &'static LocalKey<Cell<*const Lender>>,
    late_end: &'static LateEnd,
}

impl Owner {
    pub(crate) const fn new() -> Self {
        Self {
            made: Cell::new(None),
        }
    }

    fn make(&self, local: &Local) -> NonNull<Lender> {
        let made = self.made.get().unwrap_or_else(|| Made {
            lender: NonNull::from(Box::leak(Box::new(local.lender()))),
            place: local.place,
            late_end: local.late_end,
        });
        self.made.set(Some(made));
        made.late_end.expect();
        made.place.with(|place| place.set(made.lender.as_ptr()));
        made.lender
    }

    /// The thread ends.
    pub(crate) fn end(&self) {
        if let Some(Made { lender, place, .. }) = self.made.take() {
            place.with(|place| place.set(ptr::null()));
            // SAFETY: from `Box::leak` in `make`, and freed nowhere but below.
            if unsafe { lender.as_ref() }.is_in_use() {
                return;
            }
            // SAFETY: as above, taken out of the owner; nobody has it any more, since the place is empty
            // and no use is open (invariant 1).
            drop(unsafe { Box::from_raw(lender.as_ptr()) });
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(made) = self.made.get() {
            made.late_end.unneeded();
        }
        self.end();
    }
}

/// An arena of one use, which ends inside the mark on the thread as it began.
struct Passing(Option<Lender>);

impl Passing {
    fn with<R>(&self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        match &self.0 {
            Some(lender) => lender.with(work),
            None => with_nothing(work),
        }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _inside = reentry::enter();
        self.0 = None;
    }
}

/// A scope of no bytes, for an allocator that asks for its thread's from inside a cold path. Nothing is
/// allocated for it: the allocator would ask again.
fn with_nothing<R>(work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
    let books = ArenaCounters::new(0);
    let home = Home::new(ArenaOverflow::Error, false);
    // SAFETY: any address at a multiple of CHUNK_ALIGN is the base of no bytes, and these are their books.
    let region = unsafe { Region::new(nowhere(CHUNK_ALIGN), &books, &home) };
    // SAFETY: nobody else has the region, and there is nothing to give back.
    let mut scope = unsafe { Scope::new(region) };
    work(&mut scope)
}

/// What all threads' arenas are made by, read once; the defaults, and the error, if that is none.
fn thread_config() -> &'static (ArenaConfig, Option<ConfigError>) {
    static CONFIG: OnceLock<(ArenaConfig, Option<ConfigError>)> = OnceLock::new();
    CONFIG.get_or_init(|| match config::resolve_arena(None) {
        Ok(config) => (config, None),
        Err(error) => (ArenaConfig::default(), Some(error)),
    })
}

/// Outside the mark on the thread: a subscriber may use arenas itself.
fn warn_once() {
    static WARNED: AtomicBool = AtomicBool::new(false);
    // Relaxed: nothing is published but the flag.
    if let (_, Some(error)) = thread_config()
        && !WARNED.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(
            name: "knhk.arena.bad_config",
            target: "knhk_pool",
            { "knhk.config.error" = %error },
            "threads' arenas run on the default settings: {error}"
        );
    }
}

thread_local! {
    static PLACE: Cell<*const Lender> = const { Cell::new(ptr::null()) };
    static OWNER: Owner = const { Owner::new() };
}

static LATE_END: LateEnd = LateEnd::new(|| {
    // No error: its destructor is not called.
    let _ = OWNER.try_with(Owner::end);
});

const THREAD: Local = Local {
    name: "thread",
    place: &PLACE,
    owner: &OWNER,
    late_end: &LATE_END,
    size: |configured| configured,
};

impl Arena {
    /// Runs `work` with a scope of this thread's own arena; all that it allocates is given back at its
    /// end, also when it panics.
    ///
    /// The arena is made at the thread's first use, as [`ArenaConfig::load`] says (if that is an
    /// error, a warning is emitted once through `tracing` and the defaults hold), and freed when the
    /// thread ends. It is listed under the name `thread`.
    ///
    /// # Nesting
    ///
    /// Uses nest, also where the inner one does not know of the outer one: it has what is left. While
    /// it is open the outer scope finds no room, and its requests are overflows
    /// ([`ArenaError::Lent`]).
    ///
    /// # Cost
    ///
    /// Beside `work`'s own: a thread-local and a dozen instructions.
    ///
    /// # Panics
    ///
    /// If the allocator refuses the memory at the thread's first use.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::Arena;
    ///
    /// let sum = Arena::with_thread(|arena| {
    ///     let squares = arena.alloc_slice_with(10, |n| n * n);
    ///     squares.iter().sum::<usize>()
    /// });
    /// assert_eq!(sum, 285);
    /// ```
    #[inline(always)]
    pub fn with_thread<R>(work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        THREAD.with(work)
    }

    /// Reads the settings of threads' arenas, and tells what is wrong with them before the first use
    /// would have to run on the defaults.
    ///
    /// # Errors
    ///
    /// As [`ArenaConfig::load`], in an [`ArenaError::Config`]. Refused memory is none: it reads the
    /// environment, and where the allocator has nothing for what is read, the process aborts.
    pub fn try_init_threads() -> Result<(), ArenaError> {
        config::resolve_arena(None)
            .map(drop)
            .map_err(ArenaError::from)
    }
}
