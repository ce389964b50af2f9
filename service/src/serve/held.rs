//! Request bodies in memory, with a bound on all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::refusal::Refusal;

/// Bytes of all bodies that are in memory.
#[derive(Debug, Default)]
pub(super) struct Held(AtomicUsize);

/// One body; its bytes count until it is dropped.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
    /// What was reserved for it, at least its length.
    counted: usize,
    held: Arc<Held>,
}

impl Body {
    /// Empty.
    pub(super) fn new(held: &Arc<Held>) -> Self {
        Self {
            bytes: Vec::new(),
            counted: 0,
            held: Arc::clone(held),
        }
    }

    /// Appends a copy, so that no larger buffer of the connection is kept for it.
    pub(super) fn append(&mut self, part: &[u8], held_max: usize) -> Result<(), Refusal> {
        let len = self.bytes.len() + part.len();
        if len > self.counted {
            // Doubling, as a vector does; at the bound, what is needed.
            self.reserve(len.max(2 * self.counted), held_max)
                .or_else(|_| self.reserve(len, held_max))?;
        }
        self.bytes.extend_from_slice(part);
        Ok(())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn reserve(&mut self, len: usize, held_max: usize) -> Result<(), Refusal> {
        let more = len - self.counted;
        // Relaxed: a count, which publishes nothing.
        let before = self.held.0.fetch_add(more, Ordering::Relaxed);
        let additional = len - self.bytes.len();
        if before + more > held_max || self.bytes.try_reserve_exact(additional).is_err() {
            self.held.0.fetch_sub(more, Ordering::Relaxed);
            return Err(Refusal::HeldFull(before));
        }
        self.counted = len;
        Ok(())
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.counted, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_what_is_reserved_and_nothing_stays() {
        let held = Arc::new(Held::default());
        let mut body = Body::new(&held);
        body.append(&[1; 100], 1000).expect("there is room");
        body.append(&[2; 100], 1000).expect("there is room");
        assert_eq!(held.0.load(Ordering::Relaxed), 200);
        let mut other = Body::new(&held);
        let refused = other.append(&[0; 801], 1000);
        assert!(matches!(refused, Err(Refusal::HeldFull(200))));
        assert_eq!(held.0.load(Ordering::Relaxed), 200);
        other.append(&[0; 800], 1000).expect("exactly what is left");
        drop((body, other));
        assert_eq!(held.0.load(Ordering::Relaxed), 0);
    }
}
