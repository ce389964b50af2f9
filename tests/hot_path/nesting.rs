//! Sections inside sections.

use super::*;

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
