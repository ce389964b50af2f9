//! The program's panic hook: what happened and where, and nothing that needs memory.
//!
//! The standard hook prints a backtrace if it is asked to, which allocates; under a memory limit that
//! fails, and the message about it waits for a lock that the first message holds: the process hangs.
//! This one copies bytes that are there already.

use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};

/// Installs the hook.
pub fn install() {
    panic::set_hook(Box::new(tell));
}

fn tell(info: &PanicHookInfo<'_>) {
    let mut stderr = io::stderr().lock();
    let (file, line) = info
        .location()
        .map_or(("?", 0), |at| (at.file(), at.line()));
    let mut digits = itoa::Buffer::new();
    let parts = [
        "panicked at ",
        file,
        ":",
        digits.format(line),
        ": ",
        message(info),
        "\n",
    ];
    for part in parts {
        // Nobody is left to be told if even this cannot be written.
        let _ = stderr.write_all(part.as_bytes());
    }
}

fn message<'p>(info: &'p PanicHookInfo<'_>) -> &'p str {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
