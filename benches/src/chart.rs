//! A chart of lines on two logarithmic axes, as SVG.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
const COLORS: [&str; 9] = [
    "#1b6ca8", "#c8553d", "#588157", "#9d4edd", "#e09f3e", "#335c67", "#bc4749", "#6c757d",
    "#d81159",
];

/// One line: its name, whether it is a peer's (dashed), and its points.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Name in the legend.
    pub name: String,
    /// Drawn dashed.
    pub is_peer: bool,
    /// Ascending in the first; both above zero.
    pub points: Vec<(f64, f64)>,
}

/// The chart of `lines`, with a title and the names of the axes.
pub fn chart(title: &str, across: &str, up: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = Axis::around(points().map(|point| point.0), LEFT, WIDTH - RIGHT);
    let y = Axis::around(points().map(|point| point.1), HEIGHT - BOTTOM, TOP);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' \
         font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n"
    );
    text(
        &mut svg,
        LEFT,
        24.0,
        "start",
        &format!("<tspan font-weight='bold'>{title}</tspan>"),
    );
    text(
        &mut svg,
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 12.0,
        "middle",
        across,
    );
    text(&mut svg, 8.0, TOP - 6.0, "start", up);
    grid(&mut svg, &x, &y);
    for (index, line) in lines.iter().enumerate() {
        draw(&mut svg, line, COLORS[index % COLORS.len()], index, &x, &y);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Decades, from `from` to `to` on the page.
struct Axis {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Axis {
    fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value.log10()), high.max(value.log10()))
        });
        let low = low.floor() as i32;
        let high = (high.ceil() as i32).max(low + 1);
        Self {
            low,
            high,
            from,
            to,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + share * (self.to - self.from)
    }
}

fn grid(svg: &mut String, x: &Axis, y: &Axis) {
    for decade in x.low..=x.high {
        let place = x.place(10_f64.powi(decade));
        rule(svg, (place, y.from), (place, y.to));
        let name = format!("10<tspan dy='-5' font-size='9'>{decade}</tspan>");
        text(svg, place, HEIGHT - BOTTOM + 18.0, "middle", &name);
    }
    for decade in y.low..=y.high {
        let place = y.place(10_f64.powi(decade));
        rule(svg, (x.from, place), (x.to, place));
        text(
            svg,
            LEFT - 8.0,
            place + 4.0,
            "end",
            &format!("{}", 10_f64.powi(decade)),
        );
    }
}

fn rule(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(
        svg,
        "<line x1='{x1:.1}' y1='{y1:.1}' x2='{x2:.1}' y2='{y2:.1}' stroke='#ddd'/>"
    )
    .expect("writing to a string cannot fail");
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, content: &str) {
    writeln!(
        svg,
        "<text x='{x:.1}' y='{y:.1}' text-anchor='{anchor}'>{content}</text>"
    )
    .expect("writing to a string cannot fail");
}

fn draw(svg: &mut String, line: &Line, color: &str, index: usize, x: &Axis, y: &Axis) {
    let places: Vec<String> = line
        .points
        .iter()
        .map(|point| format!("{:.1},{:.1}", x.place(point.0), y.place(point.1)))
        .collect();
    let dashes = if line.is_peer {
        " stroke-dasharray='6 4'"
    } else {
        ""
    };
    let style = format!("fill='none' stroke='{color}' stroke-width='2'{dashes}");
    writeln!(svg, "<polyline points='{}' {style}/>", places.join(" "))
        .expect("writing to a string cannot fail");
    let (left, height) = (WIDTH - RIGHT + 12.0, TOP + 10.0 + 20.0 * index as f64);
    writeln!(
        svg,
        "<polyline points='{left},{height} {},{height}' {style}/>",
        left + 26.0
    )
    .expect("writing to a string cannot fail");
    text(svg, left + 32.0, height + 4.0, "start", &line.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_stands_where_its_logarithm_is() {
        let line = Line {
            name: "ours".into(),
            is_peer: false,
            points: vec![(100.0, 0.1), (10_000.0, 10.0)],
        };
        let svg = chart("title", "n", "ns", &[line]);
        // From the lower left corner to the upper right one.
        assert!(svg.contains("points='60.0,390.0 570.0,40.0'"), "{svg}");
    }
}
