//! The only names that the output of `#[hot_path]` uses, and what the C ABI asks. No part of the public
//! interface.

pub use crate::hot_path::{HotPathGuard, Mode};
pub use crate::late_end::LateEnd;
pub use crate::reentry::is_inside;

/// Begins a section at the caller's source line.
#[inline(always)]
#[track_caller]
pub fn enter(name: &'static str, mode: Option<Mode>) -> HotPathGuard {
    let guard = HotPathGuard::enter(name);
    match mode {
        Some(mode) => guard.with_mode(mode),
        None => guard,
    }
}

/// The moves of arguments into a marked function's section; nothing where no section is armed.
#[doc(hidden)]
#[macro_export]
#[cfg(any(debug_assertions, feature = "allocation-tracking"))]
macro_rules! __hot_path_moves { ($($moves:tt)*) => { $($moves)* } }
/// The moves of arguments into a marked function's section; nothing where no section is armed.
#[doc(hidden)]
#[macro_export]
#[cfg(not(any(debug_assertions, feature = "allocation-tracking")))]
macro_rules! __hot_path_moves {
    ($($moves:tt)*) => {};
}
pub use crate::__hot_path_moves as moves;
