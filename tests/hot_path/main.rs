//! Sections see every call of the allocator, name it, and leave everything else alone.

// Elsewhere there is nothing to see: `hot_path_unarmed` covers that.
#![cfg(any(debug_assertions, feature = "allocation-tracking"))]
#![allow(unsafe_code)]

mod binaries;
mod modes;
mod nesting;
mod panics;
mod permits;
mod places;
mod pools;
#[path = "../recorder/mod.rs"]
mod recorder;
mod seen;
mod threads;
mod warns;

use std::alloc::{Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::process::{self, Command, Output};
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
