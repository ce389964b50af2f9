//! One table of everything that a person can get wrong.

use std::ffi::OsString;

use super::super::ConfigErrorKind::{
    Invalid, OutOfRange, Syntax, TooMuchMemory, UnknownKey, Unreadable,
};
use super::super::layer::Overrides;
use super::super::{ConfigError, ConfigErrorKind, load};
use super::files::Scratch;

/// Where the bad value stands.
enum Bad {
    /// The variable of this name holds these bytes.
    Variable(&'static str, &'static [u8]),
    /// The file holds these bytes; the error is at this line and column, or on this line where the
    /// parser chooses the column, or about the file as a whole.
    File(&'static [u8], &'static str),
}
use Bad::{File, Variable};

/// What is wrong, and the key, the value and the range that the message must name.
type Case = (
    Bad,
    ConfigErrorKind,
    &'static str,
    &'static str,
    &'static str,
);

const WORKLOAD: &str = "KNHK_POOL_WORKLOAD";
const SIZE: &str = "KNHK_POOL_SIZE";
const BYTES: &str = "KNHK_BUFFER_SIZE";
const CONFIG: &str = "KNHK_POOL_CONFIG";
const RECORD: &str = "KNHK_POOL_RECORD";

const WORKLOADS: &str = "one of low, medium, high, extreme";
const SIZES: &str = "an integer from 0 to 65536";
const BYTE_SIZES: &str = "bytes from 64 to 16777216, as an integer or like 8KiB or 1MiB";
const RATES: &str = "a ratio from 0 to 1";
const FLAGS: &str = "true or false";
const SWITCHES: &str = "true or false, in a variable also 1 or 0";
const KEYS: &str =
    "one of workload, pool_size, buffer_size, zero_on_release, hit_rate_warning, record";
const VARIABLES: &str = "one of KNHK_POOL_WORKLOAD, KNHK_POOL_SIZE, KNHK_BUFFER_SIZE, KNHK_POOL_CONFIG, KNHK_POOL_RECORD, KNHK_ARENA_SIZE";
const READABLE: &str = "a readable TOML file of at most 1048576 bytes";
const TOML: &str = "valid TOML";
const ARENA_SIZES: &str = "bytes from 65536 to 1073741824";
const LONG_NAME: &[u8] = b"[pools.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\npool_size = -1";
const SHORTENED: &str =
    "pools.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa….pool_size";

static NINES: [u8; 1 << 20] = [b'9'; 1 << 20];
static TOO_LARGE: [u8; (1 << 20) + 1] = [b'\n'; (1 << 20) + 1];
static OPEN_BRACKETS: [u8; 1 << 20] = [b'['; 1 << 20];

