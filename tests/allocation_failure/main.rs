//! The allocator refuses: each point at which an operation asks for memory, once, and from there on.
//!
//! What has a way to refuse, does; what has none ends the process as `Vec` does, and those run in
//! processes of their own (`aborts`). Whatever was refused, all is whole afterwards, and works.

// In the mode passthrough an acquire of what is idle allocates, and may not be refused.
#![cfg(not(knhk_pool = "passthrough"))]

mod aborts;
mod ends;
mod failing;
mod refused;

use failing::Failing;
use knhk_pool::HotPathAlloc;

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Failing> = HotPathAlloc::new(Failing);
