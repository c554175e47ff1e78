//! Charts as SVG that takes its colours from the page.

use handful::{Dataset, metrics::ConfusionMatrix};
use maud::{Markup, html};

use crate::{evaluated::Evaluated, experiment::SweepPoint, text};

/// A linear scale from data to pixels.
pub(super) struct Scale {
    pub(super) domain: [f64; 2],
    pub(super) range: [f64; 2],
}

impl Scale {
    pub(super) fn at(&self, value: f64) -> f64 {
        let [from, to] = self.domain;
        let share = (value - from) / (to - from);
        self.range[0] + share * (self.range[1] - self.range[0])
    }
}

/// Round values from just below `low` to just above `high`, in steps of `step`.
fn ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    std::iter::successors(Some(first), |tick| Some(tick + 1.0))
        .take_while(|&tick| tick <= last)
        .map(|tick| tick * step)
        .collect()
}

/// Accuracies in percent need a step that gives a handful of lines.
fn percent_ticks(low: f64, high: f64) -> Vec<f64> {
    let step = [0.5, 1.0, 2.0, 5.0, 10.0].into_iter().find(|step| (high - low) / step <= 7.0).unwrap_or(20.0);
    ticks(low, high, step)
}

pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// Accuracies with their intervals, on one axis.
pub(super) fn intervals(models: &[Evaluated]) -> Markup {
    let percents = |model: &Evaluated| model.confusion_matrix.accuracy_interval().map(|bound| 100.0 * bound);
    let low = models.iter().map(|model| percents(model)[0]).fold(100.0, f64::min);
    let high = models.iter().map(|model| percents(model)[1]).fold(0.0, f64::max);
    let ticks = percent_ticks(low, high);
    let x = Scale { domain: [ticks[0], ticks[ticks.len() - 1]], range: [104.0, 495.0] };
    let height = 30.0 * models.len() as f64;
    html! {
        figure.chart {
            svg viewBox=(format!("0 0 520 {}", px(height + 30.0))) role="img" aria-label="Accuracy of each model with its 95 % interval" {
                @for &tick in &ticks {
                    line.rule x1=(px(x.at(tick))) x2=(px(x.at(tick))) y1="0" y2=(px(height)) {}
                    text.tick x=(px(x.at(tick))) y=(px(height + 20.0)) text-anchor="middle" { (tick) " %" }
                }
                @for (model, row) in models.iter().zip(0..) {
                    @let y = 30.0 * f64::from(row) + 15.0;
                    @let [low, high] = percents(model);
                    text x="0" y=(px(y + 5.0)) { (model.name) }
                    line.whisker x1=(px(x.at(low))) x2=(px(x.at(high))) y1=(px(y)) y2=(px(y)) {}
                    circle.dot cx=(px(x.at(100.0 * model.confusion_matrix.accuracy()))) cy=(px(y)) r="5" {}
                }
            }
            figcaption { "Accuracy on the test images, with 95 % intervals" }
        }
    }
}

/// Number of images of each class.
pub(super) fn frequencies(title: &str, dataset: &Dataset) -> Markup {
    let counts = dataset.class_counts();
    let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let y = Scale { domain: [0.0, most], range: [190.0, 24.0] };
    let step = 360.0 / counts.len() as f64;
    // If there is no room for the numbers, they appear when the pointer is over a bar.
    let crowded = counts.len() > 15;
    html! {
        figure.chart {
            svg viewBox="0 0 360 215" role="img" aria-label=(format!("{title}: number of images of each class")) {
                @for ((class, &count), i) in dataset.classes().iter().zip(&counts).zip(0..) {
                    @let (left, top) = (f64::from(i) * step, y.at(count as f64));
                    @let (middle, count) = (left + step / 2.0, text::count(count as u64));
                    rect.bar x=(px(left + 0.12 * step)) y=(px(top)) width=(px(0.76 * step)) height=(px(190.0 - top)) rx="2" {
                        title { (class) ": " (count) }
                    }
                    @if crowded {
                        text x=(px(middle)) y="206" text-anchor="middle" style=(format!("font-size:{}px", px(0.75 * step))) { (class) }
                    } @else {
                        text x=(px(middle)) y="208" text-anchor="middle" { (class) }
                        text.count x=(px(middle)) y=(px(top - 6.0)) text-anchor="middle" { (count) }
                    }
                }
            }
            figcaption { (title) ": " (text::count(dataset.n_samples() as u64)) }
        }
    }
}

