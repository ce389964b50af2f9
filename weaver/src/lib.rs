//! The telemetry registry, read and rendered without Weaver.
//!
//! `weaver/registry` is the only place where names, units and attributes of the telemetry are
//! written. Weaver generates `src/telemetry/semconv.rs` and `docs/telemetry.md` from it with the
//! templates in `weaver/templates`; this crate renders the same templates to the same text, so that
//! a machine without Weaver can write and check them:
//!
//! ```sh
//! cargo run -p knhk-semconv            # writes both files
//! cargo run -p knhk-semconv -- --check # fails where one differs from what the registry says
//! ```
//!
//! It knows what this registry uses of the schema `definition/2`, and refuses the rest. It does not
//! replace `weaver registry check`: imports, refinements and policies are Weaver's.

#![forbid(unsafe_code)]

pub mod prometheus;
pub mod registry;
pub mod render;
pub mod rules;
mod yaml;

pub use registry::{Registry, RegistryError};
