//! `#[hot_path]` on every kind of function that it may mark.

#![cfg(feature = "macros")]
// Elsewhere there is nothing to see: `hot_path_unarmed` covers that.
#![cfg(any(debug_assertions, feature = "allocation-tracking"))]
#![allow(unsafe_code)]

use std::alloc::System;
use std::fmt::Debug;
use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};

use knhk_pool::hot_path::violations;
use knhk_pool::{HotPathAlloc, hot_path};

#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

fn caught<R>(work: impl FnOnce() -> R) -> Option<String> {
    let payload = panic::catch_unwind(AssertUnwindSafe(work)).err()?;
    payload.downcast_ref::<String>().cloned()
}

/// Whether the function's own section, under its own name, reports what `work` does.
#[track_caller]
fn assert_marked<R>(name: &str, work: impl FnOnce() -> R) {
    let message = caught(work).expect("it was to be reported");
    let section = format!("in section `hot_path_macro::{name}` (tests/hot_path_macro.rs:");
    assert!(message.contains(&section), "{message}");
}

const LINE_OF_PLAIN: u32 = line!() + 3;

#[hot_path]
fn plain(allocate: bool) -> u32 {
    if allocate {
        drop(black_box(Box::new(1)));
    }
    7
}

#[test]
fn plain_function_is_marked_by_its_own_name() {
    assert_eq!(plain(false), 7);
    assert_marked("plain", || plain(true));
    let all = violations();
    let entry = all
        .iter()
        .find(|entry| entry.section == "hot_path_macro::plain")
        .expect("it was counted");
    // The attribute's function, not the attribute's line.
    assert_eq!(
        (entry.location.line(), entry.location.column()),
        (LINE_OF_PLAIN, 4)
    );
}

struct Store<T>(Vec<T>);

impl<T: Clone> Store<T> {
    #[hot_path]
    fn first(&self) -> Option<&T> {
        self.0.first()
    }

    #[hot_path]
    fn add(&mut self, value: T) -> &mut T {
        self.0.push(value);
        self.0.last_mut().expect("one was added")
    }

    #[hot_path]
    pub(crate) fn into_first<F: Fn(T) -> Vec<T>>(self, twice: F) -> Option<T>
    where
        T: Debug,
    {
        let first = self.first()?.clone();
        twice(first).pop()
    }
}

#[test]
fn methods_are_marked() {
    let mut store = Store(Vec::with_capacity(1));
    *store.add(1_u8) += 1;
    assert_eq!(store.first(), Some(&2));
    assert_marked("add", || store.add(3).to_owned());
    assert_marked("into_first", || {
        store.into_first(|value| black_box(vec![value]))
    });
}

trait Step {
    #[hot_path]
    fn step(&self) -> u8 {
        self.inner()
    }

    fn inner(&self) -> u8;
}

impl Step for Vec<u8> {
    fn inner(&self) -> u8 {
        black_box(self.clone())[0]
    }
}

#[test]
fn provided_methods_are_marked() {
    assert_marked("step", || vec![1_u8].step());
}

#[hot_path]
fn generic<const N: usize, T>(values: [T; N], f: impl Fn(&T) -> bool) -> Option<T>
where
    T: Copy,
{
    for value in &values {
        if f(value) {
            return Some(*value);
        }
    }
    None
}

#[test]
fn generic_function_with_an_early_return_is_marked() {
    assert_eq!(generic([1, 2, 3], |n| *n > 1), Some(2));
    assert_eq!(generic([1, 2, 3], |n| *n > 3), None);
    assert_marked("generic", || generic([1], |_| *Box::new(black_box(true))));
}

#[hot_path]
fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number: u32 = text.parse()?;
    Ok(number + 1)
}

#[hot_path]
fn evens(values: &[u32]) -> impl Iterator<Item = &u32> + '_ {
    values.iter().filter(|value| **value % 2 == 0)
}

#[hot_path]
fn sorted(mut values: &mut [u32], (low, _): (u32, u32)) -> &[u32] {
    values.sort_unstable();
    values = &mut values[low as usize..];
    values
}

