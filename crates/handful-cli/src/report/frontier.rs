//! Charts of the error of each preset against its time and its size, with published results of others.

use maud::{Markup, html};

use super::charts::{Scale, px};
use crate::{evaluated::Evaluated, presets::PresetResult, text};

/// Published figures of others.
struct Published {
    name: &'static str,
    error_percent: f64,
    /// Microseconds per image, or size of the model in bytes.
    cost: f64,
    source: &'static str,
}

/// Figures of a published program, measured on one core of a different machine.
const TIMES: [Published; 3] = [
    Published { name: "kNN a", error_percent: 1.91, cost: 2190.0, source: "ikawrakow/mnist" },
    Published { name: "kNN b", error_percent: 1.01, cost: 4080.0, source: "ikawrakow/mnist" },
    Published { name: "kNN c", error_percent: 0.80, cost: 9010.0, source: "ikawrakow/mnist" },
];

const SIZES: [Published; 6] = [
    Published { name: "ProtoNN", error_percent: 4.12, cost: 63_400.0, source: "Gupta et al. 2017" },
    Published { name: "Bonsai", error_percent: 2.99, cost: 84_000.0, source: "Kumar et al. 2017" },
    Published { name: "SNC", error_percent: 6.4, cost: 4_200_000.0, source: "Gupta et al. 2017" },
    Published { name: "GBDT", error_percent: 2.1, cost: 5_900_000.0, source: "Gupta et al. 2017" },
    Published { name: "RBF-SVM", error_percent: 2.7, cost: 39_000_000.0, source: "Gupta et al. 2017" },
    Published { name: "1-layer net", error_percent: 1.56, cost: 4_700_000.0, source: "Gupta et al. 2017" },
];

/// The lowest published errors of nearest neighbours, without times or sizes: with P2DHMDM, and with tangent distance.
const RECORDS: [(&str, f64); 2] = [("k-NN, Keysers 2007", 0.52), ("k-NN, Simard 1993", 1.1)];

pub(super) fn section(models: &[Evaluated], results: &[PresetResult]) -> Markup {
    let presets = || models.iter().filter(|model| model.preset.is_some() || model.name == "knn-all");
    let time = |model: &Evaluated| Some(1e6 / model.images_per_second());
    let size = |model: &Evaluated| model.model_bytes.map(|bytes| bytes as f64);
    let points = |cost: &dyn Fn(&Evaluated) -> Option<f64>| {
        presets()
            .filter_map(|model| {
                cost(model).map(|cost| (model.name, model.confusion_matrix.error_percent(), cost))
            })
            .collect::<Vec<_>>()
    };
    html! {
        p {
            "The error of each preset on the test images against its cost. Filled dots were measured in this run, with the "
            "number of threads given below. Rings are results that others have published. Dashed lines are published "
            "errors of nearest neighbours whose cost is not known. Both axes are logarithmic; the lower left is best."
        }
        div.pair {
            (scatter("Error against microseconds per image", "µs per image", &points(&time), &TIMES, text::rough))
            (scatter("Error against size of the model file in bytes", "bytes", &points(&size), &SIZES, bytes))
        }
        @for sentence in results.iter().filter_map(PresetResult::of_seeds) { p { (sentence) "." } }
        p.note {
            "Published: " @for (i, point) in TIMES.iter().chain(&SIZES).enumerate() {
                @if i > 0 { "; " } (point.name) " " (point.error_percent) " % (" (point.source) ")"
            } ". The times of ikawrakow/mnist were measured on one core of a different machine."
        }
    }
}

fn bytes(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} MB", text::rough(value / 1e6)),
        value if value >= 1e3 => format!("{} kB", text::rough(value / 1e3)),
        value => format!("{} B", text::rough(value)),
    }
}

fn scatter(
    title: &str,
    axis: &str,
    points: &[(&str, f64, f64)],
    published: &[Published],
    label: impl Fn(f64) -> String,
) -> Markup {
    let costs = || points.iter().map(|point| point.2).chain(published.iter().map(|point| point.cost));
    let errors = || {
        let others = published.iter().map(|point| point.error_percent).chain(RECORDS.map(|record| record.1));
        points.iter().map(|point| point.1.max(0.01)).chain(others)
    };
    let decades = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        (low.log10().floor(), high.log10().ceil())
    };
    let (first, last) = decades(&mut costs());
    let x = Scale { domain: [first, last.max(first + 1.0)], range: [52.0, 500.0] };
    let (low, high) = errors().fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
    let y = Scale { domain: [(low * 0.8).log10(), (high * 1.2).log10()], range: [290.0, 12.0] };
    let place = |error: f64, cost: f64| (px(x.at(cost.log10())), px(y.at(error.max(0.01).log10())));
    let ticks = std::iter::successors(Some(first), |tick| Some(tick + 1.0)).take_while(|&tick| tick <= last);
    let lines =
        [0.2, 0.5, 1.0, 2.0, 5.0, 10.0].into_iter().filter(|error| (low * 0.8..high * 1.2).contains(error));
    html! {
        figure.chart.frontier {
            svg viewBox="0 0 520 330" role="img" aria-label=(title) {
                @for error in lines {
                    line.rule x1="52" x2="500" y1=(px(y.at(error.log10()))) y2=(px(y.at(error.log10()))) {}
                    text.tick x="44" y=(px(y.at(error.log10()) + 4.0)) text-anchor="end" { (error) " %" }
                }
                @for tick in ticks {
                    text.tick x=(px(x.at(tick))) y="310" text-anchor="middle" { (label(10_f64.powf(tick))) }
                }
                text.tick x="276" y="326" text-anchor="middle" { (axis) }
                @for (name, error) in RECORDS {
                    @let height = y.at(error.log10());
                    line.baseline x1="52" x2="500" y1=(px(height)) y2=(px(height)) { title { (name) } }
                    text.tick x="498" y=(px(height - 4.0)) text-anchor="end" { (name) ", " (error) " %" }
                }
                @for point in published {
                    @let (cx, cy) = place(point.error_percent, point.cost);
                    circle.ring cx=(cx) cy=(cy) r="4" {
                        title { (point.name) ", " (point.error_percent) " %, " (point.source) }
                    }
                    text.tick x=(cx) y=(cy) dx="7" dy="4" { (point.name) }
                }
                @for (name, error, cost) in points {
                    @let (cx, cy) = place(*error, *cost);
                    circle.dot cx=(cx) cy=(cy) r="5" {
                        title { (name) ": " (format!("{error:.2} %")) ", " (label(*cost)) }
                    }
                    text x=(cx) y=(cy) dx="8" dy="-5" { (name) }
                }
            }
            figcaption { (title) }
        }
    }
}
