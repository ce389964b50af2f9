//! What `#[hot_path]` refuses, and where it points.
//!
//! The expected messages are those of the pinned toolchain: `rust-toolchain.toml`.

#![cfg(feature = "macros")]

#[test]
fn refusals_point_at_the_right_token() {
    trybuild::TestCases::new().compile_fail("tests/ui-hot-path/*.rs");
}
