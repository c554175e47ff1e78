//! Plots that are as wide as the page allows, with texts of one size.
//!
//! A plot is an SVG without a view box. Horizontal positions are shares of its width, vertical ones are pixels, so that
//! nothing scales but the distances between points. Labels may stand in the margins.

use maud::{Markup, html};

/// Width in pixels of the narrowest page that plots are made for: a phone of 320 pixels without its margins.
const NARROWEST_PAGE: f64 = 288.0;

/// Errors in percent below this are zero.
const ZERO: f64 = 1e-6;
/// The share of an axis before its positive errors, if it also has a place for 0.
const ZERO_ROOM: f64 = 0.2;
/// The share of an axis beyond the lowest and the highest error.
const MARGIN: f64 = 0.05;

/// The margins of a plot and its height, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) height: f64,
}

impl Room {
    /// The width of the plot on the narrowest page.
    pub(super) fn narrowest(&self) -> f64 {
        NARROWEST_PAGE - self.left - self.right
    }

    pub(super) fn style(&self) -> String {
        let Self { left, right, height } = self;
        format!("--left:{left:.0}px;--right:{right:.0}px;--height:{height:.0}px")
    }
}

/// A share of the width.
pub(super) fn share(value: f64) -> String {
    format!("{:.2}%", 100.0 * value)
}

pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// An upper bound of the width of a label in pixels, in the fonts that browsers use.
pub(super) fn width(label: &str) -> f64 {
    let width = |letter: char| match letter {
        'i' | 'j' | 'l' => 4.0,
        'f' | 'r' | 't' | ' ' | '.' | ',' | '-' => 5.0,
        'm' | 'w' | 'M' | 'W' | '%' => 12.0,
        'A'..='Z' => 9.5,
        ' '..='\u{2e7f}' => 7.8,
        _ => 12.0,
    };
    label.chars().map(width).sum()
}

/// The widest of some labels, in pixels.
pub(super) fn widest<'a>(labels: impl IntoIterator<Item = &'a str>) -> f64 {
    labels.into_iter().map(width).fold(0.0, f64::max)
}

/// Lines through points, which are given by shares of the width and pixels from the top.
pub(super) fn lines(height: f64, content: Markup) -> Markup {
    html! {
        svg.lines width="100%" height=(px(height)) viewBox=(format!("0 0 100 {}", px(height))) preserveAspectRatio="none" {
            (content)
        }
    }
}

/// The corners of [`lines`].
pub(super) fn corners(points: impl Iterator<Item = (f64, f64)>) -> String {
    points.map(|(x, y)| format!("{:.2},{}", 100.0 * x, px(y))).collect::<Vec<_>>().join(" ")
}

/// A logarithmic axis of errors in percent. If there are models without errors, it has a place for 0.
pub(super) struct ErrorAxis {
    /// Logarithms of the ends.
    ends: [f64; 2],
    ticks: Vec<f64>,
    has_zero: bool,
}

impl ErrorAxis {
    /// An axis of `length` pixels, with as many ticks as are `gap` pixels apart.
    pub(super) fn new(errors: impl Iterator<Item = f64>, length: f64, gap: f64) -> Self {
        let (zeros, positive): (Vec<f64>, Vec<f64>) = errors.partition(|&error| error < ZERO);
        let has_zero = !zeros.is_empty();
        let low = positive.iter().copied().reduce(f64::min).unwrap_or(0.1);
        let high = positive.iter().copied().reduce(f64::max).unwrap_or(1.0);
        let margin = MARGIN * (high / low).log10();
        let axis = |steps: &[f64]| {
            let around = ticks(low, high, steps);
            let ends = [low.log10() - margin, high.log10() + margin];
            let is_inside = |tick: &f64| (ends[0]..=ends[1]).contains(&tick.log10());
            let inside: Vec<f64> = around.iter().copied().filter(is_inside).collect();
            if inside.len() > 1 {
                return Self { ends, ticks: inside, has_zero };
            }
            // Without two ticks nobody could read the scale.
            let ends = [around[0], around[around.len() - 1]].map(f64::log10);
            Self { ends, ticks: around, has_zero }
        };
        let is_clear = |axis: &Self| {
            let places: Vec<f64> = axis.ticks().map(|(place, _)| place).collect();
            places.windows(2).all(|pair| (pair[1] - pair[0]) * length >= gap)
        };
        let series: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
        series.into_iter().map(axis).find(is_clear).unwrap_or_else(|| {
            let Self { ends, ticks, has_zero } = axis(&[1.0]);
            Self { ends, ticks: vec![ticks[0], ticks[ticks.len() - 1]], has_zero }
        })
    }

    /// Where an error is, from 0 for the lowest to 1 for the highest.
    pub(super) fn at(&self, error: f64) -> f64 {
        let [low, high] = self.ends;
        let start = if self.has_zero { ZERO_ROOM } else { 0.0 };
        if error < ZERO { 0.0 } else { start + (1.0 - start) * (error.log10() - low) / (high - low) }
    }

    /// Places with their labels.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let zero = self.has_zero.then_some(0.0).into_iter();
        // Powers of ten are not exact.
        let label = |tick: f64| ((tick * 1e6).round() / 1e6).to_string();
        zero.chain(self.ticks.iter().copied()).map(move |tick| (self.at(tick), label(tick)))
    }
}

/// The multiples of powers of ten by `steps`, from the last that is at most `low` to the first that is at least `high`.
fn ticks(low: f64, high: f64, steps: &[f64]) -> Vec<f64> {
    const SLACK: f64 = 1.0 + 1e-9;
    let powers = std::iter::successors(Some(low.log10().floor()), |power| Some(power + 1.0));
    let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powf(power)));
    let mut ticks = Vec::new();
    for tick in all {
        if tick <= low * SLACK {
            ticks.clear();
        }
        ticks.push(tick);
        if tick * SLACK >= high && ticks.len() > 1 {
            break;
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(errors: &[f64], length: f64, gap: f64) -> Vec<String> {
        ErrorAxis::new(errors.iter().copied(), length, gap).ticks().map(|(_, label)| label).collect()
    }

    #[test]
    fn short_axes_have_fewer_ticks_but_at_least_two() {
        assert_eq!(labels(&[0.36, 7.71], 400.0, 30.0), ["0.5", "1", "2", "5"]);
        assert_eq!(labels(&[0.36, 28.7], 125.0, 25.0), ["0.3", "1", "3", "10", "30"]);
        assert_eq!(labels(&[0.36, 28.7], 70.0, 20.0), ["1", "10"]);
        assert_eq!(labels(&[0.002, 99.0], 70.0, 20.0), ["0.01", "100"]);
        assert_eq!(labels(&[0.6, 0.7], 400.0, 30.0), ["0.5", "1"]);
        assert_eq!(labels(&[1.0, 1.0], 100.0, 20.0), ["1", "2"]);
    }

    #[test]
    fn zero_has_a_place_below_all_other_errors() {
        assert_eq!(labels(&[0.0, 0.4, 3.0], 400.0, 30.0), ["0", "0.5", "1", "2"]);
        assert_eq!(labels(&[0.0], 400.0, 30.0)[0], "0");
        let axis = ErrorAxis::new([0.0, 0.4, 3.0].into_iter(), 400.0, 30.0);
        let places = [0.0, 0.4, 3.0].map(|error| axis.at(error));
        assert!(places[0] == 0.0 && places[1] > 0.2 && places[2] > 0.9 && places[2] < 1.0, "{places:?}");
    }
}
