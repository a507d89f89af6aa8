/*!
The plots of a report, as SVG inside the page. A table beside each plot has all its numbers. Missing values are left out and
not drawn as zero.
*/

use plotters::coord::Shift;
use plotters::prelude::*;
use serde_json::Value;

use crate::results::CaseResult;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

const INK: RGBColor = RGBColor(70, 90, 120);
const GOOD: RGBColor = RGBColor(26, 127, 55);
const FAINT: RGBColor = RGBColor(150, 150, 150);
const FONT: &str = "sans-serif";

/// Draws a plot; `None` when the library fails.
fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Option<String> {
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, size).into_drawing_area();
        area.fill(&WHITE).ok()?;
        draw(&area).ok()?;
        area.present().ok()?;
    }
    Some(out)
}

fn value(figure: &Value, name: &str) -> Option<f64> {
    figure.get(name).and_then(Value::as_f64)
}

/// Share of right answers per class, with its interval.
pub(super) fn by_class(figures: &Value) -> Option<String> {
    let tags = figures.get("by_tag")?.as_object()?;
    let bars: Vec<(&str, f64, f64, f64, u64)> = tags
        .iter()
        .filter(|(tag, _)| !tag.starts_with('!'))
        .filter_map(|(tag, part)| {
            let hit = part.get("hit").or_else(|| part.get("ac@1"))?;
            let cases = part.get("cases")?.as_u64()?;
            Some((tag.as_str(), value(hit, "value")?, value(hit, "low")?, value(hit, "high")?, cases))
        })
        .collect();
    if bars.is_empty() {
        return None;
    }
    let height = 22 * bars.len() as u32 + 60;
    svg((760, height), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .set_label_area_size(LabelAreaPosition::Left, 190)
            .set_label_area_size(LabelAreaPosition::Bottom, 34)
            .build_cartesian_2d(0.0..1.02, 0.0..bars.len() as f64)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc("share of right answers, 95 % interval")
            .draw()?;
        for (number, (tag, share, low, high, cases)) in bars.iter().rev().enumerate() {
            let y = number as f64;
            let bar = Rectangle::new([(0.0, y + 0.2), (*share, y + 0.8)], INK.mix(0.75).filled());
            chart.draw_series([bar])?;
            chart.draw_series([PathElement::new(
                vec![(*low, y + 0.5), (*high, y + 0.5)],
                BLACK.stroke_width(2),
            )])?;
            let at = chart.backend_coord(&(0.0, y + 0.68));
            let style = (FONT, 12).into_font().color(&BLACK);
            area.draw_text(&format!("{tag} ({cases})"), &style, (12, at.1))?;
        }
        Ok(())
    })
}

/// Bins of the reliability plot.
const BINS: usize = 10;

/// How often answers with the same confidence were right.
pub(super) fn calibration(results: &[CaseResult]) -> Option<String> {
    let forecasts: Vec<(f64, bool)> = results
        .iter()
        .filter_map(|one| one.grades.as_ref()?.calibration)
        .map(|one| (one.confidence, one.right))
        .collect();
    if forecasts.is_empty() {
        return None;
    }
    let mut bins: Vec<(f64, usize, usize)> = vec![(0.0, 0, 0); BINS];
    for (confidence, right) in &forecasts {
        let at = ((confidence * BINS as f64) as usize).min(BINS - 1);
        let bin = &mut bins[at];
        *bin = (bin.0 + confidence, bin.1 + usize::from(*right), bin.2 + 1);
    }
    svg((420, 360), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .set_label_area_size(LabelAreaPosition::Left, 50)
            .set_label_area_size(LabelAreaPosition::Bottom, 36)
            .build_cartesian_2d(0.0..1.05, 0.0..1.05)?;
        chart.configure_mesh().light_line_style(WHITE).x_desc("confidence").y_desc("share right").draw()?;
        chart.draw_series([PathElement::new(vec![(0.0, 0.0), (1.0, 1.0)], FAINT.stroke_width(1))])?;
        for (sum, right, of) in bins.iter().filter(|(_, _, of)| *of > 0) {
            let at = (sum / *of as f64, *right as f64 / *of as f64);
            let size = 3 + (*of as f64).sqrt().round() as i32;
            chart.draw_series([Circle::new(at, size, INK.mix(0.8).filled())])?;
            let label = Text::new(of.to_string(), (at.0 - 0.02, at.1 - 0.06), (FONT, 11).into_font());
            chart.draw_series([label])?;
        }
        Ok(())
    })
}

