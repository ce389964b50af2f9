//! Sections see every call of the allocator, name it, and leave everything else alone.

// Elsewhere there is nothing to see: `hot_path_unarmed` covers that.
#![cfg(any(debug_assertions, feature = "allocation-tracking"))]
#![allow(unsafe_code)]

use std::alloc::{Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use knhk_pool::hot_path::{self, Mode, allocations, assert_no_alloc, permits, violations};
use knhk_pool::{BufferPool, HotPathAlloc, HotPathGuard, LocalPool, PoolConfig, Workload};
use knhk_pool::{permit_alloc, snapshot};

#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

/// What the end of a section says of `work`; `None` if it says nothing. `work`'s value is dropped
/// after the section.
fn report<R>(name: &'static str, work: impl FnOnce() -> R) -> Option<String> {
    caught(|| {
        let section = HotPathGuard::enter(name);
        let value = work();
        drop(section);
        drop(value);
    })
}

/// The message of the panic that `work` ends with.
fn caught(work: impl FnOnce()) -> Option<String> {
    let payload = panic::catch_unwind(AssertUnwindSafe(work)).err()?;
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| {
        payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
    })
}

#[track_caller]
fn assert_reports<R>(name: &'static str, operation: &str, work: impl FnOnce() -> R) {
    let message = report(name, work).unwrap_or_else(|| panic!("{name}: nothing was reported"));
    let wanted = format!("ALLOCATION IN HOT PATH: {operation}");
    assert!(message.starts_with(&wanted), "{message}");
    assert!(
        message.contains(&format!("in section `{name}`")),
        "{message}"
    );
}

fn count_of(section: &str) -> u64 {
    let all = violations().into_iter();
    all.filter(|entry| entry.section == section)
        .map(|entry| entry.count)
        .sum()
}

#[test]
fn the_detector_is_armed_here() {
    hot_path::assert_armed();
    let section = HotPathGuard::enter("armed");
    assert!(section.is_armed(), "the probe is not part of the section");
}

// What is seen.

#[test]
fn string_is_seen_with_its_size() {
    assert_reports("string", "alloc of 5 bytes, alignment 1", || {
        String::from(black_box("hello"))
    });
}

#[test]
fn boxed_value_is_seen_with_its_alignment() {
    assert_reports("box", "alloc of 8 bytes, alignment 8", || {
        Box::new(black_box(7_u64))
    });
}

#[test]
fn vec_is_seen_when_it_reserves_and_not_before() {
    assert_eq!(report("vec-new", Vec::<u8>::new), None);
    assert_reports("vec-capacity", "alloc of 1 bytes", || {
        black_box(Vec::<u8>::with_capacity(1))
    });
}

#[test]
fn growth_is_seen_as_a_realloc() {
    let mut bytes = vec![1_u8; 64];
    assert_reports(
        "growth",
        "realloc from 64 to 128 bytes, alignment 1",
        || {
            bytes.push(1);
        },
    );
}

#[test]
fn shrinking_is_seen_as_a_realloc() {
    let mut bytes = Vec::<u8>::with_capacity(64);
    bytes.push(1);
    assert_reports("shrinking", "realloc from 64 to 1 bytes", || {
        bytes.shrink_to_fit();
    });
}

#[test]
fn zeroed_memory_is_seen() {
    assert_reports("zeroed", "alloc_zeroed of 4096 bytes", || {
        black_box(vec![0_u8; 4096])
    });
}

#[test]
fn free_is_seen_unless_it_is_allowed() {
    let bytes = vec![1_u8; 100];
    assert_reports("free", "dealloc of 100 bytes", || drop(bytes));
    let bytes = vec![1_u8; 100];
    let allowed = caught(|| {
        let _section = HotPathGuard::enter("free-allowed").allow_free();
        drop(bytes);
    });
    assert_eq!(allowed, None);
}

#[test]
fn allowed_frees_allow_nothing_else() {
    let seen = caught(|| {
        let _section = HotPathGuard::enter("free-only").allow_free();
        drop(black_box(Box::new(1_u64)));
    });
    let seen = seen.expect("the allocation is reported");
    assert!(seen.contains("alloc of 8 bytes"), "{seen}");
    assert!(!seen.contains("more"), "the free was allowed: {seen}");
}

