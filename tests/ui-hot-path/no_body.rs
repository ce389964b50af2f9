use knhk_pool::hot_path;

trait Answer {
    #[hot_path]
    fn answer(&self) -> u8;
}

fn main() {}
