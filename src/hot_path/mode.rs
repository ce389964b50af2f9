//! What a violation leads to.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::config::{self, ConfigError};

const VARIABLE: &str = "KNHK_HOT_PATH";

/// What a violation leads to. `KNHK_HOT_PATH` takes the names in lower case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Mode {
    /// The process aborts at once, inside the allocator: for a debugger or a core dump, which show
    /// the stack. The message is written to standard error without allocating.
    Abort = 1,
    /// The outermost section's end panics. In an `extern "C"` function, or in a `Drop` while the
    /// thread unwinds, that aborts.
    #[default]
    Panic = 2,
    /// The outermost section's end emits a `tracing` warning, once for each section.
    Warn = 3,
    /// It is counted: see [`violations`](super::violations).
    Count = 4,
}

const NAMES: [(&str, Mode); 4] = [
    ("panic", Mode::Panic),
    ("abort", Mode::Abort),
    ("warn", Mode::Warn),
    ("count", Mode::Count),
];

/// The name that `KNHK_HOT_PATH` has for it.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = NAMES.iter().find(|(_, mode)| mode == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

const UNSET: u8 = 0;

/// A [`Mode`], or `UNSET`. Relaxed throughout: nothing else is published with it.
static MODE: AtomicU8 = AtomicU8::new(UNSET);

/// The mode of the process: as set by [`set_mode`], else by `KNHK_HOT_PATH`, else panic. The variable counts
/// from the first armed section on, or from [`init_from_env`].
pub fn mode() -> Mode {
    from_u8(MODE.load(Ordering::Relaxed)).unwrap_or_default()
}

/// Sets the mode of the process, also for sections that are open: what they noted is told by the mode that
/// holds at their end. It precedes `KNHK_HOT_PATH`.
pub fn set_mode(mode: Mode) {
    MODE.store(mode as u8, Ordering::Relaxed);
}

/// Sets the mode from `KNHK_HOT_PATH`, unless it is set already, and returns the one that holds.
///
/// The first section does so by itself, but can only panic where this returns an error.
///
/// # Errors
///
/// If the variable is not `panic`, `abort`, `warn` or `count`. Unset and empty are the default.
pub fn init_from_env() -> Result<Mode, ConfigError> {
    if from_u8(MODE.load(Ordering::Relaxed)).is_none() {
        let mode = config::choice(VARIABLE, &NAMES)?.unwrap_or_default();
        // Whoever set it meanwhile has precedence.
        let _ = MODE.compare_exchange(UNSET, mode as u8, Ordering::Relaxed, Ordering::Relaxed);
    }
    Ok(mode())
}

/// Whether a section may begin without a look at the mode: it is set, and not abort.
#[cfg(any(debug_assertions, feature = "allocation-tracking"))]
#[inline(always)]
pub(super) fn is_quiet() -> bool {
    MODE.load(Ordering::Relaxed) > Mode::Abort as u8
}

fn from_u8(byte: u8) -> Option<Mode> {
    let known = NAMES.iter().find(|(_, mode)| *mode as u8 == byte)?;
    Some(known.1)
}
