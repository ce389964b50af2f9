//! What an arena hands out borrows it.

use knhk_pool::Arena;

fn main() {
    let arena = Arena::new();
    let slice = arena.alloc_slice::<u8>(8);
    drop(arena);
    slice[0] = 1;
}
