//! How an object is put in order for its next owner.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};

/// Puts an object back in order when it is released, so that its next owner finds it as new.
///
/// What makes the object worth pooling stays: a `Vec` keeps its capacity, a table its buckets.
///
/// # Panics
///
/// An implementation should not. If one does, the object is dropped, its place in the pool stays
/// empty until something is [released](crate::HeapObjectPool::release) into it, and the panic goes
/// on.
///
/// # Examples
///
/// ```
/// use knhk_pool::Reset;
///
/// #[derive(Default)]
/// struct Request {
///     path: String,
///     retries: u32,
/// }
///
/// impl Reset for Request {
///     fn reset(&mut self) {
///         self.path.clear();
///         self.retries = 0;
///     }
/// }
///
/// let mut request = Request { path: "/".into(), retries: 3 };
/// request.reset();
/// assert!(request.path.is_empty() && request.path.capacity() > 0);
/// ```
pub trait Reset {
    /// Puts `self` in order, keeping what it has allocated.
    fn reset(&mut self);
}

/// Drops the elements, keeps the capacity: a pooled `Vec` stays as large as it once grew.
impl<T> Reset for Vec<T> {
    fn reset(&mut self) {
        self.clear();
    }
}

/// Keeps the capacity.
impl Reset for String {
    fn reset(&mut self) {
        self.clear();
    }
}

/// Keeps the capacity.
impl<T> Reset for VecDeque<T> {
    fn reset(&mut self) {
        self.clear();
    }
}

/// Keeps the capacity.
impl<K, V, S> Reset for HashMap<K, V, S> {
    fn reset(&mut self) {
        self.clear();
    }
}

/// Keeps the capacity.
impl<T, S> Reset for HashSet<T, S> {
    fn reset(&mut self) {
        self.clear();
    }
}

/// Keeps the capacity.
impl<T> Reset for BinaryHeap<T> {
    fn reset(&mut self) {
        self.clear();
    }
}

/// Frees its nodes: it has no capacity to keep.
impl<K, V> Reset for BTreeMap<K, V> {
    fn reset(&mut self) {
        self.clear();
    }
}

/// Frees its nodes: it has no capacity to keep.
impl<T> Reset for BTreeSet<T> {
    fn reset(&mut self) {
        self.clear();
    }
}

/// Leaves `None`.
impl<T> Reset for Option<T> {
    fn reset(&mut self) {
        *self = None;
    }
}

/// Resets what is in the box.
impl<T: Reset + ?Sized> Reset for Box<T> {
    fn reset(&mut self) {
        (**self).reset();
    }
}
