//! What a scope hands out does not leave its closure.

use knhk_pool::Arena;

fn main() {
    let mut arena = Arena::new();
    let escaped = arena.scope(|scope| scope.alloc_slice::<u8>(8));
    drop(escaped);
}