#[test]
fn aligned_memory_is_seen_with_its_alignment() {
    #[repr(align(64))]
    struct Line([u8; 64]);
    assert_reports("aligned", "alloc of 64 bytes, alignment 64", || {
        let line = Box::new(black_box(Line([0; 64])));
        assert_eq!(line.0[1], 0);
        line
    });
}

#[test]
fn zero_sized_values_are_silent() {
    let silent = report("zero-sized", || {
        let mut units = vec![(); 1000];
        units.push(());
        (Box::new(()), units, Box::new([0_u64; 0]), String::new())
    });
    assert_eq!(silent, None);
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no request that fails")]
fn huge_request_that_fails_is_seen() {
    let huge = isize::MAX as usize;
    assert_reports("huge", &format!("alloc of {huge} bytes"), || {
        let mut bytes = Vec::<u8>::new();
        assert!(bytes.try_reserve_exact(huge).is_err());
    });
}

#[test]
fn format_is_seen() {
    assert_reports("format", "alloc", || format!("{}", black_box(17)));
}

#[test]
fn map_that_rehashes_is_seen() {
    let mut map: HashMap<u64, u64> = (0..3).map(|key| (key, key)).collect();
    assert_reports("rehash", "alloc", || {
        for key in 0..100 {
            map.insert(key, key);
        }
    });
}

#[test]
fn shared_pointer_is_seen_when_it_is_made_and_not_when_it_is_cloned() {
    let shared = Arc::new(1_u8);
    assert_eq!(
        report("arc-clone", || mem::forget(Arc::clone(&shared))),
        None
    );
    assert_reports("arc-new", "alloc of 24 bytes", || Arc::new(black_box(1_u8)));
    // SAFETY: the clone was forgotten; this takes back its count.
    unsafe { Arc::decrement_strong_count(Arc::as_ptr(&shared)) };
}

#[test]
fn direct_call_of_the_global_allocator_is_seen() {
    let layout = Layout::from_size_align(48, 16).expect("a power of two");
    assert_reports(
        "direct",
        "alloc of 48 bytes, alignment 16, in section `direct`",
        || {
            // SAFETY: not of size zero.
            let start = black_box(unsafe { std::alloc::alloc(layout) });
            // SAFETY: allocated by the line above.
            unsafe { std::alloc::dealloc(start, layout) };
        },
    );
}

// Where it is seen.

struct AllocatesInDrop;

impl Drop for AllocatesInDrop {
    fn drop(&mut self) {
        drop(black_box(Box::new(1_u32)));
    }
}

#[test]
fn allocation_in_a_drop_is_seen() {
    assert_reports("in-drop", "alloc of 4 bytes", || drop(AllocatesInDrop));
}

#[test]
fn allocation_in_a_closure_is_seen() {
    let closure = |size: usize| black_box(Vec::<u8>::with_capacity(size));
    assert_reports("in-closure", "alloc of 9 bytes", || closure(9));
}

fn generic<T: Default + Clone>(count: usize) -> Vec<T> {
    black_box(vec![T::default(); count])
}

#[test]
fn allocation_in_a_generic_is_seen() {
    assert_reports("in-generic", "alloc of 6 bytes, alignment 1", || {
        generic::<Option<bool>>(6)
    });
}

trait Work {
    fn work(&self) -> Box<dyn Work>;
}

impl Work for u16 {
    fn work(&self) -> Box<dyn Work> {
        Box::new(*self)
    }
}

#[test]
fn allocation_behind_a_trait_object_is_seen() {
    let work: &dyn Work = black_box(&3_u16);
    assert_reports("in-dyn", "alloc of 2 bytes, alignment 2", || work.work());
}

#[test]
fn report_names_section_place_and_how_many_more() {
    let line = line!() + 2;
    let message = caught(|| {
        let section = HotPathGuard::enter("counted");
        let held: [Box<u64>; 3] = black_box([Box::new(1), Box::new(2), Box::new(3)]);
        drop(section);
        drop(held);
    });
    let wanted = format!("in section `counted` ({}:{line}:23), and 2 more", file!());
    let message = message.expect("three were made");
    assert!(message.ends_with(&wanted), "{message} is not {wanted}");
}

#[test]
fn violations_are_counted_for_each_section() {
    for _ in 0..3 {
        assert!(report("totals", || black_box(Box::new(1))).is_some());
    }
    assert_eq!(count_of("totals"), 3);
    let all = violations();
    let entry = all.iter().find(|entry| entry.section == "totals");
    assert_eq!(entry.expect("it was counted").location.file(), file!());
}

// Nesting.

#[test]
fn inner_section_does_not_disarm_the_outer() {
    let message = caught(|| {
        let _outer = HotPathGuard::enter("nest-outer");
        drop(HotPathGuard::enter("nest-inner"));
        drop(black_box(vec![1_u8; 100]));
    });
    let message = message.expect("the outer section still holds");
    assert!(message.contains("`nest-outer`"), "{message}");
    assert_eq!((count_of("nest-outer"), count_of("nest-inner")), (2, 0));
}

#[test]
fn report_of_nested_sections_comes_at_the_outermost_end_and_names_the_innermost() {
    let reached = Cell::new(false);
    let message = caught(|| {
        let _outer = HotPathGuard::enter("deep-outer");
        {
            let _inner = HotPathGuard::enter("deep-inner");
            drop(black_box(Box::new([0_u8; 3])));
        }
        reached.set(true);
        drop(black_box(Box::new(1_u64)));
    });
    assert!(reached.get(), "the inner end did not panic");
    let message = message.expect("it was noted");
    assert!(message.contains("alloc of 3 bytes"), "{message}");
    assert!(message.contains("`deep-inner`"), "{message}");
    assert_eq!((count_of("deep-outer"), count_of("deep-inner")), (2, 2));
}

#[test]
fn inner_section_cannot_loosen_the_outer() {
    let bytes = vec![1_u8; 7];
    let message = caught(|| {
        let _outer = HotPathGuard::enter("strict");
        let _inner = HotPathGuard::enter("loose").allow_free();
        drop(bytes);
    });
    assert!(message.is_some_and(|message| message.contains("dealloc of 7 bytes")));
}

#[test]
fn inner_section_can_be_stricter_than_the_outer() {
    let (first, second) = (vec![1_u8; 7], vec![1_u8; 8]);
    let message = caught(|| {
        let _outer = HotPathGuard::enter("loose-outer").allow_free();
        drop(first);
        let _inner = HotPathGuard::enter("strict-inner");
        drop(second);
    });
    let message = message.expect("the inner one does not allow it");
    assert!(message.contains("dealloc of 8 bytes"), "{message}");
}

#[test]
fn allowance_ends_with_its_section() {
    let bytes = vec![1_u8; 7];
    let message = caught(|| {
        let _outer = HotPathGuard::enter("allowing").allow_free();
        drop(HotPathGuard::enter("allowing-inner").allow_free());
        let _sibling = HotPathGuard::enter("sibling");
        drop(bytes);
    });
    assert!(message.is_some_and(|message| message.contains("`sibling`")));
}

#[test]
fn guards_dropped_out_of_order_leave_nothing_armed() {
    let outer = HotPathGuard::enter("first");
    let inner = HotPathGuard::enter("second");
    drop(outer);
    drop(inner);
    drop(black_box(Box::new(1)));
    assert_eq!(report("after-order", || ()), None);
    assert_reports("after-order", "alloc", || black_box(Box::new(1)));
}

fn nested(depth: usize) {
    let _section = HotPathGuard::enter("nested");
    if depth == 1 {
        drop(black_box(Box::new(1_u8)));
    } else {
        nested(depth - 1);
    }
}

#[test]
fn section_a_hundred_deep_is_seen_and_leaves_nothing_armed() {
    assert!(caught(|| nested(100)).is_some());
    assert_eq!(count_of("nested"), 2);
    drop(black_box(Box::new(1)));
    assert_eq!(report("after-nested", || ()), None);
}

// Panics, early returns, forgotten guards.

#[test]
fn a_panic_in_a_section_keeps_its_message() {
    let numbers = [1, 2];
    let message = report("index", || numbers[black_box(7)]);
    let message = message.expect("the index is out of bounds");
    assert!(message.starts_with("index out of bounds"), "{message}");
}

#[test]
fn a_panic_after_a_violation_keeps_its_message_and_the_violation_is_counted() {
    let message = report("panic-after", || {
        drop(black_box(Box::new(1_u64)));
        panic!("the section's own");
    });
    assert_eq!(message.as_deref(), Some("the section's own"));
    assert_eq!(count_of("panic-after"), 2, "the panic's own calls are not");
}

#[test]
fn armed_again_after_a_caught_panic() {
    assert!(report("caught-first", || panic!("one")).is_some());
    drop(black_box(Box::new(1)));
    assert_eq!(report("caught-second", || ()), None);
    assert_reports("caught-third", "alloc", || black_box(Box::new(1)));
    let message = report("caught-fourth", || black_box(Box::new(1)));
    let message = message.expect("the box is seen");
    assert!(
        !message.contains("more"),
        "what was reported is forgotten: {message}"
    );
}

#[test]
fn panic_caught_inside_a_section_leaves_it_armed() {
    let mut kept = None;
    let message = report("caught-inside", || {
        kept = panic::catch_unwind(|| panic!("caught")).err();
        black_box(Box::new([0_u8; 21]))
    });
    let message = message.expect("the box is seen");
    assert!(message.contains("alloc of 21 bytes"), "{message}");
}

fn leaves_early(text: &str) -> Result<u32, std::num::ParseIntError> {
    let _section = HotPathGuard::enter("early");
    let number: u32 = text.parse()?;
    Ok(number + 1)
}

#[test]
fn early_return_ends_the_section() {
    assert!(leaves_early("x").is_err());
    assert_eq!(leaves_early("1"), Ok(2));
    drop(black_box(Box::new(1)));
    assert_eq!(count_of("early"), 0);
}

#[test]
fn forgotten_inner_guard_ends_with_the_outer() {
    assert_eq!(
        report("forget-outer", || mem::forget(HotPathGuard::enter(
            "forgotten"
        ))),
        None
    );
    drop(black_box(Box::new(1)));
    assert_eq!(report("forget-after", || ()), None, "nothing is armed");
    let message = report("forget-outer", || {
        mem::forget(HotPathGuard::enter("forgotten"));
        black_box(Box::new(1_u8))
    });
    assert!(
        message.is_some(),
        "what a forgotten section did is reported"
    );
}

#[test]
fn forgotten_outermost_guard_does_not_blind_an_assertion() {
    thread::spawn(|| {
        mem::forget(HotPathGuard::enter("forgotten-outermost"));
        assert!(caught(|| assert_no_alloc(|| drop(black_box(Box::new(1))))).is_some());
        assert_no_alloc(|| ());
    })
    .join()
    .expect("the thread ends in a section, and that harms nobody");
}

#[test]
fn guard_that_outlives_what_it_was_made_in_disarms_nobody() {
    let message = caught(|| {
        let _outer = HotPathGuard::enter("escape-outer");
        let escaped = permit_alloc(|| HotPathGuard::enter("escaped"));
        drop(escaped);
        drop(black_box(Box::new(1)));
    });
    assert!(message.is_some_and(|message| message.contains("`escape-outer`")));
}

// Threads.

#[test]
fn other_threads_are_not_affected() {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            barrier.wait();
            for size in 1..200 {
                drop(black_box(vec![1_u8; size]));
            }
            barrier.wait();
            report("other-thread", || black_box(Box::new(1)))
        });
        let section = HotPathGuard::enter("this-thread");
        barrier.wait();
        barrier.wait();
        drop(section);
        assert!(other.join().expect("it caught its panic").is_some());
    });
    assert_eq!(count_of("this-thread"), 0);
}

