//! For tests that assert that memory which came back is handed out again, or that nothing is allocated.

/// Whether the pools hand the same memory out again: not in the mode *passthrough* (ADR-016). Says so
/// where they do not.
pub(crate) fn memory_is_reused() -> bool {
    let reused = !cfg!(knhk_pool = "passthrough");
    if !reused {
        eprintln!("skipped: passthrough frees what comes back");
    }
    reused
}
