//! The header, from the sources.

use std::path::Path;

/// In the order in which the header has them.
const SOURCES: [&str; 9] = [
    "status", "layout", "pool", "arena", "ring", "triples", "stats", "vectors", "graph",
];

/// The text of `include/knhk_pool.h`.
pub(crate) fn header() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))
        .expect("cbindgen.toml is a configuration");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(folder.join("src").join(source).with_extension("rs"));
    }
    let mut text = Vec::new();
    builder
        .generate()
        .expect("the sources can be parsed")
        .write(&mut text);
    String::from_utf8(text).expect("the sources are UTF-8")
}