thread_local! {
    static LATE: Cell<Option<Late>> = const { Cell::new(None) };
}

struct Late(mpsc::Sender<Option<String>>);

impl Drop for Late {
    fn drop(&mut self) {
        drop(black_box(vec![1_u8; 10]));
        let silent = report("late-silent", || ());
        let seen = report("late", || black_box(Box::new(1_u64)));
        assert_eq!(silent, None);
        let _ = self.0.send(seen);
    }
}

#[test]
fn works_while_a_thread_ends() {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || LATE.set(Some(Late(sender))));
    let seen = receiver.recv().expect("the destructor ran");
    assert!(seen.is_some_and(|message| message.contains("alloc of 8 bytes")));
    thread.join().expect("no panic left the destructor");
}

#[test]
fn section_that_is_open_when_its_thread_ends_harms_nobody() {
    thread_local! {
        static OPEN: Cell<Option<HotPathGuard>> = const { Cell::new(None) };
    }
    thread::spawn(|| {
        let guard = HotPathGuard::enter("open").with_mode(Mode::Count);
        OPEN.set(Some(guard));
    })
    .join()
    .expect("the guard ends in a destructor");
}

#[test]
fn first_and_last_call_of_many_short_threads() {
    let threads = if cfg!(miri) { 10 } else { 10_000 };
    let noted = count_of("short");
    for _ in 0..threads / 10 {
        let batch: [_; 10] = std::array::from_fn(|_| {
            thread::spawn(|| {
                let _section = HotPathGuard::enter("short").with_mode(Mode::Count);
                drop(black_box(Box::new(())));
            })
        });
        for thread in batch {
            thread.join().expect("it counts");
        }
    }
    assert_eq!(count_of("short"), noted);
}

