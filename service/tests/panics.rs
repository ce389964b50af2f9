//! The program's panic hook, in a process of its own: this test's program started again.

#![cfg(target_os = "linux")]

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

/// Says to the program that it is the one that panics, and how.
const ROLE: &str = "PANICS_TEST_ROLE";

/// For a process to end; the standard hook's never does where memory is short.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it said on standard error between the start of the test and its end.
fn panic_as(role: &str) -> String {
    let mut child = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", "the_one_that_panics", "--nocapture"])
        .env(ROLE, role)
        .env("RUST_BACKTRACE", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let end = Instant::now() + PATIENCE;
    while child.try_wait().expect("it is our child").is_none() {
        if Instant::now() > end {
            child.kill().expect("it is our child");
            panic!("{role}: it hangs");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let mut told = String::new();
    let stderr = child.stderr.as_mut().expect("it is piped");
    stderr.read_to_string(&mut told).expect("it is text");
    told
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

#[test]
fn a_panic_without_memory_is_told_and_ends() {
    let told = panic_as("out of memory");
    assert!(
        told.contains("panicked at service/tests/panics.rs:"),
        "{told:?}"
    );
    assert!(told.contains(": no more"), "{told:?}");
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
        "other" => std::panic::panic_any(7),
        _ => {
            let _all = take_all_memory();
            panic!("no more");
        }
    });
    assert!(panicking.join().is_err(), "it panicked");
    std::process::exit(0);
}

/// Until nothing of 64 bytes is left.
fn take_all_memory() -> Vec<Vec<u8>> {
    let mut all = Vec::with_capacity(1 << 20);
    let limit = Rlimit {
        current: Some(300 << 20),
        maximum: Some(300 << 20),
    };
    setrlimit(Resource::As, limit).expect("it can be lowered");
    let mut step = 64 << 20;
    while step >= 64 && all.len() < all.capacity() {
        let mut more = Vec::new();
        match more.try_reserve_exact(step) {
            Ok(()) => all.push(more),
            Err(_) => step /= 2,
        }
    }
    all
}
