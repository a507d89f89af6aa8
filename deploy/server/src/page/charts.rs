/*!
Charts as inline SVG. The library draws in fixed colours; the style sheet maps them to those of the page, so that charts
follow the dark theme. The figures are in a table beside each chart for readers who cannot see it.
*/

use maud::{Markup, PreEscaped, html};
use plotters::prelude::{
    BLACK, ChartBuilder, Circle, Color, IntoDrawingArea, IntoFont, LineSeries, RGBColor, Rectangle,
    SVGBackend, SeriesLabelPosition, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Small, so that text stays readable when the chart is as narrow as a phone.
const SIZE: (u32, u32) = (480, 230);
/// The colours by which the style sheet recognises the two series.
const FIRST: RGBColor = RGBColor(0x0b, 0x5c, 0xad);
const SECOND: RGBColor = RGBColor(0x1a, 0x7f, 0x37);

/// Bars by name; the last field is the label of the value.
pub(super) fn bars(title: &str, bars: &[(String, f64, String)]) -> Markup {
    let mut svg = String::new();
    let drawn = draw_bars(&mut svg, bars);
    let rows = bars.iter().map(|(name, _, said)| vec![name.clone(), said.clone()]);
    figure(title, &["", "value"], rows.collect(), drawn.is_ok().then_some(svg))
}

fn draw_bars(svg: &mut String, bars: &[(String, f64, String)]) -> Result<(), Box<dyn std::error::Error>> {
    let highest = bars.iter().map(|(_, value, _)| *value).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(32)
        .build_cartesian_2d(0.0..bars.len() as f64, 0.0..highest * 1.18)?;
    chart.configure_mesh().disable_mesh().disable_axes().draw()?;
    let font = ("sans-serif", 17).into_font().color(&BLACK).pos(Pos::new(HPos::Center, VPos::Top));
    for (at, (name, value, said)) in bars.iter().enumerate() {
        let (left, right, middle) = (at as f64 + 0.2, at as f64 + 0.8, at as f64 + 0.5);
        chart.draw_series([Rectangle::new([(left, 0.0), (right, *value)], FIRST.filled())])?;
        let place = chart.backend_coord(&(middle, *value));
        let foot = chart.backend_coord(&(middle, 0.0));
        root.draw(&Text::new(said.clone(), (place.0, place.1 - 22), font.clone()))?;
        root.draw(&Text::new(name.clone(), (foot.0, foot.1 + 8), font.clone()))?;
    }
    root.present()?;
    Ok(())
}

/// Two shares over time, in percent.
pub(super) fn shares(title: &str, names: [&str; 2], points: &[(String, [f64; 2])]) -> Markup {
    let mut svg = String::new();
    let drawn = draw_shares(&mut svg, names, points);
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let rows = points.iter().map(|(when, [one, two])| vec![when.clone(), percent(*one), percent(*two)]);
    figure(title, &["", names[0], names[1]], rows.collect(), drawn.is_ok().then_some(svg))
}

fn draw_shares(
    svg: &mut String,
    names: [&str; 2],
    points: &[(String, [f64; 2])],
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let last = points.len().saturating_sub(1).max(1) as f64;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(52)
        .build_cartesian_2d(-0.15..last + 0.15, 0.0..105.0)?;
    let label = |x: &f64| {
        // Labels leave out the year, because a chart is too narrow for it.
        let whole = (x - x.round()).abs() < 0.01 && *x >= 0.0;
        let point = whole.then(|| points.get(x.round() as usize)).flatten();
        point
            .map(|(when, _)| when.split_once('-').map_or(when.as_str(), |(_, day)| day).to_owned())
            .unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(points.len().clamp(2, 6))
        .x_label_formatter(&label)
        .y_labels(5)
        .y_label_formatter(&|y: &f64| format!("{y:.0} %"))
        .label_style(("sans-serif", 16).into_font().color(&BLACK))
        .axis_style(BLACK.mix(0.4))
        .light_line_style(BLACK.mix(0.0))
        .bold_line_style(BLACK.mix(0.15))
        .draw()?;
    for (at, color) in [FIRST, SECOND].into_iter().enumerate() {
        let line: Vec<(f64, f64)> =
            points.iter().enumerate().map(|(x, (_, shares))| (x as f64, shares[at] * 100.0)).collect();
        chart
            .draw_series(LineSeries::new(line.clone(), color.stroke_width(3)))?
            .label(names[at])
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 16, y + 4)], color.filled()));
        // Round and square markers, so that colour is not the only difference.
        match at {
            0 => chart.draw_series(line.iter().map(|at| Circle::new(*at, 5, color.filled())))?,
            _ => chart.draw_series(line.iter().map(|(x, y)| {
                let (w, h) = (last / 130.0, 1.8);
                Rectangle::new([(x - w, y - h), (x + w, y + h)], color.filled())
            }))?,
        };
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 16).into_font().color(&BLACK))
        .draw()?;
    root.present()?;
    Ok(())
}

fn figure(title: &str, head: &[&str], rows: Vec<Vec<String>>, svg: Option<String>) -> Markup {
    // The library escapes text, and none of the text comes from outside.
    let svg = svg.map(|svg| svg.replacen("<svg ", "<svg class=\"chart\" aria-hidden=\"true\" ", 1));
    html! {
        figure {
            figcaption { (title) }
            @if let Some(svg) = svg { (PreEscaped(svg)) }
            details {
                summary { "As a table" }
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table {
                        thead { tr { @for name in head { @if name.is_empty() { td {} } @else { th scope="col" { (name) } } } } }
                        tbody { @for row in &rows { tr { @for (at, cell) in row.iter().enumerate() { @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } } } } } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_drawn_with_their_figures() {
        let bars =
            bars("Time", &[("first".into(), 9.0, "9.0 s".into()), ("second".into(), 1.0, "1.0 s".into())]);
        let text = bars.into_string();
        assert!(text.contains("<svg class=\"chart\"") && text.matches("<rect").count() == 2, "{text}");
        assert!(text.contains("<th scope=\"row\">second</th><td>1.0 s</td>"));
        assert!(!text.contains("style="), "the policy forbids styles in a page: {text}");
        let points = [("2026-06-01".to_owned(), [0.5, 0.25]), ("2026-06-08".to_owned(), [1.0, 0.5])];
        let text = shares("Shares", ["alone", "verified"], &points).into_string();
        assert!(text.matches("<polyline").count() >= 2 && text.contains("06-08"), "{text}");
        assert!(!text.contains("style="), "{text}");
        // An empty chart is not an error.
        assert!(shares("Shares", ["a", "b"], &[]).into_string().contains("<figcaption>"));
    }
}
