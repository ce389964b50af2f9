//! Pools by name, and buffers.
//!
//! A pool that was opened stays until the process ends, as a `static` one does: no thread has to ask
//! whether another has closed it.
//!
//! # Invariants
//!
//! 1. An entry of `CACHE` is null or this thread's desk at that pool. The entry goes before the desk does.
//! 2. No other symbol of the process has the name of one exported here: all begin with `knhk_`.

use std::cell::Cell;
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use knhk_pool::BufferPool;

use crate::config_error::config_error;
use crate::desk::{DESKS, Desk};
use crate::hot_path::read_mode;
use crate::layout::Buffer;
use crate::place::Place;
use crate::status::{Status, guarded};
use crate::table::{KIND_SHIFT, kind};

/// A pool, for any thread. 0 is none.
pub type Pool = u64;

/// This thread's part of a pool, borrowed for tight loops. It ends with the thread. 0 is none.
pub type Here = u64;

/// Sizes that the program sets. What is 0 comes from the environment, the file that
/// `KNHK_POOL_CONFIG` names, and the profile.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct PoolConfig {
    /// Buffers a thread.
    pub pool_size: usize,
    /// Bytes a buffer.
    pub buffer_size: usize,
    /// Whether a released buffer is overwritten with zeros; not 0: yes.
    pub zero_on_release: u32,
}

const POOLS: usize = 128;
const FIRST: u64 = kind::POOL << KIND_SHIFT;

static OPEN: [OnceLock<BufferPool>; POOLS] = [const { OnceLock::new() }; POOLS];

/// How many are open; taken to open one.
static COUNT: Mutex<usize> = Mutex::new(0);

thread_local! {
    static CACHE: [Cell<*const Desk>; POOLS] = const { [const { Cell::new(ptr::null()) }; POOLS] };
}

/// Opens the pool of that name, or finds it: it stays open until the process ends.
///
/// `config` may be null. `CONFLICT` if the pool is open with other sizes than those that `config` sets, or
/// without the wiping that it asks for, `CONFIG` if a value is out of range or the environment is wrong,
/// `INVALID` for a name that is not UTF-8, `TOO_MANY` after 128 names. Ends the process if the allocator
/// refuses, as a C++ program's `new` without a handler does: open at the program's start.
///
/// # Safety
///
/// * `name` is null or a C string, `config` null or a config, `pool` null or a place for one,
///   apart from `config`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_pool_open(
    name: *const c_char,
    config: Option<&PoolConfig>,
    pool: Place<'_, Pool>,
) -> Status {
    guarded(|| {
        let pool = pool.not_null()?;
        if name.is_null() {
            return Err(Status::NullPointer);
        }
        // SAFETY: not null, hence a C string (the caller's bullet).
        let name = unsafe { CStr::from_ptr(name) };
        let name = name.to_str().map_err(|_| Status::Invalid)?;
        read_mode()?;
        pool.write(open(name, &config.copied().unwrap_or_default())?);
        Ok(())
    })
}

/// Hands out an empty buffer, from the heap if all of this thread's are in use.
///
/// Never fails for want of buffers. `STALE` if there is no such pool, `OUT_OF_MEMORY` if the heap is
/// exhausted too, or if this thread has 1,048,577 of the pool's buffers out, `THREAD_ENDING` after the
/// thread's own end has begun; on a thread's first use of the pool `TOO_MANY` if 4096 pairs of a living
/// thread and a pool are there.
///
/// # Safety
///
/// * `buffer` is null or a place for one.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_acquire(
    pool: Pool,
    buffer: Option<&mut MaybeUninit<Buffer>>,
) -> Status {
    let Some(buffer) = buffer else {
        return Status::NullPointer;
    };
    match cached(pool) {
        Some(desk) => desk.acquire(desk.handle(), buffer),
        None => sit_down(pool, |desk| desk.acquire(desk.handle(), buffer)),
    }
}

