//! Scopes of two lives cannot change places.

use knhk_pool::Arena;

fn main() {
    let (mut first, mut second) = (Arena::new(), Arena::new());
    first.scope(|outer| {
        second.scope(|inner| std::mem::swap(outer, inner));
    });
}
