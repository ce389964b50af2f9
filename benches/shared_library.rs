//! What does a pair cost in a shared library, by name and by a borrowed handle?
//!
//! The same source runs in the executable beside it. Builds the library with `cargo` first.
#![allow(unsafe_code)]

#[path = "shared-library/lib.rs"]
mod executable;

use std::error::Error;
use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use libloading::Library;

use self::executable::Functions;

fn shared_library(criterion: &mut Criterion) {
    knhk_pool_benches::assert_proved();
    let library = open().expect("the shared library can be built and opened");
    let executable = executable::knhk_pool_shared_library();
    let mut group = criterion.benchmark_group("shared library");
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    for (place, functions) in [("executable", executable), ("shared library", library)] {
        run(&mut group, place, functions);
    }
}

fn run(group: &mut BenchmarkGroup<'_, WallTime>, place: &str, functions: Functions) {
    let handle = (functions.open)();
    let mut buffer = MaybeUninit::uninit();
    let mut time = |shape: &str, run: &mut dyn FnMut(u64)| {
        group.bench_function(format!("{place}, {shape}"), |bencher| {
            bencher.iter_custom(|pairs| {
                let start = Instant::now();
                run(pairs);
                start.elapsed()
            });
        });
    };
    time("loop inside, by name", &mut |pairs| {
        (functions.loop_by_name)(pairs)
    });
    time("loop inside, by handle", &mut |pairs| {
        (functions.loop_by_handle)(handle, pairs)
    });
    time("a call a pair, by name", &mut |pairs| {
        (0..pairs).for_each(|_| (functions.pair_by_name)());
    });
    time("a call a pair, by handle", &mut |pairs| {
        (0..pairs).for_each(|_| (functions.pair_by_handle)(handle));
    });
    time("two calls a pair, by name", &mut |pairs| {
        for _ in 0..pairs {
            (functions.acquire_by_name)(&mut buffer);
            // SAFETY: acquired on the line above.
            unsafe { (functions.release)(&mut buffer) };
        }
    });
    time("two calls a pair, by handle", &mut |pairs| {
        for _ in 0..pairs {
            (functions.acquire_by_handle)(handle, &mut buffer);
            // SAFETY: acquired on the line above.
            unsafe { (functions.release)(&mut buffer) };
        }
    });
}

/// Builds the library beside this executable, and opens it by `dlopen`.
fn open() -> Result<Functions, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/shared-library/Cargo.toml");
    // `target/release/deps/shared_library-…`: three up is what cargo is to be told.
    let executable = std::env::current_exe()?;
    let target = executable
        .ancestors()
        .nth(3)
        .ok_or("not in a target directory")?;
    let status = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--offline",
            "--manifest-path",
            manifest,
            "--target-dir",
        ])
        .arg(target)
        .status()?;
    if !status.success() {
        return Err(format!("cargo build: {status}").into());
    }
    let path = target.join("release/libknhk_pool_shared_library.so");
    // SAFETY: built a moment ago from the source beside this one; it has no initialisers of its own.
    let library = unsafe { Library::new(&path) }?;
    // Never closed: threads have destructors in it.
    let library = Box::leak(Box::new(library));
    // SAFETY: the type of the function with that name in that source.
    let functions =
        unsafe { library.get::<extern "C" fn() -> Functions>(b"knhk_pool_shared_library") }?;
    Ok(functions())
}

criterion_group!(benches, shared_library);
criterion_main!(benches);
