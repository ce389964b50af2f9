//! A run is recorded, and what is foretold comes true in the next.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{self, Ended, file, text};

/// Half a point.
const CLOSE: f64 = 0.005;

/// Receipts and constructed triples, for as many triples as fill a few hundred blocks.
const WORKLOAD: [&str; 6] = [
    "--generate",
    "60000",
    "--workers",
    "2",
    "--hooks",
    concat!(env!("CARGO_MANIFEST_DIR"), "/../config/hooks.toml"),
];

/// Pools are too small on purpose; where the stages are proved, a miss would end the program.
fn poold(arguments: &[&str]) -> std::process::Command {
    let mut command = program::poold(arguments);
    command.env("KNHK_HOT_PATH", "count");
    command
}

fn ended(arguments: &[&str]) -> Ended {
    Ended::of(&poold(arguments).output().expect("the program starts"))
}

fn tuned(more: &[&str]) -> Value {
    let ended = ended(&[&["tune", "--json"], &WORKLOAD[..], more].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.json()
}

/// The hit rate of the pool `emit` in a run that does not record.
fn measured(command: &[&str], size: Option<usize>) -> f64 {
    let mut command = poold(&[&["run", "--json"], command].concat());
    if let Some(size) = size {
        command.env("KNHK_POOL_SIZE", size.to_string());
    }
    let json = Ended::of(&command.output().expect("it starts")).json();
    let pools = json["pools"].as_array().expect("pools");
    let emit = pools.iter().find(|pool| pool["name"] == "emit");
    emit.expect("the pool")["hit_rate"]
        .as_f64()
        .expect("something was acquired")
}

fn assert_close(foretold: f64, measured: f64, of: &str) {
    let apart = (foretold - measured).abs();
    assert!(
        apart <= CLOSE,
        "{of}: foretold {foretold}, measured {measured}"
    );
}

#[test]
fn the_pipeline_has_the_hit_rate_that_was_foretold_for_each_size() {
    let out = file("tune-out.jsonl", b"");
    for more in [&[][..], &["--out", text(&out)]] {
        let json = tuned(more);
        let sizes = json["sizes"].as_array().expect("sizes");
        assert!(sizes.len() > 2, "several buffers are out at once: {json}");
        for size in sizes {
            let pool_size = size["pool_size"].as_u64().expect("a number") as usize;
            let foretold = size["hit_rate"].as_f64().expect("a rate");
            let command = [&WORKLOAD[..], more].concat();
            assert_close(
                foretold,
                measured(&command, Some(pool_size)),
                &size.to_string(),
            );
        }
        assert_eq!(sizes[sizes.len() - 1]["hit_rate"], 1.0);
    }
}

#[test]
fn what_is_written_loads_as_it_is_and_reaches_the_target() {
    for target in ["40", "75", "99.9"] {
        let path = file(&format!("tuned-{target}.toml"), b"");
        let json = tuned(&["--target", target, "--write", text(&path)]);
        let ratio = target.parse::<f64>().expect("a number") / 100.0;
        let rows = json["targets"].as_array().expect("targets");
        let near = |row: &&Value| (row["hit_rate"].as_f64().expect("a rate") - ratio).abs() < 1e-9;
        let size = &rows.iter().find(near).expect("the target is a row")["size"];

        let config = ended(&["config", "--json", "--config", text(&path)]);
        assert_eq!((config.code, config.stderr.as_str()), (Some(0), ""));
        let config = config.json();
        let settings = config["pools"][0]["settings"].as_array().expect("a list");
        let of = |key: &str| settings.iter().find(|setting| setting["key"] == key);
        let pool_size = of("pool_size").expect("the key");
        assert_eq!(pool_size["value"], size["pool_size"]);
        assert!(
            pool_size["source"]
                .as_str()
                .is_some_and(|s| s.contains("tuned-"))
        );
        assert_eq!(
            of("buffer_size").expect("the key")["value"],
            json["buffer_size"]
        );

        let command = [&WORKLOAD[..], &["--config", text(&path)]].concat();
        let measured = measured(&command, None);
        assert_close(size["hit_rate"].as_f64().expect("a rate"), measured, target);
        assert!(measured >= ratio - CLOSE, "{measured} for {target} %");
    }
}

#[test]
fn a_smaller_size_does_not_reach_the_target() {
    let json = tuned(&[]);
    for row in json["targets"].as_array().expect("targets") {
        let wanted = row["hit_rate"].as_f64().expect("a rate");
        let size = row["size"]["pool_size"].as_u64().expect("a size") as usize;
        let below = &json["sizes"].as_array().expect("sizes")[..size - 1];
        let reached = |size: &Value| size["hit_rate"].as_f64().expect("a rate") >= wanted;
        assert!(!below.iter().any(reached), "{row} is not the smallest");
    }
}

#[test]
fn the_recorded_size_does_not_matter() {
    let record = |size: &str| {
        let command = [
            &["tune", "--json", "--workers", "1"][..],
            &["--generate", "20000"],
        ]
        .concat();
        let output = poold(&command).env("KNHK_POOL_SIZE", size).output();
        Ended::of(&output.expect("it starts")).json()["sizes"].clone()
    };
    assert_eq!(record("1"), record("40"));
}

#[test]
fn real_data_has_the_hit_rate_that_was_foretold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = root.join("shared/data/schemaorg-all-https.nt");
    if !data.exists() {
        eprintln!("skipped: there is no {}", data.display());
        return;
    }
    let command = [text(&data), "--hooks", WORKLOAD[5], "--lenient"];
    let tuned = ended(&[&["tune", "--json"], &command[..]].concat()).json();
    for size in tuned["sizes"].as_array().expect("sizes") {
        let pool_size = size["pool_size"].as_u64().expect("a number") as usize;
        let foretold = size["hit_rate"].as_f64().expect("a rate");
        assert_close(
            foretold,
            measured(&command, Some(pool_size)),
            &size.to_string(),
        );
    }
}

