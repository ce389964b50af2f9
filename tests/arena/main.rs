//! Arenas: exact bytes, aligned addresses, rules for a full chunk, scopes, books, threads, huge pages.

#[path = "../arena_model/mod.rs"]
mod arena_model;
#[path = "../stale/mod.rs"]
mod stale;

mod alignment;
mod allocation;
mod books;
#[cfg(feature = "allocator-api2")]
mod collections;
mod fill;
mod full;
#[cfg(all(feature = "huge-pages", target_os = "linux", not(miri)))]
mod huge;
mod model;
mod refused;
mod scopes;
mod threads;

use std::alloc::Layout;

use knhk_pool::HotPathAlloc;
use refused::Refusing;

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Refusing> = HotPathAlloc::new(Refusing);

#[test]
#[cfg(feature = "allocation-tracking")]
fn hot_paths_are_proved_here() {
    knhk_pool::hot_path::assert_armed();
}

fn layout(bytes: usize, align: usize) -> Layout {
    Layout::from_size_align(bytes, align).expect("a layout")
}

fn address<T: ?Sized>(place: &T) -> usize {
    std::ptr::from_ref(place).cast::<u8>().addr()
}

/// What a panic said.
fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}
