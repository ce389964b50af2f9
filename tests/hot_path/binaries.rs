//! Every test binary of the library that runs a pool proves the hot paths that it takes.

use std::fs;
use std::path::{Path, PathBuf};

/// Binaries in which no pool is used, or none may be armed.
const WITHOUT: [&str; 8] = [
    "adr",
    "compile_fail",
    "config",
    "hot_path_ui",
    "hot_path_unarmed",
    "knhk_page",
    "levels",
    "unsafe_code",
];

/// The name and the root file of each test binary.
fn binaries() -> Vec<(String, PathBuf)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let entries = fs::read_dir(tests).expect("it is where this file is");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let roots = paths.filter_map(|path| {
        let name = path.file_stem()?.to_string_lossy().into_owned();
        let root = if path.is_dir() {
            path.join("main.rs")
        } else {
            path
        };
        let is_binary = root.extension()? == "rs" && root.is_file();
        is_binary.then_some((name, root))
    });
    roots.collect()
}

#[test]
#[cfg_attr(miri, ignore = "looks at sources alone")]
fn every_test_binary_that_runs_a_pool_is_armed() {
    let binaries = binaries();
    assert!(binaries.len() > WITHOUT.len());
    for (name, root) in &binaries {
        let text = fs::read_to_string(root).expect("a source");
        let mut lines = text.lines();
        let is_armed = lines.any(|line| ["mod armed;", "#[global_allocator]"].contains(&line));
        assert_ne!(
            is_armed,
            WITHOUT.contains(&name.as_str()),
            "tests/{name}: add `mod armed;`, or say here that it runs no pool"
        );
    }
    for name in WITHOUT {
        assert!(binaries.iter().any(|(binary, _)| binary == name), "{name}");
    }
}
