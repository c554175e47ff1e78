//! Charts as SVG that takes its colours from the page.

use handful::Dataset;
use maud::{Markup, html};

use super::plot::{ErrorAxis, Room, px, share, widest, width};
use crate::{evaluated::Evaluated, text};

const ROW: f64 = 30.0;

/// Errors with their intervals, on one axis. It is logarithmic, because good models differ by a few errors.
pub(super) fn intervals(models: &[Evaluated]) -> Markup {
    let errors = |model: &Evaluated| {
        let [low, high] = model.confusion_matrix.accuracy_interval().map(|bound| 100.0 * (1.0 - bound));
        [high, model.confusion_matrix.error_percent(), low]
    };
    let left = widest(models.iter().map(|model| model.name)) + 14.0;
    let height = ROW * models.len() as f64;
    let room = Room { left, right: width("00.00 %") + 14.0, height };
    let x = ErrorAxis::new(models.iter().flat_map(errors), room.narrowest(), 24.0);
    html! {
        figure.chart {
            svg.plot style=(room.style()) role="img" aria-label="Error of each model with its 95 % interval" {
                @for (place, tick) in x.ticks() {
                    line.rule x1=(share(place)) x2=(share(place)) y1="0" y2=(px(height)) {}
                    text.tick x=(share(place)) y=(px(height + 18.0)) text-anchor="middle" { (tick) }
                }
                @for (model, row) in models.iter().zip(0..) {
                    @let y = ROW * (f64::from(row) + 0.5);
                    @let [low, error, high] = errors(model);
                    text x=(px(-left)) y=(px(y + 4.0)) { (model.name) }
                    line.whisker x1=(share(x.at(low))) x2=(share(x.at(high))) y1=(px(y)) y2=(px(y)) {}
                    circle.dot cx=(share(x.at(error))) cy=(px(y)) r="5" {}
                    text x="100%" dx=(px(room.right)) y=(px(y + 4.0)) text-anchor="end" { (format!("{error:.2} %")) }
                }
            }
            figcaption { "Errors on the test images in percent, with 95\u{a0}% intervals, on a logarithmic scale" }
        }
    }
}

/// Number of images of each class.
pub(super) fn frequencies(title: &str, dataset: &Dataset) -> Markup {
    let counts = dataset.class_counts();
    // Many classes have low rows, so that the chart is not higher than a page of paper.
    let row = if counts.len() > 15 { 16.0 } else { 22.0 };
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let left = widest(dataset.classes().iter().map(String::as_str)) + 10.0;
    let right = width(&text::count(most as u64)) + 8.0;
    let room = Room { left, right, height: row * counts.len() as f64 };
    html! {
        figure.chart {
            svg.plot.bars style=(room.style()) role="img" aria-label=(format!("{title}: number of images of each class")) {
                @for ((class, &count), i) in dataset.classes().iter().zip(&counts).zip(0..) {
                    @let (top, length) = (row * f64::from(i), share(count as f64 / most as f64));
                    text x=(px(-left)) y=(px(top + row / 2.0 + 4.0)) { (class) }
                    rect.bar x="0" y=(px(top + 0.14 * row)) width=(length) height=(px(0.72 * row)) rx="2" {}
                    text.tick x=(length) dx="8" y=(px(top + row / 2.0 + 4.0)) { (text::count(count as u64)) }
                }
            }
            figcaption { (title) ": " (text::count(dataset.n_samples() as u64)) }
        }
    }
}
