//! A worker's core.

/// Binds the calling thread to the `index`th core that the process may use, if there are so many
/// workers that this core is not another's: a pool's memory then stays near it. What the system
/// refuses is left as it is.
#[cfg(target_os = "linux")]
pub(super) fn pin(index: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    if let Some(core) = cores.nth(index) {
        let mut own = CpuSet::new();
        own.set(core);
        let _ = sched_setaffinity(None, &own);
    }
}

/// Elsewhere the system decides.
#[cfg(not(target_os = "linux"))]
pub(super) fn pin(_index: usize) {}
