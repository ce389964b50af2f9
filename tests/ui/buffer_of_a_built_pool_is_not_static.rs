//! Only a static pool's buffer can be kept in a thread-local.

use std::cell::RefCell;

use knhk_pool::{Buffer, BufferPool};

thread_local! {
    static KEPT: RefCell<Option<Buffer<'static>>> = const { RefCell::new(None) };
}

fn main() {
    let pool = BufferPool::builder("pool").build().unwrap();
    KEPT.set(Some(pool.acquire()));
}
