//! `Buffer`: it behaves like `Vec<u8>`, is aligned and padded, and shows nothing of its past.

#![allow(unsafe_code, clippy::multiple_unsafe_ops_per_block)]

mod armed;
mod reuse;
mod stale;

use std::io::{IoSlice, Write as _};

use knhk_pool::{Buffer, LocalPool, PoolConfig, Workload};
use proptest::prelude::*;
use reuse::memory_is_reused;
use stale::memory_given_back_stays;

fn pool(bytes: usize, zero_on_release: bool) -> LocalPool {
    let config = PoolConfig::from(Workload::Low)
        .with_pool_size(2)
        .with_buffer_size(bytes);
    LocalPool::new(config.with_zero_on_release(zero_on_release)).expect("sizes are in range")
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8),
    Pop,
    Extend(Vec<u8>),
    ExtendByIter(Vec<u8>),
    Resize(usize, u8),
    Truncate(usize),
    Reserve(usize),
    TryReserve(usize),
    FillRoom(u8),
    Clear,
    Change(usize, u8),
    WriteIo(Vec<u8>),
    WriteVectored(Vec<u8>, Vec<u8>),
    Padded,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..if cfg!(miri) { 10 } else { 150 });
    prop_oneof![
        any::<u8>().prop_map(Step::Push),
        Just(Step::Pop),
        bytes().prop_map(Step::Extend),
        bytes().prop_map(Step::ExtendByIter),
        (0_usize..300, any::<u8>()).prop_map(|(len, value)| Step::Resize(len, value)),
        (0_usize..300).prop_map(Step::Truncate),
        (0_usize..300).prop_map(Step::Reserve),
        (0_usize..300).prop_map(Step::TryReserve),
        any::<u8>().prop_map(Step::FillRoom),
        Just(Step::Clear),
        (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Step::Change(at, value)),
        bytes().prop_map(Step::WriteIo),
        (bytes(), bytes()).prop_map(|(head, tail)| Step::WriteVectored(head, tail)),
        Just(Step::Padded),
    ]
}

