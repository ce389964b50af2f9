//! Prints the header: `cargo run -p knhk-pool-ffi --example header > ffi/include/knhk_pool.h`.

#[path = "../tests/header/generate.rs"]
mod generate;

fn main() {
    print!("{}", generate::header());
}
