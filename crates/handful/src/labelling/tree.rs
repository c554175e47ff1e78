//! Groups of similar vectors, and the tree of their merges.
//!
//! Ward's method (1963) merges the two clusters whose union adds least to the sum of squared distances from the means.
//! For clusters of a and b vectors with means p and q, that is ab / (a + b) |p - q|². It starts with the groups of
//! K-Means instead of single vectors, so that it takes no longer for more vectors.
//!
//! ```text
//! chain ← any cluster
//! repeat: append the cluster nearest to the last of the chain
//!         if the last two are nearest to each other, merge them and remove them from the chain
//! ```
//!
//! Clusters that are nearest to each other may be merged at once, because no later merge comes nearer to either
//! (nearest-neighbour chains: Murtagh and Contreras, Algorithms for hierarchical clustering, 2012). O(m² d) for m groups
//! of d features.

use std::cmp::Reverse;

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::vector::Vector;
use crate::{
    distance::ordered_sum,
    kmeans::{Error, KMeans},
    progress::Observer,
};

/// Groups are merged whose distances come to this many at most, and are small enough that few contain two classes.
const MOST_GROUPS: usize = 1000;
const LEAST_PER_GROUP: usize = 6;
/// Later iterations change little.
const MAX_ITER: usize = 30;

/// Groups of similar vectors, and how they merge. Clusters are numbered: first the groups, then each merge.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// The vectors of each group, one group after the other.
    rows: Vec<usize>,
    /// Where each group starts in `rows`.
    starts: Vec<usize>,
    /// The mean of each group.
    means: Array2<f64>,
    /// The two clusters of each merge, which have smaller numbers than the merge.
    merges: Vec<[usize; 2]>,
}

impl Tree {
    /// Groups the rows of `x` by K-Means, and merges the groups. `n_clusters` is the number of clusters that will be
    /// wanted: there are at least so many groups.
    ///
    /// # Errors
    /// As [`KMeansParams::fit`](crate::kmeans::KMeansParams::fit).
    pub(super) fn fit<T: Vector>(
        x: ArrayView2<T>,
        n_clusters: usize,
        seed: u64,
        observer: &Observer,
    ) -> Result<Self, Error> {
        let n_groups = (x.nrows() / LEAST_PER_GROUP).min(MOST_GROUPS).max(n_clusters);
        let kmeans = KMeans::params(n_groups).max_iter(MAX_ITER).seed(seed).observer(observer.clone());
        let groups = without_empty(kmeans.fit(x)?.labels);
        let mut tree = Self::with_groups(x, &groups);
        tree.merges = ward(tree.means.clone(), &tree.starts);
        Ok(tree)
    }

    fn with_groups<T: Vector>(x: ArrayView2<T>, groups: &[u32]) -> Self {
        assert_eq!(groups.len(), x.nrows(), "a group for each row");
        let n_groups = groups.iter().max().map_or(0, |&group| group as usize + 1);
        let mut starts = vec![0; n_groups + 1];
        for &group in groups {
            starts[group as usize + 1] += 1;
        }
        (0..n_groups).for_each(|group| starts[group + 1] += starts[group]);
        let (mut next, mut rows) = (starts.clone(), vec![0; groups.len()]);
        for (row, &group) in groups.iter().enumerate() {
            rows[next[group as usize]] = row;
            next[group as usize] += 1;
        }
        let mut means = Array2::<f64>::zeros((n_groups, x.ncols()));
        for (group, mut mean) in means.outer_iter_mut().enumerate() {
            let rows = &rows[starts[group]..starts[group + 1]];
            for &row in rows {
                mean.iter_mut().zip(x.row(row)).for_each(|(sum, &value)| *sum += value.into());
            }
            mean /= rows.len() as f64;
        }
        Self { rows, starts, means, merges: Vec::new() }
    }

    /// Number of groups.
    pub(super) fn n_groups(&self) -> usize {
        self.starts.len() - 1
    }

    /// The vectors of a group, in ascending order.
    pub(super) fn group(&self, group: usize) -> &[usize] {
        &self.rows[self.starts[group]..self.starts[group + 1]]
    }

    /// The two clusters that make up this one; `None` for a group.
    pub(super) fn parts(&self, cluster: usize) -> Option<[usize; 2]> {
        cluster.checked_sub(self.n_groups()).map(|merge| self.merges[merge])
    }

    /// The clusters that are left if merging ends when there are `n_clusters` of them, the largest first.
    pub(super) fn cut(&self, n_clusters: usize) -> Vec<usize> {
        let n_nodes = self.n_groups() + self.merges.len();
        // The last merges are undone.
        let end = n_nodes - n_clusters.clamp(1, self.n_groups()) + 1;
        let undone = end..n_nodes;
        let parts = undone.clone().flat_map(|cluster| self.parts(cluster).expect("a merge"));
        let mut found: Vec<usize> = parts.filter(|part| !undone.contains(part)).collect();
        if undone.is_empty() {
            found.push(n_nodes - 1);
        }
        found.sort_by_cached_key(|&cluster| (Reverse(self.size(cluster)), cluster));
        found
    }

