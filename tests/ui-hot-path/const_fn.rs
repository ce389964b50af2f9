use knhk_pool::hot_path;

#[hot_path]
pub const fn answer() -> u8 {
    42
}

fn main() {}
