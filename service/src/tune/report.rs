//! A forecast as a person reads it, and as a program does.

use std::fmt::{self, Write as _};

use knhk_pool::Workload;
use serde_json::{Value, json};

use super::{DIGITS, Forecast, TARGETS, Tuning};
use crate::report::{Style, grouped};

/// Places of a bar for a hit rate of 1.
const BAR_WIDTH: usize = 32;

/// The table, its bars, and what follows from it.
pub fn render(tuning: &Tuning, style: Style) -> String {
    let mut text = String::new();
    let written = write_head(&mut text, tuning, style)
        .and_then(|()| write_sizes(&mut text, tuning, style))
        .and_then(|()| write_targets(&mut text, tuning, style))
        .and_then(|()| write_lengths(&mut text, tuning))
        .and_then(|()| write_notes(&mut text, tuning, style));
    written.expect("a String takes all");
    text
}

fn write_head(text: &mut String, tuning: &Tuning, style: Style) -> fmt::Result {
    let source = tuning.source.replace(char::is_control, " ");
    writeln!(text, "{}  {source}", style.heading("knhk-poold tune"))?;
    let most_out = match tuning.demand.most_out() {
        Some(most) => format!("at most {most} out at once on a thread"),
        None => "more out at once than were counted".to_owned(),
    };
    writeln!(
        text,
        "pool {}, buffers of {}: {} acquires recorded, {most_out}\n",
        tuning.pool.escape_debug(),
        bytes(tuning.demand.buffer_size),
        grouped(tuning.demand.acquires()),
    )
}

fn write_sizes(text: &mut String, tuning: &Tuning, style: Style) -> fmt::Result {
    let heading = format!(
        "{:>7} {:>10} {:>14} {:>12}",
        "buffers", "hit rate", "misses", "memory"
    );
    writeln!(text, "{}  a thread", style.heading(&heading))?;
    let acquires = tuning.demand.acquires();
    for forecast in tuning.shown() {
        let Forecast {
            pool_size,
            hits,
            hit_rate,
            bytes_per_thread,
        } = forecast;
        let is_enough = hit_rate >= tuning.target.ratio();
        writeln!(
            text,
            "{pool_size:>7} {:>10} {:>14} {:>12}  {}",
            percent(hit_rate, DIGITS),
            grouped(acquires - hits),
            bytes(bytes_per_thread),
            style.good(is_enough, &style.bar(hit_rate, BAR_WIDTH)),
        )?;
    }
    Ok(())
}

fn write_targets(text: &mut String, tuning: &Tuning, style: Style) -> fmt::Result {
    writeln!(text)?;
    for rate in targets(tuning) {
        let name = if rate == tuning.target.ratio() {
            format!("{} %", tuning.target.0)
        } else {
            format!("{} %", trimmed(100.0 * rate))
        };
        match tuning.smallest(rate) {
            Some(forecast) => writeln!(
                text,
                "{name:>7}  from {} on, {} a thread (foretold {})",
                style.heading(&buffers(forecast.pool_size)),
                bytes(forecast.bytes_per_thread),
                tuning.target.beside(forecast.hit_rate),
            )?,
            None => writeln!(text, "{name:>7}  by no size")?,
        }
    }
    writeln!(text, "{}", profile_line(tuning))
}

fn profile_line(tuning: &Tuning) -> String {
    let target = tuning.target.0;
    let Some(profile) = tuning.profile() else {
        let most = Workload::Extreme.pool_size();
        return format!("profile  none reaches {target} %: extreme has {most} buffers");
    };
    let other_size = if profile.buffer_size() == tuning.demand.buffer_size {
        String::new()
    } else {
        format!(", with buffers of {}", bytes(tuning.demand.buffer_size))
    };
    format!(
        "profile  {profile} is the smallest that reaches {target} %: {} of {} (foretold {}{other_size})",
        buffers(profile.pool_size()),
        bytes(profile.buffer_size()),
        tuning
            .target
            .beside(tuning.forecast(profile.pool_size()).hit_rate),
    )
}

