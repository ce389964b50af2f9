//! Rings of equal records between two threads.
//!
//! A record is any number of 64-bit words: a `uint64_t`, a `knhk_receipt`, a struct of the caller's. The
//! ring below is one of words. Whole records go in and come out, so that what is free and what is held
//! is always a number of whole records.
//!
//! # Invariants
//!
//! 1. A half is used by one thread (`table`'s invariant 3), and its functions call nobody: a `&mut` to it
//!    ends before the next one begins.
//! 2. No other symbol of the process has the name of one exported here: all begin with `knhk_`.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::slice;

use knhk_pool::spsc::{self, Consumer, Producer};

use crate::hot_path::read_mode;
use crate::place::Place;
use crate::status::{Status, guarded};
use crate::table::{KIND_SHIFT, Table, kind};

/// Half a ring: the one that pushes, or the one that pops. 0 is none.
pub type Half = u64;

/// A record may have padding, which is never initialised.
type Word = MaybeUninit<u64>;

const RECORD_BYTES_MAX: usize = 4096;
const RING_BYTES_MAX: usize = 1 << 30;

pub(crate) struct Lent<T> {
    half: UnsafeCell<T>,
    /// Of a record, 1 to 512.
    words: usize,
}

static PRODUCERS: Table<Lent<Producer<Word>>, { kind::PRODUCER }> = Table::new();
static CONSUMERS: Table<Lent<Consumer<Word>>, { kind::CONSUMER }> = Table::new();

/// Makes a ring of `records` records of `record_size` bytes each: a multiple of 8, at most 4096; in all at
/// most 1 GiB. Each half belongs to the first thread that uses it. `OUT_OF_MEMORY` if the allocator refuses,
/// `INVALID` if `producer` is `consumer`, `CONFIG` if the environment is wrong.
///
/// # Safety
///
/// * `producer` and `consumer` are null or places for them.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_ring_create(
    record_size: usize,
    records: usize,
    producer: Place<'_, Half>,
    consumer: Place<'_, Half>,
) -> Status {
    guarded(|| {
        let (producer, consumer) = (producer.not_null()?, consumer.not_null()?);
        if producer.is_same(&consumer) {
            return Err(Status::Invalid);
        }
        read_mode()?;
        let words = words(record_size, records).ok_or(Status::Invalid)?;
        let (pushes, pops) = spsc::try_channel(words * records).map_err(|_| Status::OutOfMemory)?;
        let pops = CONSUMERS.insert_unowned(Lent::new(pops, words))?;
        let pushes = PRODUCERS
            .insert_unowned(Lent::new(pushes, words))
            .inspect_err(|_| drop(CONSUMERS.remove_unowned(pops)))?;
        producer.write(pushes);
        consumer.write(pops);
        Ok(())
    })
}

/// Appends as many of `count` records as there is room for, the first ones, and says how many. `FULL` if
/// there is room for none.
///
/// `records` is a multiple of 8. `pushed` may be null. `INVALID` for a `count` of 0 or another address.
///
/// # Safety
///
/// * `records` is null or that many records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_ring_push(
    producer: Half,
    records: *const c_void,
    count: usize,
    pushed: Place<'_, usize>,
) -> Status {
    guarded(|| {
        let lent = producing(producer)?;
        let records: *const Word = records.cast();
        check(records, count)?;
        let half = lent.half();
        let len = lent.len_of(count, half.capacity());
        // SAFETY: at most `count` records (the caller's bullet), not null and aligned (just checked).
        let records = unsafe { slice::from_raw_parts(records, len) };
        let done = half.push_slice(records);
        moved(lent, count, done, pushed, Status::Full)
    })
}

/// Moves the oldest records into `records`, as many as there are but at most `count`, and says how many.
/// `EMPTY` if there is none.
///
/// `records` is a multiple of 8. `popped` may be null. `INVALID` for a `count` of 0 or another address.
///
/// # Safety
///
/// * `records` is null or has room for that many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_ring_pop(
    consumer: Half,
    records: *mut c_void,
    count: usize,
    popped: Place<'_, usize>,
) -> Status {
    guarded(|| {
        let lent = consuming(consumer)?;
        let records: *mut Word = records.cast();
        check(records, count)?;
        let half = lent.half();
        let len = lent.len_of(count, half.capacity());
        // SAFETY: room for `count` records (the caller's bullet), not null and aligned (just checked).
        let records = unsafe { slice::from_raw_parts_mut(records, len) };
        let done = half.pop_slice(records);
        moved(lent, count, done, popped, Status::Empty)
    })
}

