//! The faults of a published detector, on its shape; each beside ours, on the same work.
//!
//! Its allocator panics, with a message, when a thread-local flag is set; its guard sets the flag and
//! clears it. Each case runs in a process of its own, since some of them end it.

// Elsewhere there is nothing to see: `hot_path_unarmed` covers that. Miri starts no processes.
#![cfg(all(any(debug_assertions, feature = "allocation-tracking"), not(miri)))]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::panic;
use std::process::{Command, Output};

use knhk_pool::{HotPathAlloc, HotPathGuard};

thread_local! {
    static IN_HOT_PATH: Cell<bool> = const { Cell::new(false) };
}

/// The published allocator.
struct Published;

// SAFETY: every call goes to `System` as it came. When the flag is set, `alloc` does not return: its
// panic needs memory, and a panic inside a panic ends the process.
unsafe impl GlobalAlloc for Published {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IN_HOT_PATH.get() {
            panic!("ALLOCATION IN HOT PATH: {} bytes", layout.size());
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Published> = HotPathAlloc::new(Published);

/// The published guard.
struct Flag;

impl Flag {
    fn enter() -> Self {
        IN_HOT_PATH.set(true);
        Self
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        IN_HOT_PATH.set(false);
    }
}

fn ours() -> HotPathGuard {
    HotPathGuard::enter("ours")
}

fn string<G>(enter: fn() -> G) {
    let _section = enter();
    drop(black_box(String::from("hello")));
}

fn empty_vec<G>(enter: fn() -> G) {
    let _section = enter();
    drop(black_box(Vec::<u8>::new()));
}

fn vec_of_one<G>(enter: fn() -> G) {
    let _section = enter();
    drop(black_box(Vec::<u8>::with_capacity(1)));
}

fn bad_index<G>(enter: fn() -> G) {
    let _section = enter();
    let two = [1, 2];
    println!("{}", two[black_box(7)]);
}

fn after_an_inner_section<G>(enter: fn() -> G) {
    let _outer = enter();
    drop(enter());
    drop(black_box(vec![1_u8; 100]));
}

fn free<G>(enter: fn() -> G) {
    let bytes = vec![1_u8; 100];
    let _section = enter();
    drop(black_box(bytes));
}

/// The same work on both shapes.
struct Case {
    name: &'static str,
    published: fn(),
    ours: fn(),
}

const CASES: [Case; 6] = [
    Case {
        name: "string",
        published: || string(Flag::enter),
        ours: || string(ours),
    },
    Case {
        name: "empty vec",
        published: || empty_vec(Flag::enter),
        ours: || empty_vec(ours),
    },
    Case {
        name: "vec of one",
        published: || vec_of_one(Flag::enter),
        ours: || vec_of_one(ours),
    },
    Case {
        name: "bad index",
        published: || bad_index(Flag::enter),
        ours: || bad_index(ours),
    },
    Case {
        name: "after an inner section",
        published: || after_an_inner_section(Flag::enter),
        ours: || after_an_inner_section(ours),
    },
    Case {
        name: "free",
        published: || free(Flag::enter),
        ours: || free(ours),
    },
];

const CASE: &str = "PUBLISHED_DETECTOR_CASE";

#[test]
#[ignore = "run in a process of its own, by the tests below"]
fn child_runs_one_case() {
    let wanted = std::env::var(CASE).expect("the parent names the case");
    let (shape, name) = wanted.split_once(": ").expect("shape and name");
    let case = CASES.iter().find(|case| case.name == name);
    let case = case.expect("the parent knows them too");
    let work = match shape {
        "ours" => case.ours,
        _ => case.published,
    };
    let outcome = panic::catch_unwind(work);
    println!("it went on: {}", text_of(&outcome));
    let again = panic::catch_unwind(|| string(ours));
    println!("afterwards: {}", text_of(&again));
}

fn text_of(outcome: &std::thread::Result<()>) -> &str {
    match outcome {
        Ok(()) => "nothing was reported",
        Err(payload) => payload
            .downcast_ref::<String>()
            .map_or("a panic of another type", String::as_str),
    }
}

fn child(case: &str) -> Output {
    Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", "child_runs_one_case", "--ignored", "--nocapture"])
        .env(CASE, case)
        .env("RUST_BACKTRACE", "0")
        .env_remove("KNHK_HOT_PATH")
        .output()
        .expect("it can be started")
}

/// What the child says after `it went on: `, if it went on.
fn outcome(case: &str) -> Option<String> {
    let output = child(case);
    let said = String::from_utf8_lossy(&output.stdout);
    let Some((_, after)) = said.split_once("it went on: ") else {
        assert_aborted(&output);
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    let armed_again = "afterwards: ALLOCATION IN HOT PATH: alloc of 5 bytes";
    assert!(said.contains(armed_again), "{said}");
    after.lines().next().map(str::to_owned)
}

#[cfg(unix)]
fn assert_aborted(output: &Output) {
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(output.status.signal(), Some(6), "{output:?}");
}

#[cfg(not(unix))]
fn assert_aborted(output: &Output) {
    assert!(!output.status.success(), "{output:?}");
}

#[track_caller]
fn assert_ours_says(case: &str, wanted: &str) {
    let said = outcome(&format!("ours: {case}")).expect("ours does not end the process");
    assert!(said.starts_with(wanted), "{said}");
}

#[test]
fn first_catch_ends_its_process_and_ours_is_a_panic_that_says_what_where() {
    assert_eq!(outcome("published: string"), None);
    assert_ours_says(
        "string",
        "ALLOCATION IN HOT PATH: alloc of 5 bytes, alignment 1, in section `ours` \
         (tests/published_detector.rs:",
    );
}

#[test]
fn empty_vec_allocates_nothing_though_its_own_test_expects_a_panic_and_ours_sees_the_first_byte() {
    let silent = outcome("published: empty vec");
    assert_eq!(silent.as_deref(), Some("nothing was reported"));
    assert_ours_says("empty vec", "nothing was reported");
    assert_eq!(outcome("published: vec of one"), None);
    assert_ours_says("vec of one", "ALLOCATION IN HOT PATH: alloc of 1 bytes");
}

#[test]
fn a_panic_of_the_sections_own_ends_its_process_and_ours_keeps_the_message() {
    assert_eq!(outcome("published: bad index"), None);
    assert_ours_says("bad index", "index out of bounds");
}

#[test]
fn inner_section_disarms_it_and_does_not_disarm_ours() {
    let case = "after an inner section";
    let silent = outcome(&format!("published: {case}"));
    assert_eq!(silent.as_deref(), Some("nothing was reported"));
    assert_ours_says(case, "ALLOCATION IN HOT PATH: alloc of 100 bytes");
}

#[test]
fn frees_are_invisible_to_it_and_not_to_ours() {
    let silent = outcome("published: free");
    assert_eq!(silent.as_deref(), Some("nothing was reported"));
    assert_ours_says("free", "ALLOCATION IN HOT PATH: dealloc of 100 bytes");
}
