//! The k best of a stream.

use std::collections::BinaryHeap;

/// Keeps the `k` smallest (distance, index) pairs of those offered: O(log k) for a pair that enters, one comparison for
/// a pair that does not. Equal distances are ordered by index.
#[derive(Clone, Debug)]
pub(crate) struct TopK {
    k: usize,
    limit: u64,
    worst_first: BinaryHeap<(u64, usize)>,
}

impl TopK {
    pub(crate) fn new(k: usize) -> Self {
        Self::within(k, u64::MAX)
    }

    /// Accepts only distances up to a limit.
    pub(crate) fn within(k: usize, limit: u64) -> Self {
        Self { k, limit, worst_first: BinaryHeap::new() }
    }

    pub(crate) fn k(&self) -> usize {
        self.k
    }

    /// Larger distances cannot enter.
    #[inline]
    pub(crate) fn threshold(&self) -> u64 {
        match self.worst_first.peek() {
            Some(worst) if self.worst_first.len() == self.k => worst.0,
            _ => self.limit,
        }
    }

    pub(crate) fn offer(&mut self, distance: u64, index: usize) {
        let entry = (distance, index);
        if distance > self.limit {
            return;
        }
        if self.worst_first.len() < self.k {
            self.worst_first.push(entry);
        } else if let Some(mut worst) = self.worst_first.peek_mut()
            && entry < *worst
        {
            *worst = entry;
        }
    }

    /// Sorted from the nearest to the farthest.
    pub(crate) fn into_sorted(self) -> Vec<(u64, usize)> {
        self.worst_first.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_sorting_everything(
            distances in prop::collection::vec(0_u64..50, 1..100),
            k in 1_usize..120,
            limit in prop::sample::select(vec![0, 7, 49, u64::MAX]),
        ) {
            let mut top = TopK::within(k, limit);
            let mut all: Vec<_> = distances.into_iter().zip(0..).collect();
            for &(distance, index) in all.iter().rev() {
                if distance <= top.threshold() {
                    top.offer(distance, index);
                }
            }
            all.retain(|&(distance, _)| distance <= limit);
            all.sort_unstable();
            all.truncate(k);
            prop_assert_eq!(top.into_sorted(), all);
        }
    }
}
