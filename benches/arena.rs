//! What does an allocation from an arena cost, beside bumpalo and the heap?
//!
//! Every round runs each case once, so that what the machine does besides shows in all of them.
//!
//! `cargo bench -p knhk-pool-benches --bench arena [-- ROUNDS]`

use std::env;
use std::time::Instant;

use knhk_pool_benches::{ArenaCase, BATCH, Load, arena_cases};

const ROUNDS: usize = 400;

/// Allocations a sample: about 200 µs of the cheapest.
const SAMPLE: u64 = 2000 * BATCH;

fn main() {
    // `cargo bench` adds `--bench`; `cargo test --benches` does not, and gets a short run.
    let is_bench = env::args().any(|argument| argument == "--bench");
    let given = env::args()
        .filter_map(|argument| argument.parse().ok())
        .next();
    let rounds = given.unwrap_or(if is_bench { ROUNDS } else { 3 });
    let cases = arena_cases();
    let mut timed: Vec<Timed> = cases.into_iter().map(Timed::new).collect();
    for _ in 0..rounds {
        timed.iter_mut().for_each(Timed::sample);
    }
    for load in Load::ALL {
        print_table(load, &mut timed);
    }
}

struct Timed {
    case: ArenaCase,
    nanoseconds: Vec<f64>,
}

impl Timed {
    fn new(mut case: ArenaCase) -> Self {
        case.run(SAMPLE);
        Self {
            case,
            nanoseconds: Vec::new(),
        }
    }

    fn sample(&mut self) {
        let allocations = match self.case.load {
            Load::Small => SAMPLE,
            Load::Vector => SAMPLE / 10,
        };
        self.case.run(allocations / 4);
        let start = Instant::now();
        self.case.run(allocations);
        let nanoseconds = start.elapsed().as_nanos() as f64 / allocations as f64;
        self.nanoseconds.push(nanoseconds);
    }

    /// The fastest tenth, and the median.
    fn cost(&mut self) -> (f64, f64) {
        self.nanoseconds.sort_by(f64::total_cmp);
        let last = (self.nanoseconds.len() - 1) as f64;
        let at = |share: f64| self.nanoseconds[(last * share) as usize];
        (at(0.1), at(0.5))
    }
}

fn print_table(load: Load, timed: &mut [Timed]) {
    let of_load: Vec<(&str, f64, f64)> = timed
        .iter_mut()
        .filter(|timed| timed.case.load == load)
        .map(|timed| {
            let (fastest_tenth, median) = timed.cost();
            (timed.case.name, fastest_tenth, median)
        })
        .collect();
    println!(
        "| {} | ns | median | to bumpalo |\n|---|---|---|---|",
        load.name()
    );
    for (name, fastest_tenth, median) in &of_load {
        let peer = of_load.iter().find(|(other, ..)| *other == peer_of(name));
        let ratio = fastest_tenth / peer.map_or(f64::NAN, |(_, peer, _)| *peer);
        println!("| {name} | {fastest_tenth:.2} | {median:.2} | {ratio:.2} |");
    }
    println!();
}

/// The same call of the peer's: a value by `alloc` is another than memory by `alloc_layout`.
fn peer_of(name: &str) -> &'static str {
    if name.ends_with(", [u64; 8]") {
        "bumpalo, [u64; 8]"
    } else {
        "bumpalo"
    }
}
