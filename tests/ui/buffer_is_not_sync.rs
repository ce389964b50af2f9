//! A buffer is not shared either.

use knhk_pool::Buffer;

fn assert_sync<T: Sync>() {}

fn main() {
    assert_sync::<Buffer<'static>>();
}
