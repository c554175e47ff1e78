//! How reliable a model's confidence is, and how well it refuses images that are not digits.

use handful::metrics::ReliabilityBin;
use maud::{Markup, html};

use super::charts::{Scale, px};
use crate::{
    presets::{COVERAGES, Confidence, PresetResult},
    text,
};

/// Bins with fewer images than this are drawn pale.
const FEW: u64 = 10;

pub(super) fn section(presets: &[PresetResult]) -> Markup {
    let outlier_sets = presets.first().map_or(&[][..], |result| &result.outliers);
    html! {
        p {
            "Predictions with a confidence of 80 % should be right four times in five. Before calibration, the confidence is "
            "the share of the votes. After calibration, it is a probability computed from votes and distances. Its two "
            "weights were learned on images held out of MNIST's training set, not on the data of this report. Rings show "
            "the votes, and dots the calibrated probabilities. They are larger if there are more images, and pale if there "
            "are fewer than ten. On the diagonal, confidence equals accuracy."
        }
        div.pair {
            @for result in presets { (reliability(result)) }
        }
        div.scroll { table.plain {
            caption { "Before → after calibration, on the test images" }
            thead { tr {
                th scope="col" { "model" }
                th scope="col" { "calibration error" }
                th scope="col" { "Brier score" }
                th scope="col" { "log loss" }
                th scope="col" { "refused as not a digit" }
            } }
            tbody { @for result in presets {
                @let pair = |of: fn(&Confidence) -> f64, digits: usize| {
                    format!("{:.digits$} → {:.digits$}", of(&result.before), of(&result.after))
                };
                tr {
                    th scope="row" { (result.preset) }
                    td { (pair(|confidence| 100.0 * confidence.expected_calibration_error, 2)) " %" }
                    td { (pair(|confidence| confidence.brier_score, 4)) }
                    td { (pair(|confidence| confidence.log_loss, 4)) }
                    td { (text::percent(result.false_rejects)) }
                }
            } }
        } }
        @if !outlier_sets.is_empty() {
            div.scroll { table.plain {
                caption { "Images that are not digits: share refused, and area under the ROC curve" }
                thead { tr {
                    th scope="col" { "model" }
                    @for set in outlier_sets {
                        th scope="col" { (set.name) " (" (text::count(set.n_images as u64)) ")" }
                    }
                } }
                tbody { @for result in presets {
                    tr {
                        th scope="row" { (result.preset) }
                        @for set in &result.outliers {
                            td { (text::percent(set.refused)) br; small { (format!("{:.4}", set.auroc)) } }
                        }
                    }
                } }
            } }
        }
        div.scroll { table.plain {
            caption { "Errors in percent if only the predictions with the highest confidence are kept" }
            thead { tr {
                th scope="col" { "share kept" }
                @for coverage in COVERAGES { th scope="col" { (format!("{:.0} %", 100.0 * coverage)) } }
            } }
            tbody { @for result in presets {
                tr {
                    th scope="row" { (result.preset) }
                    @for risk in &result.risk_coverage { td { (format!("{risk:.2}")) } }
                }
            } }
        } }
        p.note {
            "Calibration error: Guo et al. 2017, in 15 bins. Log loss counts a probability of 0 as 1e-15. An image is "
            "refused if it is farther from everything learned than 99.3 % of MNIST's held-out digits."
        }
    }
}

fn reliability(result: &PresetResult) -> Markup {
    let x = Scale { domain: [0.0, 1.0], range: [52.0, 330.0] };
    let y = Scale { domain: [0.0, 1.0], range: [290.0, 12.0] };
    let most = result.after.curve.iter().chain(&result.before.curve).map(|bin| bin.count).max().unwrap_or(1);
    let radius = |bin: &ReliabilityBin| 2.5 + 6.5 * (bin.count as f64 / most as f64).sqrt();
    let title = format!("{}: accuracy against confidence", result.preset);
    html! {
        figure.chart.reliability {
            svg viewBox="0 0 345 330" role="img" aria-label=(title) {
                @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                    line.rule x1="52" x2="330" y1=(px(y.at(tick))) y2=(px(y.at(tick))) {}
                    text.tick x="44" y=(px(y.at(tick) + 4.0)) text-anchor="end" { (format!("{:.0} %", 100.0 * tick)) }
                    text.tick x=(px(x.at(tick))) y="308" text-anchor="middle" { (format!("{:.0} %", 100.0 * tick)) }
                }
                line.baseline x1=(px(x.at(0.0))) y1=(px(y.at(0.0))) x2=(px(x.at(1.0))) y2=(px(y.at(1.0))) {}
                @for (class, confidence) in [("ring", &result.before), ("dot", &result.after)] {
                    @for bin in confidence.curve.iter().filter(|bin| bin.count > 0) {
                        @let class = if bin.count < FEW { format!("{class} few") } else { class.to_owned() };
                        @let (cx, cy) = (px(x.at(bin.confidence)), px(y.at(bin.accuracy)));
                        circle class=(class) cx=(cx) cy=(cy) r=(px(radius(bin))) {
                            title { (text::count(bin.count)) " images" }
                        }
                    }
                }
            }
            figcaption { (title) }
        }
    }
}
