//! What was wrong with a configuration, in words.
//!
//! # Invariants
//!
//! 1. No other symbol of the process has the name of one exported here: all begin with `knhk_`.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::fmt::Display;
use std::ptr;

use knhk_pool::private::LateEnd;

use crate::status::Status;

struct Last(RefCell<Option<CString>>);

thread_local! {
    static LAST: Last = const { Last(RefCell::new(None)) };
}

/// What `LAST`'s destructor does, where it is not called.
static LATE_END: LateEnd = LateEnd::new(|| {
    // No error: it is not called.
    let _ = LAST.try_with(|last| last.replace(None));
});

impl Last {
    fn replace(&self, text: Option<CString>) {
        // Dropped when the borrow has ended: the allocator may come back here.
        let old = self.0.replace(text);
        drop(old);
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        LATE_END.unneeded();
    }
}

/// [`Status::Config`], with what `error` says kept for [`knhk_config_error`].
#[cold]
pub(crate) fn config_error(error: &dyn Display) -> Status {
    // What messages quote is escaped: no zero is lost.
    let text = CString::new(error.to_string().replace('\0', "")).ok();
    // An error: the thread is ending, and nobody asks any more.
    let _ = LAST.try_with(|last| {
        LATE_END.expect();
        last.replace(text);
    });
    Status::Config
}

/// What was wrong when a call of this thread answered `CONFIG` last, in English, with the value and where it
/// comes from: `variable KNHK_POOL_SIZE: pool_size is "x", expected an integer from 0 to 65536`. Null if none has.
/// It lasts until the thread's next call that answers `CONFIG`, and is not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_config_error() -> *const c_char {
    let text = |last: &Last| {
        last.0
            .borrow()
            .as_ref()
            .map_or(ptr::null(), |it| it.as_ptr())
    };
    LAST.try_with(text).unwrap_or(ptr::null())
}
