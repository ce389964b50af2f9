//! `knhk-poold config`, and the refusal of bad configuration and bad hooks before a run begins.

mod program;

use program::{Ended, ended, file, poold, text};

#[test]
fn config_tells_each_value_with_its_source() {
    let path = file(
        "pools.toml",
        b"pool_size = 20\n\n[pools.emit]\nbuffer_size = \"8KiB\"\n",
    );
    let mut command = poold(&[
        "config",
        "--config",
        text(&path),
        "--workload",
        "high",
        "--json",
    ]);
    let output = command
        .env("KNHK_POOL_SIZE", "24")
        .output()
        .expect("it starts");
    let json = Ended::of(&output).json();
    let settings = json["pools"][0]["settings"]
        .as_array()
        .expect("a list")
        .clone();
    assert_eq!(json["pools"][0]["name"], "emit");
    let of = |key: &str| {
        settings
            .iter()
            .find(|setting| setting["key"] == key)
            .expect("the key")
            .clone()
    };
    assert_eq!(
        (
            of("workload")["value"].as_str(),
            of("pool_size")["value"].as_u64()
        ),
        (Some("high"), Some(24))
    );
    assert_eq!(of("pool_size")["source"], "variable KNHK_POOL_SIZE");
    assert_eq!(of("buffer_size")["value"], 8192);
    assert!(
        of("buffer_size")["source"]
            .as_str()
            .is_some_and(|source| source.contains("pools.toml:4:"))
    );
}

#[test]
fn config_refuses_what_would_be_refused_elsewhere_and_tells_of_arenas() {
    let sum = b"[poold]\nworkers = 64\n[pools.emit]\npool_size = 1024\nbuffer_size = \"1MiB\"\n";
    let sum = file("sum.toml", sum);
    let pages = file("pages.toml", b"[arena]\nhuge_pages = true\n");
    for (path, part) in [
        (&sum, "64 x 1024 x 1048576 bytes"),
        (&pages, "arena.huge_pages is true"),
    ] {
        ended(&["config", "--config", text(path)]).assert_refused(2, part);
    }
    let good = file("arena.toml", b"[arena]\nsize = \"2MiB\"\n");
    let mut command = poold(&["config", "--config", text(&good)]);
    let output = command.env("KNHK_ARENA_ZERO", "1").output();
    let told = Ended::of(&output.expect("it starts")).stdout;
    let lines = [
        "size       = 2097152",
        "zero       = true     # variable KNHK_ARENA_ZERO",
    ];
    assert!(lines.iter().all(|line| told.contains(line)), "{told}");
}

#[test]
fn a_bad_setting_is_refused_by_config_and_by_run_alike() {
    let unknown = file("unknown.toml", b"pool_sise = 4\n");
    let huge = file("huge.toml", b"[pools.emit]\npool_size = 65537\n");
    let empty = [("KNHK_POOL_SIZE", "")];
    for (path, part) in [
        (text(&unknown), "unknown.toml:1:1"),
        (text(&huge), "huge.toml:2:"),
        ("/nonexistent.toml", "/nonexistent.toml"),
    ] {
        for command in [
            &["config", "--config", path][..],
            &["run", "--generate", "8", "--config", path],
        ] {
            let output = poold(command).envs(empty).output().expect("it starts");
            Ended::of(&output).assert_refused(2, part);
        }
    }
}

#[test]
fn a_bad_variable_is_refused_by_config_and_by_run_alike() {
    for command in [&["config"][..], &["run", "--generate", "8"]] {
        let output = poold(command)
            .env("KNHK_BUFFER_SIZE", "16.5")
            .output()
            .expect("it starts");
        Ended::of(&output).assert_refused(2, "KNHK_BUFFER_SIZE");
    }
}

