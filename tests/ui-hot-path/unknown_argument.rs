use knhk_pool::hot_path;

#[hot_path(name = "answer")]
fn answer() -> u8 {
    42
}

fn main() {
    answer();
}