#[test]
fn noting_while_another_thread_panics_does_not_hang() {
    let rounds = if cfg!(miri) { 3 } else { 1000 };
    let (done, watch) = mpsc::channel();
    thread::spawn(move || {
        let panicking = thread::spawn(move || {
            for _ in 0..rounds {
                assert!(caught(|| panic::resume_unwind(Box::new("other"))).is_some());
            }
        });
        for _ in 0..rounds {
            let _section = HotPathGuard::enter("beside").with_mode(Mode::Count);
            drop(black_box(vec![1_u8; 100]));
        }
        panicking.join().expect("it caught them all");
        done.send(()).expect("the test waits");
    });
    let limit = Duration::from_secs(120);
    watch.recv_timeout(limit).expect("nobody waits for ever");
    assert_eq!(count_of("beside"), 2 * rounds);
}

// Permits, assertions, statistics.

#[test]
fn permitted_block_is_silent_counted_and_named() {
    let line = line!() + 2;
    let silent = report("permitting", || {
        permit_alloc(|| drop(black_box(Box::new(1))));
        black_box(1)
    });
    assert_eq!(silent, None);
    let all = permits();
    let entry = all
        .iter()
        .find(|entry| entry.location.file() == file!() && entry.location.line() == line);
    assert_eq!(entry.expect("named by its line").count, 2);
    assert_eq!(count_of("permitting"), 0);
}

