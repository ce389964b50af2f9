//! Garbage in environment, files and flags: exit code 2 and one line, before the port opens.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use crate::program::{Ended, file, text};
use crate::server::{Server, serve, serve_on};

fn refused(command: &mut Command, part: &str) {
    let ended = Ended::of(&command.output().expect("it starts"));
    assert_eq!(ended.code, Some(2), "{part}: {ended:?}");
    assert!(!ended.stderr.contains("serving on"), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    assert!(ended.stderr.contains(part), "{part:?} is not in {ended:?}");
}

/// What no number is.
const GARBAGE: [&str; 10] = [
    " ",
    "-1",
    "1e9",
    "16.5",
    "18446744073709551616",
    "99999999999",
    "٣",
    "0x10",
    "many",
    "1 2",
];

#[test]
fn garbage_in_variables_is_refused_by_name() {
    for name in ["KNHK_POOL_SIZE", "KNHK_BUFFER_SIZE", "KNHK_POOL_WORKLOAD"] {
        for value in GARBAGE {
            refused(serve(&[]).env(name, value), name);
        }
        refused(serve(&[]).env(name, OsStr::from_bytes(b"\xff\xfe")), name);
        refused(serve(&[]).env(name, "9".repeat(100_000)), name);
    }
    refused(
        serve(&[]).env("KNHK_POOL_CONFIG", "/nowhere/at/all.toml"),
        "/nowhere/at/all.toml",
    );
    refused(serve(&[]).env("KNHK_POOL_CONFIG", "/"), "/");
}

#[test]
fn garbage_in_files_is_refused_with_its_place() {
    let keys = [
        "workers",
        "delta",
        "monitor_interval_s",
        "queue_len",
        "connections_max",
        "head_bytes_max",
        "body_bytes_max",
        "text_bytes_max",
        "held_bytes_max",
        "head_time_ms",
        "body_time_ms",
        "queue_time_ms",
    ];
    let mut cases: Vec<(String, &str)> = Vec::new();
    for key in keys {
        for value in ["0", "-1", "16.5", "99999999999", "\"8\"", "true", "[]"] {
            cases.push((format!("[poold]\n{key} = {value}\n"), ".toml:2:"));
        }
    }
    for text in [
        "[poold]\nworker = 2\n",
        "[poold]\nworkers = 2\nworkers = 3\n",
        "[poold\n",
        "[poold]\nworkers = \n",
        "\u{feff}\u{feff}[poold]\n",
        "[poold]\nworkers = 1\0\n",
        "poold = 3\n",
        "pool_size = \"x\"\n",
        "unknown = 1\n",
        "[pools.emit]\nsize = 1\n",
    ] {
        cases.push((text.to_owned(), ".toml:"));
    }
    assert!(cases.len() >= 60);
    for (index, (toml, part)) in cases.iter().enumerate() {
        let path = file("serve-garbage.toml", toml.as_bytes());
        println!("{index}: {toml:?}");
        refused(&mut serve(&["--config", text(&path)]), part);
    }
    let bytes: [&[u8]; 2] = [b"[poold]\n\xff\xfe = 1\n", b"\xff\xfe[\0p\0"];
    for wrong in bytes {
        let path = file("serve-garbage.toml", wrong);
        refused(&mut serve(&["--config", text(&path)]), "serve-garbage.toml");
    }
    let path = file("serve-crlf.toml", b"[poold]\r\nworkers = 0\r\n");
    refused(&mut serve(&["--config", text(&path)]), ".toml:2:11");
}

#[test]
fn what_a_refusal_quotes_stays_on_its_line() {
    let cases = [
        (
            "[poold]\n\"a\\nb\\u001b[31m\\u202e\" = 1\n",
            "a\\nb\\u{1b}[31m\\u{202e}",
        ),
        ("poold = \"\\n\"\n", ".toml:1"),
    ];
    for (toml, part) in cases {
        let path = file("serve-two\nlines.toml", toml.as_bytes());
        let ended = Ended::of(
            &serve(&["--config", text(&path)])
                .output()
                .expect("it starts"),
        );
        ended.assert_refused(2, part);
        assert!(ended.stderr.contains("serve-two\\nlines.toml"), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    let hooks = "[[hook]]\nname = \"n\"\np = \"<http://p>\"\nop = \"ask_sp\"\ns = \"<http://a\\nb\\u001b[2J>\"\n";
    let path = file("serve-two-lines-hooks.toml", hooks.as_bytes());
    let ended = Ended::of(
        &serve(&["--hooks", text(&path)])
            .output()
            .expect("it starts"),
    );
    ended.assert_refused(2, "not an N-Triples term");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(!ended.stderr.contains('\u{1b}'), "{ended:?}");
}

#[test]
fn two_files_for_one_set_of_hooks_are_refused() {
    let hooks = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/hooks.toml");
    let named = format!("x={hooks}");
    for (name, file) in [("default", hooks), ("x", &named)] {
        let twice = ["--hooks", file, "--hooks", file];
        refused(
            &mut serve(&twice),
            &format!("two sets of hooks are named {name}"),
        );
    }
}

#[test]
fn a_disabled_sdk_leaves_metrics_empty_and_says_so() {
    let server = Server::of(serve(&[]).env("OTEL_SDK_DISABLED", "true"));
    assert_eq!(server.get("/metrics").body, "");
    let lines = server.stop();
    assert!(
        lines[0].contains("OTEL_SDK_DISABLED is true: nothing is exported"),
        "{lines:?}"
    );
}

#[test]
fn a_port_that_is_taken_is_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = taken.local_addr().expect("it is bound").to_string();
    let ended = Ended::of(&serve_on(&address, &[]).output().expect("it starts"));
    ended.assert_refused(2, &address);
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn garbage_in_flags_is_refused_by_name() {
    let flags = [
        "--workers",
        "--delta",
        "--queue-len",
        "--connections-max",
        "--head-bytes-max",
        "--body-bytes-max",
        "--text-bytes-max",
        "--held-bytes-max",
        "--head-time-ms",
        "--body-time-ms",
        "--queue-time-ms",
    ];
    for flag in flags {
        for value in ["0", "", "16.5", "99999999999", "x"] {
            refused(&mut serve(&[&format!("{flag}={value}")]), flag);
        }
    }
    for (arguments, part) in [
        (&["--hooks", "/nowhere.toml"][..], "/nowhere.toml"),
        (&["--hooks", "two words=x.toml"], "--hooks"),
        (&["--token-file", "/nowhere"], "/nowhere"),
        (&["--tls-cert", "/nowhere"], "--tls-key"),
        (
            &["--tls-cert", "/nowhere", "--tls-key", "/nowhere"],
            "/nowhere",
        ),
        (&["--journal", "/nowhere/x"], "/nowhere/x"),
        (&["--journal", "/"], "/"),
        (&["--journal-sync"], "--journal"),
    ] {
        refused(&mut serve(arguments), part);
    }
}

#[test]
fn sizes_that_are_good_one_by_one_are_refused_when_all_together_are_not() {
    let path = file(
        "serve-sum.toml",
        b"pool_size = 1024\nbuffer_size = 1048576\n",
    );
    let mut command = serve(&["--workers", "1024", "--config", text(&path)]);
    let ended = Ended::of(&command.output().expect("it starts"));
    ended.assert_refused(2, "1024 x 1024 x 1048576");
    assert!(ended.stderr.contains("16 GiB"), "{ended:?}");
}
