//! The service's ingest, as source: `Cargo.toml` says why it is not a dependency.

#[path = "../../service/src/generate.rs"]
pub mod generate;
#[path = "../../service/src/gzip.rs"]
pub mod gzip;
#[path = "../../service/src/ingest.rs"]
pub mod ingest;
#[path = "../../service/src/input.rs"]
pub mod input;
#[path = "../../service/src/lines.rs"]
pub mod lines;
#[path = "../../service/src/shown.rs"]
pub mod shown;
#[path = "../../service/src/terms.rs"]
pub mod terms;
