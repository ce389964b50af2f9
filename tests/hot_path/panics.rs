//! Panics, early returns, forgotten guards.

use super::*;

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
