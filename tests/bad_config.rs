//! A pool that is sized at first use and finds bad configuration: it warns once, runs on the default
//! profile, and the error can be had.

mod armed;
mod recorder;

use std::process::{Command, Output};

use knhk_pool::{BufferPool, PoolConfig, Workload};

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

fn child(size: &str) -> Output {
    Command::new(std::env::current_exe().expect("this test has a file"))
        .args([
            "--exact",
            "child_meets_a_bad_variable",
            "--ignored",
            "--nocapture",
        ])
        .env("KNHK_POOL_SIZE", size)
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
