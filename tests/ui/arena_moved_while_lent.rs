//! What an arena has handed out keeps it where it is.

use knhk_pool::Arena;

fn main() {
    let arena = Arena::new();
    let number = arena.alloc(1);
    drop(arena);
    *number += 1;
}
