//! An inner scope's memory does not outlive it by assignment either.

use knhk_pool::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scope(|outer| {
        let mut kept: &mut [u8] = outer.alloc_slice(8);
        outer.scope(|inner| kept = inner.alloc_slice(8));
        kept[0] = 1;
    });
}
