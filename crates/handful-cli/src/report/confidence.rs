//! How reliable a model's confidence is, and how well it refuses images that are not digits.

use handful::metrics::ReliabilityBin;
use maud::{Markup, html};

use super::plot::share;
use crate::{
    presets::{COVERAGES, Confidence, Outliers, PresetResult},
    text,
};

/// Bins with fewer images than this are drawn pale.
const FEW: u64 = 10;

pub(super) fn section(presets: &[PresetResult]) -> Markup {
    let outlier_sets = presets.first().map_or(&[][..], |result| &result.outliers);
    html! {
        p {
            "Predictions with a confidence of 80\u{a0}% should be right four times in five. Before calibration, the confidence is "
            "the share of the votes. After calibration, it is a probability computed from votes and distances. Its two "
            "weights were learned on images held out of MNIST's training set, not on the data of this report. Rings show "
            "the votes, and dots the calibrated probabilities. They are larger if there are more images, and pale if there "
            "are fewer than ten. Accuracy is shown against confidence, both in percent; on the diagonal they are equal."
        }
        // Rows of equal length, of up to four.
        @let columns = if presets.len() > 4 { presets.len().div_ceil(2) } else { presets.len() };
        div.multiples style=(format!("--columns:{};--narrow:{}", columns.min(4), columns.min(2))) {
            @for result in presets { (reliability(result)) }
        }
        div.scroll { table.plain.stack {
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
                    format!("{:.digits$}\u{a0}→ {:.digits$}", of(&result.before), of(&result.after))
                };
                tr {
                    th scope="row" { (result.preset) }
                    td data-label="calibration error" {
                        (pair(|confidence| 100.0 * confidence.expected_calibration_error, 2)) "\u{a0}%"
                    }
                    td data-label="Brier score" { (pair(|confidence| confidence.brier_score, 4)) }
                    td data-label="log loss" { (pair(|confidence| confidence.log_loss, 4)) }
                    td data-label="refused as not a digit" { (text::percent(result.false_rejects)) }
                }
            } }
        } }
        div.pair {
            @if !outlier_sets.is_empty() { (refusals(presets, outlier_sets)) }
            (coverages(presets))
        }
        p.note {
            "Calibration error: Guo et al. 2017, in 15 bins. Log loss counts a probability of 0 as 1e-15. An image is "
            "refused if it is farther from everything learned than 99.3\u{a0}% of MNIST's held-out digits."
        }
    }
}

fn refusals(presets: &[PresetResult], outlier_sets: &[Outliers]) -> Markup {
    html! {
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
                        td { (text::percent(set.refused)) " " small { (format!("{:.4}", set.auroc)) } }
                    }
                }
            } }
        } }
    }
}

fn coverages(presets: &[PresetResult]) -> Markup {
    html! {
        div.scroll { table.plain.dense {
            caption { "Errors in percent if only the predictions with the highest confidence are kept" }
            thead { tr {
                th scope="col" { "share kept, %" }
                @for coverage in COVERAGES { th scope="col" { (format!("{:.0}", 100.0 * coverage)) } }
            } }
            tbody { @for result in presets {
                tr {
                    th scope="row" { (result.preset) }
                    @for risk in &result.risk_coverage { td { (format!("{risk:.2}")) } }
                }
            } }
        } }
    }
}

fn reliability(result: &PresetResult) -> Markup {
    let most = result.after.curve.iter().chain(&result.before.curve).map(|bin| bin.count).max().unwrap_or(1);
    let radius = |bin: &ReliabilityBin| 2.5 + 6.5 * (bin.count as f64 / most as f64).sqrt();
    html! {
        figure.chart {
            svg.plot.square role="img" aria-label=(format!("{}: accuracy against confidence", result.preset)) {
                @for tick in [0.0, 0.5, 1.0] {
                    @let (x, y, percent) = (share(tick), share(1.0 - tick), format!("{:.0}", 100.0 * tick));
                    line.rule x1="0" x2="100%" y1=(y) y2=(y) {}
                    text.tick x="-8" y=(y) dy="4" text-anchor="end" { (percent) }
                    text.tick x=(x) y="100%" dy="22" text-anchor="middle" { (percent) }
                }
                line.baseline x1="0" y1="100%" x2="100%" y2="0" {}
                @for (class, confidence) in [("ring", &result.before), ("dot", &result.after)] {
                    @for bin in confidence.curve.iter().filter(|bin| bin.count > 0) {
                        @let class = if bin.count < FEW { format!("{class} few") } else { class.to_owned() };
                        circle class=(class) cx=(share(bin.confidence)) cy=(share(1.0 - bin.accuracy)) r=(format!("{:.1}", radius(bin))) {
                            title { (text::count(bin.count)) " images" }
                        }
                    }
                }
            }
            figcaption { (result.preset) }
        }
    }
}
