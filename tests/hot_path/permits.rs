//! Permits, assertions, statistics.

use super::*;

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
    let line = line!() + 1;
    drop(permit_alloc(|| black_box(Box::new(1))));
    let mut all = permits().into_iter();
    let is_here =
        |it: &hot_path::Permits| (it.location.file(), it.location.line()) == (file!(), line);
    assert!(!all.any(|it| is_here(&it)));
}

#[test]
fn assertion_gives_the_value_or_says_what_was_called() {
    assert_eq!(assert_no_alloc(|| 1 + 1), 2);
    let message = caught(|| assert_no_alloc(|| drop(black_box(Box::new(1_u8)))));
    let message = message.expect("a box was made");
    assert!(message.contains("alloc of 1 bytes"), "{message}");
    assert!(message.contains("tests/hot_path/permits.rs"), "{message}");
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
    let nothing = allocations(|| ());
    assert_eq!(nothing, Default::default(), "it begins anew");
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

#[test]
fn statistics_go_on_after_a_section_inside_them_and_leave_its_warning_out() {
    let subscriber = recorder::Recorder::default();
    let stats = tracing::subscriber::with_default(subscriber, || {
        allocations(|| {
            let section = HotPathGuard::enter("recorded-warns").with_mode(Mode::Warn);
            drop(black_box(Box::new(1_u64)));
            drop(section);
            drop(black_box(Box::new(1_u64)));
        })
    });
    assert_eq!(stats.calls(), 4);
}