/// A line of the sweep: the accuracy for each size and its interval, in percent.
struct Curve {
    name: &'static str,
    values: Vec<[f64; 3]>,
}

impl Curve {
    fn new(name: &'static str, points: &[SweepPoint], matrix: fn(&SweepPoint) -> &ConfusionMatrix) -> Self {
        let of_point = |point| {
            let [low, high] = matrix(point).accuracy_interval();
            [low, matrix(point).accuracy(), high].map(|ratio| 100.0 * ratio)
        };
        Self { name, values: points.iter().map(of_point).collect() }
    }
}

/// Accuracy against prototypes per class, for K-Means and the control.
pub(super) fn sweep(all: &Evaluated, points: &[SweepPoint]) -> Markup {
    let curves = [
        Curve::new("kmeans-knn", points, |point| &point.kmeans),
        Curve::new("random-knn", points, |point| &point.random),
    ];
    let all = 100.0 * all.confusion_matrix.accuracy();
    let values = || curves.iter().flat_map(|curve| curve.values.iter().flatten().copied()).chain([all]);
    let ticks = percent_ticks(values().fold(all, f64::min), values().fold(all, f64::max));
    let y = Scale { domain: [ticks[0], ticks[ticks.len() - 1]], range: [250.0, 12.0] };
    let sizes: Vec<f64> = points.iter().map(|point| (point.prototypes_per_class as f64).log10()).collect();
    let x = Scale { domain: [sizes[0], sizes[sizes.len() - 1].max(sizes[0] + 0.1)], range: [52.0, 425.0] };
    let path = |values: &mut dyn Iterator<Item = (&f64, f64)>| {
        let corners = values.map(|(&size, value)| format!("{},{}", px(x.at(size)), px(y.at(value))));
        corners.collect::<Vec<_>>().join(" ")
    };
    let line =
        |curve: &Curve, bound: usize| curve.values.iter().map(|value| value[bound]).collect::<Vec<_>>();
    let band = |curve: &Curve| {
        let there = sizes.iter().zip(line(curve, 0));
        path(&mut there.chain(sizes.iter().zip(line(curve, 2)).rev()))
    };
    let mut labels = vec![("knn-all", y.at(all))];
    labels.extend(curves.iter().map(|curve| (curve.name, y.at(curve.values[points.len() - 1][1]))));
    html! {
        figure.chart {
            svg viewBox="0 0 520 296" role="img" aria-label="Accuracy against the number of prototypes per class" {
                @for &tick in &ticks {
                    line.rule x1="52" x2="425" y1=(px(y.at(tick))) y2=(px(y.at(tick))) {}
                    text.tick x="44" y=(px(y.at(tick) + 4.0)) text-anchor="end" { (tick) " %" }
                }
                @for (&size, point) in sizes.iter().zip(points) {
                    text.tick x=(px(x.at(size))) y="270" text-anchor="middle" { (point.prototypes_per_class) }
                }
                text.tick x="238" y="290" text-anchor="middle" { "prototypes per class" }
                line.baseline x1="52" x2="425" y1=(px(y.at(all))) y2=(px(y.at(all))) {}
                @for curve in &curves {
                    g class=(curve.name) {
                        polygon.band points=(band(curve)) {}
                        polyline.curve points=(path(&mut sizes.iter().zip(line(curve, 1)))) {}
                        @for (&size, value) in sizes.iter().zip(line(curve, 1)) {
                            circle.dot cx=(px(x.at(size))) cy=(px(y.at(value))) r="4" {}
                        }
                    }
                }
                @for (name, height) in apart(labels) {
                    text class=(name) x="433" y=(px(height + 4.0)) { (name) }
                }
            }
        }
        div.scroll { table.plain {
            caption { "The figures of this chart" }
            thead { tr { th scope="col" { "prototypes per class" } @for curve in &curves { th scope="col" { (curve.name) } } } }
            tbody { @for (i, point) in points.iter().enumerate() {
                tr {
                    th scope="row" { (point.prototypes_per_class) }
                    @for curve in &curves { td { (format!("{:.2} %", curve.values[i][1])) } }
                }
            } }
        } }
    }
}

/// Moves labels down where they would overlap the one above.
fn apart(mut labels: Vec<(&str, f64)>) -> Vec<(&str, f64)> {
    labels.sort_by(|a, b| a.1.total_cmp(&b.1));
    for i in 1..labels.len() {
        labels[i].1 = labels[i].1.max(labels[i - 1].1 + 15.0);
    }
    labels
}
