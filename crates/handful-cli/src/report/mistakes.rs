//! Mistakes, each with the neighbours that voted for it.

use maud::{Markup, html};

use super::pictures::picture;
use crate::{
    evaluated::{Evaluated, Search},
    experiment::Experiment,
    text,
};

/// Maximum number of mistakes shown per true class.
const PER_CLASS: usize = 3;
/// Maximum number of neighbours shown per mistake.
const MOST_NEIGHBORS: usize = 5;

pub(super) fn section(experiment: &Experiment) -> Markup {
    html! {
        p {
            "The neighbours explain every mistake. For each class, these are the mistakes whose nearest misleading "
            "neighbour is closest. The numbers below the neighbours are Euclidean distances."
        }
        @for (model, search) in experiment.models.iter().zip(&experiment.searches).take(2).rev() {
            h3 {
                (model.name) ": " (text::plural(mistakes(experiment, model).len(), "mistake")) " on "
                (text::plural(experiment.data.test.n_samples(), "test image"))
            }
            div.mistakes style=(format!("--neighbors:{}", model.n_neighbors.min(MOST_NEIGHBORS))) {
                @for &row in &most_sure(experiment, model, search) { (mistake(experiment, model, search, row)) }
            }
        }
    }
}

fn mistakes(experiment: &Experiment, model: &Evaluated) -> Vec<usize> {
    let truth = experiment.data.test.labels();
    (0..truth.len()).filter(|&row| model.predicted[row] != truth[row]).collect()
}

/// The mistakes of each class whose nearest misleading neighbour is closest, sorted by class.
fn most_sure(experiment: &Experiment, model: &Evaluated, search: &Search) -> Vec<usize> {
    let truth = experiment.data.test.labels();
    let misleading = |row: usize| {
        let indices = search.neighbors.indices.row(row);
        let misled = |&neighbor: &usize| search.voters.labels()[neighbor] == model.predicted[row];
        indices.iter().position(misled).map(|rank| search.neighbors.distances[[row, rank]])
    };
    let mut rows = mistakes(experiment, model);
    rows.sort_by_key(|&row| (truth[row], misleading(row)));
    let first_of_class = |i: usize| i < PER_CLASS || truth[rows[i]] != truth[rows[i - PER_CLASS]];
    (0..rows.len()).filter(|&i| first_of_class(i)).map(|i| rows[i]).collect()
}

fn mistake(experiment: &Experiment, model: &Evaluated, search: &Search, row: usize) -> Markup {
    let (test, classes) = (&experiment.data.test, experiment.data.test.classes());
    let truth = &classes[test.labels()[row] as usize];
    let read_as = &classes[model.predicted[row] as usize];
    let neighbors = search.neighbors.indices.row(row).to_vec();
    html! {
        figure.mistake {
            div.seen { (picture(test, row, &format!("test image {row}, a {truth}"))) }
            div.neighbors {
                @for (&neighbor, &distance) in neighbors.iter().zip(search.neighbors.distances.row(row)).take(MOST_NEIGHBORS) {
                    @let class = &classes[search.voters.labels()[neighbor] as usize];
                    div {
                        (picture(&search.voters, neighbor, &format!("neighbour of class {class}")))
                        small { b { (class) } " " (format!("{:.0}", (distance as f64).sqrt())) }
                    }
                }
            }
            figcaption { "a " b { (truth) } " read as " b { (read_as) } }
        }
    }
}
