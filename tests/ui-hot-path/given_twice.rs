use knhk_pool::hot_path;

#[hot_path(section = "a", section = "b")]
fn answer() -> u8 {
    42
}

fn main() {
    answer();
}