/// As `knhk_pool_acquire`, but `EXHAUSTED` where that would take from the heap.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_try_acquire(
    pool: Pool,
    buffer: Option<&mut MaybeUninit<Buffer>>,
) -> Status {
    let Some(buffer) = buffer else {
        return Status::NullPointer;
    };
    match cached(pool) {
        Some(desk) => desk.try_acquire(desk.handle(), buffer),
        None => sit_down(pool, |desk| desk.try_acquire(desk.handle(), buffer)),
    }
}

/// Borrows this thread's part of the pool, for `knhk_pool_acquire_here`. There is nothing to give back.
/// `TOO_MANY` as in `knhk_pool_acquire`.
///
/// # Safety
///
/// * `here` is null or a place for one.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_here(pool: Pool, here: Place<'_, Here>) -> Status {
    let Ok(here) = here.not_null() else {
        return Status::NullPointer;
    };
    sit_down(pool, |desk| {
        here.write(desk.handle());
        Status::Ok
    })
}

/// As `knhk_pool_acquire`, without looking for this thread's part. `WRONG_THREAD` on another one.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_acquire_here(
    here: Here,
    buffer: Option<&mut MaybeUninit<Buffer>>,
) -> Status {
    let Some(buffer) = buffer else {
        return Status::NullPointer;
    };
    match DESKS.get(here) {
        Some(desk) => desk.acquire(here, buffer),
        None => DESKS.refusal(here),
    }
}

/// As `knhk_pool_try_acquire`, without looking for this thread's part.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_try_acquire_here(
    here: Here,
    buffer: Option<&mut MaybeUninit<Buffer>>,
) -> Status {
    let Some(buffer) = buffer else {
        return Status::NullPointer;
    };
    match DESKS.get(here) {
        Some(desk) => desk.try_acquire(here, buffer),
        None => DESKS.refusal(here),
    }
}

/// Gives a buffer back, however it was acquired; `data` becomes null. On the thread that acquired it:
/// another one is answered by `WRONG_THREAD`, and the buffer stays out.
///
/// `STALE` for a buffer that was released already, also through a copy of the struct.
///
/// # Safety
///
/// * `buffer` is null, or what an acquire has filled, or all zero.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_release(buffer: Option<&mut Buffer>) -> Status {
    let Some(buffer) = buffer else {
        return Status::NullPointer;
    };
    match DESKS.get(buffer.here) {
        Some(desk) => desk.release(buffer),
        None => DESKS.refusal(buffer.here),
    }
}

/// Makes room for `capacity` bytes in all. Past the pool's buffer size the first `buffer->len` bytes move
/// to the heap, and `data` with them.
///
/// `INVALID` if `buffer->len` is above its capacity, `OUT_OF_MEMORY` if the allocator refuses: the buffer is
/// as it was.
///
/// # Safety
///
/// * `buffer` is null, or what an acquire has filled, and its first `len` bytes were written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_pool_reserve(buffer: Option<&mut Buffer>, capacity: usize) -> Status {
    guarded(|| {
        let buffer = buffer.ok_or(Status::NullPointer)?;
        let desk = DESKS
            .get(buffer.here)
            .ok_or_else(|| DESKS.refusal(buffer.here))?;
        // SAFETY: the caller's bullet.
        unsafe { desk.reserve(buffer, capacity) }
    })
}

/// Prepares this thread's part now, and room to have all of its buffers out at once, so that its acquires
/// need not.
///
/// `OUT_OF_MEMORY` if the allocator refuses that room, `TOO_MANY` as in `knhk_pool_acquire`. Where it refuses
/// the buffers, the first acquire asks it again.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_warm_up(pool: Pool) -> Status {
    sit_down(pool, |desk| match find(pool) {
        Ok(found) => desk.warm_up(found),
        Err(stale) => stale,
    })
}

/// Gives this thread's idle memory back to the allocator, and says how many bytes.
///
/// # Safety
///
/// * `bytes` is null if nobody asks, or a place.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_pool_trim(pool: Pool, bytes: Place<'_, usize>) -> Status {
    guarded(|| {
        bytes.write(find(pool)?.trim_current_thread());
        Ok(())
    })
}

