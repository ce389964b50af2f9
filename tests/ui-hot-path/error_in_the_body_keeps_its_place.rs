use knhk_pool::hot_path;

#[hot_path]
fn answer(number: String) -> u8 {
    number
}

fn main() {
    answer(String::new());
}
