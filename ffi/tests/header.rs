//! The header that is checked in is the one that the sources give.

#[path = "header/generate.rs"]
mod generate;

use std::fs;
use std::path::{Path, PathBuf};

fn checked_in() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/knhk_pool.h");
    fs::read_to_string(file).expect("the header is checked in")
}

/// Those in `folder` and below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("src can be read");
    let paths = entries.map(|entry| entry.expect("src can be read").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn the_header_is_what_the_sources_give() {
    assert!(
        checked_in() == generate::header(),
        "renew it: cargo run -p knhk-pool-ffi --example header > ffi/include/knhk_pool.h"
    );
}

/// A function that is exported but not in the header would be found by nobody.
#[test]
fn every_exported_function_is_in_the_header() {
    let header = checked_in();
    let mut functions = 0;
    for source in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(source).expect("sources are text");
        for after in text.split("#[unsafe(no_mangle)]").skip(1) {
            let (_, signature) = after.split_once("extern \"C\" fn ").expect("a function");
            let name = signature.split('(').next().unwrap_or_default();
            assert!(
                header.contains(&format!(" {name}(")) || header.contains(&format!("*{name}(")),
                "{name} is not in the header"
            );
            functions += 1;
        }
    }
    assert!(functions >= 25, "the sources were not found");
}
