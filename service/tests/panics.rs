//! The program's panic hook, in a process of its own: this test's program started again.

#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};
use std::thread;

/// Says to the program that it is the one that panics, and how.
const ROLE: &str = "PANICS_TEST_ROLE";

/// What it said on standard error between the start of the test and its end.
fn panic_as(role: &str) -> String {
    let output = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", "the_one_that_panics", "--nocapture"])
        .env(ROLE, role)
        .env("RUST_BACKTRACE", "1")
        .stdout(Stdio::null())
        .output()
        .expect("it starts");
    String::from_utf8(output.stderr).expect("it is text")
}

#[test]
fn a_panic_is_one_line_with_its_place_and_its_message_and_without_a_backtrace() {
    for (role, message) in [
        ("text", "a text"),
        ("formatted", "7 of 8"),
        ("other", "no message"),
    ] {
        let told = panic_as(role);
        let line = told.trim_end();
        let place = "panicked at service/tests/panics.rs:";
        let rest = line
            .strip_prefix(place)
            .unwrap_or_else(|| panic!("{told:?}"));
        let (number, said) = rest.split_once(": ").expect("a line's number");
        assert!(number.parse::<u32>().is_ok(), "{told:?}");
        assert_eq!(said, message);
    }
}

/// In the second process; in the first it has nothing to do.
#[test]
fn the_one_that_panics() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    knhk_poold::panics::install();
    let panicking = thread::spawn(move || match &*role {
        "text" => panic!("a text"),
        "formatted" => panic!("{} of {}", 7, 8),
        _ => std::panic::panic_any(7),
    });
    assert!(panicking.join().is_err(), "it panicked");
    std::process::exit(0);
}
