//! What does a lent object cost beside every peer? All cases interleaved, in ticks.
//!
//! `cargo bench -p knhk-pool-benches --bench objects [-- ROUNDS]`

use std::env;
use std::time::Instant;

use knhk_pool_benches::{Block, Case, Depth, Vector, core_ghz, object_cases};

const ROUNDS: usize = 300;
/// Pairs a sample, a quarter more before it.
const PAIRS: u64 = 40_000;

fn main() {
    // `cargo bench` adds `--bench`; `cargo test --benches` does not, and gets a short run.
    let is_bench = env::args().any(|argument| argument == "--bench");
    let rounds = env::args().find_map(|argument| argument.parse().ok());
    let rounds = rounds.unwrap_or(if is_bench { ROUNDS } else { 2 });
    for (objects, cases) in [
        ("vectors, 24 bytes", object_cases::<Vector>()),
        ("blocks of 192 bytes", object_cases::<Block>()),
    ] {
        for depth in Depth::ALL {
            println!(
                "| {objects}, {} | ticks | to {} |",
                depth.name(),
                cases[0].name
            );
            print(&cases, &measure(depth, &cases, rounds));
        }
    }
}

/// Ticks a pair of each case: the fastest tenth of its samples.
fn measure(depth: Depth, cases: &[Case], rounds: usize) -> Vec<f64> {
    let mut samples = vec![Vec::with_capacity(rounds); cases.len()];
    let mut clock = Vec::with_capacity(rounds);
    for round in 0..rounds {
        // Each round begins elsewhere, so that nobody always follows the same.
        for index in (0..cases.len()).map(|index| (index + round) % cases.len()) {
            cases[index].run(depth, PAIRS / 4);
            let start = Instant::now();
            let pairs = cases[index].run(depth, PAIRS);
            samples[index].push(start.elapsed().as_nanos() as f64 / pairs as f64);
        }
        clock.push(core_ghz());
    }
    let ghz = quantile(clock, 0.5);
    let fastest = samples.into_iter().map(|samples| quantile(samples, 0.1));
    fastest.map(|ns| ns * ghz).collect()
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

/// Ratios are to the first case.
fn print(cases: &[Case], ticks: &[f64]) {
    println!("|---|---|---|");
    for (case, ticks_of) in cases.iter().zip(ticks) {
        let ratio = ticks_of / ticks[0];
        println!("| {} | {ticks_of:.1} | {ratio:.2} |", case.name);
    }
    println!();
}
