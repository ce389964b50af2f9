//! Modes, each in a process of its own.

use super::*;

/// Runs one of the tests below in a process of its own, with `KNHK_HOT_PATH` as `mode`.
fn child(test: &str, mode: &str) -> Output {
    Command::new(std::env::current_exe().expect("the test's own path"))
        .args([
            "--exact",
            &format!("modes::{test}"),
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
    let wanted = "ALLOCATION IN HOT PATH: alloc of 40 bytes, alignment 1, in section `child` \
                  (tests/hot_path/modes.rs:";
    aborted_at_once(&aborted, wanted);
    assert!(!stderr(&aborted).contains("panicked"));
}

#[test]
#[ignore = "run in a process of its own, by the test below"]
fn child_allocates_in_its_second_section() {
    drop(HotPathGuard::enter("clean"));
    let _section = HotPathGuard::enter("deadly");
    drop(black_box(vec![1_u8; 40]));
    eprintln!("the section goes on");
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn abort_mode_holds_for_every_section_of_a_thread() {
    let aborted = child("child_allocates_in_its_second_section", "abort");
    aborted_at_once(&aborted, "in section `deadly`");
}

#[test]
#[ignore = "run in a process of its own, by the test below"]
fn child_is_told_to_abort_in_a_section() {
    let section = HotPathGuard::enter("told late");
    drop(black_box(vec![1_u8; 40]));
    hot_path::set_mode(Mode::Abort);
    drop(section);
    eprintln!("the section is over");
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn abort_mode_that_is_set_in_a_section_holds_at_its_end() {
    let aborted = child("child_is_told_to_abort_in_a_section", "count");
    let said = stderr(&aborted);
    assert!(said.contains("in section `told late`"), "{said}");
    assert!(!said.contains("is over"), "{said}");
    is_aborted(&aborted);
}

/// It said so, and did not go on to the section's end.
fn aborted_at_once(output: &Output, wanted: &str) {
    let said = stderr(output);
    assert!(said.contains(wanted), "{said}");
    assert!(!said.contains("goes on"), "it was to end at once: {said}");
    is_aborted(output);
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
    eprintln!("the deadly section goes on");
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn abort_of_one_section_ends_with_it() {
    let aborted = child("child_aborts_in_a_marked_section_alone", "count");
    let said = stderr(&aborted);
    assert!(said.contains("2 before"), "{said}");
    let wanted = "alloc of 3 bytes, alignment 1, in section `deadly`";
    aborted_at_once(&aborted, wanted);
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
