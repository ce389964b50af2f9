//! A scope stays on its thread.

use knhk_pool::Arena;

fn main() {
    Arena::with_thread(|arena| {
        std::thread::scope(|threads| {
            threads.spawn(|| *arena.alloc(1));
        });
    });
}
