//! How many pairs of an acquire and a release the tests of a hit do.

use std::env::{self, VarError};

/// The name of the variable by which a long run asks for more of them.
const VARIABLE: &str = "KNHK_PAIRS";

/// What `KNHK_PAIRS` says, or else a million; fewer where all that comes back is written over.
pub(crate) fn pairs() -> u32 {
    match env::var(VARIABLE) {
        Err(VarError::NotPresent) if cfg!(miri) => 100,
        Err(VarError::NotPresent) if cfg!(knhk_pool = "poison") => 100_000,
        Err(VarError::NotPresent) => 1_000_000,
        Err(VarError::NotUnicode(text)) => refuse(&text.to_string_lossy()),
        Ok(text) => parse(&text).unwrap_or_else(|| refuse(&text)),
    }
}

/// None at all would let every test pass.
fn parse(text: &str) -> Option<u32> {
    text.parse().ok().filter(|pairs| *pairs > 0)
}

fn refuse(text: &str) -> ! {
    panic!(
        "{VARIABLE}={text:?}: expected a whole number from 1 to {}",
        u32::MAX
    )
}
