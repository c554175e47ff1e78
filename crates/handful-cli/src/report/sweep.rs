//! The chart of errors against prototypes per class.

use handful::metrics::ConfusionMatrix;
use maud::{Markup, html};

use super::plot::{ErrorAxis, Room, corners, lines, px, share, widest};
use crate::{evaluated::Evaluated, experiment::SweepPoint, text};

const HEIGHT: f64 = 300.0;
/// Pixels between the labels of two curves.
const LABEL: f64 = 16.0;

/// The errors for each size with their intervals, in percent, from low to high.
struct Curve {
    name: &'static str,
    errors: Vec<[f64; 3]>,
}

impl Curve {
    fn new(name: &'static str, points: &[SweepPoint], matrix: fn(&SweepPoint) -> &ConfusionMatrix) -> Self {
        let of_point = |point| {
            let [low, high] = matrix(point).accuracy_interval();
            [high, matrix(point).accuracy(), low].map(|ratio| 100.0 * (1.0 - ratio))
        };
        Self { name, errors: points.iter().map(of_point).collect() }
    }

    fn bound(&self, bound: usize) -> impl DoubleEndedIterator<Item = f64> + ExactSizeIterator {
        self.errors.iter().map(move |errors| errors[bound])
    }
}

/// Errors against prototypes per class, for K-Means and the control.
pub(super) fn chart(all: &Evaluated, points: &[SweepPoint]) -> Markup {
    let curves = [
        Curve::new("kmeans-knn", points, |point| &point.kmeans),
        Curve::new("random-knn", points, |point| &point.random),
    ];
    let all = all.confusion_matrix.error_percent();
    let names = ["knn-all", curves[0].name, curves[1].name];
    let room = Room { left: 52.0, right: widest(names) + 14.0, height: HEIGHT };
    let errors = curves.iter().flat_map(|curve| curve.errors.iter().flatten().copied()).chain([all]);
    let axis = ErrorAxis::new(errors, HEIGHT, 24.0);
    let y = |error: f64| HEIGHT * (1.0 - axis.at(error));
    let sizes: Vec<f64> = points.iter().map(|point| (point.prototypes_per_class as f64).log10()).collect();
    let (first, last) = (sizes[0], sizes[sizes.len() - 1].max(sizes[0] + 0.1));
    let x: Vec<f64> = sizes.iter().map(|size| (size - first) / (last - first)).collect();
    let line = |curve: &Curve, bound| corners(x.iter().copied().zip(curve.bound(bound).map(y)));
    let band = |curve: &Curve| {
        let low = x.iter().copied().zip(curve.bound(0).map(y));
        corners(low.chain(x.iter().copied().zip(curve.bound(2).map(y)).rev()))
    };
    let mut labels = vec![("knn-all", y(all))];
    labels.extend(curves.iter().map(|curve| (curve.name, y(curve.errors[points.len() - 1][1]))));
    html! {
        div.beside {
            figure.chart {
                svg.plot.with-title style=(room.style()) role="img" aria-label="Error against the number of prototypes per class" {
                    @for (place, tick) in axis.ticks() {
                        @let y = HEIGHT * (1.0 - place);
                        line.rule x1="0" x2="100%" y1=(px(y)) y2=(px(y)) {}
                        text.tick x="-10" y=(px(y + 4.0)) text-anchor="end" { (tick) " %" }
                    }
                    @for (&x, point) in x.iter().zip(points) {
                        text.tick x=(share(x)) y=(px(HEIGHT + 20.0)) text-anchor="middle" { (point.prototypes_per_class) }
                    }
                    text.tick x="50%" y=(px(HEIGHT + 38.0)) text-anchor="middle" { "prototypes per class" }
                    line.baseline x1="0" x2="100%" y1=(px(y(all))) y2=(px(y(all))) {}
                    (lines(HEIGHT, html! {
                        @for curve in &curves {
                            g class=(curve.name) {
                                polygon.band points=(band(curve)) {}
                                polyline.curve points=(line(curve, 1)) {}
                            }
                        }
                    }))
                    @for curve in &curves {
                        g class=(curve.name) {
                            @for (&x, error) in x.iter().zip(curve.bound(1)) {
                                circle.dot cx=(share(x)) cy=(px(y(error))) r="4" {}
                            }
                        }
                    }
                    @for (name, height) in apart(labels) {
                        text class=(name) x="100%" dx="12" y=(px(height + 4.0)) { (name) }
                    }
                }
                figcaption { "Errors on the test images against prototypes per class; both scales are logarithmic" }
            }
            (table(&curves, points))
        }
    }
}

fn table(curves: &[Curve], points: &[SweepPoint]) -> Markup {
    html! {
        div.scroll { table.plain {
            caption { "Accuracies on the test images" }
            thead { tr { th scope="col" { "per class" } @for curve in curves { th scope="col" { (curve.name) } } } }
            tbody { @for (i, point) in points.iter().enumerate() {
                tr {
                    th scope="row" { (point.prototypes_per_class) }
                    @for curve in curves { td { (text::percent(1.0 - curve.errors[i][1] / 100.0)) } }
                }
            } }
        } }
    }
}

/// Moves labels up where they would overlap the one below, so that none leaves the plot at its bottom.
fn apart(mut labels: Vec<(&str, f64)>) -> Vec<(&str, f64)> {
    labels.sort_by(|a, b| b.1.total_cmp(&a.1));
    for i in 1..labels.len() {
        labels[i].1 = labels[i].1.min(labels[i - 1].1 - LABEL);
    }
    labels
}
