//! The pipeline against a naive one that knows nothing of ids, lanes, pools or threads: the same
//! receipts, constructed triples and merged receipt, byte for byte, for any number of workers, with
//! pools and without.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use knhk_pool::{BufferPool, MergedReceipt, Receipt, Workload, receipt_hash};
use knhk_poold::generate::University;
use knhk_poold::hooks::{self, HookSet};
use knhk_poold::ingest::Ingested;
use knhk_poold::input::Input;
use knhk_poold::output::Output;
use knhk_poold::pass::{Source, pass};
use knhk_poold::progress::Progress;
use knhk_poold::terms::Dictionary;
use knhk_poold::transform::group_deltas;
use knhk_poold::worker::Plan;
use oxttl::NTriplesParser;

type Triple = [String; 3];

/// A hook as text: operation, predicate, subject, object, threshold.
#[derive(Clone)]
struct Hook {
    op: &'static str,
    p: String,
    s: String,
    o: String,
    k: u64,
}

const MADE: [&str; 2] = ["<http://example.org/made>", "\"by a \\\"hook\\\"\""];

/// Which of s, o, k an operation has.
fn fields(op: &str) -> &'static str {
    match op {
        "ask_sp" | "unique_sp" => "s",
        "ask_spo" => "so",
        "ask_op" => "o",
        "construct8" => "",
        _ if op.starts_with("count_sp") => "sk",
        _ if op.starts_with("count_op") => "ok",
        _ if op.starts_with("compare_o") => "o",
        _ => panic!("unknown operation {op}"),
    }
}

const OPS: [&str; 16] = [
    "ask_sp",
    "ask_spo",
    "ask_op",
    "count_sp_ge",
    "count_sp_le",
    "count_sp_eq",
    "count_op_ge",
    "count_op_le",
    "count_op_eq",
    "unique_sp",
    "compare_o_eq",
    "compare_o_lt",
    "compare_o_gt",
    "compare_o_le",
    "compare_o_ge",
    "construct8",
];

/// Every operation, on subjects, predicates and objects that occur.
fn hooks(triples: &[Triple]) -> Vec<Hook> {
    let mut hooks = Vec::new();
    for (place, op) in OPS.iter().cycle().take(3 * OPS.len()).enumerate() {
        let [s, p, o] = triples[(place * 7919) % triples.len()].clone();
        // Hashed ids have an order that text does not have: compare with numbers only.
        let is_comparison = op.starts_with("compare") && *op != "compare_o_eq";
        let o = if is_comparison {
            integer_text(20 + place as u64)
        } else {
            o
        };
        if !s.starts_with("_:") && !o.starts_with("_:") {
            hooks.push(Hook {
                op,
                p,
                s,
                o,
                k: place as u64 % 4,
            });
        }
    }
    hooks
}

fn integer_text(number: u64) -> String {
    format!("\"{number}\"^^<http://www.w3.org/2001/XMLSchema#integer>")
}

fn toml(hooks: &[Hook]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = String::new();
    for (place, Hook { op, p, s, o, k }) in hooks.iter().enumerate() {
        writeln!(
            text,
            "[[hook]]\nname = 'h{place}'\nop = '{op}'\np = {}",
            quoted(p)
        )
        .unwrap();
        for field in fields(op).chars() {
            match field {
                's' => writeln!(text, "s = {}", quoted(s)).unwrap(),
                'o' => writeln!(text, "o = {}", quoted(o)).unwrap(),
                _ => writeln!(text, "k = {k}").unwrap(),
            }
        }
        if *op == "construct8" {
            writeln!(
                text,
                "construct_p = {}\nconstruct_o = {}",
                quoted(MADE[0]),
                quoted(MADE[1])
            )
            .unwrap();
        }
    }
    text
}

#[derive(Default, PartialEq, Debug)]
struct Expected {
    runs: u64,
    receipts: String,
    constructed: String,
    merged: MergedReceipt,
}

/// The number that a term compares as: an integer as itself, all else above all integers.
fn rank(term: &str) -> u64 {
    let digits = term.strip_suffix("\"^^<http://www.w3.org/2001/XMLSchema#integer>");
    digits
        .and_then(|digits| digits[1..].parse().ok())
        .unwrap_or(u64::MAX)
}

fn matches(hook: &Hook, [s, _, o]: &Triple) -> bool {
    match hook.op {
        "ask_spo" => *s == hook.s && *o == hook.o,
        "ask_op" | "compare_o_eq" => *o == hook.o,
        "compare_o_lt" => rank(o) < rank(&hook.o),
        "compare_o_gt" => rank(o) > rank(&hook.o),
        "compare_o_le" => rank(o) <= rank(&hook.o),
        "compare_o_ge" => rank(o) >= rank(&hook.o),
        "construct8" => true,
        op if op.starts_with("count_op") => *o == hook.o,
        _ => *s == hook.s,
    }
}

fn answer(hook: &Hook, matching: u64) -> u64 {
    let holds = match hook.op {
        "construct8" => return matching,
        "unique_sp" => matching == 1,
        op if op.ends_with("_ge") && op.starts_with("count") => matching >= hook.k,
        op if op.ends_with("_le") && op.starts_with("count") => matching <= hook.k,
        op if op.ends_with("_eq") && op.starts_with("count") => matching == hook.k,
        _ => matching > 0,
    };
    u64::from(holds)
}

impl Expected {
    fn of(triples: &[Triple], hooks: &[Hook], delta_len: usize) -> Self {
        let mut expected = Self::default();
        for (delta, triples) in triples.chunks(delta_len).enumerate() {
            let mut groups: Vec<Vec<&Triple>> = Vec::new();
            for triple in triples {
                match groups.iter_mut().find(|group| group[0][1] == triple[1]) {
                    Some(group) => group.push(triple),
                    None => groups.push(vec![triple]),
                }
            }
            for (shard, run) in groups.iter().flat_map(|group| group.chunks(8)).enumerate() {
                expected.add_run(delta as u64, shard as u64, run, hooks);
            }
        }
        expected
    }

