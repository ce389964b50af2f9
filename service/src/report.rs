//! The summary as a person reads it: tables of at most 80 columns, with colour on a terminal.

use std::fmt::{self, Write as _};

use crate::pools::PoolLine;
use crate::summary::{Comparison, HookLine, Stages, Summary};

/// Hooks shown; a long list would push the rest off the screen.
const HOOKS_SHOWN: usize = 20;

/// A hit rate below this is shown as bad: ADR-001's target.
const HIT_RATE_GOOD: f64 = 0.90;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    Plain,
    /// ANSI colours.
    Colour,
}

impl Style {
    /// A bar of `share` of `width` places, from 0 to 1: in eighths of a place on a terminal, in whole ones
    /// of ASCII elsewhere. What is not nothing is seen.
    pub(crate) fn bar(self, share: f64, width: usize) -> String {
        let share = share.clamp(0.0, 1.0);
        if self == Self::Plain {
            let places = (share * width as f64).round() as usize;
            return "#".repeat(places.max(usize::from(share > 0.0)));
        }
        let eighths = (share * width as f64 * 8.0).round() as usize;
        let eighths = eighths.max(usize::from(share > 0.0));
        let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
        "█".repeat(eighths / 8) + rest
    }

    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }

    pub(crate) fn heading(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn good(self, is_good: bool, text: &str) -> String {
        self.paint(if is_good { "32" } else { "31" }, text)
    }
}

/// The whole report.
pub fn render(summary: &Summary, style: Style) -> String {
    let mut text = String::new();
    let written = write_counts(&mut text, summary, style)
        .and_then(|()| write_hooks(&mut text, &summary.hooks, style))
        .and_then(|()| write_stages(&mut text, summary, style))
        .and_then(|()| write_pools(&mut text, &summary.pools, style));
    written.expect("a String takes all");
    text
}

fn write_counts(text: &mut String, summary: &Summary, style: Style) -> fmt::Result {
    let inputs = summary.inputs.join(", ");
    writeln!(text, "{}  {inputs}", style.heading("knhk-poold run"))?;
    let workers = if summary.workers == 1 {
        "worker"
    } else {
        "workers"
    };
    writeln!(
        text,
        "{} memory, {} {workers}, deltas of {}",
        summary.memory, summary.workers, summary.delta
    )?;
    if summary.passes > 1 {
        let passes = summary.passes;
        writeln!(
            text,
            "{passes} passes: counts are of one, speed is the median, pools add up over all"
        )?;
    }
    writeln!(text)?;
    let counts = [
        ("triples", summary.triples),
        ("bad lines", summary.bad_lines),
        ("terms", summary.terms as u64),
        ("deltas", summary.deltas),
        ("runs", summary.runs),
        ("hooks evaluated", summary.hooks_evaluated),
        ("receipts", summary.receipts),
        ("constructed triples", summary.constructed),
    ];
    for (name, count) in counts {
        writeln!(text, "  {name:<20} {:>16}", grouped(count))?;
    }
    let merged = &summary.merged_receipt;
    writeln!(
        text,
        "  {:<20} {:>16}   over {} lanes",
        "merged receipt",
        merged.hash,
        grouped(merged.lanes)
    )?;
    let per_second = summary.speed.triples_per_second as u64;
    writeln!(
        text,
        "  {:<20} {:>16}   Load to Emit, {:.3} s",
        "triples per second",
        grouped(per_second),
        summary.speed.seconds
    )?;
    let ingest = (summary.triples as f64 / summary.ingest_seconds.max(f64::MIN_POSITIVE)) as u64;
    writeln!(
        text,
        "  {:<20} {:>16}   {:.3} s; Transform {:.3} s",
        "ingested per second",
        grouped(ingest),
        summary.ingest_seconds,
        summary.transform_seconds
    )?;
    if summary.speed.output_seconds > 0.0 {
        writeln!(
            text,
            "  {:<20} {:>14.3} s   of all workers, waiting included",
            "output", summary.speed.output_seconds
        )?;
    }
    Ok(())
}

fn write_hooks(text: &mut String, hooks: &[HookLine], style: Style) -> fmt::Result {
    let heading = format!(
        "{:<32} {:>14} {:>14} {:>14}",
        "hook", "evaluated", "true", "lanes"
    );
    writeln!(text, "\n{}", style.heading(&heading))?;
    for hook in hooks.iter().take(HOOKS_SHOWN) {
        let counts = [hook.evaluated, hook.true_answers, hook.lanes].map(grouped);
        let [evaluated, answers, lanes] = &counts;
        writeln!(
            text,
            "{:<32} {evaluated:>14} {answers:>14} {lanes:>14}",
            clipped(&hook.name, 32)
        )?;
    }
    if hooks.len() > HOOKS_SHOWN {
        writeln!(
            text,
            "… and {} more; --json has all",
            hooks.len() - HOOKS_SHOWN
        )?;
    }
    Ok(())
}

