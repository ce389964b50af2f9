//! Why nothing more can be promised of a journal's file: there is one for each that is opened.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Nothing, at first.
#[derive(Debug, Default)]
pub(super) struct Loss {
    why: OnceLock<String>,
    is_told: AtomicBool,
}

impl Loss {
    /// The cause, if there is one. Waits for nobody.
    pub(super) fn why(&self) -> Option<String> {
        self.why.get().cloned()
    }

    /// From now on, unless there is a cause already; the one that holds.
    pub(super) fn set(&self, why: impl FnOnce() -> String) -> String {
        self.why.get_or_init(why).clone()
    }

    /// The cause, for the first who asks when there is one: who has to tell it.
    pub(super) fn untold(&self) -> Option<String> {
        let why = self.why()?;
        // Relaxed: it publishes nothing but itself.
        (!self.is_told.swap(true, Ordering::Relaxed)).then_some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_stays_and_is_told_once() {
        let loss = Loss::default();
        assert_eq!((loss.why(), loss.untold()), (None, None));
        for _ in 0..2 {
            assert_eq!(loss.set(|| "first".to_owned()), "first");
            assert_eq!(loss.set(|| "second".to_owned()), "first");
        }
        assert_eq!(loss.untold().as_deref(), Some("first"));
        assert_eq!(loss.untold(), None);
        assert_eq!(loss.why().as_deref(), Some("first"));
    }
}
