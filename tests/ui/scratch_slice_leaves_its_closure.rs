//! Nothing of a thread's scratch is kept.

use knhk_pool::scratch;

fn main() {
    let mut kept: Option<&mut [f64]> = None;
    scratch::with(|s| kept = Some(s.alloc_slice(128)));
    drop(kept);
}
