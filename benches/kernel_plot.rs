//! The plots of `kernels/README.md`: nanoseconds an element over lengths from 100 to 10 million.

use std::path::Path;

use knhk_pool_benches::{Line, chart};

use super::{Case, columns, fading, measure, numpy, spreading, vectors};

const LENGTHS: [usize; 11] = [
    100, 316, 1000, 3162, 10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278, 10_000_000,
];

/// What stands in one chart.
struct Plot {
    file: &'static str,
    title: &'static str,
    cases: fn(usize) -> Vec<Case>,
    /// Which of the cases, and whether each is a peer's.
    drawn: &'static [(&'static str, bool)],
    /// NumPy's, by the script's names.
    numpy: &'static [&'static str],
}

const PLOTS: [Plot; 3] = [
    Plot {
        file: "plot.svg",
        title: "logarithms and exponentials, nanoseconds a lane",
        cases: columns,
        drawn: &[
            ("ln", false),
            ("ln, std", true),
            ("exp", false),
            ("exp, std", true),
            ("dlog", false),
            ("dlog, std, one ln a lane", true),
        ],
        numpy: &["ln", "exp", "dlog"],
    },
    Plot {
        file: "plot-light.svg",
        title: "what waits for memory, and windows, nanoseconds a lane",
        cases: columns,
        drawn: &[
            ("abs", false),
            ("sub_mul_add", false),
            ("sum", false),
            ("rolling_sum, window 20", false),
            ("rolling_var, window 20", false),
            ("copy", true),
        ],
        numpy: &["abs", "sub_mul_add", "sum"],
    },
    Plot {
        file: "plot-vectors.svg",
        title: "vectors, strengths and graphs, nanoseconds a number or an edge",
        cases: floats,
        drawn: &[
            ("cosine", false),
            ("cosine, simsimd", true),
            ("dot", false),
            ("dot, simsimd", true),
            ("decay, with a copy", false),
            ("decay, std exp, with a copy", true),
            ("spreading", false),
            ("spreading, a loop over all edges", true),
        ],
        numpy: &[],
    },
];

/// One row of `n` numbers, `n` strengths, and a graph of about `n` edges.
fn floats(n: usize) -> Vec<Case> {
    let mut rows = vectors(n, 1);
    rows.iter_mut().for_each(|case| case.elements = n);
    rows.extend(fading(n));
    rows.extend(spreading(n.div_ceil(10)));
    rows
}

/// Measures and writes all of them.
pub(super) fn plot(python: Option<&str>) {
    let numpy = python.map_or(Vec::new(), |python| numpy(python, &LENGTHS));
    for plot in PLOTS {
        let mut lines = plot.lines();
        lines.extend(
            plot.numpy
                .iter()
                .filter_map(|name| numpy_line(name, &numpy)),
        );
        for line in &lines {
            println!("{}: {:.3?}", line.name, line.points);
        }
        let svg = chart(plot.title, "elements", "ns", &lines);
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernels");
        std::fs::write(place.join(plot.file), svg).expect("the package's folder can be written to");
    }
}

impl Plot {
    fn lines(&self) -> Vec<Line> {
        let drawn = self.drawn.iter();
        let mut lines: Vec<Line> = drawn.map(|(name, is_peer)| line(name, *is_peer)).collect();
        for n in LENGTHS {
            let mut cases = (self.cases)(n);
            cases.retain(|case| lines.iter().any(|line| line.name == case.name));
            let rounds = (20_000_000 / n).clamp(7, 200);
            for (case, ns) in measure(&mut cases, rounds).into_iter().enumerate() {
                let name = cases[case].name;
                let line = lines.iter_mut().find(|line| line.name == name);
                let line = line.expect("only drawn cases are left");
                line.points.push((n as f64, ns));
            }
        }
        lines
    }
}

fn line(name: &str, is_peer: bool) -> Line {
    Line {
        name: name.to_owned(),
        is_peer,
        points: Vec::new(),
    }
}

/// What NumPy took for `name`, if it was asked.
fn numpy_line(name: &str, figures: &[(String, usize, f64)]) -> Option<Line> {
    let mut line = line(&format!("{name}, NumPy"), true);
    let matching = figures.iter().filter(|figure| figure.0 == name);
    line.points = matching.map(|figure| (figure.1 as f64, figure.2)).collect();
    (!line.points.is_empty()).then_some(line)
}
