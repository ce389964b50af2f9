//! Files that an injected environment names.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::{ProptestConfig, prop_assert, proptest};

use super::super::document::Document;
use super::super::layer::Overrides;
use super::super::{ConfigError, PoolConfig, PoolTable, load};
use super::{resolve, source_of, variables};
use crate::workload::Workload;

/// A file that goes away with the test.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(text: impl AsRef<[u8]>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("knhk-pool-config-{}-{number}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("the temporary directory is writable");
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn name(&self) -> &str {
        self.0
            .to_str()
            .expect("the temporary directory's name is UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn from_text(text: impl AsRef<[u8]>) -> Result<PoolConfig, ConfigError> {
    let file = Scratch::new(text);
    resolve(&[("KNHK_POOL_CONFIG", file.name())])
}

const ALL_KEYS: &str = r#"
workload = "high"
pool_size = 3
buffer_size = "2KiB"
zero_on_release = true
hit_rate_warning = 0.5
record = true

[pools.ingest]
workload = "low"
pool_size = 4
buffer_size = 4096
zero_on_release = false
hit_rate_warning = 1
record = false

[pools.emit]
pool_size = 5

[poold]
anything = [1, 2]
"#;

#[test]
fn a_pools_own_table_beats_the_top_for_every_key() {
    let config = from_text(ALL_KEYS).unwrap();
    assert_eq!(config.workload(), Workload::Low);
    assert_eq!((config.pool_size(), config.buffer_size()), (4, 4096));
    assert_eq!(
        (config.zero_on_release(), config.hit_rate_warning()),
        (false, 1.0)
    );
    assert!(!config.recording());
}

#[test]
fn the_top_holds_for_a_pool_without_a_table() {
    let file = Scratch::new(ALL_KEYS);
    let named = variables(&[("KNHK_POOL_CONFIG", file.name())]);
    let config = load::resolve("reflex", &Overrides::NONE, None, named).unwrap();
    assert_eq!(config.workload(), Workload::High);
    assert_eq!((config.pool_size(), config.buffer_size()), (3, 2048));
    assert_eq!(
        (config.zero_on_release(), config.hit_rate_warning()),
        (true, 0.5)
    );
    assert!(config.recording());
}

#[test]
fn a_key_that_the_pools_table_leaves_out_comes_from_the_top() {
    let file = Scratch::new(ALL_KEYS);
    let named = variables(&[("KNHK_POOL_CONFIG", file.name())]);
    let config = load::resolve("emit", &Overrides::NONE, None, named).unwrap();
    assert_eq!((config.pool_size(), config.buffer_size()), (5, 2048));
}

#[test]
fn the_environment_beats_the_file_for_each_key_alone() {
    let file = Scratch::new(ALL_KEYS);
    let named = ("KNHK_POOL_CONFIG", file.name());
    let with = |name, value| resolve(&[named, (name, value)]).unwrap();
    let sized = with("KNHK_POOL_SIZE", "9");
    assert_eq!((sized.pool_size(), sized.buffer_size()), (9, 4096));
    let wide = with("KNHK_BUFFER_SIZE", "256");
    assert_eq!((wide.pool_size(), wide.buffer_size()), (4, 256));
    let busy = with("KNHK_POOL_WORKLOAD", "extreme");
    assert_eq!((busy.workload(), busy.pool_size()), (Workload::Extreme, 4));
    assert!(with("KNHK_POOL_RECORD", "1").recording());
}

#[test]
fn a_builder_call_beats_the_file_for_every_key() {
    let file = Scratch::new(ALL_KEYS);
    let named = variables(&[("KNHK_POOL_CONFIG", file.name())]);
    let overrides = Overrides {
        workload: Some(Workload::Extreme),
        pool_size: Some(1),
        buffer_size: Some(64),
        zero_on_release: Some(true),
        hit_rate_warning: Some(0.25),
        recording: Some(true),
    };
    let config = load::resolve("ingest", &overrides, None, named).unwrap();
    assert_eq!(
        config,
        PoolConfig::from(Workload::Extreme)
            .with_pool_size(1)
            .with_buffer_size(64)
            .with_zero_on_release(true)
            .with_hit_rate_warning(0.25)
            .with_recording(true)
    );
}

#[test]
fn the_profile_is_that_of_the_workload_that_won() {
    let file = Scratch::new("workload = \"low\"\n[pools.ingest]\nworkload = \"high\"\n");
    let named = ("KNHK_POOL_CONFIG", file.name());
    assert_eq!(resolve(&[named]).unwrap().pool_size(), 32);
    let busier = resolve(&[named, ("KNHK_POOL_WORKLOAD", "extreme")]).unwrap();
    assert_eq!(busier.pool_size(), 64);
}

#[test]
fn a_file_given_by_a_call_replaces_the_one_in_the_environment() {
    let (called, named) = (Scratch::new("pool_size = 1"), Scratch::new("pool_size = 2"));
    let environment = variables(&[("KNHK_POOL_CONFIG", named.name())]);
    let config = load::resolve("ingest", &Overrides::NONE, Some(called.path()), environment);
    assert_eq!(config.unwrap().pool_size(), 1);
}

#[test]
fn a_setting_from_a_file_knows_its_line_and_column() {
    let file = Scratch::new(ALL_KEYS);
    let config = resolve(&[("KNHK_POOL_CONFIG", file.name())]).unwrap();
    assert_eq!(
        source_of(&config, "pool_size"),
        format!("{}:11:13", file.name())
    );
}

#[test]
fn an_explanation_is_a_file_that_gives_the_same_settings() {
    let config =
        from_text("pool_size = 7\nhit_rate_warning = 1e-7\n[pools.ingest]\nzero_on_release = true")
            .unwrap();
    let again = from_text(config.explain().to_string()).unwrap();
    assert_eq!(again, config);
}

#[test]
fn toml_in_any_of_its_spellings_is_read() {
    let spellings: [(&[u8], usize); 8] = [
        (b"pool_size = 0x10", 16),
        (b"pool_size = 0b1_0000", 16),
        (b"pool_size = +1_6", 16),
        (b"pool_size = -0", 0),
        (b"\xEF\xBB\xBFpool_size = 16\r\n", 16),
        (b"pools.ingest.pool_size = 16", 16),
        (b"pools = { ingest = { pool_size = 16 } }", 16),
        (b"[pools.\"ingest\"]\n\"pool_size\" = 16", 16),
    ];
    for (text, buffers) in spellings {
        let config = from_text(text).unwrap();
        assert_eq!(config.pool_size(), buffers, "{}", text.escape_ascii());
    }
}

#[test]
fn the_nearest_key_is_one_that_may_stand_there() {
    let note = |text| from_text(text).unwrap_err().note().map(str::to_owned);
    let nearest = |key| Some(format!("an unknown key; the nearest known is {key}"));
    assert_eq!(note("[pool.ingest]"), nearest("pools"));
    assert_eq!(note("[pools.ingest]\npools = 1"), nearest("pool_size"));
}

#[test]
fn the_pool_tables_are_listed_in_the_order_of_the_file() {
    let file = Scratch::new("[pools.zeta]\n[pools.alpha]\npool_size = 1\n");
    let named = variables(&[("KNHK_POOL_CONFIG", file.name())]);
    for tables in [
        load::pool_tables(None, named),
        load::pool_tables(Some(file.path()), []),
    ] {
        let tables = tables.unwrap();
        let names: Vec<&str> = tables
            .iter()
            .map(|PoolTable { name, .. }| name.as_str())
            .collect();
        assert_eq!(names, ["zeta", "alpha"]);
        assert_eq!(tables[1].source.to_string(), format!("{}:2:8", file.name()));
    }
    assert_eq!(load::pool_tables(None, []), Ok(Vec::new()));
}

#[test]
fn the_unused_top_of_a_memory_hungry_pair_is_fine_until_a_pool_takes_it() {
    let text = "pool_size = 65536\nbuffer_size = \"16MiB\"\n[pools.ingest]\npool_size = 2\n";
    let file = Scratch::new(text);
    let named = variables(&[("KNHK_POOL_CONFIG", file.name())]);
    let pool = |name| load::resolve(name, &Overrides::NONE, None, named.clone());
    assert_eq!(pool("ingest").unwrap().bytes_per_thread(), 32 << 20);
    assert_eq!(pool("emit").unwrap_err().key(), "pool_size * buffer_size");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_text_panics_and_every_refusal_is_one_line(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "workload", "pool_size", "buffer_size", "hit_rate_warning", "pools", "poold", ".",
                "ingest", " = ", "\"", "'", "\"\"\"", "[", "]", "{", "}", ",", "\n", "\r\n", " ", "#",
                "low", "8KiB", "16", "-", "+", "0x", "_", "1e9", "nan", "true", "1979-05-27",
                "\\u00e9", "\u{e9}", "\u{feff}", "\0", "\u{202e}", "\t", "\u{1f600}", "\\",
            ]),
            0..24,
        ),
    ) {
        let text = pieces.concat();
        if let Err(error) = Document::parse(Arc::from(Path::new("f.toml")), text.as_bytes()) {
            let message = error.to_string();
            prop_assert!(message.starts_with("f.toml:"), "{}", message);
            prop_assert!(!message.chars().any(char::is_control), "{}", message);
        }
    }
}

/// Found by the fuzz target `config`: the message read `:1:1:  is  (…)`.
#[test]
fn line_without_a_key_or_a_value_is_named_too() {
    for (text, key, value) in [
        ("=", "text", "="),
        (" = ]", "text", "= ]"),
        ("pool_size =", "pool_size", "empty"),
        ("[pools.a\n", "text", "[pools.a"),
    ] {
        let error = from_text(text).expect_err("it is no TOML");
        assert_eq!((error.key(), error.value()), (key, value), "{error}");
    }
}
