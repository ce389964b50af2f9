//! A thread's arena is emptied when the closure ends.

use knhk_pool::Arena;

fn main() {
    let escaped = Arena::with_thread(|arena| arena.alloc_slice::<u8>(8));
    drop(escaped);
}
