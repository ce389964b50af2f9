//! What is compared, and the two loops in which it is timed.

use std::mem::{ManuallyDrop, MaybeUninit};

use crate::touch::touch;

/// Bytes a buffer.
pub const BUFFER_SIZE: usize = 4096;

/// Buffers a pool: the medium profile, which is what a static pool has if nobody says otherwise.
pub const POOL_SIZE: usize = 16;

/// Buffers that are out at once in the deep loop.
pub const DEPTH: usize = 16;

/// A pool, an allocator, or what stands in for one.
///
/// # Safety
///
/// * [`memory`](Self::memory) gives at least one byte; the loops write the first without a check.
pub unsafe trait Peer {
    /// What it hands out.
    type Buffer<'a>
    where
        Self: 'a;

    /// Hands out a buffer of [`BUFFER_SIZE`] bytes.
    fn acquire(&self) -> Self::Buffer<'_>;

    /// The buffer's bytes, to be written.
    fn memory<'m>(buffer: &'m mut Self::Buffer<'_>) -> &'m mut [MaybeUninit<u8>];

    /// What the user does with the buffer besides touching it: nothing.
    #[inline(always)]
    fn keep(_buffer: &mut Self::Buffer<'_>) {}

    /// Takes a buffer back where it stands: a move would be one more thing to measure.
    ///
    /// # Safety
    ///
    /// * `buffer` came from this peer's `acquire`, and is not used again.
    #[inline(always)]
    unsafe fn release(&self, buffer: &mut ManuallyDrop<Self::Buffer<'_>>) {
        // SAFETY: the caller's bullet.
        unsafe { ManuallyDrop::drop(buffer) };
    }
}

/// One peer for several threads.
// SAFETY: as the peer itself.
unsafe impl<P: Peer> Peer for &P {
    type Buffer<'a>
        = P::Buffer<'a>
    where
        Self: 'a;

    #[inline(always)]
    fn acquire(&self) -> P::Buffer<'_> {
        P::acquire(self)
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut P::Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        P::memory(buffer)
    }

    #[inline(always)]
    fn keep(buffer: &mut P::Buffer<'_>) {
        P::keep(buffer);
    }

    #[inline(always)]
    unsafe fn release(&self, buffer: &mut ManuallyDrop<P::Buffer<'_>>) {
        // SAFETY: the caller's bullet.
        unsafe { P::release(self, buffer) };
    }
}

/// How many buffers are out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One at a time.
    One,
    /// [`DEPTH`], released in reverse order.
    Sixteen,
}

impl Depth {
    /// Both.
    pub const ALL: [Self; 2] = [Self::One, Self::Sixteen];

    /// As it is named in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "1 deep",
            Self::Sixteen => "16 deep",
        }
    }

    /// Runs at least `pairs` pairs of acquire and release; returns how many it was.
    pub fn run<P: Peer>(self, peer: &P, pairs: u64) -> u64 {
        match self {
            Self::One => {
                one_deep(peer, pairs);
                pairs
            }
            Self::Sixteen => {
                let batches = pairs.div_ceil(DEPTH as u64);
                sixteen_deep(peer, batches);
                batches * DEPTH as u64
            }
        }
    }
}

#[inline(never)]
fn one_deep<P: Peer>(peer: &P, pairs: u64) {
    for _ in 0..pairs {
        let mut buffer = ManuallyDrop::new(peer.acquire());
        use_once::<P>(&mut buffer);
        // SAFETY: acquired above, gone after this line.
        unsafe { peer.release(&mut buffer) };
    }
}

#[inline(never)]
fn sixteen_deep<P: Peer>(peer: &P, batches: u64) {
    for _ in 0..batches {
        let mut held = [const { MaybeUninit::<ManuallyDrop<P::Buffer<'_>>>::uninit() }; DEPTH];
        for place in &mut held {
            let mut buffer = ManuallyDrop::new(peer.acquire());
            use_once::<P>(&mut buffer);
            place.write(buffer);
        }
        for place in held.iter_mut().rev() {
            // SAFETY: every place was written above.
            let buffer = unsafe { place.assume_init_mut() };
            // SAFETY: acquired above, not looked at again.
            unsafe { peer.release(buffer) };
        }
    }
}

#[inline(always)]
fn use_once<P: Peer>(buffer: &mut P::Buffer<'_>) {
    // SAFETY: at least one byte, by the trait's contract.
    unsafe { touch(P::memory(buffer).as_mut_ptr().cast()) };
    P::keep(buffer);
}