fn write_stages(text: &mut String, summary: &Summary, style: Style) -> fmt::Result {
    if let Some(comparison) = &summary.compare {
        write_comparison(text, comparison, style)?;
        return write_debug_build(text, summary.is_debug_build, style);
    }
    let heading = format!(
        "{:<32} {:>14} {:>14}",
        "stage", "ns per run", "ticks per run"
    );
    writeln!(text, "\n{}", style.heading(&heading))?;
    for (name, ns) in rows(&summary.speed.stages) {
        writeln!(
            text,
            "{name:<32} {ns:>14.1} {:>14.1}",
            ns * summary.core_ghz
        )?;
    }
    writeln!(
        text,
        "median of the batches timed, one in {}; a tick is a core cycle, {:.2} a ns",
        crate::clock::SAMPLE_EVERY,
        summary.core_ghz
    )?;
    write_debug_build(text, summary.is_debug_build, style)
}

/// A warning where the program was built without optimisation.
pub(crate) fn write_debug_build(text: &mut String, is_debug: bool, style: Style) -> fmt::Result {
    if is_debug {
        let debug = "a build without optimisation: the figures mean nothing";
        writeln!(text, "{}", style.good(false, debug))?;
    }
    Ok(())
}

fn write_comparison(text: &mut String, comparison: &Comparison, style: Style) -> fmt::Result {
    let Comparison {
        rounds,
        pooled,
        heap,
        ratio,
    } = comparison;
    let heading = format!(
        "{:<32} {:>14} {:>14} {:>14}",
        "compare", "pooled", "heap", "gain"
    );
    writeln!(text, "\n{}", style.heading(&heading))?;
    for ((name, pooled), (_, heap)) in rows(&pooled.stages).into_iter().zip(rows(&heap.stages)) {
        writeln!(
            text,
            "{:<32} {pooled:>14.1} {heap:>14.1} {:>14.2}",
            format!("{name}, ns per run"),
            heap / pooled.max(f64::MIN_POSITIVE)
        )?;
    }
    let Some(ratio) = ratio else {
        return writeln!(text, "nothing to compare: there are no triples");
    };
    let speeds = [pooled, heap].map(|speed| grouped(speed.triples_per_second as u64));
    let line = format!(
        "{:<32} {:>14} {:>14} {:>14.2}",
        "triples per second", speeds[0], speeds[1], ratio
    );
    writeln!(text, "{line}")?;
    let verdict = format!("pools: {ratio:.2} times the heap's triples per second");
    writeln!(
        text,
        "{} (median of {rounds} rounds)",
        style.good(*ratio >= 1.0, &verdict)
    )
}

fn rows(stages: &Stages) -> [(&'static str, f64); 3] {
    [
        ("Load", stages.load_ns_per_run),
        ("Reflex", stages.reflex_ns_per_run),
        ("Emit", stages.emit_ns_per_run),
    ]
}

fn write_pools(text: &mut String, pools: &[PoolLine], style: Style) -> fmt::Result {
    if pools.is_empty() {
        return writeln!(text, "\nno pools were used");
    }
    let heading = format!(
        "{:<14} {:>14} {:>14} {:>10} {:>9} {:>12}",
        "pool", "acquires", "hits", "misses", "hit rate", "high water"
    );
    writeln!(text, "\n{}", style.heading(&heading))?;
    for pool in pools {
        let [acquires, hits, misses] = [pool.acquires, pool.hits, pool.misses].map(grouped);
        let rate = pool
            .hit_rate
            .map_or_else(|| "–".to_owned(), |rate| format!("{:.2} %", rate * 100.0));
        let rate = style.good(
            pool.hit_rate.is_none_or(|rate| rate >= HIT_RATE_GOOD),
            &format!("{rate:>9}"),
        );
        writeln!(
            text,
            "{:<14} {acquires:>14} {hits:>14} {misses:>10} {rate} {:>12}",
            pool.name, pool.high_water
        )?;
    }
    Ok(())
}

/// With a comma after each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// At most `chars_max` characters, none of them a control character.
fn clipped(name: &str, chars_max: usize) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    if name.chars().count() <= chars_max {
        return name.chars().map(shown).collect();
    }
    name.chars()
        .take(chars_max - 1)
        .map(shown)
        .chain(['…'])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }
}
