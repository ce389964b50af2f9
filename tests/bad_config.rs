//! A pool that is sized at first use and finds bad configuration: it warns once, runs on the default
//! profile, and the error can be had.

use std::process::{Command, Output};
use std::sync::Mutex;

use knhk_pool::{BufferPool, PoolConfig, Workload};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

static POOL: BufferPool = BufferPool::new("bad-config");

/// Names and fields of the events so far.
static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Writes every event down.
struct Recorder;

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(event.metadata().name().to_owned());
        event.record(&mut fields);
        EVENTS.lock().expect("no recorder panics").push(fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn assert_names_the_variable(text: &str) {
    let wanted =
        "variable KNHK_POOL_SIZE: pool_size is \"16.5\", expected an integer from 0 to 65536";
    assert!(text.contains(wanted), "{text}");
}

#[test]
#[ignore = "run in a process of its own, by the test below"]
fn child_meets_a_bad_variable() {
    tracing::subscriber::set_global_default(Recorder).expect("there is no other");
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
    let events = EVENTS.lock().expect("no recorder panics");
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(
        events[0].starts_with("knhk.buffer_pool.bad_config"),
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
