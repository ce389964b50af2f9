//! Threads: others, ending ones, short ones, panicking ones.

use super::*;

#[test]
fn other_threads_are_not_affected() {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            barrier.wait();
            for size in 1..200 {
                drop(black_box(vec![1_u8; size]));
            }
            barrier.wait();
            report("other-thread", || black_box(Box::new(1)))
        });
        let section = HotPathGuard::enter("this-thread");
        barrier.wait();
        barrier.wait();
        drop(section);
        assert!(other.join().expect("it caught its panic").is_some());
    });
    assert_eq!(count_of("this-thread"), 0);
}

thread_local! {
    static LATE: Cell<Option<Late>> = const { Cell::new(None) };
}

struct Late(mpsc::Sender<Option<String>>);

impl Drop for Late {
    fn drop(&mut self) {
        drop(black_box(vec![1_u8; 10]));
        let silent = report("late-silent", || ());
        let seen = report("late", || black_box(Box::new(1_u64)));
        assert_eq!(silent, None);
        let _ = self.0.send(seen);
    }
}

#[test]
fn works_while_a_thread_ends() {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || LATE.set(Some(Late(sender))));
    let seen = receiver.recv().expect("the destructor ran");
    assert!(seen.is_some_and(|message| message.contains("alloc of 8 bytes")));
    thread.join().expect("no panic left the destructor");
}

#[test]
fn section_that_is_open_when_its_thread_ends_harms_nobody() {
    thread_local! {
        static OPEN: Cell<Option<HotPathGuard>> = const { Cell::new(None) };
    }
    thread::spawn(|| {
        let guard = HotPathGuard::enter("open").with_mode(Mode::Count);
        OPEN.set(Some(guard));
    })
    .join()
    .expect("the guard ends in a destructor");
}

#[test]
fn first_and_last_call_of_many_short_threads() {
    let threads = if cfg!(miri) { 10 } else { 10_000 };
    let noted = count_of("short");
    for _ in 0..threads / 10 {
        let batch: [_; 10] = std::array::from_fn(|_| {
            thread::spawn(|| {
                let _section = HotPathGuard::enter("short").with_mode(Mode::Count);
                drop(black_box(Box::new(1_u64)));
            })
        });
        for thread in batch {
            thread.join().expect("it counts");
        }
    }
    let calls = 2 * threads; // of each thread, the box and its free
    assert_eq!(count_of("short"), noted + calls);
}

/// Panics that the child of the test below reports through the default hook.
const PANICS: usize = 200;

/// Each in a section: the hook takes locks, allocates, and may print a backtrace.
fn panics_in_sections() {
    for _ in 0..PANICS {
        let payload = panic::catch_unwind(|| {
            let _section = HotPathGuard::enter("panicking").with_mode(Mode::Count);
            panic!("the hook says this");
        });
        payload.expect_err("it panics");
    }
}

/// Sections that allocate while another thread panics; how many there were.
fn allocates_beside() -> u64 {
    let panicking = thread::spawn(panics_in_sections);
    let mut sections = 0;
    while sections < PANICS as u64 || !panicking.is_finished() {
        let _section = HotPathGuard::enter("beside").with_mode(Mode::Count);
        drop(black_box(vec![1_u8; 100]));
        sections += 1;
    }
    panicking.join().expect("it caught them all");
    sections
}

#[test]
#[ignore = "run in a process of its own, by the test below"]
fn child_notes_while_another_thread_panics() {
    let (done, watch) = mpsc::channel();
    thread::spawn(move || done.send(allocates_beside()).expect("the test waits"));
    let limit = Duration::from_secs(300);
    let Ok(sections) = watch.recv_timeout(limit) else {
        eprintln!("somebody waits for ever");
        // No panic, whose hook might wait for the same.
        process::abort();
    };
    assert_eq!(count_of("beside"), 2 * sections);
    assert_eq!(count_of("panicking"), 0, "what the hook does is not noted");
}

#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn noting_while_another_thread_panics_does_not_hang() {
    for (backtrace, backtraces) in [("0", 0), ("1", PANICS)] {
        let output = Command::new(std::env::current_exe().expect("the test's own path"))
            .args([
                "--exact",
                "threads::child_notes_while_another_thread_panics",
            ])
            .args(["--ignored", "--nocapture"])
            .env("RUST_BACKTRACE", backtrace)
            .output()
            .expect("it can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        let times = |text| said.matches(text).count();
        assert!(
            output.status.success(),
            "RUST_BACKTRACE={backtrace}: {said}"
        );
        assert_eq!(times("the hook says this"), PANICS, "{said}");
        assert_eq!(times("stack backtrace:"), backtraces, "{said}");
    }
}
