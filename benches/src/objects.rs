//! Pools of objects: of vectors, which are three words with their bytes elsewhere, and of blocks, which
//! are their bytes. What comes back is cleared by each pool; to clear a block is to do nothing.

use std::mem::{ManuallyDrop, MaybeUninit};

use knhk_pool::{HeapObjectPool, ObjectPool as OurObjectPool, Pooled, Reset, ThreadObjectPool};
use lockfree_object_pool::{LinearObjectPool, LinearReusable, MutexObjectPool, MutexReusable};
use lockfree_object_pool::{SpinLockObjectPool, SpinLockReusable};
use object_pool::Reusable;
use opool::{PoolAllocator, RefGuard, RefLocalGuard};
use sharded_slab::Clear;
use sharded_slab::pool::RefMut;

use crate::case::Case;
use crate::peer::{BUFFER_SIZE, POOL_SIZE, Peer};

/// What is pooled.
pub trait Object: Reset + Clear + Send + Sync + 'static {
    /// A new one.
    fn make() -> Self;

    /// Bytes to write to.
    fn memory(&mut self) -> &mut [MaybeUninit<u8>];
}

/// A vector of [`BUFFER_SIZE`] bytes.
#[derive(Debug)]
pub struct Vector(Vec<u8>);

impl Object for Vector {
    fn make() -> Self {
        Self(Vec::with_capacity(BUFFER_SIZE))
    }

    #[inline(always)]
    fn memory(&mut self) -> &mut [MaybeUninit<u8>] {
        self.0.spare_capacity_mut()
    }
}

impl Reset for Vector {
    #[inline(always)]
    fn reset(&mut self) {
        self.0.clear();
    }
}

/// As large as the triples of one run, and as aligned.
#[derive(Debug)]
#[repr(align(64))]
pub struct Block([MaybeUninit<u8>; 192]);

impl Object for Block {
    fn make() -> Self {
        Self([MaybeUninit::new(0); 192])
    }

    #[inline(always)]
    fn memory(&mut self) -> &mut [MaybeUninit<u8>] {
        &mut self.0
    }
}

impl Reset for Block {
    #[inline(always)]
    fn reset(&mut self) {}
}

macro_rules! clear_as_reset {
    ($($object:ty),*) => {$(
        impl Clear for $object {
            #[inline(always)]
            fn clear(&mut self) {
                self.reset();
            }
        }

        impl Default for $object {
            fn default() -> Self {
                Self::make()
            }
        }
    )*};
}

clear_as_reset!(Vector, Block);

/// An [`ObjectPool`](OurObjectPool) of [`POOL_SIZE`].
pub type LocalObjects<T> = OurObjectPool<T, POOL_SIZE>;

/// A new one of vectors.
pub fn local_vectors() -> LocalObjects<Vector> {
    LocalObjects::new(Vector::make)
}

/// A [`ThreadObjectPool`] of vectors, a static.
pub fn static_vectors() -> &'static ThreadObjectPool<Vector> {
    static VECTORS: ThreadObjectPool<Vector> =
        ThreadObjectPool::new("bench-vectors", POOL_SIZE, Vector::make);
    &VECTORS
}

/// A peer whose `$get` gives a guard that leads to an [`Object`].
macro_rules! guards {
    ($($pool:ident, $guard:ty, |$self:ident| $get:expr;)*) => {$(
        // SAFETY: an object's memory is never empty.
        unsafe impl<T: Object> Peer for $pool<T> {
            type Buffer<'a> = $guard;

            #[inline(always)]
            fn acquire(&self) -> Self::Buffer<'_> {
                let $self = self;
                $get
            }

            #[inline(always)]
            fn memory<'m>(object: &'m mut Self::Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
                T::memory(object)
            }
        }
    )*};
}

const ENOUGH: &str = "at most as many are out as there are";

guards! {
    LocalObjects, Pooled<'a, T>, |pool| pool.get().expect(ENOUGH);
    HeapObjectPool, Pooled<'a, T>, |pool| pool.get().expect(ENOUGH);
    ThreadObjectPool, Pooled<'a, T>, |pool| pool.get().expect(ENOUGH);
    OneThread, RefLocalGuard<'a, Maker, T>, |pool| pool.0.get();
    AnyThread, RefGuard<'a, Maker, T>, |pool| pool.0.get();
    LinearObjectPool, LinearReusable<'a, T>, |pool| pool.pull();
    SpinLockObjectPool, SpinLockReusable<'a, T>, |pool| pool.pull();
    MutexObjectPool, MutexReusable<'a, T>, |pool| pool.pull();
    Locked, Reusable<'a, T>, |pool| {
        let mut object = pool.0.pull(T::make);
        object.reset();
        object
    };
}

