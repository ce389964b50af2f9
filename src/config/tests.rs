//! What the public API cannot reach: an environment made for the test.

use std::ffi::OsString;
#[cfg(not(feature = "toml"))]
use std::path::Path;

use super::key::{self, Key};
use super::layer::Overrides;
use super::{ConfigError, ConfigSource, PoolConfig, load};
use crate::workload::Workload;

// Not under Miri: there is no unsafe code here for it to judge, and a megabyte of garbage takes it
// minutes.
#[cfg(all(feature = "toml", not(miri)))]
mod arenas;
#[cfg(all(feature = "toml", not(miri)))]
mod bad_values;
#[cfg(all(feature = "toml", not(miri)))]
mod files;

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn resolve(pairs: &[(&str, &str)]) -> Result<PoolConfig, ConfigError> {
    load::resolve("ingest", &Overrides::NONE, None, variables(pairs))
}

fn source_of(config: &PoolConfig, key: &str) -> String {
    let explanation = config.explain();
    let entry = explanation.entries().iter().find(|entry| entry.key == key);
    entry.expect("every key is explained").source.to_string()
}

#[test]
fn without_variable_or_file_the_profile_is_medium() {
    let config = resolve(&[]).unwrap();
    assert_eq!(config, PoolConfig::from(Workload::Medium));
    assert_eq!(
        (config.zero_on_release(), config.hit_rate_warning()),
        (false, 0.9)
    );
    assert_eq!(source_of(&config, "workload"), "default");
    assert_eq!(source_of(&config, "pool_size"), "profile medium");
    assert_eq!(source_of(&config, "zero_on_release"), "default");
}

#[test]
fn arenas_keys_are_named_with_their_table_and_say_what_may_stand_there() {
    let arenas = [
        Key::ArenaSize,
        Key::ArenaOverflow,
        Key::ArenaZero,
        Key::ArenaHugePages,
    ];
    for key in arenas {
        assert_eq!(key.full_name(), format!("arena.{}", key.name()));
    }
    let has_huge_pages = cfg!(all(feature = "huge-pages", target_os = "linux"));
    let allowed = Key::ArenaHugePages.allowed();
    assert_eq!(allowed == "true or false", has_huge_pages, "{allowed}");
}

#[test]
fn each_variable_sets_its_own_key() {
    let config = resolve(&[
        ("KNHK_POOL_WORKLOAD", "extreme"),
        ("KNHK_POOL_SIZE", "5"),
        ("KNHK_BUFFER_SIZE", "100"),
    ])
    .unwrap();
    assert_eq!(config.workload(), Workload::Extreme);
    assert_eq!((config.pool_size(), config.buffer_size()), (5, 100));
    assert_eq!(
        source_of(&config, "buffer_size"),
        "variable KNHK_BUFFER_SIZE"
    );
}

#[test]
fn the_profile_fills_what_the_environment_leaves() {
    let config = resolve(&[("KNHK_POOL_WORKLOAD", "high"), ("KNHK_POOL_SIZE", "5")]).unwrap();
    assert_eq!((config.pool_size(), config.buffer_size()), (5, 8192));
    assert_eq!(source_of(&config, "buffer_size"), "profile high");
}

#[test]
fn a_builder_call_beats_the_environment_key_by_key() {
    let overrides = Overrides {
        pool_size: Some(3),
        ..Overrides::NONE
    };
    let environment = variables(&[("KNHK_POOL_SIZE", "5"), ("KNHK_BUFFER_SIZE", "128")]);
    let config = load::resolve("ingest", &overrides, None, environment).unwrap();
    assert_eq!((config.pool_size(), config.buffer_size()), (3, 128));
    assert_eq!(source_of(&config, "pool_size"), "builder");
}

#[test]
fn a_value_that_loses_is_checked_all_the_same() {
    let overrides = Overrides {
        pool_size: Some(3),
        ..Overrides::NONE
    };
    let environment = variables(&[("KNHK_POOL_SIZE", "five")]);
    let error = load::resolve("ingest", &overrides, None, environment).unwrap_err();
    assert_eq!(
        error.source_of(),
        &ConfigSource::Variable("KNHK_POOL_SIZE".into())
    );
}

#[test]
fn a_builder_call_out_of_range_is_refused() {
    let wrong = [
        Overrides {
            pool_size: Some(65_537),
            ..Overrides::NONE
        },
        Overrides {
            buffer_size: Some(63),
            ..Overrides::NONE
        },
        Overrides {
            hit_rate_warning: Some(f64::NAN),
            ..Overrides::NONE
        },
        Overrides {
            hit_rate_warning: Some(-0.1),
            ..Overrides::NONE
        },
        Overrides {
            pool_size: Some(65_536),
            buffer_size: Some(16 << 20),
            ..Overrides::NONE
        },
    ];
    for overrides in wrong {
        let error = load::resolve("ingest", &overrides, None, []).unwrap_err();
        assert_eq!(error.source_of(), &ConfigSource::Builder, "{overrides:?}");
    }
}

