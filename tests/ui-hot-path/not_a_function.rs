use knhk_pool::hot_path;

#[hot_path]
struct Answer;

#[hot_path]
const ANSWER: u8 = 42;

fn main() {}
