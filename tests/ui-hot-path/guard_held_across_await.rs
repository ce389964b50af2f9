use knhk_pool::HotPathGuard;

fn spawn<F: Future + Send>(_: F) {}

fn main() {
    spawn(async {
        let _section = HotPathGuard::enter("await");
        std::future::ready(()).await;
    });
}
