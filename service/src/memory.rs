//! Where the stages' memory comes from: the pools, or the heap each time.
//!
//! The pipeline is one piece of code over [`Memory`], so that the two can be compared: what differs
//! is only who hands out a `SoaTriples`, a `Receipt` and an output buffer.

use std::ops::{Deref, DerefMut};

use knhk_pool::telemetry::semconv::KnhkPipelineMemory;
use knhk_pool::{Buffer, BufferPool, KnhkPool, Pooled, Receipt, SoaTriples, TriplesError};

/// Hands out what Load, Reflex and Emit work on.
pub trait Memory {
    /// What telemetry calls it.
    const KIND: KnhkPipelineMemory;
    /// Eight lanes of triples.
    type Soa: DerefMut<Target = SoaTriples>;
    /// One receipt.
    type Receipt: DerefMut<Target = Receipt>;
    /// Bytes on their way to the output.
    type Bytes: Bytes;

    /// Whether what is handed out comes from pools and goes back there, so that the stages may be
    /// held to not allocating.
    const IS_POOLED: bool;

    /// A place for `len` triples.
    ///
    /// # Errors
    ///
    /// [`TriplesError`] when `len` is 0 or above 8, or all places are out.
    fn soa(&self, len: usize) -> Result<Self::Soa, TriplesError>;

    /// A blank receipt.
    ///
    /// # Errors
    ///
    /// [`TriplesError`] when all receipts are out.
    fn receipt(&self) -> Result<Self::Receipt, TriplesError>;

    /// An empty output buffer.
    fn bytes(&self) -> Self::Bytes;
}

/// An output buffer.
pub trait Bytes: Deref<Target = [u8]> {
    /// Bytes that it takes without growing.
    fn room(&self) -> usize;
    /// Appends `bytes`.
    fn append(&mut self, bytes: &[u8]);
}

/// Memory from the pools: `knhk` belongs to this thread, `buffers` has a part for each thread.
#[derive(Clone, Copy, Debug)]
pub struct PooledMemory<'pool> {
    /// 16 `SoaTriples` and 1,024 receipts.
    pub knhk: &'pool KnhkPool,
    /// Output buffers.
    pub buffers: &'pool BufferPool,
}

impl<'pool> Memory for PooledMemory<'pool> {
    const KIND: KnhkPipelineMemory = KnhkPipelineMemory::Pool;
    type Soa = Pooled<'pool, SoaTriples>;
    type Receipt = Pooled<'pool, Receipt>;
    type Bytes = Buffer<'pool>;

    const IS_POOLED: bool = true;

    fn soa(&self, len: usize) -> Result<Self::Soa, TriplesError> {
        self.knhk.get_soa(len)
    }

    fn receipt(&self) -> Result<Self::Receipt, TriplesError> {
        self.knhk.get_receipt()
    }

    fn bytes(&self) -> Self::Bytes {
        self.buffers.acquire()
    }
}

impl Bytes for Buffer<'_> {
    fn room(&self) -> usize {
        self.capacity() - self.len()
    }

    fn append(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Memory from the global allocator, asked for at each use and given back after it.
#[derive(Clone, Copy, Debug)]
pub struct HeapMemory {
    /// Capacity of an output buffer: the pools' buffer size, so that both fill as many.
    pub buffer_size: usize,
}

impl Memory for HeapMemory {
    const KIND: KnhkPipelineMemory = KnhkPipelineMemory::Heap;
    type Soa = Box<SoaTriples>;
    type Receipt = Box<Receipt>;
    type Bytes = Vec<u8>;

    const IS_POOLED: bool = false;

    fn soa(&self, _len: usize) -> Result<Self::Soa, TriplesError> {
        Ok(Box::default())
    }

    fn receipt(&self) -> Result<Self::Receipt, TriplesError> {
        Ok(Box::default())
    }

    fn bytes(&self) -> Self::Bytes {
        Vec::with_capacity(self.buffer_size)
    }
}

impl Bytes for Vec<u8> {
    fn room(&self) -> usize {
        self.capacity() - self.len()
    }

    fn append(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
