//! What do the kernels cost beside what one would use instead? The tables and the plot of
//! `kernels/README.md`.
//!
//! `cargo bench -p knhk-pool-benches --bench kernels [-- --python PYTHON] [-- --plot]`. With a Python
//! that has NumPy, NumPy's figures come from the same session. `--plot` measures over lengths from 100 to
//! 10 million and writes `kernels/plot*.svg`.
//!
//! All cases of a table take turns, each with its data as warm as they can be; a figure is the fastest tenth of
//! the samples.

mod kernel_plot;

use std::cell::RefCell;
use std::env;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Instant;

use knhk_kernels::{
    Column, Csr, Isa, Missing, Pipeline, Scratch, Spread, abs_into, cosine_similarity, decay,
    diff_into, dlog_into, dlog_scale_add_into, dot, exp_into, ln_into, rolling_sum_into,
    rolling_var_into, spread_activation, sub_mul_add_into, sum,
};
use knhk_pool_benches::core_ghz;
use simsimd::SpatialSimilarity;

/// Something that is timed: a name, and what one run does to how many elements.
struct Case {
    name: &'static str,
    elements: usize,
    run: Box<dyn FnMut()>,
}

impl Case {
    fn new(name: &'static str, elements: usize, run: impl FnMut() + 'static) -> Self {
        let run = Box::new(run);
        Self {
            name,
            elements,
            run,
        }
    }

    /// Nanoseconds an element, of as many runs as make some 20 µs, after one that has brought the data
    /// into cache: NumPy's cases, which take no turns, find theirs there.
    fn sample(&mut self) -> f64 {
        let runs = (20_000 / self.elements.max(1)).clamp(1, 1000);
        (self.run)();
        let start = Instant::now();
        for _ in 0..runs {
            (self.run)();
        }
        start.elapsed().as_nanos() as f64 / (runs * self.elements) as f64
    }
}

/// The fastest tenth of each case, in turns.
fn measure(cases: &mut [Case], rounds: usize) -> Vec<f64> {
    let mut samples = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for (case, samples) in cases.iter_mut().zip(&mut samples) {
            samples.push(case.sample());
        }
    }
    let tenth = |samples: &mut Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 10]
    };
    samples.iter_mut().map(tenth).collect()
}

fn plain(n: usize) -> Vec<f64> {
    (0..n).map(|i| 1.0 + (i % 1000) as f64 * 0.37).collect()
}

fn small(n: usize) -> Vec<f64> {
    (0..n).map(|i| (i % 1000) as f64 * 0.037 - 15.0).collect()
}

/// Every tenth lane is null.
fn with_nulls(values: Vec<f64>) -> Column {
    let lanes = values.into_iter().enumerate();
    lanes
        .map(|(i, value)| (i % 10 != 3).then_some(value))
        .collect()
}

/// A kernel on one column, with output and scratch of its own.
fn on(
    name: &'static str,
    x: Rc<Column>,
    kernel: impl Fn(&mut Column, &Column, &Scratch) + 'static,
) -> Case {
    let (mut out, scratch) = (Column::new(), Scratch::new());
    Case::new(name, x.len(), move || {
        kernel(&mut out, black_box(&x), &scratch)
    })
}

/// A loop of the standard library's on one slice.
fn naive(name: &'static str, x: Rc<Vec<f64>>, work: impl Fn(&mut [f64], &[f64]) + 'static) -> Case {
    let mut out = Vec::new();
    Case::new(name, x.len(), move || {
        out.resize(x.len(), 0.0); // once
        work(black_box(&mut out), black_box(&x));
    })
}

fn std_dlog(out: &mut [f64], x: &[f64]) {
    let mut before = f64::NAN;
    for (out, x) in out.iter_mut().zip(x) {
        let now = x.ln();
        *out = now - before;
        before = now;
    }
}

fn each(work: impl Fn(f64) -> f64) -> impl Fn(&mut [f64], &[f64]) {
    move |out, x| out.iter_mut().zip(x).for_each(|(out, &x)| *out = work(x))
}

