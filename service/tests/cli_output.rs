//! What `knhk-poold` says and writes, and how it ends.

mod program;

use std::fs;
use std::process::Stdio;

use program::{ended, file, poold, text};
use serde_json::Value;

const SMALL: [&str; 3] = ["run", "--generate", "3000"];

fn small(more: &[&'static str]) -> Vec<&'static str> {
    SMALL.iter().chain(more).copied().collect()
}

#[test]
fn json_is_one_object_with_the_keys_that_are_promised() {
    let json = ended(&small(&["--json"])).json();
    assert_eq!(json["triples"], 3000);
    assert_eq!(json["receipts"], json["runs"]);
    assert_eq!(json["merged_receipt"]["count"], json["receipts"]);
    let pools = json["pools"].as_array().expect("a list");
    let names: Vec<&str> = pools
        .iter()
        .filter_map(|pool| pool["name"].as_str())
        .collect();
    assert_eq!(names, ["emit", "knhk.receipts", "knhk.soa"]);
    for pool in pools {
        assert!(pool["hits"].as_u64() > Some(0), "{pool}");
        assert_eq!(
            (&pool["misses"], &pool["hit_rate"]),
            (&Value::from(0), &Value::from(1.0))
        );
        assert!(pool["high_water"].as_u64() > Some(0), "{pool}");
    }
}

#[test]
fn the_table_is_plain_where_there_is_no_terminal_and_fits_80_columns() {
    for more in [
        &["--no-pool"][..],
        &["--compare", "--repeat", "2"],
        &["--hooks", "../config/hooks.toml"],
    ] {
        let ended = ended(&small(more));
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{more:?}"
        );
        assert!(!ended.stdout.contains('\u{1b}'), "{more:?}");
        for line in ended.stdout.lines() {
            assert!(line.chars().count() <= 80, "{line:?}");
        }
    }
}

#[test]
fn compare_shows_both_and_their_ratio() {
    let json = ended(&small(&["--compare", "--repeat", "3", "--json"])).json();
    let speed = |mode: &str| {
        json["compare"][mode]["triples_per_second"]
            .as_f64()
            .expect("a speed")
    };
    let ratio = json["compare"]["ratio"].as_f64().expect("a ratio");
    assert!((ratio - speed("pooled") / speed("heap")).abs() < 1e-6);
    assert_eq!(
        (&json["compare"]["rounds"], &json["passes"]),
        (&Value::from(3), &Value::from(3))
    );
}

#[test]
fn a_comparison_that_writes_tells_how_long_writing_took() {
    let out = file("compare-out.jsonl", b"");
    let more = ["--compare", "--repeat", "1", "--json", "--out", text(&out)];
    let json = ended(&[&SMALL[..], &more].concat()).json();
    assert!(json["output_seconds"].as_f64() > Some(0.0), "{json}");
}

#[test]
fn a_comparison_of_nothing_has_no_verdict() {
    let nothing = ["run", "--generate", "0", "--compare", "--repeat", "1"];
    let table = ended(&nothing);
    assert_eq!(table.code, Some(0), "{table:?}");
    assert!(!table.stdout.contains("times the heap's"), "{table:?}");
    let json = ended(&[&nothing[..], &["--json"]].concat()).json();
    assert_eq!(json["compare"]["ratio"], Value::Null);
}

#[test]
fn a_build_without_optimisation_says_that_its_figures_mean_nothing() {
    for more in [&[][..], &["--compare", "--repeat", "1"]] {
        let told = ended(&small(more))
            .stdout
            .contains("the figures mean nothing");
        assert_eq!(told, cfg!(debug_assertions), "{more:?}");
    }
    let json = ended(&small(&["--json"])).json();
    assert_eq!(json["is_debug_build"], cfg!(debug_assertions));
}

#[test]
fn terms_are_those_of_the_triples_whatever_the_hooks_name() {
    let data = file("terms.nt", b"<http://a/s> <http://a/p> <http://a/o> .\n");
    let hooks = file(
        "terms.toml",
        b"[[hook]]\nname = 'h'\nop = 'ask_spo'\np = '<http://a/p>'\ns = '<http://a/none>'\no = '<http://a/o>'\n",
    );
    let plain = ["run", "--json", text(&data)];
    for more in [&[][..], &["--hooks", text(&hooks)]] {
        assert_eq!(
            ended(&[&plain[..], more].concat()).json()["terms"],
            3,
            "{more:?}"
        );
    }
}

#[test]
fn without_pools_none_is_reported() {
    let json = ended(&small(&["--no-pool", "--json"])).json();
    assert_eq!(
        (&json["memory"], &json["pools"]),
        (&Value::from("heap"), &Value::Array(Vec::new()))
    );
}

#[test]
fn a_pool_that_is_too_small_misses_and_gives_the_same_receipt() {
    let output = poold(&small(&["--json"]))
        .env("KNHK_POOL_SIZE", "1")
        // In a build that proves the stages, a miss is a violation.
        .env("KNHK_HOT_PATH", "count")
        .output()
        .expect("it starts");
    let tiny: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(
        tiny["pools"][0]["misses"].as_u64() > Some(0),
        "{}",
        tiny["pools"][0]
    );
    assert_eq!(
        tiny["merged_receipt"],
        ended(&small(&["--json"])).json()["merged_receipt"]
    );
}

#[cfg(feature = "allocation-tracking")]
#[test]
fn a_miss_in_a_stage_ends_a_program_that_proves_its_stages() {
    let output = poold(&small(&[])).env("KNHK_POOL_SIZE", "1").output();
    let ended = program::Ended::of(&output.expect("it starts"));
    assert_ne!(ended.code, Some(0));
    let report = "ALLOCATION IN HOT PATH: alloc of ";
    assert!(ended.stderr.contains(report), "{ended:?}");
    let stage = "in section `knhk_poold::worker::emit` (service/src/worker.rs:";
    assert!(ended.stderr.contains(stage), "{ended:?}");
}

#[test]
fn repeating_counts_once_and_says_so() {
    let (once, thrice) = (
        ended(&small(&["--json"])).json(),
        ended(&small(&["--json", "--repeat", "3"])).json(),
    );
    for key in ["triples", "receipts", "merged_receipt"] {
        assert_eq!(once[key], thrice[key]);
    }
    assert_eq!(thrice["passes"], 3);
    assert!(
        ended(&small(&["--repeat", "3"]))
            .stdout
            .contains("3 passes")
    );
}

#[test]
fn a_closed_output_pipe_ends_quietly() {
    for arguments in [
        &["run", "--generate", "60000", "--out", "-"][..],
        &["config"],
        &["--help"],
    ] {
        let mut child = poold(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            output.stderr.is_empty(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_not_a_panic() {
    ended(&small(&["--out", "/dev/full"])).assert_refused(2, "cannot write /dev/full");
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let output = poold(&SMALL)
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .expect("it starts");
    program::Ended::of(&output).assert_refused(2, "standard output");
}

#[test]
fn out_writes_two_files_and_a_device_takes_both() {
    let (receipts, triples) = (file("out.jsonl", b""), file("out.nt", b""));
    for named in [&receipts, &triples] {
        let ended = ended(&[
            "run",
            "--generate",
            "3000",
            "--hooks",
            "../config/hooks.toml",
            "--out",
            text(named),
        ]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let (json, made) = (
            fs::read_to_string(&receipts).unwrap(),
            fs::read_to_string(&triples).unwrap(),
        );
        assert!(
            json.lines()
                .all(|line| serde_json::from_str::<Value>(line).is_ok())
                && !json.is_empty()
        );
        assert!(
            made.lines()
                .all(|line| line.starts_with('<') && line.ends_with(" ."))
                && !made.is_empty()
        );
    }
    let both = ended(&[
        "run",
        "--generate",
        "3000",
        "--hooks",
        "../config/hooks.toml",
        "--out",
        "-",
    ])
    .stdout;
    let (json, made): (Vec<&str>, Vec<&str>) = both.lines().partition(|line| line.starts_with('{'));
    assert!(fs::read_to_string(&receipts).unwrap().lines().eq(json));
    assert!(fs::read_to_string(&triples).unwrap().lines().eq(made));
}

#[test]
fn standard_output_by_another_name_takes_what_a_dash_does() {
    let dash = ended(&small(&["--out", "-"]));
    let device = ended(&small(&["--out", "/dev/stdout"]));
    assert_eq!((device.code, &device.stdout), (Some(0), &dash.stdout));
    assert!(device.stderr.contains("knhk-poold run"), "{device:?}");
    ended(&small(&["--json", "--out", "/dev/stdout"])).assert_refused(2, "standard output");

    let path = file("stdout.jsonl", b"");
    for (more, code) in [(&[][..], 0), (&["--json"], 2)] {
        let stdout = fs::File::create(&path).expect("it can be written");
        let mut command = poold(&small(more));
        command.args(["--out", text(&path)]).stdout(stdout);
        let output = command.output().expect("it starts");
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let expected = if code == 0 { &dash.stdout } else { "" };
        assert_eq!(fs::read_to_string(&path).expect("it is there"), expected);
    }
}

#[test]
fn the_null_device_takes_results_and_report_alike() {
    let mut command = poold(&small(&["--json", "--out", "/dev/null"]));
    let status = command.stdout(Stdio::null()).status().expect("it starts");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn wrong_usage_ends_with_two() {
    let wrong = [
        &["run", "--workers", "0"][..],
        &["run", "--delta", "0"],
        &["run", "--repeat", "0"],
        &["run", "--workload", "huge"],
        &["run", "--compare", "--no-pool"],
        &["run", "--json", "--out", "-"],
        &["run", "--generate", "5", "x.nt"],
        &["walk"],
        &[],
    ];
    for arguments in wrong {
        let ended = ended(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(
            ended.stdout.is_empty() && !ended.stderr.is_empty(),
            "{arguments:?}: {ended:?}"
        );
    }
}
