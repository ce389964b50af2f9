//! The configuration: variables and a TOML file of any content, then of settings that make sense.
//!
//! Of any content, asserts that reading it never panics; that an error is one printable line which
//! names its source and what is allowed; and that what is accepted is in range, and, printed and read
//! again, is the same. Of settings that make sense, asserts that each key alone comes from the first of:
//! the variable, the pool's table, the top of the file, the profile.
//!
//! Seen to find, within 10 s, the top of the file taken before the pool's table, and a key that is shown with
//! control characters; and, of its own, a message that named neither key nor value.
#![no_main]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use knhk_pool::{ArenaConfig, ConfigError, PoolConfig, Workload};
use libfuzzer_sys::fuzz_target;

const POOL: &str = "fuzz";
const WORKLOAD: &str = "KNHK_POOL_WORKLOAD";
const POOL_SIZE: &str = "KNHK_POOL_SIZE";
const BUFFER_SIZE: &str = "KNHK_BUFFER_SIZE";
const OTHERS: [&str; 5] = [
    "KNHK_ARENA_SIZE",
    "KNHK_ARENA_OVERFLOW",
    "KNHK_ARENA_ZERO",
    "KNHK_POOL_SIZES",
    "KNHK_POOL_CONFIG",
];

#[derive(Arbitrary, Debug)]
enum Case<'a> {
    Any {
        variables: [Option<&'a [u8]>; 3],
        others: [Option<&'a [u8]>; OTHERS.len()],
        file: &'a [u8],
    },
    Sensible {
        variable: Settings,
        table: Settings,
        top: Settings,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Profile {
    Low,
    Medium,
    High,
    Extreme,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Settings {
    workload: Option<Profile>,
    buffers: Option<u8>,
    kibibytes: Option<u8>,
}

impl Settings {
    fn workload(self) -> Option<Workload> {
        self.workload.map(|profile| match profile {
            Profile::Low => Workload::Low,
            Profile::Medium => Workload::Medium,
            Profile::High => Workload::High,
            Profile::Extreme => Workload::Extreme,
        })
    }

    fn bytes(self) -> Option<usize> {
        self.kibibytes
            .map(|kibibytes| (usize::from(kibibytes) + 1) << 10)
    }

    fn toml(self) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: String| {
            writeln!(text, "{key} = {value}").expect("a String takes all");
        };
        self.workload()
            .inspect(|workload| line("workload", format!("{:?}", workload.as_str())));
        self.buffers
            .inspect(|buffers| line("pool_size", buffers.to_string()));
        self.bytes()
            .inspect(|bytes| line("buffer_size", format!("\"{}KiB\"", bytes >> 10)));
        text
    }
}

/// Of this process alone: several fuzzers may run at once.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    std::env::temp_dir().join(format!("knhk-fuzz-config-{}.toml", std::process::id()))
});

fn write(text: &[u8]) -> &'static Path {
    fs::write(&*FILE, text).expect("the folder for temporary files can be written to");
    &FILE
}

fn set(name: &str, value: Option<OsString>) {
    let value = value.filter(|value| !value.as_encoded_bytes().contains(&0));
    // SAFETY: the fuzzer's loop is the only thread that looks at the environment.
    match value {
        Some(value) => unsafe { std::env::set_var(name, value) },
        None => unsafe { std::env::remove_var(name) },
    }
}

fn check_error(error: &ConfigError) {
    let line = error.to_string();
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert!(line.contains(&error.source_of().to_string()), "{line}");
    assert!(
        !error.key().is_empty() && !error.allowed().is_empty(),
        "{line}"
    );
}

fn any(variables: [Option<&[u8]>; 3], others: [Option<&[u8]>; OTHERS.len()], file: &[u8]) {
    let names = [WORKLOAD, POOL_SIZE, BUFFER_SIZE].into_iter().chain(OTHERS);
    for (name, value) in names.clone().zip(variables.into_iter().chain(others)) {
        set(name, value.map(|bytes| OsString::from_vec(bytes.to_vec())));
    }
    // What the variable names; then what the call does.
    let _ = PoolConfig::load(POOL).inspect_err(check_error);
    let path = write(file);
    let pool = PoolConfig::load_file(POOL, path).inspect_err(check_error);
    let arena = ArenaConfig::load_file(path).inspect_err(check_error);
    let tables = PoolConfig::pool_tables(Some(path)).inspect_err(check_error);
    assert!(
        tables.is_ok() || pool.is_err(),
        "the file is good for a pool, and its tables are not"
    );
    names.for_each(|name| set(name, None));
    if let Ok(config) = &pool {
        config.validate().expect("what was loaded is in range");
        assert!(config.bytes_per_thread() <= PoolConfig::BYTES_PER_THREAD_MAX);
        let again = PoolConfig::load_file(POOL, write(config.explain().to_string().as_bytes()));
        assert_eq!(
            values(&again.expect("what is printed is a file")),
            values(config)
        );
    }
    if let Ok(config) = &arena {
        config.validate().expect("what was loaded is in range");
        let again = ArenaConfig::load_file(write(config.explain().to_string().as_bytes()));
        let again = again.expect("what is printed is a file");
        assert_eq!(
            (again.size(), again.overflow(), again.zero()),
            (config.size(), config.overflow(), config.zero())
        );
    }
}

fn values(config: &PoolConfig) -> (Workload, usize, usize, bool, f64) {
    (
        config.workload(),
        config.pool_size(),
        config.buffer_size(),
        config.zero_on_release(),
        config.hit_rate_warning(),
    )
}

fn sensible(variable: Settings, table: Settings, top: Settings) {
    set(
        WORKLOAD,
        variable.workload().map(|workload| workload.as_str().into()),
    );
    set(
        POOL_SIZE,
        variable.buffers.map(|buffers| buffers.to_string().into()),
    );
    set(
        BUFFER_SIZE,
        variable.bytes().map(|bytes| bytes.to_string().into()),
    );
    let text = format!(
        "{}[pools.{POOL}]\n{}[pools.other]\npool_size = 1\n",
        top.toml(),
        table.toml()
    );
    let config =
        PoolConfig::load_file(POOL, write(text.as_bytes())).expect("all of it is in range");

    let first = [variable, table, top];
    let workload = first
        .into_iter()
        .find_map(Settings::workload)
        .unwrap_or_default();
    let profile = PoolConfig::from(workload);
    let buffers = first
        .into_iter()
        .find_map(|settings| settings.buffers)
        .map(usize::from);
    let bytes = first.into_iter().find_map(Settings::bytes);
    assert_eq!(config.workload(), workload);
    assert_eq!(config.pool_size(), buffers.unwrap_or(profile.pool_size()));
    assert_eq!(config.buffer_size(), bytes.unwrap_or(profile.buffer_size()));
}

fuzz_target!(|case: Case<'_>| match case {
    Case::Any {
        variables,
        others,
        file,
    } => any(variables, others, file),
    Case::Sensible {
        variable,
        table,
        top,
    } => {
        OTHERS.into_iter().for_each(|name| set(name, None));
        sensible(variable, table, top);
    }
});
