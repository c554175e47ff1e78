//! Confusion matrices and the figures of each class.

use handful::metrics::ConfusionMatrix;
use maud::{Markup, html};

use crate::{experiment::Experiment, text};

/// Matrices of more classes are large: they get the whole width, and low rows.
const MOST_SMALL: usize = 15;

pub(super) fn section(experiment: &Experiment) -> Markup {
    let classes = experiment.data.test.classes();
    html! {
        p {
            "Correct predictions are on the diagonal. Elsewhere, a stronger colour means that a larger share of the class was "
            "misread."
        }
        @for model in &experiment.models {
            div.model {
                h3 {
                    (model.name) ": " (text::percent(model.confusion_matrix.accuracy()))
                    ", predicted in " (text::seconds(model.predict_seconds))
                }
                (figures(model.name, &model.confusion_matrix, classes))
            }
        }
    }
}

/// A model's confusion matrix, and the figures of each class.
pub(super) fn figures(name: &str, counts: &ConfusionMatrix, classes: &[String]) -> Markup {
    html! {
        div.pair[classes.len() <= MOST_SMALL] {
            (matrix(counts, classes, name))
            (per_class(name, counts, classes))
        }
    }
}

fn matrix(matrix: &ConfusionMatrix, classes: &[String], name: &str) -> Markup {
    let counts = matrix.counts();
    let digits = counts.iter().max().map_or(1, |most| most.to_string().len());
    let name_length = classes.iter().map(|class| class.chars().count()).max().unwrap_or(1);
    let sizes =
        format!("--classes:{};--cell:{};--name:{name_length}", classes.len(), digits.max(name_length));
    html! {
        div.scroll.sized { table.matrix.large[classes.len() > MOST_SMALL] style=(sizes) {
            caption { "Confusion matrix of " (name) ": one row per true class, one column per predicted class" }
            thead { tr { td {} @for class in classes { th scope="col" { (class) } } } }
            tbody { @for (truth, row) in counts.outer_iter().enumerate() {
                tr {
                    th scope="row" { (classes[truth]) }
                    @for (predicted, &count) in row.iter().enumerate() {
                        @let share = count as f64 / row.sum().max(1) as f64;
                        @if count == 0 { td.none { "·" } }
                        @else if truth == predicted { td.right { (count) } }
                        // The strongest colour means that at least a tenth of the class was misread.
                        @else { td.wrong style=(format!("--share:{:.3}", (10.0 * share).min(1.0).sqrt())) { (count) } }
                    }
                }
            } }
        } }
    }
}

fn per_class(name: &str, matrix: &ConfusionMatrix, classes: &[String]) -> Markup {
    html! {
        div.scroll { table.plain {
            caption { "Figures of each class, for " (name) }
            thead { tr {
                th scope="col" { "class" } th scope="col" { "precision" } th scope="col" { "recall" }
                th scope="col" { "F1" } th scope="col" { "images" }
            } }
            tbody { @for (class, metrics) in classes.iter().zip(matrix.per_class()) {
                tr {
                    th scope="row" { (class) }
                    td { (format!("{:.3}", metrics.precision)) }
                    td { (format!("{:.3}", metrics.recall)) }
                    td { (format!("{:.3}", metrics.f1)) }
                    td { (text::count(metrics.support)) }
                }
            } }
        } }
    }
}
