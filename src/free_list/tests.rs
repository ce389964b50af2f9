//! What a pool does not show of its list: which path an operation takes, and in which order its lengths are.

use super::*;

const SIZE: usize = 256;

fn list(capacity: usize, wipes: bool) -> FreeList {
    prepared(Sizes {
        capacity,
        buffer_size: SIZE,
        wipes,
        records: false,
    })
}

fn prepared(sizes: Sizes) -> FreeList {
    let list = FreeList::new(sizes).expect("memory");
    assert!(list.prepare());
    list
}

/// Gives a buffer back; whether the hit path took it.
fn release(list: &FreeList, buffer: NonNull<u8>, capacity: usize) -> bool {
    let is_hit = list.release_hit(buffer, capacity);
    if !is_hit {
        // SAFETY: the tests give back what the list has handed out, once; the hit path did not take it.
        unsafe { list.release_cold(buffer, capacity) };
    }
    is_hit
}

#[test]
fn what_fits_comes_back_on_the_hit_path_and_nothing_else_does() {
    let list = list(2, false);
    let buffers = [(); 3].map(|()| list.acquire_cold());
    let hits = buffers.map(|buffer| release(&list, buffer, SIZE));
    // Where what comes back is laid down first, all go the long way.
    assert_eq!(hits, [!rest::LAYS, !rest::LAYS, false]);

    let small = list.acquire_cold();
    // SAFETY: handed out on the line above, and nothing of it is initialised.
    let grown = unsafe { list.grow(small, 0, SIZE, 2 * SIZE) }.expect("memory");
    assert!(!release(&list, grown, 2 * SIZE));
    assert_eq!((list.stats().in_use, list.stats().idle), (0, 2));
}

#[test]
fn what_is_to_be_wiped_never_comes_back_on_the_hit_path() {
    let list = list(1, true);
    let buffer = list.acquire_cold();
    assert!(!release(&list, buffer, SIZE));
    assert_eq!(list.stats().idle, 1);
}

#[test]
fn list_is_prepared_once() {
    let list = list(1, false);
    assert!(!list.prepare());
    let (slot, block) = (list.acquire_cold(), list.acquire_cold());
    release(&list, block, SIZE);
    assert!(!list.prepare());
    assert_eq!(list.stats().idle, 1, "the block that joined has stayed");
    release(&list, slot, SIZE);
}

#[test]
fn what_may_refuse_takes_from_the_heap_when_nothing_is_idle() {
    let list = list(1, false);
    let buffers = [(); 2].map(|()| list.acquire_or_refuse_cold().expect("memory"));
    assert_eq!((list.stats().hits, list.stats().misses), (1, 1));
    for buffer in buffers {
        release(&list, buffer, SIZE);
    }
}

#[test]
fn lowest_length_is_no_longer_than_the_stack_when_its_block_is_freed() {
    let list = list(3, false);
    let [first, second, third] = [(); 3].map(|()| list.acquire_cold());
    let block = list.acquire_cold();
    release(&list, block, SIZE);
    // The block moves to the stack, and the lowest length is anew what the stack holds.
    // SAFETY: handed out above, and nothing of it is initialised.
    let grown = unsafe { list.grow(first, 0, SIZE, 2 * SIZE) }.expect("memory");
    list.trim();
    let (low, len) = (&list.low, &list.len);
    assert!(low.load(Ordering::Relaxed) <= len.load(Ordering::Relaxed));
    for (buffer, capacity) in [(grown, 2 * SIZE), (second, SIZE), (third, SIZE)] {
        release(&list, buffer, capacity);
    }
}

#[test]
fn record_of_a_list_that_changes_hands_begins_with_everything_idle() {
    let list = prepared(Sizes {
        capacity: 1,
        buffer_size: SIZE,
        wipes: false,
        records: true,
    });
    let late = list.acquire_cold();
    assert!(list.close());
    release(&list, late, SIZE);
    list.reopen();
    let next = list.acquire_cold();
    let demand = list.demand().expect("it records");
    assert_eq!((demand.acquires(), demand.hits(1)), (2, 2));
    release(&list, next, SIZE);
}
