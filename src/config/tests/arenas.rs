//! Settings of arenas: what wins, and everything that a person can get wrong.

use std::ffi::OsString;
use std::path::Path;

use super::super::ConfigErrorKind::{Invalid, OutOfRange, UnknownKey};
use super::super::layer::Overrides;
use super::super::{ArenaConfig, ArenaOverflow, ConfigError, ConfigErrorKind, load};
use super::files::Scratch;
use super::variables;

fn from(text: &str, pairs: &[(&str, &str)]) -> Result<ArenaConfig, ConfigError> {
    let file = Scratch::new(text);
    load::resolve_arena(Some(file.path()), variables(pairs))
}

fn in_environment(pairs: &[(&str, &str)]) -> Result<ArenaConfig, ConfigError> {
    load::resolve_arena(None, variables(pairs))
}

fn sources(config: &ArenaConfig) -> Vec<String> {
    let explanation = config.explain();
    let entries = explanation.entries().iter();
    entries.map(|entry| entry.source.to_string()).collect()
}

#[test]
fn without_variable_or_file_the_defaults_hold() {
    let config = in_environment(&[]).expect("defaults");
    assert_eq!(config, ArenaConfig::default());
    assert_eq!(sources(&config), ["default"; 4]);
}

#[test]
fn environment_beats_the_file_key_by_key() {
    let text = "[arena]\nsize = \"2MiB\"\noverflow = \"panic\"\nzero = true\n";
    let pairs = [("KNHK_ARENA_SIZE", "512KiB"), ("KNHK_ARENA_ZERO", "false")];
    let config = from(text, &pairs).expect("all are right");
    assert_eq!(
        (config.size(), config.overflow(), config.zero()),
        (512 << 10, ArenaOverflow::Panic, false)
    );
    let sources = sources(&config);
    assert_eq!(sources[0], "variable KNHK_ARENA_SIZE");
    assert!(sources[1].ends_with(":3:12"), "{}", sources[1]);
    assert_eq!(sources[3], "default");
}

#[test]
fn each_rule_and_the_limits_are_read() {
    for overflow in ArenaOverflow::ALL {
        let config = in_environment(&[("KNHK_ARENA_OVERFLOW", overflow.as_str())]);
        assert_eq!(config.expect("a rule").overflow(), overflow);
    }
    for (size, bytes) in [("65536", 1 << 16), ("64KiB", 1 << 16), ("1024MiB", 1 << 30)] {
        let config = in_environment(&[("KNHK_ARENA_SIZE", size)]);
        assert_eq!(config.expect("in range").size(), bytes);
        let text = format!("arena.size = {size:?}");
        assert_eq!(from(&text, &[]).expect("in range").size(), bytes);
    }
    for (switch, zero) in [("1", true), ("0", false), ("true", true), ("false", false)] {
        let config = in_environment(&[("KNHK_ARENA_ZERO", switch)]);
        assert_eq!(config.expect("it is one").zero(), zero);
    }
    let empty = in_environment(&[("KNHK_ARENA_SIZE", ""), ("KNHK_ARENA_ZERO", "")]);
    assert_eq!(empty.expect("unset"), ArenaConfig::default());
}

const SIZES: &str = "bytes from 65536 to 1073741824, as an integer or like 512KiB or 8MiB";
const RULES: &str = "one of error, heap, panic";
const FLAGS: &str = "true or false, in a variable also 1 or 0";

#[test]
fn bad_variable_is_refused_by_name_value_and_range() {
    let cases: [(&str, &str, ConfigErrorKind, &str, &str); 9] = [
        ("KNHK_ARENA_SIZE", "65535", OutOfRange, "arena.size", SIZES),
        ("KNHK_ARENA_SIZE", "0", OutOfRange, "arena.size", SIZES),
        (
            "KNHK_ARENA_SIZE",
            "1025MiB",
            OutOfRange,
            "arena.size",
            SIZES,
        ),
        (
            "KNHK_ARENA_SIZE",
            "99999999999999999999",
            OutOfRange,
            "arena.size",
            SIZES,
        ),
        ("KNHK_ARENA_SIZE", "1 MiB", Invalid, "arena.size", SIZES),
        (
            "KNHK_ARENA_OVERFLOW",
            "error_return",
            Invalid,
            "arena.overflow",
            RULES,
        ),
        (
            "KNHK_ARENA_OVERFLOW",
            "Heap",
            Invalid,
            "arena.overflow",
            RULES,
        ),
        ("KNHK_ARENA_ZERO", "2", Invalid, "arena.zero", FLAGS),
        (
            "KNHK_ARENA_METRICS",
            "true",
            UnknownKey,
            "KNHK_ARENA_METRICS",
            "KNHK_ARENA_ZERO",
        ),
    ];
    for (name, value, kind, key, allowed) in cases {
        let error = in_environment(&[(name, value)]).expect_err(value);
        assert_eq!((error.kind(), error.key()), (kind, key), "{error}");
        assert_eq!(error.value(), format!("{value:?}"));
        assert!(error.allowed().contains(allowed), "{error}");
        assert_eq!(error.source_of().to_string(), format!("variable {name}"));
        // A pool reads the same environment, and does not pass over it.
        let of_pool = load::resolve(
            "ingest",
            &Overrides::NONE,
            None,
            variables(&[(name, value)]),
        );
        assert_eq!(of_pool.expect_err("the same"), error);
    }
}

