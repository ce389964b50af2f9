//! A pool that is sized at first use and finds bad configuration: it warns once, runs on the default
//! profile, and the error can be had.

mod armed;
mod recorder;

use std::process::{Command, Output};

use knhk_pool::{Arena, BufferPool, PoolConfig, Workload};

use recorder::Recorder;

static POOL: BufferPool = BufferPool::new("bad-config");

fn assert_names_the_variable(text: &str) {
    let wanted =
        "variable KNHK_POOL_SIZE: pool_size is \"16.5\", expected an integer from 0 to 65536";
    assert!(text.contains(wanted), "{text}");
}

#[test]
#[ignore = "run in a process of its own, by the test below"]
fn child_meets_a_bad_variable() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).expect("there is no other");
    let error = POOL.try_init().expect_err("the variable is bad");
    assert_names_the_variable(&error.to_string());
    let worker = std::thread::spawn(|| POOL.acquire().capacity());
    let buffers = [POOL.acquire(), POOL.acquire()];
    assert_eq!(buffers[0].capacity(), Workload::Medium.buffer_size());
    assert_eq!(
        worker.join().expect("acquire does not panic"),
        buffers[1].capacity()
    );
    assert_eq!(POOL.config(), &PoolConfig::from(Workload::Medium));
    assert_eq!(POOL.try_init(), Err(error), "it is not forgotten");
    assert!(
        BufferPool::builder("built").build().is_err(),
        "a builder does not go on"
    );
    let events = recorder.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(
        events[0].starts_with("WARN knhk.buffer_pool.bad_config"),
        "{events:?}"
    );
    assert_names_the_variable(&events[0].replace("\\\"", "\""));
    println!("the child came through");
}

/// Bytes that this thread's arena has.
fn arena_bytes() -> usize {
    Arena::with_thread(|arena| {
        let sizes = [1 << 20, 65_536];
        let fits = |bytes: &usize| arena.try_alloc_slice_uninit::<u8>(*bytes).is_ok();
        sizes.into_iter().find(fits).expect("one of the two")
    })
}

#[test]
#[ignore = "run in a process of its own, by the test below"]
fn child_uses_its_threads_arenas() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).expect("there is no other");
    let is_bad = Arena::try_init_threads().is_err();
    let bytes = [(); 3].map(|()| std::thread::spawn(arena_bytes).join().expect("no panic"));
    let events = recorder.events();
    let warnings = events
        .iter()
        .filter(|event| event.starts_with("WARN knhk.arena.bad_config"));
    println!(
        "bad {is_bad}, {bytes:?} bytes, {} warnings",
        warnings.count()
    );
}

fn child(size: &str) -> Output {
    child_of("child_meets_a_bad_variable", "KNHK_POOL_SIZE", size)
}

fn child_of(test: &str, variable: &str, value: &str) -> Output {
    Command::new(std::env::current_exe().expect("this test has a file"))
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(variable, value)
        .output()
        .expect("it can be started")
}

#[test]
fn acquire_warns_once_and_runs_on_the_default_profile() {
    let output = child("16.5");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("the child came through"), "{output:?}");
    assert!(
        !child("16").status.success(),
        "with a good variable the child finds no error"
    );
}

#[test]
fn threads_arenas_are_as_the_environment_says_or_warn_once_and_are_the_default() {
    let wanted = [
        (
            "65536",
            "bad false, [65536, 65536, 65536] bytes, 0 warnings",
        ),
        (
            "-1",
            "bad true, [1048576, 1048576, 1048576] bytes, 1 warnings",
        ),
    ];
    for (size, wanted) in wanted {
        let output = child_of("child_uses_its_threads_arenas", "KNHK_ARENA_SIZE", size);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(wanted), "{said}");
    }
}
