//! Misuse that the compiler refuses.
//!
//! The expected messages are those of the pinned toolchain: `rust-toolchain.toml`.

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
