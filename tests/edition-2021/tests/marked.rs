//! What the marks of [`knhk_pool_edition_2021`] see.

// Elsewhere there is nothing to see.
#![cfg(debug_assertions)]

use std::alloc::System;
use std::panic;
use std::sync::{Arc, Mutex};

use knhk_pool::HotPathAlloc;
use knhk_pool_edition_2021::{
    add, borrows_from_an_argument, count, end, frees_in_the_last_expression, nothing, polled,
    returns_early, slice,
};

#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

#[test]
fn temporary_of_the_last_expression_ends_before_the_arguments_and_the_section() {
    let shared = Arc::new(Mutex::new(3));
    assert_eq!(borrows_from_an_argument(Arc::clone(&shared)), 3);
    let mut bytes = vec![1; 77];
    let report = panic::catch_unwind(move || frees_in_the_last_expression(&mut bytes));
    let report = report.expect_err("it is freed");
    let message = report.downcast_ref::<String>().expect("a message");
    assert!(message.contains("dealloc of 77 bytes"), "{message}");
}

#[test]
fn results_of_every_kind_are_returned() {
    assert_eq!(returns_early(true), 1);
    assert_eq!(slice(&[1, 2, 3, 4]).len(), 4);
    assert_eq!(count(3).sum::<u8>(), 3);
    nothing();
    let number = Mutex::new(7);
    add(number.lock().expect("nobody panics"));
    assert_eq!(number.lock().map(|it| *it).ok(), Some(8));
    assert!(polled(std::future::ready(3)));
    assert!(panic::catch_unwind(|| end()).is_err());
}
