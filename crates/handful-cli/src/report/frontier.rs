//! Charts of the error of each preset against its time and its size, with published results of others.

use maud::{Markup, html};

use super::{
    labels::{self, Mark, Place},
    plot::{ErrorAxis, Room, px, share},
};
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
const RECORDS: [(&str, f64); 2] = [("Keysers 2007", 0.52), ("Simard 1993", 1.1)];

const ROOM: Room = Room { left: 48.0, right: 24.0, height: 370.0 };
/// Pixels between two ticks of the horizontal axis.
const TICK: f64 = 50.0;

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
            (scatter("Error against time per image", "µs per image", &points(&time), &TIMES, text::rough))
            (scatter("Error against size of the model file", "size of the file", &points(&size), &SIZES, bytes))
        }
        @for sentence in results.iter().filter_map(PresetResult::of_seeds) { p { (sentence) "." } }
        p.note {
            "Published: "
            @for (name, error) in RECORDS { "k-NN " (error) "\u{a0}% (" (name) "); " }
            @for (i, point) in TIMES.iter().chain(&SIZES).enumerate() {
                @if i > 0 { "; " } (point.name) " " (point.error_percent) "\u{a0}% (" (point.source) ")"
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
    let first = costs().fold(f64::INFINITY, f64::min).log10().floor();
    let last = costs().fold(0.0, f64::max).log10().ceil().max(first + 1.0);
    let x = |cost: f64| (cost.log10() - first) / (last - first);
    let others = published.iter().map(|point| point.error_percent).chain(RECORDS.map(|record| record.1));
    let errors = ErrorAxis::new(points.iter().map(|point| point.1).chain(others), ROOM.height, 24.0);
    let y = |error: f64| ROOM.height * (1.0 - errors.at(error));
    // Every decade has a tick, or every second one if that would be too many for a phone.
    let step = (TICK * (last - first) / ROOM.narrowest()).ceil();
    let ticks = std::iter::successors(Some(first), |tick| Some(tick + step)).take_while(|&tick| tick <= last);

    let own = points.iter().map(|&(label, error, cost)| Mark::Point {
        label,
        x: x(cost),
        y: y(error),
        radius: 5.0,
    });
    let others = published.iter().map(|point| Mark::Point {
        label: point.name,
        x: x(point.cost),
        y: y(point.error_percent),
        radius: 4.0,
    });
    let records = RECORDS.into_iter().map(|(label, error)| Mark::Line { label, y: y(error) });
    let marks: Vec<Mark> = own.chain(others).chain(records).collect();
    let mut places = labels::place(&marks, &ROOM).into_iter();
    html! {
        figure.chart {
            svg.plot.with-title style=(ROOM.style()) role="img" aria-label=(title) {
                @for (place, tick) in errors.ticks() {
                    @let y = px(ROOM.height * (1.0 - place));
                    line.rule x1="0" x2="100%" y1=(y) y2=(y) {}
                    text.tick x="-10" y=(y) dy="4" text-anchor="end" { (tick) " %" }
                }
                @for tick in ticks {
                    text.tick x=(share((tick - first) / (last - first))) y=(px(ROOM.height + 20.0)) text-anchor="middle" {
                        (label(10_f64.powf(tick)).replace(".0", ""))
                    }
                }
                text.tick x="50%" y=(px(ROOM.height + 38.0)) text-anchor="middle" { (axis) }
                @for (_, error) in RECORDS {
                    line.baseline x1="0" x2="100%" y1=(px(y(error))) y2=(px(y(error))) {}
                }
                @for (&(name, error, cost), place) in points.iter().zip(&mut places) {
                    (labelled("own", name, &place, html! {
                        circle.dot r="5" { title { (name) ": " (format!("{error:.2} %")) ", " (label(cost)) } }
                    }))
                }
                @for (point, place) in published.iter().zip(&mut places) {
                    (labelled("tick", point.name, &place, html! {
                        circle.ring r="4" { title { (point.name) ", " (point.error_percent) " %, " (point.source) } }
                    }))
                }
                @for ((name, _), place) in RECORDS.into_iter().zip(&mut places) {
                    (labelled("tick", name, &place, html! {}))
                }
            }
            figcaption { (title) }
        }
    }
}

/// A mark with its label.
fn labelled(class: &str, name: &str, place: &Place, mark: Markup) -> Markup {
    let Place { x, y, dx, dy, anchor } = *place;
    html! {
        svg x=(share(x)) y=(px(y)) {
            @if place.is_far() {
                // To the side of the label that is nearer to the point.
                line.leader x2=(px(dx)) y2=(px(if dy < 0.0 { dy + 3.0 } else { dy - 11.0 })) {}
            }
            (mark)
            text.label.(class) x=(px(dx)) y=(px(dy)) text-anchor=(anchor) { (name) }
        }
    }
}
