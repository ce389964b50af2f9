//! The program's panic hook where no memory is left: a panic is told, and the process ends.
//!
//! Without the harness: its threads would ask for memory too, and the first that is refused ends the process.

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: the limit on memory is Linux's");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Read as _;
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::{Resource, Rlimit, setrlimit};

    /// Says to the program that it is the one that panics.
    const ROLE: &str = "PANIC_WITHOUT_MEMORY_TEST_ROLE";

    /// For the process to end; with the standard hook it never does.
    const PATIENCE: Duration = Duration::from_secs(60);

    pub(super) fn main() {
        if std::env::var_os(ROLE).is_some() {
            knhk_poold::panics::install();
            let _all = take_all_memory();
            panic!("no more");
        }
        let told = what_it_says();
        assert!(
            told.contains("panicked at service/tests/panic_without_memory.rs:"),
            "{told:?}"
        );
        assert!(told.contains(": no more"), "{told:?}");
        println!("test a_panic_without_memory_is_told_and_ends ... ok");
    }

    fn what_it_says() -> String {
        let mut child = Command::new(std::env::current_exe().expect("it runs"))
            .env(ROLE, "")
            .env("RUST_BACKTRACE", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        wait_for(&mut child);
        let mut told = String::new();
        let stderr = child.stderr.as_mut().expect("it is piped");
        stderr.read_to_string(&mut told).expect("it is text");
        told
    }

    fn wait_for(child: &mut Child) {
        let end = Instant::now() + PATIENCE;
        while child.try_wait().expect("it is our child").is_none() {
            if Instant::now() > end {
                child.kill().expect("it is our child");
                panic!("it hangs");
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Until nothing of 64 bytes is left.
    fn take_all_memory() -> Vec<Vec<u8>> {
        let mut all = Vec::with_capacity(1 << 20);
        let limit = Rlimit {
            current: Some(300 << 20),
            maximum: Some(300 << 20),
        };
        setrlimit(Resource::As, limit).expect("it can be lowered");
        let mut step = 64 << 20;
        while step >= 64 && all.len() < all.capacity() {
            let mut more = Vec::new();
            match more.try_reserve_exact(step) {
                Ok(()) => all.push(more),
                Err(_) => step /= 2,
            }
        }
        all
    }
}
