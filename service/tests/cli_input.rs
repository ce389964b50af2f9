//! What `knhk-poold run` makes of its inputs: good, bad, compressed, missing, piped.

mod program;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use program::{Ended, ended, file, poold, text};

const THREE: &str = "\
<http://a/s> <http://a/p> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> .
# a comment

_:b <http://a/p> \"two\"@en .\r
<http://a/s> <http://a/q> _:b .
";

const BAD: &str = "\
<http://a/s> <http://a/p> \"fine\" .
<http://a/s> <http://a/p> \"no end .
<http://a/s> oops <http://a/o> .
<http://a/s> <http://a/p> <http://a/o>
<http://a/s> <http://a/p> <http://a/o> . <http://a/s> <http://a/p> <http://a/o> .
\u{1b}[31m
<http://a/s> <not an iri> <http://a/o> .
<http://a/s> <http://a/p> \"fine too\" .
";

/// Runs it to its end with `bytes` on standard input.
fn ended_reading(arguments: &[&str], bytes: &[u8]) -> Ended {
    let mut command = poold(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(bytes)
        .expect("it reads");
    Ended::of(&child.wait_with_output().expect("it ends"))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn triples(arguments: &[&str]) -> u64 {
    let ended = ended(arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.json()["triples"].as_u64().expect("a number")
}

#[test]
fn bad_lines_are_told_with_their_place_and_the_rest_is_processed() {
    let path = file("bad.nt", BAD.as_bytes());
    let ended = ended(&["run", "--json", text(&path)]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let json = ended.json();
    assert_eq!(
        (json["triples"].as_u64(), json["bad_lines"].as_u64()),
        (Some(2), Some(6))
    );
    for place in [
        "bad.nt:2:",
        "bad.nt:3:14: ",
        "bad.nt:4:",
        "bad.nt:5:",
        "bad.nt:6:1: ",
    ] {
        assert!(ended.stderr.contains(place), "{place} is not in {ended:?}");
    }
    assert!(ended.stderr.contains("bad lines: 1 more"), "{ended:?}");
    assert!(
        !ended.stderr.contains('\u{1b}'),
        "the file's control characters reach the terminal"
    );
}

#[test]
fn lenient_ends_with_zero_in_spite_of_bad_lines() {
    let path = file("lenient.nt", BAD.as_bytes());
    let ended = ended(&["run", "--lenient", "--json", text(&path)]);
    assert_eq!(
        (ended.code, ended.json()["bad_lines"].as_u64()),
        (Some(0), Some(6))
    );
}

#[test]
fn gzip_is_read_as_what_it_holds_also_in_several_members() {
    let mut members = gzip(THREE);
    members.extend(gzip("<http://a/s> <http://a/q> <http://a/o> .\n"));
    let path = file("members.nt.gz", &members);
    assert_eq!(triples(&["run", "--json", text(&path)]), 4);
}

#[test]
fn what_a_bad_line_lacks_is_said_of_the_line() {
    let lines = [
        (
            "<http://a/s> <http://a/p> \"x .",
            "the line ends inside a term",
        ),
        ("<http://a/s> <http://a", "the line ends inside a term"),
        ("<http://a/s> <http://a/p>", "the line ends inside a triple"),
        (
            "<http://a/s> <http://a/p> _:b",
            "Triples must be followed by a dot",
        ),
        (
            "<http://a/s> <http://a/p> _:b <http://a/g> .",
            "Triples must be followed by a dot",
        ),
    ];
    for (line, message) in lines {
        let path = file("lacks.nt", format!("{line}\n{THREE}").as_bytes());
        let ended = ended(&["run", "--json", text(&path)]);
        assert_eq!(ended.json()["triples"], 3, "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.trim_end().ends_with(message), "{ended:?}");
    }
}

#[test]
fn a_byte_order_mark_at_the_start_of_a_file_is_no_part_of_it() {
    let marked = file("marked.nt", format!("\u{feff}{THREE}").as_bytes());
    assert_eq!(triples(&["run", "--json", text(&marked), text(&marked)]), 6);
    let later = file("marked-later.nt", format!("\n\u{feff}{THREE}").as_bytes());
    let ended = ended(&["run", "--json", text(&later)]);
    assert_eq!((ended.code, &ended.json()["triples"]), (Some(1), &2.into()));
}

/// What `run --help` and the service's documentation say of N-Triples' rules.
#[test]
fn iris_tags_and_labels_that_only_rdf_1_1_allows_are_bad_lines() {
    let objects = [
        "\"x\"@zh-classical",
        "\"x\"@n-us",
        "<http://a/%zz>",
        "<http://a/\u{e000}>",
        "_::a",
        "_:a:b",
        "\"x\"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#langString>",
    ];
    for object in objects {
        let path = file(
            "strict.nt",
            format!("<http://a/s> <http://a/p> {object} .\n").as_bytes(),
        );
        let ended = ended(&["run", "--json", text(&path)]);
        assert_eq!(
            (ended.code, &ended.json()["triples"]),
            (Some(1), &0.into()),
            "{object}"
        );
    }
    let help = ended(&["run", "--help"]).stdout;
    for rule in ["RFC 3987", "BCP 47", "RDF 1.2"] {
        assert!(help.contains(rule), "{rule} is not in {help}");
    }
}

#[test]
fn zeros_behind_gzip_are_padding_and_anything_else_is_an_error() {
    for zeros in [1, 2, 512, 100_000] {
        let padded = [gzip(THREE), vec![0; zeros]].concat();
        let path = file("padded.nt.gz", &padded);
        assert_eq!(triples(&["run", "--json", text(&path)]), 3, "{zeros} zeros");
    }
    for more in [&b"x"[..], &[0, 0, 1], &[0x1f, 0x8b, 8]] {
        let path = file("more.nt.gz", &[&gzip(THREE), more].concat());
        ended(&["run", text(&path)]).assert_refused(2, "more.nt.gz");
    }
    let between = [gzip(THREE), vec![0; 512], gzip(THREE)].concat();
    let path = file("between.nt.gz", &between);
    ended(&["run", text(&path)]).assert_refused(2, "behind the zeros");
}

#[test]
fn gzip_that_breaks_off_is_an_unreadable_file() {
    let whole = gzip(&THREE.repeat(1000));
    let path = file("cut.nt.gz", &whole[..whole.len() / 2]);
    ended(&["run", text(&path)]).assert_refused(2, "cut.nt.gz");
}

#[test]
fn standard_input_is_read_plain_and_compressed() {
    for bytes in [THREE.as_bytes().to_vec(), gzip(THREE)] {
        let ended = ended_reading(&["run", "--json", "-"], &bytes);
        assert_eq!(
            (ended.code, ended.json()["triples"].as_u64()),
            (Some(0), Some(3))
        );
    }
}

#[test]
fn no_input_at_all_is_no_triples() {
    let ended = ended_reading(&["run", "--json", "-"], b"");
    assert_eq!(
        (ended.code, ended.json()["triples"].as_u64()),
        (Some(0), Some(0))
    );
    assert_eq!(
        ended.json()["pools"].as_array().map(Vec::is_empty),
        Some(false)
    );
}

#[test]
fn several_files_are_one_stream_in_the_order_given() {
    let (one, two) = (
        file("one.nt", THREE.as_bytes()),
        file("two.nt", THREE.as_bytes()),
    );
    assert_eq!(triples(&["run", "--json", text(&one), text(&two)]), 6);
}

#[test]
fn equal_blank_nodes_of_two_files_stay_apart_in_the_output() {
    let hooks = file(
        "blank.toml",
        b"[[hook]]\nname='h'\nop='construct8'\np='<http://a/p>'\nconstruct_p='<http://a/n>'\nconstruct_o=7\n",
    );
    let (one, two) = (
        file("blank1.nt", THREE.as_bytes()),
        file("blank2.nt", THREE.as_bytes()),
    );
    let out = file("blank-out.nt", b"");
    let arguments = [
        "run",
        "--hooks",
        text(&hooks),
        "--out",
        text(&out),
        text(&one),
        text(&two),
    ];
    assert_eq!(ended(&arguments).code, Some(0));
    let seven = "<http://a/n> \"7\"^^<http://www.w3.org/2001/XMLSchema#integer> .";
    let expected =
        ["<http://a/s>", "_:f0_b", "<http://a/s>", "_:f1_b"].map(|s| format!("{s} {seven}\n"));
    assert_eq!(
        fs::read_to_string(&out).expect("the output"),
        expected.concat()
    );
}

#[test]
fn what_cannot_be_read_is_told_before_anything_is_read() {
    let good = file("good.nt", THREE.as_bytes());
    ended(&["run", text(&good), "/nonexistent/x.nt"])
        .assert_refused(2, "cannot read /nonexistent/x.nt");
    ended(&["run", "/"]).assert_refused(2, "cannot read /");
    ended(&["run", "-", "-"]).assert_refused(2, "once only");
}

#[test]
fn an_input_is_never_overwritten_by_the_output() {
    let path = file("precious.nt", THREE.as_bytes());
    ended(&["run", text(&path), "--out", text(&path)]).assert_refused(2, "also an input");
    assert_eq!(fs::read_to_string(&path).expect("still there"), THREE);
}

/// A folder of this test binary's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("it can be made");
    folder
}

/// A hook that makes a triple of each one of `THREE` with the predicate `<http://a/p>`.
const CONSTRUCTS: &str = "[[hook]]
name = 'h'
op = 'construct8'
p = '<http://a/p>'
construct_p = '<http://a/n>'
construct_o = 7
";

#[test]
fn an_input_by_another_name_is_never_overwritten_by_the_output() {
    let folder = folder("precious");
    let [data, hooks, link, soft] =
        ["in.nt", "c8.toml", "link.nt", "soft.nt"].map(|name| folder.join(name));
    fs::write(&data, THREE).expect("it can be written");
    fs::write(&hooks, CONSTRUCTS).expect("it can be written");
    fs::hard_link(&data, &link).expect("of one file system");
    std::os::unix::fs::symlink(&data, &soft).expect("a link");
    for out in [&data, &link, &soft] {
        let arguments = ["run", "--hooks", text(&hooks), "--out", text(out)];
        let by_name = poold(&arguments).arg(&data).output().expect("it starts");
        let stdin = fs::File::open(&data).expect("it is there");
        let by_stdin = poold(&arguments).arg("-").stdin(stdin).output();
        for output in [by_name, by_stdin.expect("it starts")] {
            Ended::of(&output).assert_refused(2, "also an input");
            assert_eq!(fs::read_to_string(&data).expect("still there"), THREE);
        }
    }
}

#[test]
fn the_file_for_triples_may_be_an_input_where_no_triples_are_made() {
    let folder = folder("beside");
    let [data, hooks, receipts] = ["in.nt", "c8.toml", "in.jsonl"].map(|name| folder.join(name));
    fs::write(&data, THREE).expect("it can be written");
    fs::write(&hooks, CONSTRUCTS).expect("it can be written");
    let arguments = ["run", text(&data), "--out", text(&receipts)];
    assert_eq!(ended(&arguments).code, Some(0));
    assert_ne!(fs::read_to_string(&receipts).expect("written"), "");
    ended(&[&arguments[..], &["--hooks", text(&hooks)]].concat())
        .assert_refused(2, "also an input");
    assert_eq!(fs::read_to_string(&data).expect("still there"), THREE);
}

#[test]
fn what_a_run_reads_or_writes_otherwise_is_never_overwritten_by_the_output() {
    let folder = folder("otherwise");
    let [data, hooks, config, receipts, made] =
        ["in.nt", "c8.toml", "pools.toml", "z.jsonl", "z.nt"].map(|name| folder.join(name));
    fs::write(&data, THREE).expect("it can be written");
    fs::write(&hooks, CONSTRUCTS).expect("it can be written");
    fs::write(&config, "pool_size = 20\n").expect("it can be written");
    std::os::unix::fs::symlink(&made, &receipts).expect("a link");
    let run = |out: &Path| {
        let arguments = [
            "run",
            text(&data),
            "--hooks",
            text(&hooks),
            "--out",
            text(out),
        ];
        let mut command = poold(&arguments);
        command.env("KNHK_POOL_CONFIG", &config);
        Ended::of(&command.output().expect("it starts"))
    };
    run(&hooks).assert_refused(2, "c8.toml is also the file of hooks");
    run(&config).assert_refused(2, "pools.toml is also the file of settings");
    // Once before the link's target is made, and once behind it.
    for _ in 0..2 {
        run(&receipts).assert_refused(2, "z.nt is also the file of receipts");
        fs::write(&made, "").expect("it can be written");
    }
    for (file, whole) in [(&hooks, CONSTRUCTS), (&config, "pool_size = 20\n")] {
        assert_eq!(fs::read_to_string(file).expect("still there"), whole);
    }
}