    /// The groups in a cluster.
    pub(super) fn groups_of(&self, cluster: usize) -> Vec<usize> {
        let (mut open, mut found) = (vec![cluster], Vec::new());
        while let Some(cluster) = open.pop() {
            match self.parts(cluster) {
                Some(parts) => open.extend(parts),
                None => found.push(cluster),
            }
        }
        found
    }

    /// The vectors of a cluster.
    pub(super) fn rows_of(&self, cluster: usize) -> impl Iterator<Item = usize> {
        self.groups_of(cluster).into_iter().flat_map(|group| self.group(group).iter().copied())
    }

    /// Number of vectors in a cluster.
    pub(super) fn size(&self, cluster: usize) -> usize {
        self.groups_of(cluster).into_iter().map(|group| self.group(group).len()).sum()
    }

    fn mean(&self, cluster: usize) -> Vec<f64> {
        let (mut mean, mut size) = (vec![0.0; self.means.ncols()], 0.0);
        for group in self.groups_of(cluster) {
            let n = self.group(group).len() as f64;
            mean.iter_mut().zip(self.means.row(group)).for_each(|(sum, value)| *sum += n * value);
            size += n;
        }
        mean.into_iter().map(|sum| sum / size).collect()
    }

    /// The vectors of a cluster, those nearest to its mean first. The first is its medoid.
    pub(super) fn by_nearness<T: Vector>(&self, x: ArrayView2<T>, cluster: usize) -> Vec<usize> {
        let mean = self.mean(cluster);
        let rows: Vec<usize> = self.rows_of(cluster).collect();
        let distance = |row: usize| ordered_sum(contiguous(&x, row), &mean);
        let mut found: Vec<(f64, usize)> = rows.into_par_iter().map(|row| (distance(row), row)).collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.into_iter().map(|(_, row)| row).collect()
    }
}

/// A row of an array in standard layout.
pub(super) fn contiguous<'a, T>(x: &'a ArrayView2<T>, row: usize) -> &'a [T] {
    let d = x.ncols();
    &x.as_slice().expect("rows in standard layout")[row * d..(row + 1) * d]
}

/// Groups without numbers that no vector has.
fn without_empty(groups: Vec<u32>) -> Vec<u32> {
    let most = groups.iter().max().map_or(0, |&group| group as usize + 1);
    let mut is_used = vec![false; most];
    for &group in &groups {
        is_used[group as usize] = true;
    }
    let mut used = 0;
    let numbers: Vec<u32> = is_used
        .iter()
        .map(|&is_used| {
            used += u32::from(is_used);
            used.wrapping_sub(1)
        })
        .collect();
    groups.into_iter().map(|group| numbers[group as usize]).collect()
}

/// The merges of clusters with these means, in the order of their cost. Cluster i has `starts[i + 1] - starts[i]`
/// vectors.
fn ward(mut means: Array2<f64>, starts: &[usize]) -> Vec<[usize; 2]> {
    let m = means.nrows();
    let mut sizes: Vec<f64> = starts.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
    let mut is_active = vec![true; m];
    let (mut chain, mut found): (Vec<usize>, Vec<(f64, usize, usize)>) = (Vec::new(), Vec::new());
    while found.len() + 1 < m {
        if chain.is_empty() {
            chain.push(is_active.iter().position(|&active| active).expect("at least two are left"));
        }
        let last = chain[chain.len() - 1];
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        let of_last = (means.row(last), sizes[last]);
        let cost =
            |other: usize| (cost(of_last, (means.row(other), sizes[other])), before != Some(other), other);
        let others = (0..m).into_par_iter().filter(|&other| is_active[other] && other != last).map(cost);
        let nearest = others.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let (height, _, nearest) = nearest.expect("at least two are left");
        if before != Some(nearest) {
            chain.push(nearest);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (a, b) = (sizes[last], sizes[nearest]);
        let merged = (&means.row(last) * a + &means.row(nearest) * b) / (a + b);
        means.row_mut(last).assign(&merged);
        sizes[last] = a + b;
        is_active[nearest] = false;
        found.push((height, last, nearest));
    }
    // A merge costs no less than the merges of its parts, but a chain may find it before others that cost less.
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut cluster: Vec<usize> = (0..m).collect();
    let mut parent: Vec<usize> = (0..m).collect();
    let mut merges = Vec::with_capacity(found.len());
    for (_, a, b) in found {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        merges.push([cluster[a].min(cluster[b]), cluster[a].max(cluster[b])]);
        parent[b] = a;
        cluster[a] = m + merges.len() - 1;
    }
    merges
}

/// How much the union of two clusters adds to the sum of squared distances.
fn cost((p, a): (ArrayView1<f64>, f64), (q, b): (ArrayView1<f64>, f64)) -> f64 {
    let slice = "rows of an array in standard layout";
    a * b / (a + b) * ordered_sum(p.to_slice().expect(slice), q.to_slice().expect(slice))
}

fn root(parent: &mut [usize], mut of: usize) -> usize {
    while parent[of] != of {
        parent[of] = parent[parent[of]];
        of = parent[of];
    }
    of
}
