//! The share of the true neighbours that is found, as measured.

use crate::metrics::wilson_interval;

/// Number of rows on which the recall is measured, and of neighbours of each.
pub(super) const RECALL_QUERIES: usize = 1000;
pub(super) const RECALL_NEIGHBORS: usize = 3;
/// Maximum number of pairs of query and list that are sorted at a time.
pub(super) const ORDERED: usize = 1 << 19;

/// The share of the exact nearest neighbours that a search of the nearest lists finds, measured on rows of the data.
///
/// Some rows, evenly spaced, serve as queries. Their exact `n_neighbors` nearest other rows are found, and for each of
/// these the rank of its list among the query's nearest lists is counted. The recall is thus known for any number of
/// lists. New queries may be farther from the data than its rows are from each other, and may lose slightly more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Number of neighbours per row.
    pub n_neighbors: usize,
    /// Number of rows that served as queries.
    pub n_queries: usize,
    /// Number of neighbours in the nearest list, in the second nearest, and so on.
    pub(super) by_rank: Vec<u64>,
}

impl Recall {
    /// The share of all neighbours that is in the `n_probe` nearest lists; 1 if there were no neighbours to find.
    #[must_use]
    pub fn at(&self, n_probe: usize) -> f64 {
        let [found, all] = self.found(n_probe);
        if all == 0 { 1.0 } else { found as f64 / all as f64 }
    }

    /// The smallest number of lists that certainly reaches this recall: at the lower end of its 95 % interval. All
    /// lists if the sample is too small to decide.
    #[must_use]
    pub fn least(&self, recall: f64) -> usize {
        let n_lists = self.by_rank.len();
        let reaches = |n_probe: &usize| {
            let [found, all] = self.found(*n_probe);
            all > 0 && wilson_interval(found, all)[0] >= recall
        };
        (1..n_lists).find(reaches).unwrap_or(n_lists)
    }

    fn found(&self, n_probe: usize) -> [u64; 2] {
        let found = self.by_rank.iter().take(n_probe).sum();
        [found, self.by_rank.iter().sum()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_lists_as_are_needed_to_be_sure() {
        let recall = Recall { n_neighbors: 3, n_queries: 1000, by_rank: vec![2700, 280, 15, 5] };
        let bits = |shares: [f64; 4]| shares.map(f64::to_bits);
        let expected = [0.9, 2980.0 / 3000.0, 2995.0 / 3000.0, 1.0];
        assert_eq!(bits([1, 2, 3, 4].map(|n| recall.at(n))), bits(expected));
        // 99.33 % of 3,000 are above 98.96 % at 95 % certainty, 99.83 % above 99.61 %.
        assert_eq!([0.8, 0.989, 0.99, 0.996, 0.999].map(|share| recall.least(share)), [1, 2, 3, 3, 4]);
        let few = Recall { n_neighbors: 1, n_queries: 20, by_rank: vec![20, 0, 0] };
        assert_eq!((few.at(1).to_bits(), few.least(0.99)), (1.0_f64.to_bits(), 3));
        let none = Recall { n_neighbors: 0, n_queries: 0, by_rank: vec![0, 0] };
        assert_eq!((none.at(1).to_bits(), none.least(0.5)), (1.0_f64.to_bits(), 2));
    }
}