#[test]
fn permit_ends_where_it_ends() {
    assert_reports("after-permit", "alloc of 2 bytes", || {
        permit_alloc(|| drop(black_box(Box::new(1_u8))));
        black_box(Box::new(1_u16))
    });
    let message = report("permit-panics", || {
        let _ = panic::catch_unwind(|| permit_alloc(|| panic::resume_unwind(Box::new(()))));
        black_box(Box::new([1_u8; 19]))
    });
    assert!(message.is_some());
}

#[test]
fn section_inside_a_permit_is_armed() {
    assert_reports("in-permit", "alloc of 2 bytes", || {
        permit_alloc(|| {
            drop(black_box(Box::new(1_u8)));
            let _inner = HotPathGuard::enter("in-permit");
            drop(black_box(Box::new(1_u16)));
        });
    });
}

#[test]
fn permit_outside_of_sections_changes_nothing() {
    let before = permits().len();
    drop(permit_alloc(|| black_box(Box::new(1))));
    let at_this_line = permits().into_iter().skip(before);
    assert_eq!(
        at_this_line
            .filter(|p| p.location.line() == line!() - 2)
            .count(),
        0
    );
}

#[test]
fn assertion_gives_the_value_or_says_what_was_called() {
    assert_eq!(assert_no_alloc(|| 1 + 1), 2);
    let message = caught(|| assert_no_alloc(|| drop(black_box(Box::new(1_u8)))));
    let message = message.expect("a box was made");
    assert!(message.contains("alloc of 1 bytes"), "{message}");
    assert!(message.contains("tests/hot_path.rs"), "{message}");
}

#[test]
fn assertion_holds_inside_sections_and_permits_too() {
    let message = report("asserting", || {
        permit_alloc(|| assert_no_alloc(|| drop(black_box(Box::new(1_u8)))));
    });
    let message = message.expect("the assertion fails by itself");
    assert!(message.contains("`assert_no_alloc`"), "{message}");
}

#[test]
fn statistics_are_exact_and_of_this_thread_alone() {
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let noise = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                drop(black_box(vec![1_u8; 33]));
            }
        }
    });
    let stats = allocations(|| {
        let mut bytes = Vec::<u8>::with_capacity(10);
        bytes.resize(10, 1);
        bytes.reserve_exact(20);
        bytes.shrink_to_fit();
        drop(black_box(bytes));
        drop(black_box(vec![0_u8; 5]));
    });
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    noise.join().expect("it stops");
    assert_eq!(
        (stats.allocations, stats.reallocations, stats.frees),
        (2, 2, 2)
    );
    assert_eq!((stats.bytes_allocated, stats.bytes_freed), (35, 35));
    assert_eq!(stats.calls(), 6);
}

