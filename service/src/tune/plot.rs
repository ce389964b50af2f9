//! Hit rate over pool size, as an SVG.

use plotters::prelude::*;

use super::{Forecast, TARGETS, Tuning};

const SIZE: (u32, u32) = (760, 420);
const LINE: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const NAMED: RGBColor = RGBColor(0xc8, 0x55, 0x3d);

/// The drawing cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw: {0}")]
pub struct PlotError(String);

/// The picture's text.
///
/// # Errors
///
/// [`PlotError`] when plotters refuses.
pub fn svg(tuning: &Tuning) -> Result<String, PlotError> {
    let mut text = String::new();
    draw(tuning, &mut text).map_err(|error| PlotError(error.to_string()))?;
    Ok(text)
}

fn draw(tuning: &Tuning, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let largest = tuning.demand.needed.len().max(1);
    let title = format!(
        "Pool {}: hit rate by pool size, {} acquires",
        tuning.pool.escape_debug(),
        tuning.demand.acquires()
    );
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(16)
        // For the labels of sizes at the right end.
        .margin_right(130)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0..largest + 1, 0.0..100.0)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(WHITE)
        .x_labels(12)
        .x_desc("buffers a thread")
        .y_desc("hit rate, %")
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .draw()?;
    chart.draw_series(LineSeries::new(
        steps(tuning, largest),
        LINE.stroke_width(2),
    ))?;
    let named: Vec<_> = named(tuning);
    chart.draw_series(
        named
            .iter()
            .map(|(forecast, _)| Circle::new(place(forecast), 4, NAMED.filled())),
    )?;
    chart.draw_series(named.iter().enumerate().map(|(index, (forecast, label))| {
        let below = 14 + 16 * index as i32;
        EmptyElement::at(place(forecast))
            + Text::new(label.clone(), (8, below), ("sans-serif", 13).into_font())
    }))?;
    area.present()?;
    Ok(())
}

/// A size holds up to the next: stairs, not a slope.
fn steps(tuning: &Tuning, largest: usize) -> Vec<(usize, f64)> {
    let mut points = vec![(0, 0.0)];
    for size in 1..=largest {
        let (_, before) = points[points.len() - 1];
        points.push((size, before));
        points.push(place(&tuning.forecast(size)));
    }
    let (_, last) = points[points.len() - 1];
    points.push((largest + 1, last));
    points
}

fn place(forecast: &Forecast) -> (usize, f64) {
    (forecast.pool_size, 100.0 * forecast.hit_rate)
}

/// The sizes that are named, each once, with the rates that it is named for.
fn named(tuning: &Tuning) -> Vec<(Forecast, String)> {
    let mut named: Vec<(Forecast, String)> = Vec::new();
    for rate in TARGETS {
        let Some(forecast) = tuning.smallest(rate) else {
            continue;
        };
        let label = format!("{} %", (rate * 1000.0).round() / 10.0);
        match named.last_mut() {
            Some((last, labels)) if last.pool_size == forecast.pool_size => {
                *labels += &format!(", {label}");
            }
            _ => named.push((forecast, format!("{}: {label}", forecast.pool_size))),
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use knhk_pool::Demand;

    use super::*;
    use crate::tune::Percent;

    #[test]
    fn a_hostile_name_is_text() {
        let mut demand = Demand::default();
        (demand.buffer_size, demand.needed) = (64, vec![3, 2]);
        let tuning = Tuning {
            source: String::new(),
            pool: "<script>&\"\u{1}".to_owned(),
            demand,
            target: Percent(99.0),
        };
        let svg = svg(&tuning).expect("it can be drawn");
        assert!(!svg.contains("<script>"), "{svg}");
        assert!(svg.contains("&lt;script&gt;&amp;"), "{svg}");
        assert!(!svg.contains('\u{1}'), "{svg}");
    }

    #[test]
    fn a_size_holds_up_to_the_next() {
        let mut demand = Demand::default();
        (demand.buffer_size, demand.needed) = (64, vec![1, 3]);
        let tuning = Tuning {
            source: String::new(),
            pool: "emit".to_owned(),
            demand,
            target: Percent(99.0),
        };
        let stairs = [
            (0, 0.0),
            (1, 0.0),
            (1, 25.0),
            (2, 25.0),
            (2, 100.0),
            (3, 100.0),
        ];
        assert_eq!(steps(&tuning, 2), stairs);
        let [(forecast, label)] = &named(&tuning)[..] else {
            panic!("one size has all three rates");
        };
        assert_eq!(
            (forecast.pool_size, label.as_str()),
            (2, "2: 95 %, 99 %, 99.9 %")
        );
    }
}
