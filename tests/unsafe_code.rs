//! Where `unsafe` stands and how much of it there is: it may become less, and more of it only with a
//! review that raises the record below.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// `unsafe` blocks of each module of the library, its tests and models not counted; those of the build
/// modes of ADR-016 are.
const BLOCKS: [(&str, usize); 15] = [
    ("arena", 76),
    ("buffer", 20),
    ("buffer_pool", 18),
    ("free_list", 27),
    ("hot_path", 8),
    ("late_end", 3),
    ("local_pool", 4),
    ("raw", 125),
    ("register", 2),
    ("ring", 27),
    ("seats", 4),
    ("thread_object_pool", 6),
    // By the lint level of `lib.rs`, none:
    ("object_pool", 0),
    ("registry", 0),
    ("counters", 0),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        let name = path.file_stem().expect("it has a name").to_owned();
        if path.is_dir() {
            rust_files(&path, found);
        } else if name != "tests" && name != "model" {
            found.push(path);
        }
    }
}

/// The file without comments, and without its tests, which stand last.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = text.lines().map(str::trim_start);
    lines
        .filter(|line| !line.starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn blocks(code: &str) -> usize {
    code.matches("unsafe {").count()
}

fn module_of(file: &Path, src: &Path) -> String {
    let inside = file.strip_prefix(src).expect("the file is below src");
    let first = inside.components().next().expect("the path is not empty");
    let stem = Path::new(first.as_os_str()).file_stem();
    stem.expect("it has a name").to_string_lossy().into_owned()
}

#[test]
fn no_module_has_more_unsafe_blocks_than_were_reviewed() {
    let src = root().join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut counts = BTreeMap::<String, usize>::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("sources are text");
        *counts.entry(module_of(&file, &src)).or_default() += blocks(&code(&text));
    }
    let recorded = BTreeMap::from(BLOCKS);
    println!("{} blocks", counts.values().sum::<usize>());
    for (module, count) in counts {
        let most = recorded.get(&*module).copied().unwrap_or(0);
        assert!(
            count <= most,
            "{module}: {count} blocks, {most} were reviewed"
        );
    }
}

#[test]
fn only_the_list_in_lib_rs_allows_unsafe_code() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    assert!(files.len() > 60, "the sources were not found");
    for file in files {
        let code = code(&fs::read_to_string(&file).expect("sources are text"));
        let is_face = file.ends_with("src/lib.rs");
        let allows = code.matches("allow(unsafe_code)").count();
        assert!(is_face || allows == 0, "{}", file.display());
        // A module that is allowed to has a reason to be.
        assert!(!is_face || allows == 12, "{allows} modules may");
    }
}

#[test]
fn service_macros_and_command_lines_forbid_unsafe_code() {
    for file in [
        "service/src/lib.rs",
        "service/src/main.rs",
        "macros/src/lib.rs",
        "weaver/src/lib.rs",
        "weaver/src/main.rs",
    ] {
        let text = fs::read_to_string(root().join(file)).expect(file);
        assert!(code(&text).contains("#![forbid(unsafe_code)]"), "{file}");
    }
}

#[test]
fn blocks_in_code_are_counted_and_those_in_comments_and_tests_are_not() {
    let text = "unsafe fn f() {}\nlet a = unsafe { g() };\n  // unsafe { }\nunsafe { h() }\n\
                #[cfg(test)]\nmod tests { fn t() { unsafe { k() } } }";
    assert_eq!(blocks(&code(text)), 2);
}