#[test]
fn the_table_is_plain_text_where_nobody_sees_colours() {
    let ended = ended(&[&["tune"], &WORKLOAD[..]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.is_ascii(), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\x1b'));
    for part in [
        "95 %", "99 %", "99.9 %", "buffers", "profile", "####", "KiB",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part:?} is not in {}",
            ended.stdout
        );
    }
}

#[test]
fn the_picture_is_an_svg_of_the_same_sizes() {
    let path = file("sizes.svg", b"");
    let json = tuned(&["--plot", text(&path)]);
    let svg = fs::read_to_string(&path).expect("it was written");
    assert!(
        svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
        "{svg}"
    );
    let acquires = json["acquires"].to_string();
    for part in [
        "<polyline",
        "hit rate, %",
        "buffers a thread",
        &acquires,
        "95 %",
    ] {
        assert!(svg.contains(part), "{part:?} is not in {svg}");
    }
}

#[test]
fn a_workload_with_one_buffer_out_is_told_that_there_is_nothing_to_tune() {
    let ended = ended(&["tune", "--generate", "40", "--workers", "1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let says = "never had more than one buffer out".replace("never", "ever");
    assert!(ended.stdout.contains(&says), "{ended:?}");
    assert!(ended.stdout.contains("nothing to tune"), "{ended:?}");
}

#[test]
fn a_workload_that_acquires_nothing_is_told_so() {
    let empty = file("empty.nt", b"");
    ended(&["tune", text(&empty)]).assert_refused(2, "nothing was acquired");
}

#[test]
fn bad_lines_are_told_as_in_a_run() {
    let bad = file(
        "tune-bad.nt",
        b"<http://e/s> <http://e/p> \"o\" .\nnonsense\n",
    );
    let refused = ended(&["tune", text(&bad)]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("bad line:"), "{refused:?}");
    assert_eq!(ended(&["tune", "--lenient", text(&bad)]).code, Some(0));
}

#[test]
fn a_reader_that_has_had_enough_loses_no_file_and_changes_no_exit_code() {
    let good = file("enough.nt", b"<http://e/s> <http://e/p> \"o\" .\n");
    let bad = file("enough-bad.nt", b"<http://e/s> <http://e/p> \"o\" .\nno\n");
    let written = file("enough.toml", b"");
    for (command, data, code) in [("tune", &good, 0), ("tune", &bad, 1), ("run", &bad, 1)] {
        fs::write(&written, "").expect("the disk takes it");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command_line = poold(&[command, text(data)]);
        if command == "tune" {
            command_line.args(["--write", text(&written)]);
        }
        let status = command_line.stdout(writer).status().expect("it starts");
        assert_eq!(status.code(), Some(code), "{command}");
        let text = fs::read_to_string(&written).expect("it is there");
        assert_eq!(text.contains("pool_size"), command == "tune", "{text}");
    }
}

#[test]
fn what_a_command_reads_or_writes_otherwise_is_never_written_over() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tune-over");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("it can be made");
    let [data, link, hooks, config, new] =
        ["in.nt", "link.nt", "c8.toml", "pools.toml", "new"].map(|name| folder.join(name));
    let triple = "<http://example.org/a> <http://example.org/university#advisor> \"b\" .\n";
    fs::write(&data, triple).expect("it can be written");
    fs::hard_link(&data, &link).expect("of one file system");
    fs::copy(WORKLOAD[5], &hooks).expect("it is there");
    fs::write(&config, "pool_size = 20\n").expect("it can be written");
    let named = ["tune", "--hooks", text(&hooks), "--config", text(&config)];
    let tuned = |more: &[&str]| ended(&[&named[..], &[text(&data)], more].concat());
    for flag in ["--write", "--plot"] {
        tuned(&[flag, text(&link)]).assert_refused(2, "link.nt is also an input");
        tuned(&[flag, text(&hooks)]).assert_refused(2, "c8.toml is also the file of hooks");
        tuned(&[flag, text(&config)]).assert_refused(2, "pools.toml is also the file of settings");
        let out = ["--out", text(&new), flag, &format!("{}.nt", text(&new))];
        tuned(&out).assert_refused(2, "new.nt is also what --");
    }
    let twice = [
        "--write",
        text(&new),
        "--plot",
        &format!("{}/./new", text(&folder)),
    ];
    tuned(&twice).assert_refused(2, "new is also what --write writes");
    let from = [&["tune", "--from", "http://127.0.0.1:1/"], &twice[..]].concat();
    ended(&from).assert_refused(2, "new is also what --write writes");
    let there = |name: &str| folder.join(name).exists();
    assert!(!["new", "new.nt"].into_iter().any(there));
    assert_eq!(fs::read_to_string(&data).expect("still there"), triple);
}

#[test]
fn what_cannot_be_is_refused_and_named() {
    let data = file("over.nt", b"<http://e/s> <http://e/p> \"o\" .\n");
    let data = text(&data);
    ended(&["tune", data, "--write", data]).assert_refused(2, "is also an input");
    ended(&["tune", data, "--plot", data]).assert_refused(2, "is also an input");
    ended(&["tune", data, "--out", "-"]).assert_refused(2, "standard output");
    ended(&["tune", data, "--out", "/dev/stdout"]).assert_refused(2, "standard output");
    ended(&["tune", data, "--write", "/dev/stdout"]).assert_refused(2, "standard output");
    ended(&["tune", "-", "-"]).assert_refused(2, "once only");
    let folder = text(Path::new(env!("CARGO_TARGET_TMPDIR")));
    ended(&["tune", data, "--write", folder]).assert_refused(2, "cannot write");
    for target in ["0", "100.1", "-1", "all", "NaN", "%"] {
        let refused = ended(&["tune", data, &format!("--target={target}")]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(
            refused.stderr.contains("a percentage above 0"),
            "{refused:?}"
        );
    }
    let both = ended(&["tune", data, "--from", "http://127.0.0.1:1/v1/pools"]);
    assert_eq!(both.code, Some(2), "{both:?}");
}
