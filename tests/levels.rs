//! The library's files import downwards only: ARCHITECTURE.md's drawing stays true.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Level of each top-level module; a module imports only lower ones. Files below a module belong
/// to it.
const LEVELS: [(&str, u32); 25] = [
    ("sync", 0),
    ("telemetry", 4),
    ("workload", 0),
    ("reentry", 0),
    ("late_end", 0),
    ("register", 0),
    ("seats", 1),
    ("raw", 1),
    ("counters", 1),
    ("config", 1),
    ("pool_error", 2),
    ("registry", 2),
    ("hot_path", 2),
    ("free_list", 3),
    ("object_pool", 3),
    ("arena", 3),
    ("buffer", 4),
    ("ring", 4),
    ("triples", 5),
    ("scratch", 4),
    ("local_pool", 5),
    ("buffer_pool", 6),
    ("thread_object_pool", 6),
    ("private", 7),
    ("lib", 8),
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The top-level module that a file below `src` belongs to.
fn module_of(file: &Path, src: &Path) -> String {
    let inside = file.strip_prefix(src).expect("the file is below src");
    let first = inside.components().next().expect("the path is not empty");
    Path::new(first.as_os_str())
        .file_stem()
        .expect("it has a name")
        .to_string_lossy()
        .into_owned()
}

/// The crate's modules that code refers to as `crate::name`, anywhere, in the order of the text.
fn crate_paths(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"));
    let code: String = code.collect::<Vec<_>>().join("\n");
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for after in code.split("crate::").skip(1) {
        let names = match after.strip_prefix('{') {
            Some(group) => group
                .split('}')
                .next()
                .unwrap_or_default()
                .split(',')
                .collect(),
            None => vec![after],
        };
        for name in names {
            let name = name.trim_start();
            let end = name
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(name.len());
            found.push(name[..end].to_owned());
        }
    }
    found
}

#[test]
fn every_module_imports_only_lower_ones() {
    let levels = BTreeMap::from(LEVELS);
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 10, "the sources were not found");
    let mut imports = 0;
    for file in files {
        let module = module_of(&file, &src);
        let level = levels
            .get(&*module)
            .unwrap_or_else(|| panic!("{module} has no level"));
        let text = fs::read_to_string(&file).expect("sources are text");
        for imported in crate_paths(&text) {
            // Names that are not modules are re-exports of the crate's root: for documentation.
            let Some(below) = levels.get(&*imported) else {
                continue;
            };
            imports += 1;
            let is_own = imported == module;
            assert!(
                is_own || below < level,
                "{}: {module} (level {level}) imports {imported} (level {below})",
                file.display()
            );
        }
    }
    assert!(imports > 20, "the `use` lines were not found");
}

#[test]
fn an_upward_import_would_be_seen() {
    let text = "use crate::{buffer, config::PoolConfig};\nfn f() { crate::registry::snapshot(); }";
    assert_eq!(crate_paths(text), ["buffer", "config", "registry"]);
    assert!(crate_paths("//! crate::buffer\n    /// crate::buffer").is_empty());
}
