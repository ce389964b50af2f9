//! Else the inner scope's end would give back what is the outer one's.

use knhk_pool::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scope(|outer| {
        outer.scope(|inner| {
            inner.alloc(1);
            outer.alloc(2);
        });
    });
}
