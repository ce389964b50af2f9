//! A named pipe in a file's place: what blocks whoever reads or writes it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::client::PATIENCE;

/// Makes one at `path`, in place of what is there.
pub(crate) fn make(path: &str) {
    let _ = fs::remove_file(path);
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo is there").success());
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
    let mut pipe = writer(path);
    until("it does not fill", || {
        let refused = pipe.write(b"x").err()?;
        (refused.kind() == ErrorKind::WouldBlock).then_some(())
    });
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