/// Replays needed to find the culprit, and those that a plain bisect needs, case by case.
pub(super) fn bisect_effort(results: &[CaseResult]) -> Option<String> {
    let points: Vec<(f64, f64)> = results
        .iter()
        .filter_map(|one| {
            let plain = f64::from(one.grades.as_ref()?.cost.range?.max(1)).log2().ceil();
            Some((plain, f64::from(one.replay_runs?)))
        })
        .collect();
    let most = points.iter().fold(10.0_f64, |most, (x, y)| most.max(*x).max(*y)) + 1.0;
    if points.is_empty() {
        return None;
    }
    svg((420, 360), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .set_label_area_size(LabelAreaPosition::Left, 50)
            .set_label_area_size(LabelAreaPosition::Bottom, 36)
            .build_cartesian_2d(0.0..most, 0.0..most)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("replays of plain bisect")
            .y_desc("replays to the culprit")
            .draw()?;
        chart.draw_series([PathElement::new(vec![(0.0, 0.0), (most, most)], FAINT.stroke_width(1))])?;
        // Many cases share a point, so each is drawn with a small offset.
        chart.draw_series(points.iter().enumerate().map(|(number, (x, y))| {
            let aside = (number % 9) as f64 * 0.07 - 0.28;
            Circle::new((x + aside, *y), 4, INK.mix(0.45).filled())
        }))?;
        Ok(())
    })
}

/// Share of right answers per class, and the cost of its answers.
pub(super) fn cost_against_accuracy(results: &[CaseResult]) -> Option<String> {
    let mut classes: std::collections::BTreeMap<&str, (f64, f64, f64)> = Default::default();
    for one in results {
        let (Some(class), Some(grades)) = (one.tags.first(), one.grades.as_ref()) else { continue };
        let of = classes.entry(class).or_default();
        *of = (of.0 + f64::from(grades.cost.replays), of.1 + f64::from(u8::from(one.hit)), of.2 + 1.0);
    }
    let points: Vec<(&str, f64, f64)> =
        classes.iter().map(|(class, (cost, right, of))| (*class, cost / of, right / of)).collect();
    let most = points.iter().fold(1.0_f64, |most, (_, cost, _)| most.max(*cost)) * 1.3;
    if points.len() < 2 {
        return None;
    }
    svg((560, 360), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .set_label_area_size(LabelAreaPosition::Left, 50)
            .set_label_area_size(LabelAreaPosition::Bottom, 36)
            .build_cartesian_2d(0.0..most, -0.05..1.1)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("executions per case, all of them")
            .y_desc("share right")
            .draw()?;
        for (class, cost, right) in &points {
            chart.draw_series([Circle::new((*cost, *right), 4, INK.filled())])?;
            if *right < 1.0 || *cost > most * 0.5 {
                let label =
                    Text::new((*class).to_owned(), (*cost + most * 0.012, *right), (FONT, 10).into_font());
                chart.draw_series([label])?;
            }
        }
        Ok(())
    })
}

/// The effect of memory on executions and right answers over the sequence of cases.
pub(super) fn learning(memory: &Value) -> Option<String> {
    let each = memory.get("replay_runs_each")?;
    let side = |name: &str| -> Option<Vec<f64>> {
        Some(each.get(name)?.as_array()?.iter().map(|runs| runs.as_f64().unwrap_or(0.0)).collect())
    };
    let (off, on) = (side("off")?, side("on")?);
    if off.len() < 2 || off.len() != on.len() {
        return None;
    }
    let most = off.iter().chain(&on).fold(1.0_f64, |most, runs| most.max(*runs)) * 1.1;
    svg((640, 300), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .set_label_area_size(LabelAreaPosition::Left, 50)
            .set_label_area_size(LabelAreaPosition::Bottom, 36)
            .build_cartesian_2d(1.0..off.len() as f64, 0.0..most)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("cases so far")
            .y_desc("executions of this case")
            .draw()?;
        let line = |runs: &[f64]| -> Vec<(f64, f64)> {
            runs.iter().enumerate().map(|(number, runs)| (number as f64 + 1.0, *runs)).collect()
        };
        chart
            .draw_series(LineSeries::new(line(&off), FAINT.stroke_width(2)))?
            .label("without memory")
            .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], FAINT.stroke_width(2)));
        chart
            .draw_series(LineSeries::new(line(&on), GOOD.stroke_width(2)))?
            .label("with memory")
            .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], GOOD.stroke_width(2)));
        chart.configure_series_labels().border_style(FAINT).background_style(WHITE.mix(0.8)).draw()?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn draws_what_is_there_and_nothing_else() {
        let hit = json!({"value": 0.5, "low": 0.2, "high": 0.8});
        let figures =
            json!({"by_tag": {"data & <more>": {"hit": hit, "cases": 4}, "!data": {"hit": hit, "cases": 4}}});
        let plot = by_class(&figures).unwrap();
        assert!(plot.starts_with("<svg") && plot.contains("data &amp; &lt;more&gt; (4)"), "{plot}");
        assert!(!plot.contains("!data"));
        assert_eq!(by_class(&json!({})), None);
        assert_eq!((calibration(&[]), bisect_effort(&[]), cost_against_accuracy(&[])), (None, None, None));
        let memory = json!({"replay_runs_each": {"off": [9, 9, 8], "on": [9, null, 1]}});
        assert!(learning(&memory).unwrap().contains("without memory"));
    }
}
