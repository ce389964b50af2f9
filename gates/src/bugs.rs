//! The bugs that a tool has to find.

use std::alloc::{Layout, alloc_zeroed};
use std::cell::{RefCell, UnsafeCell};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

/// A scratch buffer as published: 64 KiB in a thread-local, handed out as `'static` slices.
struct Scratch {
    bytes: [u8; 65_536],
    position: usize,
}

thread_local! {
    static SCRATCH: UnsafeCell<Scratch> = const {
        UnsafeCell::new(Scratch { bytes: [0; 65_536], position: 0 })
    };
}

fn alloc(size: usize) -> &'static mut [u8] {
    SCRATCH.with(|scratch| {
        let scratch = unsafe { &mut *scratch.get() };
        let start = scratch.position;
        scratch.position += size;
        let slice = &mut scratch.bytes[start..start + size];
        unsafe { &mut *(slice as *mut [u8]) }
    })
}

fn reset() {
    SCRATCH.with(|scratch| unsafe { (*scratch.get()).position = 0 });
}

pub(crate) fn scratch_alias_after_reset() {
    let a = alloc(8);
    reset();
    let b = alloc(8);
    b[0] = 1;
    a[0] = 2;
    println!("{}", black_box(b[0]));
}

pub(crate) fn two_live_scratch_slices() {
    let a = alloc(8);
    let b = alloc(8);
    a[0] = 1;
    b[0] = 2;
    println!("{}", black_box(a[0]));
}

pub(crate) fn slice_outlives_its_thread() {
    let slice = thread::spawn(|| {
        let slice = alloc(8);
        slice[0] = 7;
        &*slice
    });
    println!("{}", black_box(slice.join().expect("it ends")[0]));
}

/// The design's use of it: one slice for the key, one for the value, a reset, the next request.
pub(crate) fn scratch_as_published() {
    let (key, value) = (alloc(8), alloc(8));
    key[0] = 1;
    value[0] = 2;
    reset();
    let next = alloc(8);
    next[0] = 3;
    println!("{}", black_box(key[0]));
}

pub(crate) fn uninitialised_read() {
    let mut bytes = Vec::<u8>::with_capacity(4096);
    #[allow(clippy::uninit_vec)]
    unsafe {
        bytes.set_len(4096);
    }
    if black_box(&bytes)[77] == 1 {
        println!("one");
    }
}

/// Returns its index to the pool's list through a raw pointer.
struct Guard {
    pool: *mut Vec<usize>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        unsafe { (*self.pool).push(1) };
    }
}

pub(crate) fn return_into_a_dead_pool() {
    let mut pool = Box::new(Vec::<usize>::new());
    let guard = Guard { pool: &mut *pool };
    drop(black_box(pool));
    drop(guard);
}

pub(crate) fn wrong_layout_on_free() {
    let layout = Layout::from_size_align(4096, 64).expect("small");
    let start = unsafe { alloc_zeroed(layout) };
    drop(unsafe { Vec::from_raw_parts(start, 0, 4096) });
}

pub(crate) fn vector_read_past_the_end() {
    let bytes = vec![1_u8; 100];
    let word = unsafe {
        black_box(&bytes)
            .as_ptr()
            .add(96)
            .cast::<u64>()
            .read_unaligned()
    };
    println!("{}", black_box(word) & 0xFF);
}

static mut COUNTER: u64 = 0;

fn count() {
    for _ in 0..100 {
        unsafe { COUNTER = black_box(COUNTER) + 1 };
    }
}

pub(crate) fn racy_counter() {
    let other = thread::spawn(count);
    count();
    other.join().expect("it ends");
}

pub(crate) fn ring_without_drop() {
    let mut slots: [MaybeUninit<Box<[u8; 100]>>; 4] = [const { MaybeUninit::uninit() }; 4];
    slots[0].write(Box::new([1; 100]));
    black_box(&mut slots);
}

pub(crate) fn misaligned_read() {
    let words = [0_u64; 2];
    let odd = unsafe { black_box(&words).as_ptr().cast::<u8>().add(1).cast::<u64>() };
    println!("{}", black_box(unsafe { *odd }));
}

pub(crate) fn panic_while_a_slot_is_uninitialised() {
    let mut slots = Vec::<Box<u64>>::with_capacity(2);
    let filled = catch_unwind(AssertUnwindSafe(|| {
        #[allow(clippy::uninit_vec)]
        unsafe {
            slots.set_len(1);
        }
        slots[0] = make();
    }));
    assert!(filled.is_err());
}

fn make() -> Box<u64> {
    if black_box(true) {
        panic!("make");
    }
    Box::new(1)
}

/// A guard that is `Send` although its list is not.
struct Foreign(Rc<RefCell<Vec<u64>>>);

unsafe impl Send for Foreign {}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.0.borrow_mut().push(1);
    }
}

pub(crate) fn drop_on_a_foreign_thread() {
    let list = Rc::new(RefCell::new(Vec::with_capacity(100)));
    let guard = Foreign(Rc::clone(&list));
    let other = thread::spawn(move || drop(black_box(guard)));
    for value in 0..50 {
        list.borrow_mut().push(value);
    }
    other.join().expect("it ends");
}
