//! The table of README.md: ticks a pair, every peer and depth interleaved.
//!
//! Criterion runs one case after the other, so a machine that is shared shows in the ratios. Here
//! every round runs each case once, in a new random order. A process can be laid out badly, so several
//! run and the best one counts.
//!
//! `cargo bench -p knhk-pool-benches --bench ticks [-- PROCESSES [ROUNDS]]`

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use knhk_pool_benches::{Case, Depth, cases, core_ghz};

const PROCESSES: usize = 5;
const ROUNDS: usize = 300;
/// Zen 3 takes thousands of pairs to learn which loads follow which stores: in samples of 20 µs the
/// loops with a look-up cost half a tick to one tick more.
const SAMPLE: Duration = Duration::from_micros(200);

/// The argument by which this program tells itself to be one of the processes.
const CHILD: &str = "one-process";

fn main() -> ExitCode {
    // `cargo bench` adds `--bench`; `cargo test --benches` does not, and gets a short run.
    let is_bench = env::args().any(|argument| argument == "--bench");
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let number = |index: usize| arguments.get(index).and_then(|a| a.parse().ok());
    let rounds = number(1).unwrap_or(if is_bench { ROUNDS } else { 3 });
    if arguments.first().is_some_and(|first| first == CHILD) {
        print!("{}", measure(rounds).to_lines());
        return ExitCode::SUCCESS;
    }
    match best_of(
        number(0).unwrap_or(if is_bench { PROCESSES } else { 1 }),
        rounds,
    ) {
        Ok(best) => {
            print!("{}", best.to_table());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("ticks: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a pair of one case costs in one process. Ticks are of that process's clock: another's may have
/// been faster.
#[derive(Clone, Copy)]
struct Cost {
    /// The fastest tenth.
    ticks: f64,
    median_ticks: f64,
    /// The fastest tenth.
    nanoseconds: f64,
}

/// What one process has measured, or the best of several.
struct Run {
    ghz: f64,
    costs: HashMap<(String, &'static str), Cost>,
}

fn measure(rounds: usize) -> Run {
    let cases = cases();
    let mut samplers: Vec<Sampler<'_>> = Depth::ALL
        .into_iter()
        .flat_map(|depth| cases.iter().map(move |case| Sampler::new(case, depth)))
        .collect();
    let mut order: Vec<usize> = (0..samplers.len()).collect();
    let mut clock = Vec::with_capacity(rounds);
    let mut random = Random(u64::from(std::process::id()) | 1);
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &index in &order {
            samplers[index].sample();
        }
        clock.push(core_ghz());
    }
    let ghz = quantile(&mut clock, 0.5);
    let costs = samplers.into_iter().map(|it| it.finish(ghz)).collect();
    Run { ghz, costs }
}

struct Sampler<'a> {
    case: &'a Case,
    depth: Depth,
    pairs: u64,
    samples: Vec<f64>,
}

impl<'a> Sampler<'a> {
    fn new(case: &'a Case, depth: Depth) -> Self {
        let mut sampler = Self {
            case,
            depth,
            pairs: 64,
            samples: Vec::new(),
        };
        while sampler.time(sampler.pairs) * (sampler.pairs as f64) < SAMPLE.as_nanos() as f64 {
            sampler.pairs *= 2;
        }
        sampler
    }

    /// A quarter of a sample as warm-up, then one that counts.
    fn sample(&mut self) {
        self.case.run(self.depth, self.pairs / 4);
        let nanoseconds = self.time(self.pairs);
        self.samples.push(nanoseconds);
    }

    /// Nanoseconds a pair.
    fn time(&self, pairs: u64) -> f64 {
        let start = Instant::now();
        let done = self.case.run(self.depth, pairs);
        start.elapsed().as_nanos() as f64 / done as f64
    }

    fn finish(mut self, ghz: f64) -> ((String, &'static str), Cost) {
        let nanoseconds = quantile(&mut self.samples, 0.1);
        let cost = Cost {
            ticks: nanoseconds * ghz,
            median_ticks: quantile(&mut self.samples, 0.5) * ghz,
            nanoseconds,
        };
        ((self.case.name.to_owned(), self.depth.name()), cost)
    }
}

fn best_of(processes: usize, rounds: usize) -> Result<Run, Box<dyn Error>> {
    let program = env::current_exe()?;
    let mut best: Option<Run> = None;
    for _ in 0..processes {
        let output = Command::new(&program)
            .args([CHILD, &rounds.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("one process ended with {}", output.status).into());
        }
        let run = Run::from_lines(&String::from_utf8(output.stdout)?)?;
        best = Some(match best {
            Some(best) => best.merged(run),
            None => run,
        });
    }
    best.ok_or_else(|| "no process was run".into())
}

impl Run {
    /// The better of both for each case.
    fn merged(mut self, other: Self) -> Self {
        for (key, cost) in other.costs {
            let best = self.costs.entry(key).or_insert(cost);
            best.ticks = best.ticks.min(cost.ticks);
            best.median_ticks = best.median_ticks.min(cost.median_ticks);
            best.nanoseconds = best.nanoseconds.min(cost.nanoseconds);
        }
        self.ghz = self.ghz.max(other.ghz);
        self
    }

    fn to_lines(&self) -> String {
        let mut lines = format!("clock\t{}\n", self.ghz);
        for ((name, depth), cost) in &self.costs {
            let Cost {
                ticks,
                median_ticks,
                nanoseconds,
            } = cost;
            lines += &format!("{name}\t{depth}\t{ticks}\t{median_ticks}\t{nanoseconds}\n");
        }
        lines
    }

    fn from_lines(lines: &str) -> Result<Self, Box<dyn Error>> {
        let mut run = Self {
            ghz: f64::NAN,
            costs: HashMap::new(),
        };
        for line in lines.lines() {
            match line.split('\t').collect::<Vec<_>>()[..] {
                ["clock", ghz] => run.ghz = ghz.parse()?,
                [name, depth, ticks, median_ticks, nanoseconds] => {
                    let depth = Depth::ALL
                        .map(Depth::name)
                        .into_iter()
                        .find(|d| *d == depth);
                    let key = (name.to_owned(), depth.ok_or("no such depth")?);
                    let cost = Cost {
                        ticks: ticks.parse()?,
                        median_ticks: median_ticks.parse()?,
                        nanoseconds: nanoseconds.parse()?,
                    };
                    run.costs.insert(key, cost);
                }
                _ => return Err(format!("not a measurement: {line:?}").into()),
            }
        }
        Ok(run)
    }

    fn to_table(&self) -> String {
        let mut table = format!(
            "core clock {:.3} GHz, one tick {:.3} ns\n\n",
            self.ghz,
            1.0 / self.ghz
        );
        for depth in Depth::ALL {
            table += &format!(
                "| {} | ticks | median | ns | to floor | to naive |\n",
                depth.name()
            );
            table += "|---|---|---|---|---|---|\n";
            // In the deep loop the compiler sees that it is one buffer, and takes writes together.
            let shown = |case: &Case| depth == Depth::One || case.name != "touch only";
            for case in cases().into_iter().filter(shown) {
                table += &self.row(case.name, depth.name());
            }
            table += "\n";
        }
        table
    }

    fn row(&self, name: &str, depth: &'static str) -> String {
        let cost = |name: &str| self.costs[&(name.to_owned(), depth)];
        let Cost {
            ticks,
            median_ticks,
            nanoseconds,
        } = cost(name);
        let to = |other: &str| ticks / cost(other).ticks;
        format!(
            "| {name} | {ticks:.1} | {median_ticks:.1} | {nanoseconds:.2} | {:.2} | {:.2} |\n",
            to("floor"),
            to("naive")
        )
    }
}

/// The value below which `share` of the values lie.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

/// xorshift64*: good enough to shuffle by.
struct Random(u64);

impl Random {
    fn shuffle(&mut self, values: &mut [usize]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}
