use knhk_pool::hot_path;

#[hot_path(mode = "explode")]
fn answer() -> u8 {
    42
}

fn main() {
    answer();
}
