//! Arenas: bump allocation in one chunk, given back all at once or to a mark.
//!
//! # Invariants
//!
//! 1. No other symbol of the process has the name of one exported here: all begin with `knhk_`.

use std::alloc::Layout;
use std::ffi::{CStr, c_char, c_void};

use knhk_pool::ArenaOverflow;

use crate::config_error::config_error;
use crate::hot_path::read_mode;
use crate::lent_arena::LentArena;
use crate::place::Place;
use crate::status::{Status, guarded};
use crate::table::{Table, kind};

/// An arena, for the thread that made it. 0 is none.
pub type Arena = u64;

/// A place in an arena to rewind to. 0 is none.
pub type Mark = u64;

/// What the program sets. What is 0 comes from the environment, the file that `KNHK_POOL_CONFIG` names,
/// and the defaults.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ArenaConfig {
    /// Bytes, 64 KiB to 1 GiB.
    pub size: usize,
    /// When there is no room: 1 answers `FULL`, 2 takes from the heap until the arena is rewound or reset.
    pub overflow: u32,
    /// Whether bytes that are given back are overwritten with zeros; not 0: yes.
    pub zero: u32,
}

static ARENAS: Table<LentArena, { kind::ARENA }> = Table::new();

/// Makes an arena, for this thread.
///
/// `name`, which may be null, is what it is listed as in telemetry; `config` may be null. `INVALID` for
/// an `overflow` above 2, `CONFIG` if a value is out of range or the environment is wrong, `OUT_OF_MEMORY` if
/// the allocator refuses the chunk; the process ends if it refuses the little that stands around it.
///
/// # Safety
///
/// * `name` is null or a C string, `config` null or a config, `arena` null or a place for one,
///   apart from `config`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_arena_create(
    name: *const c_char,
    config: Option<&ArenaConfig>,
    arena: Place<'_, Arena>,
) -> Status {
    guarded(|| {
        let arena = arena.not_null()?;
        read_mode()?;
        let config = settings(&config.copied().unwrap_or_default())?;
        let made = if name.is_null() {
            knhk_pool::Arena::from_config(&config)?
        } else if knhk_pool::private::is_inside() {
            return Err(Status::Busy);
        } else {
            // SAFETY: not null, hence a C string (the caller's bullet).
            let name = unsafe { CStr::from_ptr(name) };
            let name = name.to_str().map_err(|_| Status::Invalid)?;
            knhk_pool::Arena::named(name, &config)?
        };
        let spills = config.overflow() == ArenaOverflow::Heap;
        arena.write(ARENAS.insert(LentArena::new(made, spills), close)?);
        Ok(())
    })
}

/// Allocates `size` bytes at a multiple of `align`, a power of two; they are not initialised. They last
/// until the arena is reset, destroyed, or rewound to an earlier mark.
///
/// `FULL` if there is no room, `INVALID` for an alignment or size that cannot be. 0 bytes take no room and
/// count as no allocation: their address is aligned, and never to be read or written.
///
/// # Safety
///
/// * `bytes` is null or a place for an address.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_arena_alloc(
    arena: Arena,
    size: usize,
    align: usize,
    bytes: Place<'_, *mut c_void>,
) -> Status {
    guarded(|| {
        let bytes = bytes.not_null()?;
        let arena = lent(arena)?;
        let layout = Layout::from_size_align(size, align).map_err(|_| Status::Invalid)?;
        bytes.write(arena.alloc(layout)?.as_ptr().cast());
        Ok(())
    })
}

/// Marks the place.
///
/// # Safety
///
/// * `mark` is null or a place for one.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_arena_mark(arena: Arena, mark: Place<'_, Mark>) -> Status {
    guarded(|| {
        let mark = mark.not_null()?;
        mark.write(lent(arena)?.mark()?);
        Ok(())
    })
}

/// Gives back what was allocated since the mark. The mark ends, and so do those made after it: a second
/// rewind is answered by `STALE`.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_arena_rewind(arena: Arena, mark: Mark) -> Status {
    guarded(|| lent(arena)?.rewind(mark))
}

/// Gives everything back, and ends all marks.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_arena_reset(arena: Arena) -> Status {
    guarded(|| lent(arena)?.reset())
}

/// Frees the arena, and all that was allocated from it.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_arena_destroy(arena: Arena) -> Status {
    guarded(|| {
        if lent(arena)?.is_busy() {
            return Err(Status::Busy);
        }
        ARENAS.remove(arena).map(drop)
    })
}

#[inline(always)]
pub(crate) fn lent(arena: Arena) -> Result<&'static LentArena, Status> {
    ARENAS.get(arena).ok_or_else(|| ARENAS.refusal(arena))
}

/// The thread is ending. Inside a call, in which the allocator has called `exit`, the arena stays: the call
/// is not over.
fn close(handle: u64) {
    if lent(handle).is_ok_and(|arena| !arena.is_busy()) {
        drop(ARENAS.remove(handle));
    }
}

fn settings(asked: &ArenaConfig) -> Result<knhk_pool::ArenaConfig, Status> {
    let mut config = knhk_pool::ArenaConfig::load().map_err(|error| config_error(&error))?;
    if asked.size != 0 {
        config = config.with_size(asked.size);
    }
    if asked.zero != 0 {
        config = config.with_zero(true);
    }
    let overflow = match (asked.overflow, config.overflow()) {
        (0, ArenaOverflow::Heap) | (2, _) => ArenaOverflow::Heap,
        // A panic could not leave this library: it is `FULL` here.
        (0 | 1, _) => ArenaOverflow::Error,
        _ => return Err(Status::Invalid),
    };
    Ok(config.with_overflow(overflow))
}
