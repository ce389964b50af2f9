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
                drop(black_box(Box::new(())));
            })
        });
        for thread in batch {
            thread.join().expect("it counts");
        }
    }
    assert_eq!(count_of("short"), noted);
}

#[test]
fn noting_while_another_thread_panics_does_not_hang() {
    let rounds = if cfg!(miri) { 3 } else { 1000 };
    let (done, watch) = mpsc::channel();
    thread::spawn(move || {
        let panicking = thread::spawn(move || {
            for _ in 0..rounds {
                assert!(caught(|| panic::resume_unwind(Box::new("other"))).is_some());
            }
        });
        for _ in 0..rounds {
            let _section = HotPathGuard::enter("beside").with_mode(Mode::Count);
            drop(black_box(vec![1_u8; 100]));
        }
        panicking.join().expect("it caught them all");
        done.send(()).expect("the test waits");
    });
    let limit = Duration::from_secs(120);
    watch.recv_timeout(limit).expect("nobody waits for ever");
    assert_eq!(count_of("beside"), 2 * rounds);
}
