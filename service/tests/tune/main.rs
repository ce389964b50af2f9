//! `knhk-poold tune` and `bench`, and what the program prints of itself.

#[path = "../program/mod.rs"]
mod program;

mod bench;
mod forecast;
mod remote;
mod shell;