fn columns(n: usize) -> Vec<Case> {
    // Shared, so that ten million lanes fit into memory.
    let slices = [Rc::new(plain(n)), Rc::new(small(n))];
    let whole = slices
        .clone()
        .map(|values| Rc::new(Column::from_slice(&values)));
    let masked = slices
        .clone()
        .map(|values| Rc::new(with_nulls(values.to_vec())));
    let (x, nulls) = (|| whole[0].clone(), || masked[0].clone());
    let fused = Pipeline::new().ln().diff(1).abs();
    let fused_twice = Pipeline::new().ln().dlog(1).abs();
    let column = || RefCell::new(Column::new());
    let (between, last) = (column(), column());
    let (same_between, same_last) = (column(), column());
    vec![
        naive("copy", slices[0].clone(), |out, x| out.copy_from_slice(x)),
        // Loads and stores, where the C library's copy moves strings without reading what it overwrites.
        naive("negation, a plain loop", slices[0].clone(), each(|x| -x)),
        on("ln", x(), ln_into),
        on("ln, 10 % null", nulls(), ln_into),
        naive("ln, std", slices[0].clone(), each(f64::ln)),
        on("exp", whole[1].clone(), exp_into),
        on("exp, 10 % null", masked[1].clone(), exp_into),
        naive("exp, std", slices[1].clone(), each(f64::exp)),
        on("dlog", x(), |out, x, s| dlog_into(out, x, 1, s)),
        on("dlog, 10 % null", nulls(), |out, x, s| {
            dlog_into(out, x, 1, s)
        }),
        naive("dlog, std, one ln a lane", slices[0].clone(), std_dlog),
        on("dlog_scale_add", x(), |out, x, s| {
            dlog_scale_add_into(out, x, 1, 2.0, 3.0, s)
        }),
        on("ln, diff, abs, apart", x(), move |out, x, s| {
            let (mut between, mut last) = (between.borrow_mut(), last.borrow_mut());
            ln_into(&mut between, x, s);
            diff_into(&mut last, &between, 1, s);
            abs_into(out, &last, s);
        }),
        on("ln, diff, abs, fused", x(), move |out, x, s| {
            fused.run_into(out, x, s)
        }),
        on("ln, dlog, abs, apart", x(), move |out, x, s| {
            let (mut between, mut last) = (same_between.borrow_mut(), same_last.borrow_mut());
            ln_into(&mut between, x, s);
            dlog_into(&mut last, &between, 1, s);
            abs_into(out, &last, s);
        }),
        on("ln, dlog, abs, fused", x(), move |out, x, s| {
            fused_twice.run_into(out, x, s)
        }),
        on("abs", x(), abs_into),
        on("abs, 10 % null", nulls(), abs_into),
        on("sub_mul_add", x(), |out, x, s| {
            sub_mul_add_into(out, x, x, 2.0, 3.0, s).unwrap()
        }),
        on("sub_mul_add, 10 % null", nulls(), |out, x, s| {
            sub_mul_add_into(out, x, x, 2.0, 3.0, s).unwrap();
        }),
        on("sum", x(), |_, x, _| {
            black_box(sum(x));
        }),
        on("sum, 10 % null", nulls(), |_, x, _| {
            black_box(sum(x));
        }),
        on("rolling_sum, window 20", x(), |out, x, s| {
            rolling_sum_into(out, x, 20, Missing::Propagate, s).unwrap();
        }),
        on("rolling_var, window 20", x(), |out, x, s| {
            rolling_var_into(out, x, 20, Missing::Propagate, s).unwrap();
        }),
    ]
}

/// A query beside `rows` rows.
fn vectors(dimension: usize, rows: usize) -> Vec<Case> {
    let count = rows;
    let query: Vec<f32> = (0..dimension).map(|i| (i as f32).sin()).collect();
    let rows: Vec<f32> = (0..dimension * count)
        .map(|i| (i as f32 * 0.7).cos())
        .collect();
    let (same_query, same_rows) = (query.clone(), rows.clone());
    let (a, b) = (query.clone(), rows[..dimension].to_vec());
    let (same_a, same_b) = (a.clone(), b.clone());
    let mut scores = vec![0.0; count];
    vec![
        Case::new("cosine", count, move || {
            cosine_similarity(black_box(&query), &rows, &mut scores).unwrap();
        }),
        Case::new("cosine, simsimd", count, move || {
            for row in black_box(&same_rows).chunks_exact(dimension) {
                black_box(f32::cosine(&same_query, row));
            }
        }),
        Case::new("dot", 1, move || {
            black_box(dot(black_box(&a), &b).unwrap());
        }),
        Case::new("dot, simsimd", 1, move || {
            black_box(f32::dot(black_box(&same_a), &same_b));
        }),
    ]
}

fn fading(n: usize) -> Vec<Case> {
    let ages: Vec<u64> = (0..n as u64).map(|i| i % 1000 * 60).collect();
    let fresh: Vec<f32> = (0..n).map(|i| 0.5 + (i % 7) as f32 / 20.0).collect();
    let (same_ages, same_fresh) = (ages.clone(), fresh.clone());
    let (mut first, mut second) = (fresh.clone(), fresh.clone());
    vec![
        Case::new("decay, with a copy", n, move || {
            first.copy_from_slice(&fresh);
            decay(black_box(&mut first), &ages, 86_400.0).unwrap();
        }),
        Case::new("decay, std exp, with a copy", n, move || {
            second.copy_from_slice(&same_fresh);
            for (strength, &age) in black_box(&mut second).iter_mut().zip(&same_ages) {
                *strength *= (-(age as f32) / 86_400.0).exp();
            }
        }),
    ]
}

