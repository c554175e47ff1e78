//! Empty clusters move to the rows that are farthest from their centroids.

use ndarray::{ArrayView1, Zip};

use super::{Centroids, Fraction};

/// A row that an empty cluster may move to.
pub(in crate::kmeans) struct Far<'a> {
    /// Its current cluster.
    pub(in crate::kmeans) label: usize,
    pub(in crate::kmeans) weight: u64,
    pub(in crate::kmeans) pixels: &'a [u8],
}

/// Moves empty clusters to rows, which are given by decreasing distance from their centroids.
pub(in crate::kmeans) fn relocate<'a>(
    means: &mut Centroids,
    empty: impl Iterator<Item = usize>,
    mut farthest: impl Iterator<Item = Far<'a>>,
) {
    for j in empty {
        // A cluster's only row stays, because taking it would empty another cluster.
        let Some(far) = farthest.find(|far| means.counts[far.label] > far.weight) else { return };
        let pixels = ArrayView1::from(far.pixels).mapv(|x| far.weight * u64::from(x));
        means.counts[far.label] -= far.weight;
        means.counts[j] = far.weight;
        Zip::from(means.sums.row_mut(far.label)).and(&pixels).for_each(|sum, &x| *sum -= x);
        means.sums.row_mut(j).assign(&pixels);
    }
}

/// The rows that are farthest from their centroids, for rows that arrive in batches. It keeps as many rows as there are
/// clusters, which is enough because only the last row of each cluster is skipped.
///
/// Whole numbers decide, and on ties row numbers, so the result does not depend on how rows are split into batches.
#[derive(Clone, Debug, Default)]
pub struct Farthest {
    most: usize,
    /// By decreasing distance, then by number.
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    distance: Fraction,
    number: u64,
    label: u32,
    pixels: Vec<u8>,
}

impl Row {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.distance.compare(self.distance).then(self.number.cmp(&other.number))
    }
}

impl Farthest {
    /// Without rows yet, for `n_clusters` clusters.
    #[must_use]
    pub fn new(n_clusters: usize) -> Self {
        Self { most: n_clusters, rows: Vec::new() }
    }

    /// Considers a row whose nearest centroid is `label`, unless the row lies at the centroid. `number` is its index
    /// among all rows.
    pub fn offer(&mut self, centroids: &Centroids, label: u32, number: u64, pixels: ArrayView1<u8>) {
        let distance = centroids.squared_distance(pixels, label as usize);
        if distance.numerator == 0 {
            return;
        }
        let is_farther = |last: &Row| distance.compare(last.distance).then(last.number.cmp(&number)).is_gt();
        if self.rows.len() < self.most || self.rows.last().is_some_and(is_farther) {
            let row = Row { distance, number, label, pixels: pixels.to_vec() };
            let place = self.rows.partition_point(|other| other.order(&row).is_lt());
            self.rows.insert(place, row);
            self.rows.truncate(self.most);
        }
    }

    /// Merges the rows of another batch, which were offered with the same centroids.
    pub fn merge(&mut self, other: Self) {
        self.most = self.most.max(other.most);
        self.rows.extend(other.rows);
        self.rows.sort_by(Row::order);
        self.rows.truncate(self.most);
    }

    /// The rows found, farthest first, in the form that empty clusters need.
    pub(in crate::kmeans) fn candidates(&self) -> impl Iterator<Item = Far<'_>> {
        self.rows.iter().map(|row| Far { label: row.label as usize, weight: 1, pixels: &row.pixels })
    }

    /// The rows found, farthest first, each with its number, its label and its pixels.
    pub fn rows(&self) -> impl Iterator<Item = (u64, u32, &[u8])> {
        self.rows.iter().map(|row| (row.number, row.label, &row.pixels[..]))
    }
}
