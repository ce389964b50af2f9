//! Where it is seen, and what a report says.

use super::*;

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
    let place = entry.expect("it was counted").location;
    assert!(
        place.file().ends_with("hot_path/main.rs"),
        "`report` enters: {place}"
    );
}
