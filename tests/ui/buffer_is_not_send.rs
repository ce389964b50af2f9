//! A buffer stays on its thread.

use knhk_pool::Buffer;

fn assert_send<T: Send>() {}

fn main() {
    assert_send::<Buffer<'static>>();
}
