//! When `KNHK_HOT_PATH` is read, and by whom a wrong value is told.
#![allow(unsafe_code)]

use std::process::Command;
use std::{env, ptr};

use knhk_pool::hot_path;
use knhk_pool_ffi::*;

const VARIABLE: &str = "KNHK_HOT_PATH";
const WRONG: &str = "loud";

/// A process that was begun with `mode`, in which this test alone runs, or `None` in that process.
fn process_with(mode: &str, test: &str) -> Option<Command> {
    if env::var(VARIABLE).as_deref() == Ok(mode) {
        return None;
    }
    let mut process = Command::new(env::current_exe().expect("it runs"));
    process.args(["--exact", test]).env(VARIABLE, mode);
    Some(process)
}

fn open(pool: &mut Pool) -> Status {
    // SAFETY: a C string, no config, a place.
    unsafe { knhk_pool_open(c"hot".as_ptr(), None, pool.into()) }
}

#[test]
fn wrong_mode_is_answered_where_a_handle_is_made() {
    let name = "wrong_mode_is_answered_where_a_handle_is_made";
    if let Some(mut process) = process_with(WRONG, name) {
        assert!(process.status().expect("it begins").success());
        return;
    }
    let (mut pool, mut arena, mut producer, mut consumer) = (0, 0, 0, 0);
    assert_eq!(open(&mut pool), Status::Config);
    // SAFETY: no name, no config, a place.
    let created = unsafe { knhk_arena_create(ptr::null(), None, (&mut arena).into()) };
    assert_eq!(created, Status::Config);
    let made = knhk_ring_create(8, 4, (&mut producer).into(), (&mut consumer).into());
    assert_eq!(made, Status::Config);
}

#[test]
fn mode_is_known_when_a_pool_was_opened() {
    if let Some(mut process) = process_with("count", "mode_is_known_when_a_pool_was_opened") {
        assert!(process.status().expect("it begins").success());
        return;
    }
    assert_eq!(
        hot_path::mode(),
        hot_path::Mode::Panic,
        "nobody has read it"
    );
    assert_eq!(open(&mut 0), Status::Ok);
    assert_eq!(hot_path::mode(), hot_path::Mode::Count);
}
