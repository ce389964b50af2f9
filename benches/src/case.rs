//! The list of what is compared.

use std::alloc::System;
use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Range;
use std::rc::Rc;

use crate::allocators::Allocator;
use crate::floor::{Floor, Naive, TouchOnly};
use crate::ours::{StaticPool, Stored, built_pool, local_pool};
use crate::peer::{DEPTH, Depth, Peer};
use crate::pools::{LastSplit, ObjectPool, Opool, ShardedSlab, Vecpool, Zeropool};

/// A peer by its name in the tables, ready to run.
pub struct Case {
    /// Name in tables and on the command line.
    pub name: &'static str,
    run: Box<dyn Fn(Depth, u64) -> u64>,
    fill: Box<dyn Fn() -> Vec<Range<usize>>>,
}

impl Case {
    /// `peer` under `name`.
    pub fn new<P: Peer + 'static>(name: &'static str, peer: P) -> Self {
        let peer = Rc::new(peer);
        let filled = Rc::clone(&peer);
        Self {
            name,
            run: Box::new(move |depth, pairs| depth.run(&*peer, pairs)),
            fill: Box::new(move || fill(&*filled)),
        }
    }

    /// Runs at least `pairs` pairs; returns how many it was.
    pub fn run(&self, depth: Depth, pairs: u64) -> u64 {
        (self.run)(depth, pairs)
    }

    /// Writes every byte of [`DEPTH`] buffers that are out at once; returns where they are.
    pub fn fill(&self) -> Vec<Range<usize>> {
        (self.fill)()
    }
}

fn fill<P: Peer>(peer: &P) -> Vec<Range<usize>> {
    let mut buffers: Vec<_> = (0..DEPTH)
        .map(|_| ManuallyDrop::new(peer.acquire()))
        .collect();
    let mut places = Vec::new();
    for buffer in &mut buffers {
        let memory = P::memory(buffer);
        memory.fill(MaybeUninit::new(1));
        let start = memory.as_ptr().addr();
        places.push(start..start + memory.len());
    }
    for buffer in &mut buffers {
        // SAFETY: acquired above, not used again.
        unsafe { peer.release(buffer) };
    }
    places
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// All that is compared, in the order of the tables. Pools for one thread belong to the calling one.
pub fn cases() -> Vec<Case> {
    crate::assert_proved();
    // The handle borrows its pool for as long as it lives, which is as long as the process.
    let for_handle = Box::leak(Box::new(built_pool("bench-handle")));
    vec![
        Case::new("touch only", TouchOnly::new()),
        Case::new("floor", Floor::new()),
        Case::new("LocalPool", local_pool()),
        Case::new("BufferPool, static", StaticPool),
        Case::new("BufferPool, built", built_pool("bench-built")),
        Case::new("PoolHandle", for_handle.handle()),
        Case::new("LocalPool, stored", Stored(local_pool())),
        Case::new("BufferPool, static, stored", Stored(StaticPool)),
        Case::new("naive", Naive::new()),
        Case::new("vecpool", Vecpool),
        Case::new("opool", Opool::new()),
        Case::new("naive, stored", Stored(Naive::new())),
        Case::new("vecpool, stored", Stored(Vecpool)),
        Case::new("opool, stored", Stored(Opool::new())),
        Case::new("BytesMut", LastSplit::default()),
        Case::new("object-pool", ObjectPool::new()),
        Case::new("zeropool", Zeropool::new(false)),
        Case::new("zeropool, counting", Zeropool::new(true)),
        Case::new("sharded-slab", ShardedSlab::new()),
        Case::new("jemalloc", Allocator(tikv_jemallocator::Jemalloc)),
        Case::new("mimalloc", Allocator(mimalloc::MiMalloc)),
        Case::new("malloc", Allocator(System)),
    ]
}
