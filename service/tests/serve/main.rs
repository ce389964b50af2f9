//! `knhk-poold serve` as a process: what it promises to clients and to operators.

#![cfg(target_os = "linux")]

mod access;
mod answers;
mod client;
mod collectors;
mod configuration;
mod descriptors;
mod durability;
mod hostile;
mod journal_lost;
mod limits;
mod load;
mod openapi;
mod pipe;
#[path = "../program/mod.rs"]
mod program;
mod receipts;
mod reload;
mod resources;
mod server;
