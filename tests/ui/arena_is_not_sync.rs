//! Two threads do not share an arena.

fn main() {
    let arena = knhk_pool::Arena::new();
    std::thread::scope(|scope| {
        scope.spawn(|| *arena.alloc(1));
    });
}
