//! What a mark's scope hands out keeps the mark from being rewound.

use knhk_pool::Arena;

fn main() {
    let mut arena = Arena::new();
    let mut mark = arena.mark();
    let number = mark.scope().alloc(1);
    mark.rewind();
    *number += 1;
}
