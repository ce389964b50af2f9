//! A named pipe in a file's place: what blocks whoever reads or writes it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, mkfifoat};

use crate::client::PATIENCE;

/// Makes one at `path`, in place of what is there.
pub(crate) fn make(path: &str) {
    let _ = fs::remove_file(path);
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).expect("the file system has pipes");
}

/// Its writing end, as soon as somebody reads it. What is read ends when this is dropped.
pub(crate) fn writer(path: &str) -> File {
    let open = || {
        let mut options = OpenOptions::new();
        options.custom_flags(OFlags::NONBLOCK.bits() as i32);
        options.write(true).open(path).ok()
    };
    until("nobody reads it", open)
}

/// Waits until nothing more fits into it.
pub(crate) fn wait_full(path: &str) {
    let pipe = writer(path);
    let now = Timespec::default();
    until("it does not fill", || {
        let mut place = [PollFd::new(&pipe, PollFlags::OUT)];
        let ready = poll(&mut place, Some(&now)).expect("it is open");
        (ready == 0).then_some(())
    });
}

/// Reads all that is written to it, until nobody has it open for that any more.
pub(crate) fn drain(path: &str) -> thread::JoinHandle<Vec<u8>> {
    let pipe = File::open(path).expect("it was made");
    thread::spawn(move || crate::client::rest(pipe))
}

fn until<T>(otherwise: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = seen() {
            return seen;
        }
        assert!(Instant::now() < end, "{otherwise}");
        thread::sleep(Duration::from_millis(10));
    }
}
