//! What an arena has handed out keeps it from being reset.

use knhk_pool::Arena;

fn main() {
    let mut arena = Arena::new();
    let number = arena.alloc(1);
    arena.reset();
    *number += 1;
}
