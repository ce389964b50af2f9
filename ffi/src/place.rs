//! Where C wants an answer.
//!
//! # Invariants
//!
//! 1. A place is null, or during the call an aligned address to which a `T` may be written, initialised or not.
//! 2. What a call reads by an address it has read when it writes to a place: they may overlap. What it is handed
//!    by reference is apart from its places (the functions' bullets).

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::status::Status;

/// Null, or room for a `T`: what C declares and does not initialise. Written only at the end of a call that
/// is answered by [`Status::Ok`].
///
/// # Examples
///
/// ```
/// use knhk_pool_ffi::{Place, Status, knhk_vector_dot};
///
/// let mut product = 0.0;
/// let (a, b) = ([1.0, 2.0], [3.0, 4.0]);
/// // SAFETY: two vectors of that length.
/// let status = unsafe { knhk_vector_dot(a.as_ptr(), b.as_ptr(), 2, (&mut product).into()) };
/// assert_eq!((status, product), (Status::Ok, 11.0));
/// // SAFETY: as above.
/// let status = unsafe { knhk_vector_dot(a.as_ptr(), b.as_ptr(), 2, Place::NULL) };
/// assert_eq!(status, Status::NullPointer);
/// ```
// No reference: one would promise that `T` is there, and that nothing else points to it.
#[repr(transparent)]
pub struct Place<'a, T>(Option<NonNull<T>>, PhantomData<&'a mut T>);

impl<T> Place<'_, T> {
    /// None.
    pub const NULL: Self = Self(None, PhantomData);

    /// By its address.
    ///
    /// # Safety
    ///
    /// * It is null, or for `'a` aligned and writable, and read by nobody through a reference.
    pub const unsafe fn at(address: *mut T) -> Self {
        Self(NonNull::new(address), PhantomData)
    }

    /// Refuses null.
    #[inline(always)]
    pub(crate) fn not_null(self) -> Result<Self, Status> {
        match self.0 {
            Some(_) => Ok(self),
            None => Err(Status::NullPointer),
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Writes, unless it is null.
    #[inline(always)]
    pub(crate) fn write(self, value: T)
    where
        T: Copy,
    {
        if let Some(place) = self.0 {
            // SAFETY: aligned, and for a `T` (invariant 1).
            unsafe { place.write(value) };
        }
    }
}

impl<'a, T> From<&'a mut T> for Place<'a, T> {
    #[inline(always)]
    fn from(place: &'a mut T) -> Self {
        Self(Some(NonNull::from(place)), PhantomData)
    }
}

/// Null, if there is none.
impl<'a, T> From<Option<&'a mut T>> for Place<'a, T> {
    #[inline(always)]
    fn from(place: Option<&'a mut T>) -> Self {
        place.map_or(Self::NULL, Self::from)
    }
}

impl<T> fmt::Debug for Place<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.0).finish()
    }
}