#[test]
fn question_marks_impl_trait_and_patterns_work() {
    assert!(parsed("x").is_err());
    assert_eq!(parsed("1"), Ok(2));
    assert_eq!(evens(&[1, 2, 4]).count(), 2);
    assert_eq!(sorted(&mut [3, 1, 2], (1, 0)), [2, 3]);
    drop(black_box(Box::new(1)));
}

/// # Safety
///
/// * There is one.
#[hot_path(section = "unchecked")]
unsafe fn unchecked(values: &[u32]) -> u32 {
    // SAFETY: the caller's bullet.
    let first = unsafe { *values.get_unchecked(0) };
    drop(black_box(Box::new(first)));
    first
}

#[hot_path]
extern "C" fn for_c(number: u32) -> u32 {
    #![allow(clippy::identity_op)]
    number * 2 + 0
}

#[test]
fn unsafe_and_extern_functions_and_own_names_work() {
    // SAFETY: there is one.
    let message = caught(|| unsafe { unchecked(&[1]) }).expect("a box was made");
    assert!(message.contains("in section `unchecked`"), "{message}");
    assert_eq!(for_c(4), 8);
}

#[hot_path(section = r"lenient", mode = "count")]
fn lenient() -> Box<u32> {
    Box::new(black_box(1))
}

#[test]
fn mode_of_the_attribute_holds() {
    assert_eq!(*lenient(), 1);
    let all = violations();
    let entry = all.iter().find(|entry| entry.section == "lenient");
    assert_eq!(entry.map(|entry| entry.count), Some(1));
}

#[hot_path]
fn takes(bytes: Vec<u8>, mut more: Vec<(u8, Vec<u8>)>) -> usize {
    more.truncate(0);
    bytes.len()
}

#[hot_path]
fn takes_by_a_whole_path(bytes: ::std::vec::Vec<u8>) -> usize {
    bytes.len()
}

#[test]
fn argument_dropped_at_the_end_is_part_of_the_section() {
    let message = caught(|| takes_by_a_whole_path(vec![1; 77])).expect("it is freed");
    assert!(message.contains("dealloc of 77 bytes"), "{message}");
    assert_eq!(takes(Vec::new(), Vec::new()), 0);
    let message = caught(|| takes(vec![1; 77], Vec::new())).expect("it is freed");
    assert!(message.contains("dealloc of 77 bytes"), "{message}");
    let message = caught(|| takes(Vec::new(), vec![(1, vec![])])).expect("it is freed");
    assert!(message.contains("dealloc of 32 bytes"), "{message}");
}

macro_rules! made {
    ($visibility:vis $name:ident, $section:literal) => {
        #[hot_path(section = $section, crate = knhk_pool)]
        $visibility fn $name() {
            drop(black_box(Box::new(1)));
        }
    };
}

made!(pub(crate) from_a_macro, "made");

#[test]
fn function_made_by_a_macro_is_marked() {
    let message = caught(from_a_macro).expect("a box was made");
    assert!(message.contains("in section `made`"), "{message}");
}

macro_rules! with_body {
    ($name:ident $body:block) => {
        #[hot_path]
        fn $name() $body
    };
}

with_body!(body_from_a_macro {
    drop(black_box(Box::new(1_u8)));
});

#[test]
fn function_whose_body_a_macro_was_given_is_marked() {
    let message = caught(body_from_a_macro).expect("a box was made");
    assert!(message.contains("::body_from_a_macro`"), "{message}");
}

mod elsewhere {
    pub(super) use knhk_pool as renamed;
}

/// Named as the guard is.
fn __section(number: u8) -> u8 {
    number
}

#[knhk_pool::hot_path(crate = elsewhere::renamed, mode = "count")]
fn r#match(r#type: u8) -> u8 {
    __section(r#type)
}

#[test]
fn renamed_crate_raw_names_and_the_bodys_own_names_work() {
    assert_eq!(r#match(3), 3);
}

#[hot_path]
fn later() -> impl Future<Output = u8> {
    async { 1 }
}

#[test]
fn function_that_returns_a_future_is_marked_but_the_future_is_not() {
    drop(later());
}