fn write_lengths(text: &mut String, tuning: &Tuning) -> fmt::Result {
    let within = |share| tuning.length_within(share).map(bytes);
    let (Some(half), Some(most), Some(all)) = (within(0.5), within(0.99), within(1.0)) else {
        return Ok(());
    };
    writeln!(
        text,
        "length   half of the buffers stayed within {half}, 99 % within {most}, all within {all}"
    )
}

fn write_notes(text: &mut String, tuning: &Tuning, style: Style) -> fmt::Result {
    for note in tuning.notes() {
        writeln!(text, "{} {note}", style.paint("33", "note:"))?;
    }
    Ok(())
}

/// The sizes that are named, and the one that was asked for, in rising order.
fn targets(tuning: &Tuning) -> Vec<f64> {
    let mut rates = TARGETS.to_vec();
    rates.push(tuning.target.ratio());
    rates.sort_by(f64::total_cmp);
    rates.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
    rates
}

fn buffers(count: usize) -> String {
    match count {
        1 => "1 buffer".to_owned(),
        count => format!("{} buffers", grouped(count as u64)),
    }
}

/// With so many digits, rounded down: what is not all must not read as all.
pub(super) fn percent(ratio: f64, digits: usize) -> String {
    let one = 10_f64.powi(digits as i32);
    // Of 0.29 a product of 28.999999999999996 would come.
    let parts = (ratio * 100.0 * one * (1.0 + 4.0 * f64::EPSILON)).floor();
    let most = if ratio < 1.0 {
        100.0 * one - 1.0
    } else {
        100.0 * one
    };
    format!("{:.digits$} %", parts.min(most) / one)
}

/// Without zeros at its end.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn bytes(count: usize) -> String {
    const KIB: f64 = 1024.0;
    let count = count as f64;
    match count {
        _ if count < KIB => format!("{count} B"),
        _ if count < KIB * KIB => format!("{} KiB", trimmed(round(count / KIB))),
        _ => format!("{} MiB", trimmed(round(count / KIB / KIB))),
    }
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// One JSON object.
pub fn to_json(tuning: &Tuning) -> Value {
    let row = |forecast: Forecast| {
        json!({
            "pool_size": forecast.pool_size,
            "hits": forecast.hits,
            "hit_rate": forecast.hit_rate,
            "bytes_per_thread": forecast.bytes_per_thread,
        })
    };
    let target = |rate: f64| json!({ "hit_rate": rate, "size": tuning.smallest(rate).map(row) });
    let profile = |profile: Workload| {
        json!({
            "name": profile.as_str(),
            "pool_size": profile.pool_size(),
            "buffer_size": profile.buffer_size(),
            "hit_rate": tuning.forecast(profile.pool_size()).hit_rate,
        })
    };
    let demand = &tuning.demand;
    json!({
        "source": tuning.source,
        "pool": tuning.pool,
        "buffer_size": demand.buffer_size,
        "acquires": demand.acquires(),
        "beyond": demand.beyond,
        "most_out": demand.most_out(),
        "target": tuning.target.ratio(),
        "sizes": tuning.all().map(row).collect::<Vec<_>>(),
        "targets": targets(tuning).into_iter().map(target).collect::<Vec<_>>(),
        "profile": tuning.profile().map(profile),
        "demand": super::wire::DemandFigures::from(demand),
        "notes": tuning.notes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_all_does_not_read_as_all() {
        assert_eq!(percent(1.0, 2), "100.00 %");
        assert_eq!(percent(0.999_999, 2), "99.99 %");
        assert_eq!(percent(0.999_999, 4), "99.9999 %");
        assert_eq!(percent(1.0 - f64::EPSILON, 2), "99.99 %");
        assert_eq!(percent(0.29, 2), "29.00 %");
        assert_eq!(percent(0.0, 2), "0.00 %");
    }

    #[test]
    fn bytes_are_written_in_the_unit_that_fits() {
        let cases = [
            (64, "64 B"),
            (4096, "4 KiB"),
            (1536, "1.5 KiB"),
            (3 << 20, "3 MiB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
    }
}
