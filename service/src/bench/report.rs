//! What was measured, as bars.

use std::fmt::{self, Write as _};

use super::{DEEP, Line, Measured};
use crate::report::{Style, grouped, write_debug_build};

/// Places of the longest bar.
const BAR_WIDTH: usize = 28;

/// A table with bars for each depth.
pub fn render(measured: &Measured, style: Style) -> String {
    let mut text = String::new();
    write(&mut text, measured, style).expect("a String takes all");
    text
}

fn write(text: &mut String, measured: &Measured, style: Style) -> fmt::Result {
    writeln!(
        text,
        "{}  acquire {} bytes, write the first, release: ticks a pair",
        style.heading("knhk-poold bench"),
        grouped(measured.buffer_size as u64),
    )?;
    for (depth, name) in [(1, "one out at a time"), (DEEP, "sixteen out at once")] {
        let lines = measured.cases.iter().filter(|line| line.depth == depth);
        write_table(text, name, &lines.collect::<Vec<_>>(), style)?;
    }
    writeln!(
        text,
        "\nfastest tenth and median of {} rounds in {:.1} s; a tick is a core cycle, {:.2} a ns",
        grouped(measured.rounds),
        measured.seconds,
        measured.core_ghz,
    )?;
    if !cfg!(feature = "allocation-tracking") {
        let same =
            "the allocator at hand is the system's here: what is between the two rows is noise";
        writeln!(text, "{same}")?;
    }
    write_debug_build(text, measured.is_debug_build, style)
}

fn write_table(text: &mut String, name: &str, lines: &[&Line], style: Style) -> fmt::Result {
    let heading = format!("{name:<22} {:>8} {:>8} {:>8}", "ticks", "median", "ns");
    writeln!(text, "\n{}", style.heading(&heading))?;
    let ticks = lines.iter().map(|line| line.ticks_fastest_tenth);
    let longest = ticks.fold(f64::MIN_POSITIVE, f64::max);
    for line in lines {
        let share = line.ticks_fastest_tenth / longest;
        writeln!(
            text,
            "{:<22} {:>8.1} {:>8.1} {:>8.2}  {}",
            line.name,
            line.ticks_fastest_tenth,
            line.ticks_median,
            line.ns_fastest_tenth,
            style.paint("36", &style.bar(share, BAR_WIDTH)),
        )?;
    }
    Ok(())
}