fn apply(step: &Step, buffer: &mut Buffer<'_>, model: &mut Vec<u8>) {
    match step {
        Step::Push(byte) => {
            buffer.push(*byte);
            model.push(*byte);
        }
        Step::Pop => assert_eq!(buffer.pop(), model.pop()),
        Step::Extend(bytes) => {
            buffer.extend_from_slice(bytes);
            model.extend_from_slice(bytes);
        }
        Step::ExtendByIter(bytes) => {
            buffer.extend(bytes);
            model.extend(bytes);
        }
        Step::Resize(len, value) => {
            buffer.resize(*len, *value);
            model.resize(*len, *value);
        }
        Step::Truncate(len) => {
            buffer.truncate(*len);
            model.truncate(*len);
        }
        Step::Reserve(more) => {
            buffer.reserve(*more);
            assert!(buffer.capacity() - buffer.len() >= *more);
        }
        Step::TryReserve(more) => {
            let (capacity, room) = (buffer.capacity(), buffer.capacity() - buffer.len());
            assert!(buffer.try_reserve(usize::MAX).is_err());
            assert_eq!(buffer.try_reserve(*more), Ok(()));
            assert!(buffer.capacity() - buffer.len() >= *more);
            assert_eq!(buffer.capacity() != capacity, *more > room);
        }
        Step::FillRoom(value) => {
            let (len, capacity) = (buffer.len(), buffer.capacity());
            let room = buffer.spare_capacity_mut();
            assert_eq!(room.len(), capacity - len);
            room.fill(std::mem::MaybeUninit::new(*value));
            // SAFETY: the bytes from `len` to the capacity were written on the line above.
            unsafe { buffer.set_len(capacity) };
            model.resize(capacity, *value);
        }
        Step::Clear => {
            buffer.clear();
            model.clear();
        }
        Step::Change(at, value) => {
            if let Some(len) = std::num::NonZeroUsize::new(model.len()) {
                buffer[*at % len] = *value;
                model[*at % len] = *value;
            }
        }
        Step::WriteIo(bytes) => {
            let (head, tail) = bytes.split_at(bytes.len() / 2);
            let written = buffer.write(head).expect("writing to memory does not fail");
            assert_eq!(written, head.len());
            buffer
                .write_all(tail)
                .expect("writing to memory does not fail");
            model.extend_from_slice(bytes);
        }
        Step::WriteVectored(head, tail) => {
            let slices = [IoSlice::new(head), IoSlice::new(tail)];
            let written = buffer
                .write_vectored(&slices)
                .expect("writing to memory does not fail");
            assert_eq!(written, head.len() + tail.len());
            model.extend_from_slice(head);
            model.extend_from_slice(tail);
        }
        Step::Padded => {
            let padded = buffer.padded();
            assert_eq!(&padded[..model.len()], &model[..]);
            assert_eq!(&padded[model.len()..], &[0; 64]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 512 }))]

    #[test]
    fn buffer_behaves_like_a_vec(size in 64_usize..200, steps in prop::collection::vec(step(), 0..if cfg!(miri) { 8 } else { 40 })) {
        let pool = pool(size, false);
        let mut buffer = pool.acquire();
        let mut model = Vec::new();
        for step in &steps {
            apply(step, &mut buffer, &mut model);
            prop_assert_eq!(&buffer[..], &model[..]);
            prop_assert_eq!((buffer.len(), buffer.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!(buffer.as_ptr().addr() % 64, 0);
        }
        prop_assert_eq!(buffer.into_vec(), model);
    }
}

/// What lies behind `len`: readable, and initialised, as the contract says of the padding.
fn bytes_behind_capacity(buffer: &mut Buffer<'_>) -> Vec<u8> {
    let end = buffer.as_mut_ptr().wrapping_add(buffer.capacity());
    // SAFETY: at least 64 initialised bytes follow the capacity.
    unsafe { std::slice::from_raw_parts(end, 64) }.to_vec()
}

#[test]
fn sixty_four_readable_bytes_follow_the_capacity_of_every_kind_of_buffer() {
    let sizes = if cfg!(miri) {
        vec![64, 65, 4096]
    } else {
        (64..2200).chain([4096, 8192, 16384]).collect()
    };
    for size in sizes {
        let pool = pool(size, false);
        let (mut slot, mut heap) = (pool.acquire(), pool.acquire());
        let (_second, mut grown) = (pool.acquire(), pool.acquire());
        grown.resize(size + 1, 1);
        for buffer in [&mut slot, &mut heap, &mut grown] {
            assert_eq!(bytes_behind_capacity(buffer), [0; 64], "{size}");
            let capacity = buffer.capacity();
            buffer.resize(capacity, 0xAB);
            assert_eq!(buffer.padded()[capacity..], [0; 64], "{size}");
        }
    }
}

const SECRET: u8 = 0xA5;

#[test]
fn next_owner_starts_empty_and_sees_only_what_it_wrote() {
    if !memory_is_reused() {
        return;
    }
    let pool = pool(256, false);
    let mut first = pool.acquire();
    first.resize(256, SECRET);
    let at = first.as_ptr();
    drop(first);
    let mut next = pool.acquire();
    assert_eq!(
        next.as_ptr(),
        at,
        "the same memory, or the test shows nothing"
    );
    assert!(next.is_empty());
    next.resize(100, 0);
    assert!(next.padded().iter().all(|byte| *byte != SECRET));
    next.resize(256, 1);
    assert!(next.iter().all(|byte| *byte != SECRET));
}

#[test]
fn zero_on_release_leaves_no_trace_in_the_memory_or_its_padding() {
    if !memory_given_back_stays() {
        return;
    }
    let pool = pool(256, true);
    let mut first = pool.acquire();
    for spare in first.spare_capacity_mut() {
        spare.write(SECRET);
    }
    // SAFETY: 64 bytes of padding follow the capacity, and are the buffer's.
    unsafe { first.as_mut_ptr().add(256).write_bytes(SECRET, 64) };
    let at = first.as_ptr();
    drop(first);
    let next = pool.acquire();
    assert_eq!(
        next.as_ptr(),
        at,
        "the same memory, or the test shows nothing"
    );
    // SAFETY: slots are initialised when the slab is made, with their padding.
    let past = unsafe { std::slice::from_raw_parts(at, 256 + 64) };
    assert!(past.iter().all(|byte| *byte == 0));
}

#[test]
fn zero_on_release_wipes_the_slot_that_a_grown_or_detached_buffer_leaves() {
    if !memory_given_back_stays() {
        return;
    }
    let pool = pool(64, true);
    for leave in [
        |mut buffer: Buffer<'_>| buffer.push(SECRET),
        |buffer: Buffer<'_>| drop(buffer.into_vec()),
    ] {
        let mut buffer = pool.acquire();
        buffer.resize(64, SECRET);
        let at = buffer.as_ptr();
        leave(buffer);
        // SAFETY: the slot is idle, and initialised since the slab was made.
        let past = unsafe { std::slice::from_raw_parts(at, 64) };
        assert!(past.iter().all(|byte| *byte == 0));
    }
}

#[test]
fn stale_bytes_are_there_without_zero_on_release_or_the_test_above_shows_nothing() {
    if !memory_given_back_stays() {
        return;
    }
    let pool = pool(256, false);
    let mut first = pool.acquire();
    first.resize(256, SECRET);
    let at = first.as_ptr();
    drop(first);
    // SAFETY: the slot is idle, and initialised since the slab was made.
    assert_eq!(unsafe { at.read() }, SECRET);
}

#[test]
fn compares_and_iterates_as_a_vec_does() {
    let pool = pool(64, false);
    let (mut one, mut other) = (pool.acquire(), pool.acquire());
    one.extend_from_slice(&[1, 2, 3]);
    other.extend([1, 2, 3]);
    assert_eq!(one, other);
    assert_eq!(one, [1, 2, 3]);
    assert_eq!([1, 2, 3], one);
    assert_eq!(one, vec![1, 2, 3]);
    assert_eq!(vec![1, 2, 3], one);
    assert_eq!(*b"\x01\x02\x03".as_slice(), one);
    assert_ne!(one, [1, 2]);
    assert_ne!([1, 2], one);
    assert_ne!(vec![1, 2], one);
    assert_ne!(*[1, 2].as_slice(), one);
    for byte in &mut one {
        *byte += 1;
    }
    AsMut::<[u8]>::as_mut(&mut other)[2] = 9;
    assert_eq!(other, [1, 2, 9]);
    assert_eq!(
        (&one).into_iter().map(|byte| u32::from(*byte)).sum::<u32>(),
        9
    );
    assert_eq!(Vec::from(one), [2, 3, 4]);
}

#[test]
fn debug_shows_lengths_not_bytes() {
    let pool = pool(64, false);
    let mut buffer = pool.acquire();
    buffer.extend_from_slice(b"password");
    assert_eq!(format!("{buffer:?}"), "Buffer { len: 8, capacity: 64, .. }");
}

#[test]
#[should_panic(expected = "capacity overflow")]
fn reserving_more_than_can_be_addressed_panics_as_a_vec_does() {
    pool(64, false).acquire().reserve(usize::MAX - 10);
}

#[cfg(feature = "bytes")]
#[test]
fn buf_mut_appends_and_grows() {
    use bytes::BufMut;
    let pool = pool(64, false);
    let mut buffer = pool.acquire();
    assert_eq!(buffer.remaining_mut(), isize::MAX as usize);
    buffer.put_u64(0);
    assert_eq!(buffer.remaining_mut(), isize::MAX as usize - 8);
    assert_eq!(buffer.chunk_mut().len(), 64 - 8, "no more than there is");
    buffer.clear();
    for value in 0..100_u64 {
        buffer.put_u64(value);
    }
    assert_eq!(buffer.len(), 800);
    assert_eq!(buffer[792..], 99_u64.to_be_bytes());
    buffer.resize(buffer.capacity(), 0);
    assert!(buffer.chunk_mut().len() >= 64, "a full buffer grows");
}

#[cfg(feature = "bytes")]
#[test]
#[allow(unsafe_code)]
fn buf_mut_advances_over_what_was_written_in_place() {
    use bytes::BufMut;
    let pool = pool(64, false);
    let mut buffer = pool.acquire();
    buffer.push(1);
    buffer.chunk_mut()[..3].copy_from_slice(&[2, 3, 4]);
    // SAFETY: three bytes of the room were written.
    unsafe { buffer.advance_mut(3) };
    assert_eq!(buffer, [1, 2, 3, 4]);
}

#[cfg(feature = "bytes")]
#[test]
#[allow(unsafe_code)]
#[should_panic(expected = "cannot advance by 65: 64 bytes of room")]
fn buf_mut_does_not_advance_behind_its_room() {
    use bytes::BufMut;
    let pool = pool(64, false);
    // SAFETY: it panics first.
    unsafe { pool.acquire().advance_mut(65) };
}

#[test]
fn written_bytes_are_there_without_a_flush() {
    use std::io::Write;
    let pool = pool(64, false);
    let mut buffer = pool.acquire();
    buffer.write_all(b"there").expect("it grows");
    assert_eq!(buffer, b"there");
    buffer.flush().expect("there is nothing to flush");
    assert_eq!(buffer, b"there");
}

#[test]
fn buffers_are_compared_ordered_and_hashed_as_their_bytes() {
    use std::collections::{BTreeSet, HashMap};
    let pool = pool(64, false);
    let of = |text: &[u8]| {
        let mut buffer = pool.acquire();
        buffer.extend_from_slice(text);
        buffer
    };
    let (a, b) = (of(b"a"), of(b"b"));
    let bytes: &[u8] = b"a";
    assert!("a" == a && *"a" == a && b"a" == a && bytes == a && *b"a" == a);
    assert!("a" != b && *"a" != b && b"a" != b && bytes != b && *b"a" != b && a < b);
    let counts = HashMap::from([(a, 1), (b, 2)]);
    assert_eq!(counts.get(&b"b"[..]), Some(&2));
    assert_eq!(counts.get(&b"c"[..]), None);
    let ordered = BTreeSet::from([of(b"ba"), of(b"a"), of(b"b")]);
    assert!(ordered.iter().eq([&of(b"a"), &of(b"b"), &of(b"ba")]));
}