/// A random graph of ten edges a node.
fn edges(nodes: usize) -> (Vec<u32>, Vec<u32>, Vec<f32>) {
    let mut state = 1_u64;
    let targets = (0..nodes * 10).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32 % nodes as u32
    });
    let targets = targets.collect();
    let offsets = (0..=nodes as u32).map(|node| node * 10).collect();
    (offsets, targets, vec![0.1; nodes * 10])
}

const HOPS: usize = 5;

fn spreading(nodes: usize) -> Vec<Case> {
    let (offsets, targets, weights) = edges(nodes);
    let (same_offsets, same_targets, same_weights) = edges(nodes);
    let (mut activation, mut same, mut before) =
        (vec![1.0; nodes], vec![1.0; nodes], vec![0.0; nodes]);
    let scratch = Scratch::new();
    vec![
        Case::new("spreading", nodes * 10 * HOPS, move || {
            let graph = Csr::new(&offsets, &targets, &weights).unwrap();
            activation.fill(1.0);
            let spread = Spread {
                decay: 0.9,
                threshold: 0.0,
                hops_max: HOPS,
            };
            black_box(spread_activation(&graph, &mut activation, spread, &scratch).unwrap());
        }),
        Case::new(
            "spreading, a loop over all edges",
            nodes * 10 * HOPS,
            move || {
                same.fill(1.0);
                for _ in 0..HOPS {
                    before.copy_from_slice(&same);
                    for source in 0..nodes {
                        let edges =
                            same_offsets[source] as usize..same_offsets[source + 1] as usize;
                        for edge in edges {
                            same[same_targets[edge] as usize] +=
                                before[source] * 0.9 * same_weights[edge];
                        }
                    }
                }
                black_box(&mut same);
            },
        ),
    ]
}

fn table(title: &str, cases: &mut [Case], rounds: usize) {
    println!("\n{title}\n");
    let figures = measure(cases, rounds);
    for (case, ns) in cases.iter().zip(figures) {
        println!("| {} | {ns:.3} |", case.name);
    }
}

/// What `kernels/numpy_peer.py` prints: name, length, nanoseconds.
fn numpy(python: &str, lengths: &[usize]) -> Vec<(String, usize, f64)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernels/numpy_peer.py");
    let lengths = lengths.iter().map(usize::to_string);
    let output = Command::new(python).arg(script).args(lengths).output();
    let output = output.unwrap_or_else(|error| panic!("{python}: {error}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("the script prints ASCII");
    text.lines().map(figure).collect()
}

fn figure(line: &str) -> (String, usize, f64) {
    let fields: Vec<&str> = line.split(',').collect();
    let [name, length, ns] = fields[..] else {
        panic!("{line}")
    };
    (
        name.to_owned(),
        length.parse().unwrap(),
        ns.parse().unwrap(),
    )
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().position(|argument| argument == flag);
    let python = given("--python")
        .and_then(|place| arguments.get(place + 1))
        .map(String::as_str);
    let is_bench = given("--bench").is_some();
    // The fastest of many: a sample that was interrupted shows a slower clock.
    let clock = (0..100).map(|_| core_ghz()).fold(0.0, f64::max);
    println!("{:?}, core clock {clock:.2} GHz", Isa::current());
    if given("--plot").is_some() {
        return kernel_plot::plot(python);
    }
    let (n, rounds) = if is_bench { (100_000, 100) } else { (1000, 2) };
    table(
        &format!("columns of {n}, ns a lane"),
        &mut columns(n),
        rounds,
    );
    table(
        "vectors of 768, 8 rows, ns a row",
        &mut vectors(768, 8),
        rounds * 5,
    );
    table(
        "decay of 10,000, ns a lane",
        &mut fading(10_000),
        rounds * 5,
    );
    table(
        "spreading, 1000 nodes, ns an edge",
        &mut spreading(1000),
        rounds * 5,
    );
    if is_bench {
        let mut large = spreading(100_000);
        table("spreading, 100,000 nodes, ns an edge", &mut large, 25);
        let mut columns = columns(10_000_000);
        columns.retain(|case| {
            const LARGE: [&str; 7] = [
                "copy",
                "negation, a plain loop",
                "ln",
                "dlog",
                "abs",
                "sub_mul_add",
                "sum",
            ];
            LARGE.contains(&case.name)
        });
        table("columns of 10 million, ns a lane", &mut columns, 25);
    }
    for (name, n, ns) in python.map_or(Vec::new(), |python| numpy(python, &[n])) {
        println!("NumPy: {name}, {n}: {ns:.3}");
    }
}