#[test]
fn a_table_that_no_pool_asks_for_is_a_warning() {
    let path = file("stray.toml", b"[pools.emitt]\npool_size = 4\n");
    for command in [
        &["config", "--config", text(&path)][..],
        &["run", "--generate", "8", "--config", text(&path)],
    ] {
        let ended = ended(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(
            ended.stderr.contains("stray.toml:1") && ended.stderr.contains("emitt"),
            "{ended:?}"
        );
    }
}

#[test]
fn the_service_reads_its_own_table_and_refuses_what_it_does_not_know() {
    let path = file("poold.toml", b"[poold]\nworkers = 3\ndelta = 5\n");
    let json = ended(&[
        "run",
        "--generate",
        "100",
        "--json",
        "--config",
        text(&path),
        "--workers",
        "2",
    ])
    .json();
    assert_eq!(
        (json["workers"].as_u64(), json["delta"].as_u64()),
        (Some(2), Some(5))
    );
    let config = ended(&["config", "--config", text(&path)]).stdout;
    assert!(config.contains("poold.toml:2:11"), "{config}");
    let bad = [
        (
            "[poold]\nworker = 3\n",
            "bad-poold0.toml:2:1: unknown field `worker`",
        ),
        (
            "[poold]\nworkers = 0\n",
            "bad-poold1.toml:2:11: poold.workers is 0, expected 1 to 1024",
        ),
        (
            "[poold]\ndelta = 'x'\n",
            "bad-poold2.toml:2:9: invalid type",
        ),
    ];
    for (number, (toml, part)) in bad.iter().enumerate() {
        let path = file(&format!("bad-poold{number}.toml"), toml.as_bytes());
        ended(&["config", "--config", text(&path)]).assert_refused(2, part);
        ended(&["run", "--generate", "8", "--config", text(&path)]).assert_refused(2, part);
    }
}

#[test]
fn the_workload_on_the_command_line_sets_the_sizes() {
    let json = ended(&["config", "--workload", "extreme", "--json"]).json();
    let values: Vec<_> = json["pools"][0]["settings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| s["value"].clone())
        .collect();
    assert_eq!(
        (values[1].as_u64(), values[2].as_u64()),
        (Some(64), Some(16 << 10))
    );
}

const GOOD: &str = "name = 'h'\np = '<http://a/p>'\n";

#[test]
fn bad_hooks_are_refused_with_their_place() {
    let bad = [
        (
            "[[hook]]\nop = 'ask_sp'\ns = 4\n",
            ":1:1: missing field `name`",
        ),
        ("[[hook]]\nop = 'ask'\n", ":2:6: unknown variant `ask`"),
        (
            "[[hook]]\nop = 'ask_sp'\nname = 'h'\np = '<http://a/p>'\n",
            ":2:6: hook \"h\": this operation needs `s`",
        ),
        (
            "[[hook]]\nop = 'ask_op'\nname = 'h'\np = '<http://a/p>'\no = 1\nk = 1\n",
            ":2:6: hook \"h\": this operation has no `k`",
        ),
        (
            "[[hook]]\nop = 'ask_op'\nname = 'h'\np = 'http://a/p'\no = 1\n",
            ":4:5: a predicate must be an IRI",
        ),
        (
            "[[hook]]\nop = 'ask_op'\nname = 'h'\np = '<http://a/p>'\no = 'x'\n",
            ":5:5: not an N-Triples term",
        ),
        // Turtle has short ways to write these, N-Triples has not.
        (
            "[[hook]]\nop = 'ask_op'\nname = 'h'\np = '<http://a/p>'\no = '18'\n",
            ":5:5: not an N-Triples term",
        ),
        (
            "[[hook]]\nop = 'ask_op'\nname = 'h'\np = '<http://a/p>'\no = 'true'\n",
            ":5:5: not an N-Triples term",
        ),
        (
            "[[hook]]\nop = 'compare_o_eq'\nname = 'h'\np = '<http://a/p>'\no = '-1'\n",
            ":5:5: not an N-Triples term",
        ),
        (
            "[[hook]]\nop = 'construct8'\nname = 'h'\np = '<http://a/p>'\nconstruct_p = '<http://a/n>'\nconstruct_o = 1.5\n",
            ":6:15: construct_o: expected an N-Triples term in quotes, or an integer from 0 to 9223372036854775807, found 1.5",
        ),
        (
            "[[hook]]\nop = 'ask_sp'\nname = 'h'\np = '<http://a/p>'\ns = true\n",
            ":5:5: s: expected an N-Triples term in quotes, or an integer from 0 to 9223372036854775807, found true",
        ),
        (
            "[[hook]]\nop = 'ask_op'\nname = 'h'\np = '<http://a/p>'\no = 9223372036854775808\n",
            ":5:5: o: expected an N-Triples term in quotes, or an integer from 0 to 9223372036854775807, found 9223372036854775808",
        ),
        (
            "[[hook]]\nop = 'ask_op'\nname = 'h'\np = '<http://a/p>'\no = -1\n",
            ":5:5: o: expected an N-Triples term in quotes, or an integer from 0 to 9223372036854775807, found -1",
        ),
        (
            "[[hook]]\nop = 'ask_op'\nname = 'h'\np = '<http://a/p>'\no = '_:b'\n",
            ":5:5: a blank node",
        ),
        (
            "[[hook]]\nop = 'count_op_ge'\nname = 'h'\np = '<http://a/p>'\no = 1\nk = -1\n",
            ":6:5: k: expected an integer from 0 to 8, the triples of a run, found -1",
        ),
        (
            "[[hook]]\nop = 'count_sp_eq'\nname = 'h'\np = '<http://a/p>'\ns = 1\nk = 9\n",
            ":6:5: k: expected an integer from 0 to 8, the triples of a run, found 9",
        ),
        (
            "[[hook]]\nop = 'count_sp_eq'\nname = 'h'\np = '<http://a/p>'\ns = 1\nk = '2'\n",
            ":6:5: k: expected an integer from 0 to 8, the triples of a run, found \"2\"",
        ),
        ("[[hook]]\nsubject = 1\n", ":2:1: unknown field `subject`"),
        ("[[hoook]]\n", ":1:3: unknown field `hoook`"),
        ("[[hook]\n", ":1:"),
        ("", ":1:1: no [[hook]]"),
    ];
    for (number, (toml, part)) in bad.iter().enumerate() {
        let path = file(&format!("hooks{number}.toml"), toml.as_bytes());
        let place = format!("hooks{number}.toml{part}");
        ended(&["run", "--generate", "8", "--hooks", text(&path)]).assert_refused(2, &place);
    }
    for op in ["lt", "gt", "le", "ge"] {
        for term in [
            "\"b\"",
            "<http://a/o>",
            "\"-1\"^^<http://www.w3.org/2001/XMLSchema#integer>",
        ] {
            let toml = format!("[[hook]]\nop = 'compare_o_{op}'\n{GOOD}o = '{term}'\n");
            let path = file("hooks-order.toml", toml.as_bytes());
            let part =
                "hooks-order.toml:5:5: hook \"h\": this operation needs an `o` that has an order";
            ended(&["run", "--generate", "8", "--hooks", text(&path)]).assert_refused(2, part);
        }
    }
    ended(&["run", "--hooks", "/nonexistent.toml"])
        .assert_refused(2, "cannot read hooks /nonexistent.toml");
    let good = file(
        "hooks-good.toml",
        format!("[[hook]]\nop = 'ask_sp'\n{GOOD}s = 1\n").as_bytes(),
    );
    assert_eq!(
        ended(&["run", "--generate", "8", "--hooks", text(&good)]).code,
        Some(0)
    );
}

#[test]
fn a_term_in_text_and_a_number_are_the_same_integer() {
    let integer = "'\"18\"^^<http://www.w3.org/2001/XMLSchema#integer>'";
    let counts = ["18", integer].map(|o| {
        let p = "<http://example.org/university#age>";
        let hook = |op: &str| format!("[[hook]]\nname = 'h'\nop = '{op}'\np = '{p}'\no = {o}\n");
        let toml = hook("compare_o_le") + &hook("compare_o_eq");
        let path = file("hooks-integer.toml", toml.as_bytes());
        let json = ended(&[
            "run",
            "--generate",
            "20000",
            "--json",
            "--hooks",
            text(&path),
        ])
        .json();
        assert!(json["hooks"][0]["lanes"].as_u64() > Some(0), "{json}");
        json["hooks"].clone()
    });
    assert_eq!(counts[0], counts[1]);
}

#[test]
fn the_shipped_hooks_fit_the_generated_data() {
    let json = ended(&[
        "run",
        "--generate",
        "20000",
        "--hooks",
        "../config/hooks.toml",
        "--json",
    ])
    .json();
    for hook in json["hooks"].as_array().expect("a list") {
        assert!(hook["evaluated"].as_u64() > Some(0), "{hook}");
        assert!(hook["lanes"].as_u64() > Some(0), "{hook}");
    }
    assert!(json["constructed"].as_u64() > Some(0));
}
