//! The live page: its endpoints, its viewers and its files, over HTTP on streams in memory.

mod client;
mod files;
mod pools;
mod viewers;
