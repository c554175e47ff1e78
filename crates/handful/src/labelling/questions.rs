//! What to ask next.

use std::{cmp::Reverse, collections::BTreeSet};

use ndarray::ArrayView2;

use super::{answers::Answers, spread::Spread, tree::Tree, vector::Vector};

/// An image to name because it stands for a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The image nearest to the mean of the cluster: its medoid.
    pub image: usize,
    /// The cluster, which can be called mixed: see [`Answers::split`].
    pub cluster: usize,
    /// Number of images in the cluster.
    pub size: usize,
}

/// The medoids of clusters in which no image has an answer, the largest cluster first. Clusters with different answers
/// are split.
pub(super) fn medoids<T: Vector>(
    tree: &Tree,
    x: ArrayView2<T>,
    n_clusters: usize,
    answers: &Answers,
) -> Vec<Question> {
    let mut open = tree.cut(n_clusters);
    let mut found = Vec::new();
    while let Some(cluster) = open.pop() {
        let answered: BTreeSet<Option<u32>> =
            tree.rows_of(cluster).filter_map(|row| answers.of(row)).collect();
        let is_mixed = answers.is_mixed(cluster) || answered.len() > 1;
        match tree.parts(cluster) {
            Some(parts) if is_mixed => open.extend(parts),
            _ if answered.is_empty() => {
                let rows = tree.by_nearness(x, cluster);
                found.push(Question { image: rows[0], cluster, size: rows.len() });
            }
            _ => {}
        }
    }
    found.sort_by_key(|question| (Reverse(question.size), question.image));
    found
}

/// Images of the groups with the most doubt, one of each: the medoid, or the most doubtful image if that has an answer.
/// Doubts are squared, so that a few images that are hard to tell count more than many that are almost certain.
pub(super) fn doubtful<T: Vector>(
    tree: &Tree,
    x: ArrayView2<T>,
    spread: &Spread,
    n: usize,
    is_answered: &dyn Fn(usize) -> bool,
) -> Vec<usize> {
    let doubt = |&row: &usize| spread.doubts[row];
    let open = |group: usize| tree.group(group).iter().copied().filter(|&row| !is_answered(row));
    let total = |group: usize| open(group).map(|row| f64::from(doubt(&row)).powi(2)).sum::<f64>();
    let mut groups: Vec<(f64, usize)> = (0..tree.n_groups()).map(|group| (total(group), group)).collect();
    groups.retain(|&(total, _)| total > 0.0);
    groups.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let image = |&(_, group): &(f64, usize)| {
        let medoid = tree.by_nearness(x, group)[0];
        if is_answered(medoid) {
            open(group)
                .max_by(|a, b| doubt(a).total_cmp(&doubt(b)).then(b.cmp(a)))
                .expect("some doubt is left")
        } else {
            medoid
        }
    };
    groups.iter().take(n).map(image).collect()
}
