use knhk_pool::hot_path;

#[hot_path(section = 42)]
fn answer() -> u8 {
    42
}

#[hot_path(section)]
fn second() -> u8 {
    answer()
}

fn main() {
    second();
}
