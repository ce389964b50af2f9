//! Configuration as a program sees it: real files, and the process's own environment.
//!
//! Not under Miri: there is no unsafe code here for it to judge, and it starts no processes.

#![cfg(all(feature = "toml", not(miri)))]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use knhk_pool::{ArenaConfig, ArenaOverflow, ConfigErrorKind, ConfigSource, PoolConfig, Workload};

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let name = format!("knhk-pool-{test}-{}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("the temporary directory is writable");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The message of the error that loading `path` gives.
fn refusal(path: &Path) -> String {
    let error = PoolConfig::load_file("ingest", path).expect_err("the file is refused");
    assert_eq!(error.kind(), ConfigErrorKind::Unreadable, "{error}");
    let named = format!("file {}: file is ", path.display());
    let message = error.to_string();
    assert!(message.starts_with(&named), "{message}");
    assert!(
        message.ends_with("expected a readable TOML file of at most 1048576 bytes"),
        "{message}"
    );
    message
}

#[test]
fn what_is_not_a_readable_file_is_refused_with_the_reason() {
    let scratch = Scratch::new("unreadable");
    let file = scratch.file("file.toml", "");
    assert!(refusal(&scratch.0.join("missing.toml")).contains("(no such file)"));
    assert!(refusal(&scratch.0).contains("(is a directory)"));
    assert!(refusal(&file.join("below")).contains("(not a directory)"));
    assert!(refusal(Path::new("")).contains("(no such file)"));
    let large = scratch.file("large.toml", vec![b'#'; (1 << 20) + 1]);
    assert!(refusal(&large).contains("(too large)"));
}

#[test]
fn a_file_of_exactly_the_largest_size_is_read() {
    let scratch = Scratch::new("largest");
    let mut text = b"pool_size = 7\n#".to_vec();
    text.resize(1 << 20, b'.');
    let config = PoolConfig::load_file("ingest", &scratch.file("largest.toml", text));
    assert_eq!(config.unwrap().pool_size(), 7);
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_is_refused() {
    let scratch = Scratch::new("loop");
    let (a, b) = (scratch.0.join("a"), scratch.0.join("b"));
    std::os::unix::fs::symlink(&a, &b).unwrap();
    std::os::unix::fs::symlink(&b, &a).unwrap();
    assert!(refusal(&a).contains("loop"));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_is_followed() {
    let scratch = Scratch::new("link");
    let link = scratch.0.join("link.toml");
    std::os::unix::fs::symlink(scratch.file("file.toml", "pool_size = 3"), &link).unwrap();
    assert_eq!(
        PoolConfig::load_file("ingest", &link).unwrap().pool_size(),
        3
    );
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_refused() {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt;

    let scratch = Scratch::new("permission");
    let path = scratch.file("secret.toml", "pool_size = 3");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        // Written past the harness, which keeps what a passing test prints.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: this user may read every file (root)"
        );
        return;
    }
    assert!(refusal(&path).contains("(permission denied)"));
}

/// Endless or blocking files must not hang the program at its first acquire.
#[cfg(target_os = "linux")]
#[test]
fn a_device_or_a_socket_is_refused_without_being_opened() {
    let scratch = Scratch::new("device");
    let socket = scratch.0.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(refusal(&socket).contains("(not a regular file)"));
    assert!(refusal(Path::new("/dev/zero")).contains("(not a regular file)"));
}

#[test]
fn a_path_with_control_characters_stays_on_one_line() {
    let error = PoolConfig::load_file("ingest", Path::new("no\nsuch\x1b[31mfile")).unwrap_err();
    assert!(!error.to_string().contains(['\n', '\x1b']), "{error}");
}

#[test]
fn the_example_loads_as_it_is() {
    let example = Path::new("config/example.toml");
    let load = |pool| PoolConfig::load_file(pool, example).unwrap();
    let (ingest, emit, other) = (load("ingest"), load("emit"), load("other"));
    assert_eq!((ingest.pool_size(), ingest.buffer_size()), (48, 8192));
    assert_eq!((emit.pool_size(), emit.buffer_size()), (64, 16384));
    assert!(emit.zero_on_release());
    assert_eq!(other, PoolConfig::from(Workload::High));
    let tables = PoolConfig::pool_tables(Some(example)).unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["ingest", "emit"]);
}

/// Every key of the example that is commented out is one, and its value is the profile's.
#[test]
fn the_examples_commented_keys_load_too() {
    let scratch = Scratch::new("example");
    let text = fs::read_to_string("config/example.toml").unwrap();
    assert_eq!(
        text.matches("\n#pool_size").count() + text.matches("\n#buffer_size").count(),
        2
    );
    let text = text
        .replace("\n#pool_size", "\npool_size")
        .replace("\n#buffer", "\nbuffer");
    let config = PoolConfig::load_file("other", &scratch.file("all.toml", text)).unwrap();
    assert_eq!(config, PoolConfig::from(Workload::High));
}

#[test]
fn each_value_is_explained_with_its_source() {
    let scratch = Scratch::new("explain");
    let path = scratch.file(
        "pools.toml",
        "\nbuffer_size = '1KiB'\n[pools.ingest]\npool_size = 9\n",
    );
    let config = PoolConfig::load_file("ingest", &path)
        .unwrap()
        .with_zero_on_release(true);
    let shown: Vec<String> = config
        .explain()
        .entries()
        .iter()
        .map(|entry| {
            format!(
                "{} {} {} {}",
                entry.key, entry.value, entry.source, entry.adr
            )
        })
        .collect();
    let path = path.display();
    assert_eq!(
        shown,
        [
            "workload \"medium\" default ADR-001".to_string(),
            format!("pool_size 9 {path}:4:13 ADR-001"),
            format!("buffer_size 1024 {path}:2:15 ADR-001"),
            "zero_on_release true builder ADR-001".to_string(),
            "hit_rate_warning 0.9 default ADR-007".to_string(),
            "record false default ADR-015".to_string(),
        ]
    );
}

#[test]
fn configurations_are_equal_when_their_values_are() {
    let medium = PoolConfig::from(Workload::Medium);
    assert_eq!(
        medium,
        medium.clone().with_pool_size(16).with_buffer_size(4096)
    );
    let others = [
        medium.clone().with_pool_size(17),
        medium.clone().with_buffer_size(4097),
        medium.clone().with_zero_on_release(true),
        medium.clone().with_hit_rate_warning(0.8),
        medium.clone().with_recording(true),
        PoolConfig::from(Workload::Low)
            .with_pool_size(16)
            .with_buffer_size(4096),
    ];
    for other in others {
        assert_ne!(medium, other);
    }
}

#[test]
fn settings_of_arenas_are_read_from_a_file() {
    let scratch = Scratch::new("arenas");
    let text = "[arena]\nsize = '128KiB'\nzero = true\noverflow = 'heap'\n";
    let config = ArenaConfig::load_file(&scratch.file("arena.toml", text)).unwrap();
    assert_eq!((config.size(), config.zero()), (128 << 10, true));
    assert_eq!(config.overflow(), ArenaOverflow::Heap);
    assert!(config.with_huge_pages(true).huge_pages());
    let asked = |huge_pages: bool| {
        let text = format!("[arena]\nhuge_pages = {huge_pages}\n");
        let config = ArenaConfig::load_file(&scratch.file("huge.toml", text));
        config.map(|config| config.huge_pages()).ok()
    };
    let can_be = cfg!(all(feature = "huge-pages", target_os = "linux"));
    assert_eq!(
        (asked(false), asked(true)),
        (Some(false), can_be.then_some(true))
    );
}

#[test]
fn settings_of_arenas_are_equal_when_their_values_are() {
    let default = ArenaConfig::default();
    let same = default.clone().with_size(ArenaConfig::SIZE_DEFAULT);
    assert_eq!(default, same.with_overflow(ArenaOverflow::Error));
    let others = [
        default.clone().with_size(ArenaConfig::SIZE_MIN),
        default.clone().with_overflow(ArenaOverflow::Heap),
        default.clone().with_zero(true),
        default.clone().with_huge_pages(true),
    ];
    for other in others {
        assert_ne!(default, other);
    }
}

/// The tests inside the crate bring an environment of their own; this one is the process's.
#[test]
fn the_environment_of_the_process_is_read() {
    const CHILD: &str = "KNHK_POOL_SIZE";
    if env::var_os(CHILD).is_some_and(|size| size == "4711") {
        let config = PoolConfig::load("ingest").unwrap();
        assert_eq!(config.pool_size(), 4711);
        assert_eq!(
            config.explain().entries()[1].source,
            ConfigSource::Variable(CHILD.into())
        );
        assert_eq!(ArenaConfig::load().unwrap().size(), 123 << 10);
        return;
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_environment_of_the_process_is_read"])
        .env(CHILD, "4711")
        .env("KNHK_ARENA_SIZE", "123KiB")
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stdout)
    );
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
}