    fn add_run(&mut self, cycle: u64, shard: u64, run: &[&Triple], hooks: &[Hook]) {
        self.runs += 1;
        for (index, hook) in hooks
            .iter()
            .enumerate()
            .filter(|(_, hook)| hook.p == run[0][1])
        {
            let matching: Vec<&&Triple> =
                run.iter().filter(|triple| matches(hook, triple)).collect();
            let (lanes, result) = (matching.len() as u64, answer(hook, matching.len() as u64));
            let hash = receipt_hash(cycle, shard, index as u64, result);
            writeln!(
                self.receipts,
                "{{\"cycle\":{cycle},\"shard\":{shard},\"hook\":{index},\"lanes\":{lanes},\"result\":{result},\"hash\":\"{hash:016x}\"}}"
            )
            .unwrap();
            if hook.op == "construct8" {
                for [s, ..] in matching {
                    writeln!(self.constructed, "{s} {} {} .", MADE[0], MADE[1]).unwrap();
                }
            }
            self.merged.merge(&Receipt {
                lanes: lanes as u32,
                hash,
                ..Receipt::default()
            });
        }
    }
}

/// The triples of `text`, blank nodes renamed as the first input's are.
fn parse(text: &str) -> Vec<Triple> {
    let renamed = |term: String| match term.strip_prefix("_:") {
        Some(label) => format!("_:f0_{label}"),
        None => term,
    };
    NTriplesParser::new()
        .for_reader(text.as_bytes())
        .map(|triple| {
            let triple = triple.expect("the data is good");
            [
                triple.subject.to_string(),
                triple.predicate.to_string(),
                triple.object.to_string(),
            ]
            .map(renamed)
        })
        .collect()
}

/// The pipeline's own view of the text at `path`, and the naive one.
struct Data {
    name: &'static str,
    triples: Vec<Triple>,
    hooks: Vec<Hook>,
    hook_set: HookSet,
    ingested: Ingested,
}

impl Data {
    fn of(name: &'static str, text: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("reference-{name}.nt"));
        fs::write(&path, text).expect("the data is written");
        let triples = parse(text);
        let hooks = hooks(&triples);
        let mut terms = Dictionary::default();
        let hook_set =
            hooks::parse(&toml(&hooks), Path::new("hooks.toml"), &mut terms).expect("good hooks");
        let mut ingested = Ingested::new(terms);
        ingested
            .read(&Input::File(path), 0, |_| {})
            .expect("good data");
        assert_eq!(
            (ingested.triples.len(), ingested.bad_lines),
            (triples.len(), 0)
        );
        Self {
            name,
            triples,
            hooks,
            hook_set,
            ingested,
        }
    }

    /// Every number of workers, with pools and without, against the naive pipeline.
    fn check(&self, delta_len: usize) {
        let expected = Expected::of(&self.triples, &self.hooks, delta_len);
        assert!(!expected.constructed.is_empty(), "the hooks make something");
        let mut triples = self.ingested.triples.clone();
        group_deltas(&mut triples, delta_len);
        let plan = Plan {
            triples: &triples,
            delta_len,
            hooks: &self.hook_set,
            terms: &self.ingested.terms,
        };
        let buffers = BufferPool::builder("reference")
            .workload(Workload::Low)
            .build()
            .expect("a good profile");
        let out = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("reference-{}-out.jsonl", self.name));
        for (workers, source) in [1, 2, 7].into_iter().flat_map(|n| {
            [
                (n, Source::Pools(&buffers)),
                (n, Source::Heap { buffer_size: 100 }),
            ]
        }) {
            let output = Output::open(&out, true).expect("the output can be made");
            let pass = pass(plan, workers, source, Some(&output), &Progress::HIDDEN)
                .expect("it ends well");
            output.finish().expect("all was written");
            let way = format!(
                "{}, deltas of {delta_len}, {workers} workers, {source:?}",
                self.name
            );
            assert_eq!(
                (pass.totals.runs, pass.totals.merged),
                (expected.runs, expected.merged),
                "{way}"
            );
            assert!(
                fs::read_to_string(&out).expect("receipts") == expected.receipts,
                "receipts: {way}"
            );
            let made = fs::read_to_string(out.with_extension("nt")).expect("triples");
            assert!(made == expected.constructed, "constructed triples: {way}");
            assert_eq!(
                pass.totals.constructed,
                made.lines().count() as u64,
                "{way}"
            );
        }
    }
}

fn generated(triples: u64) -> String {
    let mut text = String::new();
    University::new(triples)
        .read_to_string(&mut text)
        .expect("generated text");
    text
}

#[test]
fn generated_data_gives_what_the_naive_pipeline_gives() {
    Data::of("generated", &generated(12_000)).check(8);
}

#[test]
fn deltas_of_any_length_give_what_the_naive_pipeline_gives() {
    let data = Data::of("deltas", &generated(3_001));
    for delta_len in [1, 5, 64, 1_000, 100_000] {
        data.check(delta_len);
    }
}

#[test]
fn the_schema_org_vocabulary_gives_what_the_naive_pipeline_gives() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/schemaorg-all-https.nt");
    let Ok(text) = fs::read_to_string(&path) else {
        // Written past the harness, which keeps what a passing test prints.
        let _ = writeln!(std::io::stderr(), "SKIPPED: no {}", path.display());
        return;
    };
    let data = Data::of("schema-org", &text);
    assert_eq!(data.triples.len(), 18_061);
    data.check(8);
    data.check(50);
}