#[test]
fn statistics_nest_and_do_not_make_a_section() {
    let mut inner = None;
    let outer = allocations(|| {
        drop(black_box(Box::new(1)));
        inner = Some(allocations(|| drop(black_box(Box::new(1)))));
        drop(black_box(Box::new(1)));
    });
    assert_eq!(inner.map(|stats| stats.calls()), Some(2));
    assert_eq!(outer.calls(), 6);
    drop(black_box(Box::new(1)));
    assert_eq!(allocations(|| ()).calls(), 0);
}

#[test]
fn statistics_inside_a_section_see_what_the_section_sees() {
    let mut stats = None;
    assert_reports("recorded", "alloc of 8 bytes", || {
        stats = Some(allocations(|| drop(black_box(Box::new(1_u64)))));
    });
    assert_eq!(stats.map(|stats| stats.calls()), Some(2));
}

// The library's own promises.

#[test]
fn first_use_of_a_pool_inside_a_section_is_permitted() {
    static POOL: BufferPool = BufferPool::new("hot-path-first");
    assert_eq!(report("first-use", || drop(POOL.acquire())), None);
    let pool = BufferPool::builder("hot-path-built").pool_size(4).build();
    let pool = pool.expect("four are in range");
    assert_eq!(report("first-use", || drop(pool.try_acquire())), None);
    assert_eq!(snapshot().pools.len().min(2), 2);
}

#[test]
fn miss_inside_a_section_is_a_violation() {
    let pool = BufferPool::builder("hot-path-miss").pool_size(1).build();
    let pool = pool.expect("one is in range");
    let held = pool.acquire();
    assert_reports("miss", "alloc", || pool.acquire());
    drop(held);
}

#[test]
fn hits_are_silent_a_hundred_thousand_times() {
    let rounds = if cfg!(miri) { 100 } else { 100_000 };
    static POOL: BufferPool = BufferPool::new("hot-path-hits");
    let local = LocalPool::new(PoolConfig::from(Workload::Low)).expect("a profile is in range");
    let silent = report("hits", || {
        for _ in 0..rounds {
            let mut buffer = POOL.acquire();
            buffer.extend_from_slice(b"<s> <p> <o> .");
            let _second = POOL.try_acquire();
            drop(local.acquire());
        }
    });
    assert_eq!(silent, None);
    assert_eq!(POOL.stats().misses, 0);
}

// Modes, each in a process of its own.