/// opool's `LocalPool`: a queue with one owner.
#[derive(Debug)]
pub struct OneThread<T>(opool::LocalPool<Maker, T>)
where
    Maker: PoolAllocator<T>;

/// opool's `Pool`: a queue for any number of threads.
#[derive(Debug)]
pub struct AnyThread<T>(opool::Pool<Maker, T>)
where
    Maker: PoolAllocator<T>;

/// How opool makes objects and puts them back in order.
#[derive(Debug)]
pub struct Maker;

impl<T: Object> PoolAllocator<T> for Maker {
    #[inline(always)]
    fn reset(&self, object: &mut T) {
        object.reset();
    }

    fn allocate(&self) -> T {
        T::make()
    }
}

/// object-pool: a stack behind a lock.
pub struct Locked<T>(object_pool::Pool<T>);

/// sharded-slab's `Pool`: objects that are cleared in place, found by key.
pub struct Sharded<T: Object + Default>(sharded_slab::Pool<T>);

macro_rules! opaque {
    ($($pool:ident: $bound:path),*) => {$(
        impl<T: $bound + Default> std::fmt::Debug for $pool<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($pool)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque!(Locked: Object, Sharded: Object);

// SAFETY: an object's memory is never empty.
unsafe impl<T: Object + Default> Peer for Sharded<T> {
    type Buffer<'a> = RefMut<'a, T>;

    #[inline(always)]
    fn acquire(&self) -> Self::Buffer<'_> {
        self.0.create().expect("room for millions of objects")
    }

    #[inline(always)]
    fn memory<'m>(object: &'m mut Self::Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        T::memory(object)
    }

    #[inline(always)]
    unsafe fn release(&self, object: &mut ManuallyDrop<Self::Buffer<'_>>) {
        let key = object.key();
        // SAFETY: the caller does not use it again.
        unsafe { ManuallyDrop::drop(object) };
        self.0.clear(key);
    }
}

/// The object taken and given back by value.
#[derive(Debug)]
pub struct ByValue<T>(LocalObjects<T>);

// SAFETY: an object's memory is never empty.
unsafe impl<T: Object> Peer for ByValue<T> {
    type Buffer<'a> = T;

    #[inline(always)]
    fn acquire(&self) -> T {
        HeapObjectPool::acquire(&self.0).expect(ENOUGH)
    }

    #[inline(always)]
    fn memory(object: &mut T) -> &mut [MaybeUninit<u8>] {
        object.memory()
    }

    #[inline(always)]
    unsafe fn release(&self, object: &mut ManuallyDrop<T>) {
        // SAFETY: the caller does not use it again.
        let object = unsafe { ManuallyDrop::take(object) };
        assert!(HeapObjectPool::release(&self.0, object).is_ok());
    }
}

/// All pools of `T` that are compared. Those for one thread belong to the calling one.
pub fn object_cases<T: Object + Default>() -> Vec<Case> {
    crate::assert_proved();
    let by_thread: ThreadObjectPool<T> = ThreadObjectPool::new("bench-objects", POOL_SIZE, T::make);
    vec![
        Case::new("ObjectPool", LocalObjects::new(T::make)),
        Case::new("HeapObjectPool", HeapObjectPool::new(POOL_SIZE, T::make)),
        Case::new("ThreadObjectPool", by_thread),
        Case::new("ObjectPool, by value", ByValue(LocalObjects::new(T::make))),
        Case::new(
            "opool, one thread",
            OneThread::<T>(opool::LocalPool::new_prefilled(POOL_SIZE, Maker)),
        ),
        Case::new(
            "opool",
            AnyThread::<T>(opool::Pool::new_prefilled(POOL_SIZE, Maker)),
        ),
        Case::new(
            "object-pool",
            Locked::<T>(object_pool::Pool::new(POOL_SIZE, T::make)),
        ),
        Case::new("sharded-slab", Sharded::<T>(sharded_slab::Pool::new())),
        Case::new(
            "lockfree-object-pool, linear",
            LinearObjectPool::new(T::make, T::reset),
        ),
        Case::new(
            "lockfree-object-pool, spin lock",
            SpinLockObjectPool::new(T::make, T::reset),
        ),
        Case::new(
            "lockfree-object-pool, mutex",
            MutexObjectPool::new(T::make, T::reset),
        ),
    ]
}
