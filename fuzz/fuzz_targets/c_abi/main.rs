//! Every function of the C ABI of pools, arenas, rings and triples, with handles that are live, ended,
//! another thread's, another kind's, or made up; with copies of released buffers; with null pointers,
//! impossible sizes and alignments.
//!
//! Asserts that a call succeeds if and only if the model says that its handle is live, and is answered
//! by the right code otherwise; that a refused call changes nothing; that no two live buffers or
//! allocations share a byte, and each keeps what was written into it; that rings give back what went
//! in. AddressSanitizer judges the rest.
//!
//! Seen to find, within 10 s, a released buffer whose ticket stays valid; and within 20 s of a processor's
//! time, from no corpus, a mark that is over and rewinds the one below it.
#![no_main]

mod arenas;
mod buffers;
mod foreign;
mod rings;
mod spans;

use std::ffi::c_char;

use arbitrary::Arbitrary;
use knhk_pool_ffi::{PredicateRun, SoaTriples, Status, knhk_status_text, knhk_triples_load};
use libfuzzer_sys::fuzz_target;

use self::arenas::Arenas;
use self::buffers::Buffers;
use self::foreign::Foreign;
use self::rings::Rings;

/// A request that no allocator can serve gets null, as from any other allocator.
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const c_char {
    c"allocator_may_return_null=1".as_ptr()
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Buffers(buffers::Operation),
    Arenas(arenas::Operation),
    Rings(rings::Operation),
    StatusText(i32),
    Triples {
        triples: Vec<u64>,
        count: u8,
        is_null: bool,
    },
}

/// A handle to call with: one that was handed out in this case, or another thread's, perhaps damaged.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Handle {
    /// A live one of the kind that is wanted.
    Own(u8),
    Known(u8),
    Damaged {
        known: u8,
        bit: u8,
    },
    Foreign(u8),
    MadeUp(u64),
}

/// Every handle that was handed out, of all kinds, live or not.
struct Handles(Vec<u64>);

impl Handles {
    /// `own` are the live ones of the kind that is wanted.
    fn pick(&self, handle: Handle, own: &[u64]) -> u64 {
        let known = |nth: u8| self.0[usize::from(nth) % self.0.len()];
        match handle {
            Handle::Own(nth) => match usize::from(nth).checked_rem(own.len()) {
                Some(nth) => own[nth],
                None => 0,
            },
            Handle::Known(nth) => known(nth),
            Handle::Damaged { known: nth, bit } => known(nth) ^ (1 << (bit % 64)),
            Handle::Foreign(nth) => {
                let foreign = Foreign::get().handles();
                foreign[usize::from(nth) % foreign.len()]
            }
            Handle::MadeUp(handle) => handle,
        }
    }

    fn add(&mut self, handle: u64) {
        assert!(handle != 0, "0 is no handle");
        self.0.push(handle);
    }
}

/// What a call with a handle that is not this thread's must be answered by.
#[track_caller]
fn assert_refused(status: Status, handle: u64) {
    let expected = if Foreign::get().handles().contains(&handle) {
        [Status::WrongThread, Status::Stale]
    } else {
        [Status::Stale, Status::Stale]
    };
    assert!(expected.contains(&status), "{status:?} for {handle:#x}");
}

fn triples(triples: &[u64], count: usize, is_null: bool) {
    let (mut columns, mut run_count) = (SoaTriples::default(), 77);
    let mut runs = [PredicateRun::default(); 8];
    let whole = triples.len() / 3;
    if !is_null && count > whole && (1..=8).contains(&count) {
        return;
    }
    let start = if is_null {
        std::ptr::null()
    } else {
        triples.as_ptr()
    };
    // SAFETY: null, a count that is refused, or as many numbers as that.
    let status = unsafe {
        knhk_triples_load(
            start,
            count,
            (&mut columns).into(),
            (&mut runs).into(),
            (&mut run_count).into(),
        )
    };
    match (is_null, (1..=8).contains(&count)) {
        (true, _) => assert_eq!((status, run_count), (Status::NullPointer, 77)),
        (false, false) => assert_eq!((status, run_count), (Status::Invalid, 77)),
        (false, true) => {
            assert_eq!(status, Status::Ok);
            let lanes: u64 = runs[..run_count].iter().map(|run| run.len).sum();
            assert_eq!(lanes, count as u64);
            let loaded: u64 = columns.s.iter().fold(0, |sum, s| sum.wrapping_add(*s));
            let given = triples.chunks_exact(3).take(count).map(|triple| triple[0]);
            assert_eq!(loaded, given.fold(0, u64::wrapping_add));
        }
    }
}

fuzz_target!(|operations: Vec<Operation>| {
    let mut handles = Handles(vec![0]);
    let mut buffers = Buffers::new(&mut handles);
    let (mut arenas, mut rings) = (Arenas::default(), Rings::default());
    for operation in &operations {
        match operation {
            Operation::Buffers(operation) => buffers.apply(operation, &handles),
            Operation::Arenas(operation) => arenas.apply(operation, &mut handles),
            Operation::Rings(operation) => rings.apply(operation, &mut handles),
            Operation::StatusText(status) => assert!(!knhk_status_text(*status).is_null()),
            Operation::Triples {
                triples: numbers,
                count,
                is_null,
            } => {
                triples(numbers, (*count).into(), *is_null);
            }
        }
    }
    buffers.end();
    arenas.end();
    rings.end();
});