/// Runs one of the tests below in a process of its own, with `KNHK_HOT_PATH` as `mode`.
fn child(test: &str, mode: &str) -> Output {
    Command::new(std::env::current_exe().expect("the test's own path"))
        .args([
            "--exact",
            test,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env("KNHK_HOT_PATH", mode)
        .output()
        .expect("it can be started")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
#[ignore = "run in a process of its own, by the tests below"]
fn child_allocates_twice_in_two_rounds() {
    for _ in 0..2 {
        let _section = HotPathGuard::enter("child");
        drop(black_box(vec![1_u8; 40]));
        eprintln!("the section goes on");
    }
    eprintln!("mode {}, {} counted", hot_path::mode(), count_of("child"));
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn variable_sets_the_mode() {
    let test = "child_allocates_twice_in_two_rounds";
    let panics = child(test, "");
    assert!(!panics.status.success());
    assert!(stderr(&panics).contains("ALLOCATION IN HOT PATH: alloc of 40 bytes"));
    assert!(
        stderr(&panics).contains("goes on"),
        "the report is the section's end"
    );
    let counts = child(test, "count");
    assert!(counts.status.success(), "{}", stderr(&counts));
    assert!(stderr(&counts).contains("mode count, 4 counted"));
    let warns = child(test, "warn");
    assert!(stderr(&warns).contains("mode warn, 4 counted"));
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn unknown_mode_is_an_error_that_says_what_is_known() {
    let refused = child("child_allocates_twice_in_two_rounds", "pannic");
    assert!(!refused.status.success());
    let wanted = "variable KNHK_HOT_PATH: mode is \"pannic\", expected one of panic, abort, warn, \
                  count";
    assert!(stderr(&refused).contains(wanted), "{}", stderr(&refused));
    let refused = child("child_initialises", "pannic");
    assert!(stderr(&refused).contains(wanted), "{}", stderr(&refused));
    assert!(refused.status.success());
}

#[test]
#[ignore = "run in a process of its own, by the tests here"]
fn child_initialises() {
    match hot_path::init_from_env() {
        Ok(mode) => eprintln!("initialised as {mode}"),
        Err(error) => {
            hot_path::set_mode(Mode::Count);
            eprintln!("{error}; then {:?}", hot_path::init_from_env());
        }
    }
    drop(HotPathGuard::enter("initialised"));
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn programs_can_ask_for_the_mode_and_set_it() {
    assert!(stderr(&child("child_initialises", "warn")).contains("initialised as warn"));
    assert!(stderr(&child("child_initialises", "x")).contains("then Ok(Count)"));
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn abort_mode_ends_the_process_at_once_with_the_message() {
    let aborted = child("child_allocates_twice_in_two_rounds", "abort");
    let said = stderr(&aborted);
    let wanted = "ALLOCATION IN HOT PATH: alloc of 40 bytes, alignment 1, in section `child` \
                  (tests/hot_path.rs:";
    assert!(said.contains(wanted), "{said}");
    assert!(!said.contains("goes on"), "it was to end at once: {said}");
    assert!(!said.contains("panicked"), "{said}");
    is_aborted(&aborted);
}

#[cfg(unix)]
fn is_aborted(output: &Output) {
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(output.status.signal(), Some(6), "{output:?}");
}

#[cfg(not(unix))]
fn is_aborted(output: &Output) {
    assert!(!output.status.success());
}

#[test]
#[ignore = "run in a process of its own, by the tests here"]
fn child_aborts_in_a_marked_section_alone() {
    {
        let _outer = HotPathGuard::enter("outer");
        drop(HotPathGuard::enter("inner").with_mode(Mode::Abort));
        drop(black_box(Box::new(1)));
        let _outer = HotPathGuard::enter("again").with_mode(Mode::Count);
    }
    eprintln!("{} before", count_of("outer"));
    let _section = HotPathGuard::enter("deadly").with_mode(Mode::Abort);
    drop(black_box(Box::new([0_u8; 3])));
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn abort_of_one_section_ends_with_it() {
    let aborted = child("child_aborts_in_a_marked_section_alone", "count");
    let said = stderr(&aborted);
    assert!(said.contains("2 before"), "{said}");
    assert!(
        said.contains("alloc of 3 bytes, alignment 1, in section `deadly`"),
        "{said}"
    );
    is_aborted(&aborted);
}

extern "C" fn allocates_for_c() {
    let _section = HotPathGuard::enter("for-c");
    drop(black_box(Box::new(1)));
}

#[test]
#[ignore = "run in a process of its own, by the test below"]
fn child_reports_in_an_extern_function() {
    allocates_for_c();
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn report_in_an_extern_function_aborts_after_the_message() {
    let aborted = child("child_reports_in_an_extern_function", "");
    let said = stderr(&aborted);
    assert!(said.contains("ALLOCATION IN HOT PATH"), "{said}");
    is_aborted(&aborted);
}

#[test]
#[ignore = "run in a process of its own, by the test below"]
fn child_runs_out_of_memory_in_a_section() {
    let _section = HotPathGuard::enter("out-of-memory");
    drop(black_box(Vec::<u8>::with_capacity(isize::MAX as usize)));
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn out_of_memory_in_a_section_keeps_its_message() {
    let aborted = child("child_runs_out_of_memory_in_a_section", "");
    let said = stderr(&aborted);
    assert!(
        said.contains(&format!("memory allocation of {} bytes failed", isize::MAX)),
        "{said}"
    );
    is_aborted(&aborted);
}

#[cfg(unix)]
#[test]
#[cfg_attr(miri, ignore = "calls C")]
fn c_malloc_is_not_seen() {
    unsafe extern "C" {
        fn malloc(size: usize) -> *mut std::ffi::c_void;
        fn free(start: *mut std::ffi::c_void);
    }
    let silent = report("malloc", || {
        // SAFETY: C's own contract; null is as good here.
        let start = unsafe { malloc(black_box(64)) };
        // SAFETY: from `malloc`, or null.
        unsafe { free(black_box(start)) };
    });
    assert_eq!(
        silent, None,
        "RealtimeSanitizer sees this one: docs/hot-path.md"
    );
}
