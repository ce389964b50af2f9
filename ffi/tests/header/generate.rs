//! The header, from the sources.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// In the order in which the header has them.
const SOURCES: [&str; 10] = [
    "status",
    "config_error",
    "layout",
    "pool",
    "arena",
    "ring",
    "triples",
    "stats",
    "vectors",
    "graph",
];

/// The text of `include/knhk_pool.h`.
pub(crate) fn header() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))
        .expect("cbindgen.toml is a configuration");
    let copies = env::temp_dir().join(format!("knhk-pool-header-{}", process::id()));
    fs::create_dir_all(&copies).expect("there is a folder for temporary files");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(copy(&folder.join("src"), source, &copies));
    }
    let mut text = Vec::new();
    builder
        .generate()
        .expect("the sources can be parsed")
        .write(&mut text);
    fs::remove_dir_all(copies).expect("it was made above");
    String::from_utf8(text).expect("the sources are UTF-8")
}

/// With pointers that cbindgen knows: only those of the standard library are pointers to it.
fn copy(from: &Path, source: &str, to: &Path) -> PathBuf {
    let file = Path::new(source).with_extension("rs");
    let text = fs::read_to_string(from.join(&file)).expect("sources are text");
    let copy = to.join(file);
    fs::write(&copy, text.replace("Place<'_, ", "Option<&mut ")).expect("there is room");
    copy
}