#[rustfmt::skip]
const CASES: &[Case] = &[
    (Variable(SIZE, b" "), Invalid, "pool_size", r#"" ""#, SIZES),
    (Variable(SIZE, b"\t"), Invalid, "pool_size", r#""\t""#, SIZES),
    (Variable(SIZE, b"many"), Invalid, "pool_size", r#""many""#, SIZES),
    (Variable(SIZE, b"-"), Invalid, "pool_size", r#""-""#, SIZES),
    (Variable(SIZE, b"-1"), OutOfRange, "pool_size", r#""-1""#, SIZES),
    (Variable(SIZE, b"65537"), OutOfRange, "pool_size", r#""65537""#, SIZES),
    (Variable(SIZE, b"1000000000"), OutOfRange, "pool_size", r#""1000000000""#, SIZES),
    (Variable(SIZE, b"18446744073709551616"), OutOfRange, "pool_size", r#""18446744073709551616""#, SIZES),
    (Variable(SIZE, &NINES), OutOfRange, "pool_size", "99999999\"…", SIZES),
    (Variable(SIZE, b"16.5"), Invalid, "pool_size", r#""16.5""#, SIZES),
    (Variable(SIZE, b"1e3"), Invalid, "pool_size", r#""1e3""#, SIZES),
    (Variable(SIZE, b"+16"), Invalid, "pool_size", r#""+16""#, SIZES),
    (Variable(SIZE, b" 16"), Invalid, "pool_size", r#"" 16""#, SIZES),
    (Variable(SIZE, b"16\n"), Invalid, "pool_size", r#""16\n""#, SIZES),
    (Variable(SIZE, b"16\0"), Invalid, "pool_size", r#""16\0""#, SIZES),
    (Variable(SIZE, b"0x10"), Invalid, "pool_size", r#""0x10""#, SIZES),
    (Variable(SIZE, b"1_000"), Invalid, "pool_size", r#""1_000""#, SIZES),
    (Variable(SIZE, "١٦".as_bytes()), Invalid, "pool_size", "١٦", SIZES),
    (Variable(SIZE, b"8KiB"), Invalid, "pool_size", r#""8KiB""#, SIZES),
    (Variable(SIZE, b"true"), Invalid, "pool_size", r#""true""#, SIZES),
    (Variable(SIZE, b"NaN"), Invalid, "pool_size", r#""NaN""#, SIZES),
    (Variable(SIZE, b"1\xff6"), Invalid, "pool_size", "\"1\u{fffd}6\"", SIZES),
    (Variable(BYTES, b" "), Invalid, "buffer_size", r#"" ""#, BYTE_SIZES),
    (Variable(BYTES, b"0"), OutOfRange, "buffer_size", r#""0""#, BYTE_SIZES),
    (Variable(BYTES, b"63"), OutOfRange, "buffer_size", r#""63""#, BYTE_SIZES),
    (Variable(BYTES, b"16777217"), OutOfRange, "buffer_size", r#""16777217""#, BYTE_SIZES),
    (Variable(BYTES, b"17MiB"), OutOfRange, "buffer_size", r#""17MiB""#, BYTE_SIZES),
    (Variable(BYTES, b"-8KiB"), OutOfRange, "buffer_size", r#""-8KiB""#, BYTE_SIZES),
    (Variable(BYTES, b"18014398509481984KiB"), OutOfRange, "buffer_size", r#""18014398509481984KiB""#, BYTE_SIZES),
    (Variable(BYTES, b"KiB"), Invalid, "buffer_size", r#""KiB""#, BYTE_SIZES),
    (Variable(BYTES, b"8 KiB"), Invalid, "buffer_size", r#""8 KiB""#, BYTE_SIZES),
    (Variable(BYTES, b"8kib"), Invalid, "buffer_size", r#""8kib""#, BYTE_SIZES),
    (Variable(BYTES, b"8k"), Invalid, "buffer_size", r#""8k""#, BYTE_SIZES),
    (Variable(BYTES, b"1GiB"), Invalid, "buffer_size", r#""1GiB""#, BYTE_SIZES),
    (Variable(BYTES, b"4096.0"), Invalid, "buffer_size", r#""4096.0""#, BYTE_SIZES),
    (Variable(BYTES, b"8KiBKiB"), Invalid, "buffer_size", r#""8KiBKiB""#, BYTE_SIZES),
    (Variable(BYTES, b"\xfe\xff"), Invalid, "buffer_size", "\"\u{fffd}\u{fffd}\"", BYTE_SIZES),
    (Variable(WORKLOAD, b" "), Invalid, "workload", r#"" ""#, WORKLOADS),
    (Variable(WORKLOAD, b"huge"), Invalid, "workload", r#""huge""#, WORKLOADS),
    (Variable(WORKLOAD, b"Medium"), Invalid, "workload", r#""Medium""#, WORKLOADS),
    (Variable(WORKLOAD, b"medium "), Invalid, "workload", r#""medium ""#, WORKLOADS),
    (Variable(WORKLOAD, b"low,high"), Invalid, "workload", r#""low,high""#, WORKLOADS),
    (Variable(WORKLOAD, b"\xff"), Invalid, "workload", "\"\u{fffd}\"", WORKLOADS),
    (Variable(CONFIG, b" "), Invalid, "file", r#"" ""#, READABLE),
    (Variable(CONFIG, b"/no/such/file.toml"), Unreadable, "file", r#""/no/such/file.toml""#, READABLE),
    (Variable(CONFIG, b"src"), Unreadable, "file", r#""src""#, READABLE),
    (Variable(CONFIG, b"Cargo.toml/x"), Unreadable, "file", r#""Cargo.toml/x""#, READABLE),
    (Variable(CONFIG, b"a\0b"), Unreadable, "file", r#""a\0b""#, READABLE),
    (Variable(CONFIG, b"\xff.toml"), Unreadable, "file", "\"\u{fffd}.toml\"", READABLE),
    (Variable(RECORD, b" "), Invalid, "record", r#"" ""#, SWITCHES),
    (Variable(RECORD, b"2"), Invalid, "record", r#""2""#, SWITCHES),
    (Variable(RECORD, b"on"), Invalid, "record", r#""on""#, SWITCHES),
    (Variable(RECORD, b"True"), Invalid, "record", r#""True""#, SWITCHES),
    (Variable("KNHK_POOL_SISE", b"16"), UnknownKey, "KNHK_POOL_SISE", r#""16""#, VARIABLES),
    (Variable("KNHK_POOL_", b"1"), UnknownKey, "KNHK_POOL_", r#""1""#, VARIABLES),
    (Variable("KNHK_BUFFER_COUNT", b"1"), UnknownKey, "KNHK_BUFFER_COUNT", r#""1""#, VARIABLES),
    (Variable("KNHK_POOL_ZERO_ON_RELEASE", b"1"), UnknownKey, "KNHK_POOL_ZERO_ON_RELEASE", r#""1""#, VARIABLES),

    (File(b"workload = 3", "1:12"), Invalid, "workload", "3", WORKLOADS),
    (File(b"workload = \"Low\"", "1:12"), Invalid, "workload", "\"Low\"", WORKLOADS),
    (File(b"workload = \"\"", "1:12"), Invalid, "workload", "\"\"", WORKLOADS),
    (File(b"workload = [\"low\"]", "1:12"), Invalid, "workload", "[\"low\"]", WORKLOADS),
    (File(b"pool_size = \"16\"", "1:13"), Invalid, "pool_size", "\"16\"", SIZES),
    (File(b"pool_size = 16.5", "1:13"), Invalid, "pool_size", "16.5", SIZES),
    (File(b"pool_size = -1", "1:13"), OutOfRange, "pool_size", "-1", SIZES),
    (File(b"pool_size = 65_537", "1:13"), OutOfRange, "pool_size", "65_537", SIZES),
    (File(b"pool_size = 18446744073709551616", "1:13"), OutOfRange, "pool_size", "18446744073709551616", SIZES),
    (File(b"pool_size = 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ff", "1:13"), OutOfRange, "pool_size", "0xffff", SIZES),
    (File(b"pool_size = true", "1:13"), Invalid, "pool_size", "true", SIZES),
    (File(b"pool_size = 1979-05-27", "1:13"), Invalid, "pool_size", "1979-05-27", SIZES),
    (File(b"pool_size = {}", "1:13"), Invalid, "pool_size", "{}", SIZES),
    (File(b"[pool_size]", "1:1"), Invalid, "pool_size", "[pool_size]", SIZES),
    (File(b"buffer_size = 63", "1:15"), OutOfRange, "buffer_size", "63", BYTE_SIZES),
    (File(b"buffer_size = \"8 KiB\"", "1:15"), Invalid, "buffer_size", "\"8 KiB\"", BYTE_SIZES),
    (File(b"buffer_size = \"17MiB\"", "1:15"), OutOfRange, "buffer_size", "\"17MiB\"", BYTE_SIZES),
    (File(b"buffer_size = 4096.0", "1:15"), Invalid, "buffer_size", "4096.0", BYTE_SIZES),
    (File(b"buffer_size = nan", "1:15"), Invalid, "buffer_size", "nan", BYTE_SIZES),
    (File(b"record = 1", "1:10"), Invalid, "record", "1", SWITCHES),
    (File(b"record = \"true\"", "1:10"), Invalid, "record", "\"true\"", SWITCHES),
    (File(b"zero_on_release = 1", "1:19"), Invalid, "zero_on_release", "1", FLAGS),
    (File(b"zero_on_release = \"true\"", "1:19"), Invalid, "zero_on_release", "\"true\"", FLAGS),
    (File(b"hit_rate_warning = 90", "1:20"), OutOfRange, "hit_rate_warning", "90", RATES),
    (File(b"hit_rate_warning = 1.01", "1:20"), OutOfRange, "hit_rate_warning", "1.01", RATES),
    (File(b"hit_rate_warning = -0.5", "1:20"), OutOfRange, "hit_rate_warning", "-0.5", RATES),
    (File(b"hit_rate_warning = nan", "1:20"), OutOfRange, "hit_rate_warning", "nan", RATES),
    (File(b"hit_rate_warning = inf", "1:20"), OutOfRange, "hit_rate_warning", "inf", RATES),
    (File(b"hit_rate_warning = \"90%\"", "1:20"), Invalid, "hit_rate_warning", "\"90%\"", RATES),
    (File(b"pool_sise = 16", "1:1"), UnknownKey, "pool_sise", "16", KEYS),
    (File(b"# sizes\n\n  pool-size = 16", "3:3"), UnknownKey, "pool-size", "16", KEYS),
    (File(b"Workload = \"low\"", "1:1"), UnknownKey, "Workload", "\"low\"", KEYS),
    (File(b"KNHK_POOL_SIZE = 16", "1:1"), UnknownKey, "KNHK_POOL_SIZE", "16", KEYS),
    (File(b"[pool.ingest]\npool_size = 1", "1:2"), UnknownKey, "pool", "a table", KEYS),
    (File(b"\"\" = 16", "1:1"), UnknownKey, r#""""#, "16", KEYS),
    (File(b"\"pool size\" = 16", "1:1"), UnknownKey, r#""pool size""#, "16", KEYS),
    (File(b"'a.b'.c = 16", "1:1"), UnknownKey, r#""a.b""#, "a table", KEYS),
    (File(b"[pools.\"\"]\nsize = 1", "2:1"), UnknownKey, r#"pools."".size"#, "1", KEYS),
    (File(b"[pools]\n\"\\n\".\"\" = 1", "2:6"), UnknownKey, r#"pools."\n"."""#, "1", KEYS),
    (File(b"[arena]\n\"\" = 1", "2:1"), UnknownKey, r#"arena."""#, "1", "one of size, overflow, zero, huge_pages"),
    (File(b"pool_size.x = 1", "1:1"), Invalid, "pool_size", "a table", SIZES),
    (File(b"[arena]\nsize.x = 1", "2:1"), Invalid, "arena.size", "a table", ARENA_SIZES),
    (File(LONG_NAME, "2:13"), OutOfRange, SHORTENED, "-1", SIZES),
    (File(b"\"a=b\" =", "1"), Syntax, r#""a=b""#, "empty", TOML),
    (File(b"[pools.ingest]\nsize = 1", "2:1"), UnknownKey, "pools.ingest.size", "1", KEYS),
    (File(b"[pools.emit]\npool_size = \"1\"", "2:13"), Invalid, "pools.emit.pool_size", "\"1\"", SIZES),
    (File(b"[pools.emit.deeper]\npool_size = 1", "1:13"), UnknownKey, "pools.emit.deeper", "[pools.emit.deeper]", KEYS),
    (File(b"\xEF\xBB\xBFpool_size = -1", "1:13"), OutOfRange, "pool_size", "-1", SIZES),
    (File(b"# \xc3\xa9\r\n\"pool_size\" = -1\r\n", "2:15"), OutOfRange, "pool_size", "-1", SIZES),
    (File("pools = { \"é\" = 16 }".as_bytes(), "1:17"), Invalid, "pools.\"é\"", "16", "a table, written [pools.\"é\"]"),
    (File(b"pools = 3", "1:9"), Invalid, "pools", "3", "a table, written [pools]"),
    (File(b"[[pools]]", "1:1"), Invalid, "pools", "[[pools]]", "a table, written [pools]"),
    (File(b"[pools]\ningest = 16", "2:10"), Invalid, "pools.ingest", "16", "a table, written [pools.ingest]"),
    (File(b"poold = \"x\"", "1:9"), Invalid, "poold", "\"x\"", "a table, written [poold]"),
    (File(b"pool_size = 1\npool_size = 2", "2"), Syntax, "pool_size", "2", TOML),
    (File(b"[pools.a]\n[pools.a]", "2"), Syntax, "text", "[pools.a]", TOML),
    (File(b"pool_size =", "1"), Syntax, "pool_size", "", TOML),
    (File(b"\nworkload = high", "2"), Syntax, "workload", "high", TOML),
    (File(b"workload = \"high", "1"), Syntax, "workload", "\"high", TOML),
    (File(b"pool_size: 16", "1"), Syntax, "text", "pool_size: 16", TOML),
    (File(b"[pools.ingest", "1"), Syntax, "text", "[pools.ingest", TOML),
    (File(b"pool_size = 1 buffer_size = 64", "1"), Syntax, "pool_size", "1 buffer_size = 64", TOML),
    (File(b"{\"pool_size\": 16}", "1"), Syntax, "text", "{\"pool_size\": 16}", TOML),
    (File(b"pool_size = 1\0", "1"), Syntax, "pool_size", "1\\0", TOML),
    (File(b"\0\0\0", "1"), Syntax, "text", "\\0\\0\\0", TOML),
    (File(b"\x7fELF\x02\x01", "1"), Syntax, "text", "\\u{7f}ELF", TOML),
    (File(b"workload = \"low\"\n# \xff\n", "2:3"), Unreadable, "text", "the byte 0xff", "UTF-8"),
    (File(b"\xff\xfep\0o\0", "1:1"), Unreadable, "text", "the byte 0xff", "UTF-8"),
    (File(&OPEN_BRACKETS, "1"), Syntax, "text", "[[[[", TOML),
    (File(&NINES, "1"), Syntax, "text", "9999", TOML),
    (File(&TOO_LARGE, ""), Unreadable, "file", ".toml", READABLE),
    (File(b"pool_size = 65536\nbuffer_size = 16777216", "1:13"), TooMuchMemory, "pool_size * buffer_size",
        "65536 * 16777216 = 1099511627776 bytes a thread", "at most 1073741824"),
    (File(b"workload = \"extreme\"\npool_size = 65536\n[pools.ingest]\nbuffer_size = \"1MiB\"", "2:13"), TooMuchMemory,
        "pool_size * buffer_size", "65536 * 1048576", "at most 1073741824"),
];

#[cfg(unix)]
fn text(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn text(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The error of one case, and how its message must begin.
fn run(bad: &Bad) -> (ConfigError, String) {
    let resolve = |name: &str, value: OsString| {
        load::resolve("ingest", &Overrides::NONE, None, [(name.into(), value)])
    };
    match bad {
        Variable(name, value) => {
            let error = resolve(name, text(value)).expect_err("the value is refused");
            (error, format!("variable {name}: "))
        }
        File(bytes, place) => {
            let file = Scratch::new(bytes);
            let error = resolve(CONFIG, file.path().into()).expect_err("the file is refused");
            let whole_file = format!("variable {CONFIG}: ");
            let at_place = format!("{}:{place}:", file.name());
            (
                error,
                if place.is_empty() {
                    whole_file
                } else {
                    at_place
                },
            )
        }
    }
}

/// What the error of `case` fails to say.
fn faults((bad, kind, key, value, allowed): &Case) -> Vec<String> {
    let (error, source) = run(bad);
    let message = error.to_string();
    let said = [
        ("source", message.starts_with(&source)),
        ("kind", error.kind() == *kind),
        ("key", error.key() == *key && message.contains(key)),
        (
            "value",
            error.value().contains(value) && message.contains(error.value()),
        ),
        (
            "range",
            error.allowed().contains(allowed) && message.contains(error.allowed()),
        ),
        ("one plain line", !message.chars().any(char::is_control)),
        ("a short line", message.chars().count() < 512),
    ];
    let missing = said.iter().filter(|(_, said)| !said);
    missing
        .map(|(what, _)| format!("{what}: {:?} {message}", error.kind()))
        .collect()
}

#[test]
fn every_bad_value_is_refused_with_key_value_range_and_source() {
    assert!(CASES.len() >= 60);
    let faults: Vec<String> = CASES.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