#[test]
fn variable_that_is_not_text_is_refused() {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let bad = OsString::from_vec(vec![b'1', 0xff]);
        let error =
            load::resolve_arena(None, [("KNHK_ARENA_SIZE".into(), bad)]).expect_err("bytes");
        assert_eq!((error.kind(), error.note()), (Invalid, Some("not UTF-8")));
    }
}

#[test]
fn bad_key_of_the_file_is_refused_by_its_line() {
    let cases: [(&str, ConfigErrorKind, &str, &str, &str); 8] = [
        (
            "[arena]\nsize = 1000",
            OutOfRange,
            "arena.size",
            ":2:8",
            SIZES,
        ),
        ("[arena]\nsize = true", Invalid, "arena.size", ":2:8", SIZES),
        (
            "[arena]\noverflow = \"fallback\"",
            Invalid,
            "arena.overflow",
            ":2:12",
            RULES,
        ),
        (
            "[arena]\noverflow = 2",
            Invalid,
            "arena.overflow",
            ":2:12",
            RULES,
        ),
        ("[arena]\nzero = 1", Invalid, "arena.zero", ":2:8", FLAGS),
        (
            "[arena]\nhuge_pages = \"yes\"",
            Invalid,
            "arena.huge_pages",
            ":2:14",
            "false",
        ),
        (
            "[arena]\npool_size = 3",
            UnknownKey,
            "arena.pool_size",
            ":2:1",
            "one of size, overflow, zero, huge_pages",
        ),
        (
            "arena = 1",
            Invalid,
            "arena",
            ":1:9",
            "a table, written [arena]",
        ),
    ];
    for (text, kind, key, place, allowed) in cases {
        let error = from(text, &[]).expect_err(text);
        assert_eq!((error.kind(), error.key()), (kind, key), "{error}");
        assert!(error.source_of().to_string().ends_with(place), "{error}");
        assert!(error.allowed().contains(allowed), "{error}");
    }
    let error = from("arenas.x.size = 1", &[]).expect_err("unknown");
    assert!(
        error.note().is_some_and(|note| note.ends_with("is arena")),
        "{error}"
    );
}

#[test]
fn file_that_is_not_there_is_refused() {
    let error = load::resolve_arena(Some(Path::new("/nowhere/arena.toml")), variables(&[]));
    assert_eq!(
        error.expect_err("missing").kind(),
        ConfigErrorKind::Unreadable
    );
}

#[test]
fn example_explains_the_defaults() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/example.toml");
    let config = load::resolve_arena(Some(&example), variables(&[])).expect("the example is right");
    assert_eq!(config, ArenaConfig::default());
    assert!(
        sources(&config)[..3]
            .iter()
            .all(|source| source.contains("example.toml"))
    );
}

#[test]
fn explanation_is_a_file_that_says_the_same() {
    let config = ArenaConfig::default()
        .with_size(3 << 20)
        .with_overflow(ArenaOverflow::Heap)
        .with_zero(true);
    let text = config.explain().to_string();
    assert_eq!(from(&text, &[]).expect("valid"), config, "{text}");
}

#[test]
fn huge_pages_are_refused_where_the_build_cannot_ask_for_them() {
    let file = Scratch::new("[arena]\nhuge_pages = true");
    let of_pool = load::resolve(
        "ingest",
        &Overrides::NONE,
        Some(file.path()),
        variables(&[]),
    );
    // A pool reads the same file, and does not pass over it.
    for asked in [
        ArenaConfig::default().with_huge_pages(true).validate(),
        load::resolve_arena(Some(file.path()), variables(&[])).map(drop),
        of_pool.map(drop),
    ] {
        if cfg!(all(feature = "huge-pages", target_os = "linux")) {
            assert_eq!(asked, Ok(()));
            continue;
        }
        let error = asked.expect_err("unsupported");
        assert_eq!(error.kind(), ConfigErrorKind::Unsupported);
        let said = error.to_string();
        assert!(said.contains("without the feature `huge-pages`"), "{said}");
    }
}