#[test]
fn the_limits_themselves_are_allowed() {
    let largest = [("KNHK_POOL_SIZE", "64"), ("KNHK_BUFFER_SIZE", "16MiB")];
    assert_eq!(
        resolve(&largest).unwrap().bytes_per_thread(),
        PoolConfig::BYTES_PER_THREAD_MAX
    );
    let most = [("KNHK_POOL_SIZE", "65536"), ("KNHK_BUFFER_SIZE", "64")];
    assert_eq!(
        resolve(&most).unwrap().pool_size(),
        PoolConfig::POOL_SIZE_MAX
    );
    assert_eq!(
        resolve(&[("KNHK_POOL_SIZE", "0")])
            .unwrap()
            .bytes_per_thread(),
        0
    );
}

#[test]
fn memory_one_step_above_the_ceiling_is_refused_and_names_both_sources() {
    let error = resolve(&[("KNHK_POOL_SIZE", "65"), ("KNHK_BUFFER_SIZE", "16MiB")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "variable KNHK_POOL_SIZE: pool_size * buffer_size is \
         65 * 16777216 = 1090519040 bytes a thread (buffer_size from variable KNHK_BUFFER_SIZE), \
         expected at most 1073741824 (1 GiB)"
    );
}

#[test]
fn bytes_may_be_written_with_a_unit() {
    for (text, bytes) in [
        ("4096", 4096),
        ("8KiB", 8192),
        ("1MiB", 1 << 20),
        ("0064", 64),
    ] {
        let config = resolve(&[("KNHK_BUFFER_SIZE", text)]).unwrap();
        assert_eq!(config.buffer_size(), bytes, "{text}");
    }
}

#[test]
fn recording_is_switched_by_a_digit_or_a_word() {
    for (text, records) in [("1", true), ("true", true), ("0", false), ("false", false)] {
        let config = resolve(&[("KNHK_POOL_RECORD", text)]).unwrap();
        assert_eq!(config.recording(), records, "{text}");
        assert_eq!(source_of(&config, "record"), "variable KNHK_POOL_RECORD");
    }
}

#[test]
fn an_empty_variable_is_unset() {
    let config = resolve(&[
        ("KNHK_POOL_WORKLOAD", ""),
        ("KNHK_POOL_SIZE", ""),
        ("KNHK_BUFFER_SIZE", ""),
        ("KNHK_POOL_CONFIG", ""),
        ("KNHK_POOL_RECORD", ""),
        ("KNHK_POOL_SISE", ""),
    ]);
    assert_eq!(config, Ok(PoolConfig::default()));
}

#[test]
fn other_variables_of_knhk_are_left_alone() {
    let foreign = [
        "KNHK_TRACE",
        "KNHK_LOG_LEVEL",
        "KNHK_HOT_PATH",
        "KNHK_POOLD_PORT",
    ];
    for name in foreign {
        assert_eq!(resolve(&[(name, "x")]), Ok(PoolConfig::default()), "{name}");
    }
}

#[test]
fn what_kubernetes_sets_for_a_service_of_our_name_is_left_alone() {
    let links = [
        ("KNHK_POOL_SERVICE_HOST", "10.0.0.1"),
        ("KNHK_POOL_SERVICE_PORT", "9090"),
        ("KNHK_POOL_SERVICE_PORT_METRICS", "9090"),
        ("KNHK_POOL_PORT", "tcp://10.0.0.1:9090"),
        ("KNHK_POOL_PORT_9090_TCP", "tcp://10.0.0.1:9090"),
        ("KNHK_POOL_PORT_9090_TCP_ADDR", "10.0.0.1"),
    ];
    assert_eq!(resolve(&links), Ok(PoolConfig::default()));
    assert_eq!(
        resolve(&[("KNHK_POOL_PORT", "9090")]).unwrap_err().key(),
        "KNHK_POOL_PORT"
    );
}

#[test]
fn the_nearest_variable_is_named() {
    let error = resolve(&[("KNHK_POOL_WORKLAOD", "high")]).unwrap_err();
    let note = "an unknown variable; the nearest known is KNHK_POOL_WORKLOAD";
    assert_eq!(error.note(), Some(note));
}

#[test]
fn the_nearest_name_is_the_one_with_the_fewest_edits() {
    for (unknown, known, nearest) in [
        ("size", ["pool_size", "side"], "side"),
        ("pool_szie", ["pool", "pool_size"], "pool_size"),
        ("bc", ["ab", "abc"], "abc"),
        ("", ["abc", "a"], "a"),
        ("x", ["ab", "cd"], "ab"),
        ("b", ["bc", "ab"], "bc"),
    ] {
        assert_eq!(key::nearest(unknown, &known), nearest, "{unknown:?}");
    }
}

#[test]
fn the_first_error_does_not_depend_on_the_order_of_the_environment() {
    let (a, b) = (("KNHK_BUFFER_SIZE", "x"), ("KNHK_POOL_SIZE", "x"));
    assert_eq!(resolve(&[a, b]), resolve(&[b, a]));
}

#[cfg(not(feature = "toml"))]
#[test]
fn without_the_feature_a_named_file_is_an_error() {
    use super::ConfigErrorKind::Unsupported;

    let named = variables(&[("KNHK_POOL_CONFIG", "pools.toml")]);
    let path = Path::new("pools.toml");
    let errors = [
        load::resolve("ingest", &Overrides::NONE, None, named.clone()).unwrap_err(),
        load::resolve("ingest", &Overrides::NONE, Some(path), []).unwrap_err(),
        load::pool_tables(None, named).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), Unsupported);
        assert!(
            error.to_string().contains("lacks the feature `toml`"),
            "{error}"
        );
        assert!(error.to_string().contains("pools.toml"), "{error}");
    }
}