/// The pool that a handle names.
pub(crate) fn find(pool: Pool) -> Result<&'static BufferPool, Status> {
    let place = OPEN.get(index(pool)).ok_or(Status::Stale)?;
    place.get().ok_or(Status::Stale)
}

#[inline(always)]
fn index(pool: Pool) -> usize {
    usize::try_from(pool.wrapping_sub(FIRST)).unwrap_or(usize::MAX)
}

#[inline(always)]
fn cached(pool: Pool) -> Option<&'static Desk> {
    CACHE.with(|cache| {
        let desk = cache.get(index(pool))?.get();
        // SAFETY: null or this thread's desk, which the entry goes before (invariant 1).
        unsafe { desk.as_ref() }
    })
}

/// Has `work` done at this thread's desk at the pool: a new one, if it has none.
#[cold]
#[inline(never)]
fn sit_down(pool: Pool, work: impl FnOnce(&Desk) -> Status) -> Status {
    guarded(|| {
        let desk = match cached(pool) {
            Some(desk) => desk,
            None => new_desk(pool)?,
        };
        match work(desk) {
            Status::Ok => Ok(()),
            refused => Err(refused),
        }
    })
}

fn new_desk(pool: Pool) -> Result<&'static Desk, Status> {
    let handle = DESKS.insert(Desk::new(find(pool)?), close)?;
    let desk = DESKS.get(handle).ok_or(Status::Stale)?;
    desk.set_handle(handle);
    CACHE.with(|cache| cache[index(pool)].set(desk));
    Ok(desk)
}

/// The thread is ending: its desk goes, with the buffers that are still out.
fn close(handle: u64) {
    if let Some(desk) = DESKS.get(handle) {
        CACHE.with(|cache| {
            let entry = cache.iter().find(|entry| ptr::eq(entry.get(), desk));
            entry.inspect(|entry| entry.set(ptr::null()));
        });
    }
    // Nobody finds the desk any more when its buffers go back, and the allocator may come back here.
    if let Ok(desk) = DESKS.remove(handle) {
        desk.give_back();
    }
}

fn open(name: &str, config: &PoolConfig) -> Result<Pool, Status> {
    if let Some(found) = opened(name, config) {
        return found;
    }
    if knhk_pool::private::is_inside() {
        return Err(Status::Busy);
    }
    if OPEN.iter().all(|place| place.get().is_some()) {
        return Err(Status::TooMany);
    }
    // Not under the lock: the program's allocator may open a pool too.
    let pool = build(name, config)?;
    let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = opened(name, config) {
        return found;
    }
    let place = OPEN.get(*count).ok_or(Status::TooMany)?;
    if place.set(pool).is_err() {
        return Err(Status::Panicked);
    }
    *count += 1;
    Ok(FIRST + *count as u64 - 1)
}

/// The pool of that name, if it is open, or why it is not this one.
fn opened(name: &str, config: &PoolConfig) -> Option<Result<Pool, Status>> {
    let mut opened = OPEN.iter().map_while(OnceLock::get).enumerate();
    let (index, pool) = opened.find(|(_, pool)| pool.name() == name)?;
    let agrees = agrees(pool, config);
    Some(if agrees {
        Ok(FIRST + index as u64)
    } else {
        Err(Status::Conflict)
    })
}

fn build(name: &str, config: &PoolConfig) -> Result<BufferPool, Status> {
    let mut builder = BufferPool::builder(name.to_owned());
    if config.pool_size != 0 {
        builder = builder.pool_size(config.pool_size);
    }
    if config.buffer_size != 0 {
        builder = builder.buffer_size(config.buffer_size);
    }
    if config.zero_on_release != 0 {
        builder = builder.zero_on_release(true);
    }
    builder.build().map_err(|error| config_error(&error))
}

fn agrees(pool: &BufferPool, config: &PoolConfig) -> bool {
    let open = pool.config();
    (config.pool_size == 0 || config.pool_size == open.pool_size())
        && (config.buffer_size == 0 || config.buffer_size == open.buffer_size())
        && (config.zero_on_release == 0 || open.zero_on_release())
}
