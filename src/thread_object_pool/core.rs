//! One thread's part of a pool of objects.

use std::ptr::NonNull;

use crate::object_pool::{HeapObjectPool, Reset};
use crate::sync::modelled::Cell;

/// One thread's objects, and where they stand among those of the other threads.
pub(super) struct Core<T> {
    pub(super) objects: HeapObjectPool<T>,
    /// Objects that the owner is to make before it refuses one.
    unmade: Cell<usize>,
    /// Whether the owner is inside `make`, which may use the pool.
    is_making: Cell<bool>,
    /// Touched under the pool's lock alone.
    pub(super) links: Links<T>,
}

/// A core's places in two chains of cores, and whether a thread has it.
pub(super) struct Links<T> {
    pub(super) is_owned: Cell<bool>,
    /// Whether a thread has ever ended with something of it out (invariant 4).
    pub(super) was_late: Cell<bool>,
    /// The neighbours among all cores of the pool.
    pub(super) before: Cell<Option<NonNull<Core<T>>>>,
    pub(super) after: Cell<Option<NonNull<Core<T>>>>,
    /// The next of those that no thread has, or of those that are to be freed.
    pub(super) next_left: Cell<Option<NonNull<Core<T>>>>,
}

impl<T: Reset> Core<T> {
    /// A core of the calling thread, whose objects are still to be made; `None` if the allocator refuses.
    pub(super) fn try_new(name: &'static str, capacity: usize) -> Option<Self> {
        Some(Self {
            objects: HeapObjectPool::vacant(name, capacity)?,
            unmade: Cell::new(capacity),
            is_making: Cell::new(false),
            links: Links {
                is_owned: Cell::new(true),
                was_late: Cell::new(false),
                before: Cell::new(None),
                after: Cell::new(None),
                next_left: Cell::new(None),
            },
        })
    }

    /// The caller's thread has it from now on; what the one before has lost is to be made again.
    pub(super) fn adopt(&self) {
        self.unmade.set(self.objects.places_left());
        self.links.is_owned.set(true);
    }

    /// The owner hands out nothing any more. What it took by value is gone for good.
    pub(super) fn abandon(&self) {
        self.objects.write_off_taken();
        self.links.is_owned.set(false);
        if !self.objects.is_settled() {
            self.links.was_late.set(true);
        }
    }

    /// Makes what is still to be made. If `make` panics, the rest stays to be made; if it comes back
    /// here, it finds what there is so far.
    pub(super) fn fill(&self, make: &impl Fn() -> T) {
        if self.is_making.replace(true) {
            return;
        }
        let _making = Making(&self.is_making);
        while let Some(left) = self.unmade.get().checked_sub(1) {
            let object = make();
            self.unmade.set(left);
            self.objects.add(object);
        }
    }
}

/// Ends with `make`, however that ends.
struct Making<'core>(&'core Cell<bool>);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