/// Closes half a ring. What it has pushed can still be popped; the memory goes with the second half.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_ring_close(half: Half) -> Status {
    guarded(|| close(half))
}

/// What a half sees of its ring.
pub(crate) struct Look {
    pub(crate) len: usize,
    pub(crate) capacity: usize,
    pub(crate) record_size: usize,
    pub(crate) is_abandoned: bool,
}

pub(crate) fn look(half: Half) -> Result<Look, Status> {
    if is_of(half, kind::PRODUCER) {
        let lent = producing(half)?;
        let half = lent.half();
        Ok(lent.look(half.len(), half.capacity(), half.is_abandoned()))
    } else {
        let lent = consuming(half)?;
        let half = lent.half();
        // Asked before the length: then what was pushed before the other half went is in it.
        let is_abandoned = half.is_abandoned();
        Ok(lent.look(half.len(), half.capacity(), is_abandoned))
    }
}

impl<T> Lent<T> {
    fn new(half: T, words: usize) -> Self {
        Self {
            half: UnsafeCell::new(half),
            words,
        }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "one at a time: invariant 1")]
    fn half(&self) -> &mut T {
        // SAFETY: one thread, and no call inside another (invariant 1).
        unsafe { &mut *self.half.get() }
    }

    /// Words of `count` records, or of as many as the ring can hold.
    #[inline(always)]
    fn len_of(&self, count: usize, capacity: usize) -> usize {
        count.saturating_mul(self.words).min(capacity)
    }

    fn look(&self, len: usize, capacity: usize, is_abandoned: bool) -> Look {
        Look {
            len: len / self.words,
            capacity: capacity / self.words,
            record_size: self.words * 8,
            is_abandoned,
        }
    }
}

/// Words of a record, if there can be such a ring.
fn words(record_size: usize, records: usize) -> Option<usize> {
    let is_record = record_size.is_multiple_of(8) && (8..=RECORD_BYTES_MAX).contains(&record_size);
    let bytes = record_size.checked_mul(records)?;
    (is_record && (1..=RING_BYTES_MAX).contains(&bytes)).then_some(record_size / 8)
}

#[inline(always)]
fn check(records: *const Word, count: usize) -> Result<(), Status> {
    if records.is_null() {
        Err(Status::NullPointer)
    } else if !records.is_aligned() || count == 0 {
        Err(Status::Invalid)
    } else {
        Ok(())
    }
}

/// Says how many records `done` words are.
#[inline(always)]
fn moved<T>(
    lent: &Lent<T>,
    count: usize,
    done: usize,
    out: Place<'_, usize>,
    none: Status,
) -> Result<(), Status> {
    // One record is the common case, and a division is slow.
    let done = if count == 1 {
        usize::from(done != 0)
    } else {
        done / lent.words
    };
    if done == 0 {
        return Err(none);
    }
    out.write(done);
    Ok(())
}

#[inline(always)]
fn producing(half: Half) -> Result<&'static Lent<Producer<Word>>, Status> {
    match PRODUCERS.get(half) {
        Some(lent) => Ok(lent),
        None => PRODUCERS.claim(half, end),
    }
}

#[inline(always)]
fn consuming(half: Half) -> Result<&'static Lent<Consumer<Word>>, Status> {
    match CONSUMERS.get(half) {
        Some(lent) => Ok(lent),
        None => CONSUMERS.claim(half, end),
    }
}

/// The thread is ending: the other half sees that this one is gone.
fn end(half: u64) {
    // Its own: `close` cannot refuse.
    let _ = close(half);
}

fn close(half: Half) -> Result<(), Status> {
    if is_of(half, kind::PRODUCER) {
        producing(half)?;
        PRODUCERS.remove(half).map(drop)
    } else {
        consuming(half)?;
        CONSUMERS.remove(half).map(drop)
    }
}

const fn is_of(half: Half, kind: u64) -> bool {
    half >> KIND_SHIFT & 0xf == kind
}
