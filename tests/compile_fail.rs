//! Misuse that the compiler refuses.
//!
//! The expected messages are those of the pinned toolchain: `rust-toolchain.toml`.

use std::fs;

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Each case with the message that it must be refused by: one without would be accepted as it comes.
#[test]
fn each_of_the_cases_has_its_message() {
    let files = fs::read_dir("tests/ui").expect("it is beside this file");
    let paths = files.map(|file| file.expect("it can be read").path());
    let cases: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .collect();
    assert!(cases.len() >= 35, "{} cases", cases.len());
    for case in cases {
        let message = fs::read_to_string(case.with_extension("stderr"));
        assert!(
            message.is_ok_and(|text| text.starts_with("error")),
            "{case:?}"
        );
    }
}
