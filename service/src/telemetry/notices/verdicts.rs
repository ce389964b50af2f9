//! The newest word on each pool: too small, or healthy again.
//!
//! A pool is too small from its event on until it has recovered, and that may be days: by then the event
//! is not among the newest any more. There is one for each pool that was ever too small.

use std::collections::BTreeMap;

/// The attribute that names a pool of this kind, and the name.
pub(crate) type Judged = (&'static str, String);

/// By number; a later one has a higher number.
#[derive(Debug)]
pub(crate) struct Verdicts<T> {
    newest: BTreeMap<Judged, u64>,
    by_number: BTreeMap<u64, T>,
}

impl<T> Default for Verdicts<T> {
    fn default() -> Self {
        Self {
            newest: BTreeMap::new(),
            by_number: BTreeMap::new(),
        }
    }
}

impl<T> Verdicts<T> {
    /// In place of what was said of `pool` before.
    pub(crate) fn put(&mut self, pool: Judged, number: u64, verdict: T) {
        if let Some(former) = self.newest.insert(pool, number) {
            self.by_number.remove(&former);
        }
        self.by_number.insert(number, verdict);
    }

    /// Those from `number` on, in their order.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = (u64, &T)> {
        let later = self.by_number.range(number..);
        later.map(|(number, verdict)| (*number, verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_pool_the_newest_is_kept_in_the_order_of_their_numbers() {
        let pool = |name: &str| ("knhk.buffer_pool.name", name.to_owned());
        let mut verdicts = Verdicts::default();
        for (number, name) in [(1, "a"), (2, "b"), (5, "a"), (7, "c")] {
            verdicts.put(pool(name), number, name);
        }
        let since = |number| verdicts.since(number).collect::<Vec<_>>();
        assert_eq!(since(0), [(2, &"b"), (5, &"a"), (7, &"c")]);
        assert_eq!(since(6), [(7, &"c")]);
        assert_eq!(since(8), []);
    }
}
