//! Weighted random draws of rows.

use rand::{RngExt, rngs::ChaCha8Rng};
use rayon::prelude::*;

use crate::{distance::LANES, kmeans::samples::PANELS};

/// Number of rows per partial sum, so that a draw looks at only one block; also the unit of work of a thread.
pub(super) const BLOCK: usize = PANELS * LANES;

/// The probability mass of rows: their share times their weight.
pub(super) struct Shares<'a> {
    of_rows: Vec<u64>,
    weights: Option<&'a [u64]>,
    of_blocks: Vec<u128>,
}

impl<'a> Shares<'a> {
    /// For as many rows as there are `shares`.
    pub(super) fn new(shares: &[u64], weights: Option<&'a [u64]>) -> Self {
        let n = shares.len();
        let mut all = Self { of_rows: vec![0; n], weights, of_blocks: vec![0; n.div_ceil(BLOCK)] };
        all.set(shares);
        all
    }

    /// Replaces the shares of the rows. O(n) on all threads.
    pub(super) fn set(&mut self, shares: &[u64]) {
        let weights = self.weights;
        let blocks =
            self.of_rows.par_chunks_mut(BLOCK).zip(shares.par_chunks(BLOCK)).zip(&mut self.of_blocks);
        blocks.enumerate().for_each(|(block, ((of_rows, shares), of_block))| {
            of_rows.copy_from_slice(shares);
            *of_block = sum(weights, block, shares);
        });
    }

    /// Lowers each of `others`, which belong to the rows of a block, to the current share of its row if that is lower.
    /// Returns the mass that the block would then have.
    pub(super) fn lower(&self, block: usize, others: &mut [u64]) -> u128 {
        for (other, &share) in others.iter_mut().zip(&self.of_rows[block * BLOCK..]) {
            *other = share.min(*other);
        }
        sum(self.weights, block, others)
    }

    /// Rows drawn with probability proportional to their mass; by weight alone if all shares are zero.
    pub(super) fn draw(&self, n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let total: u128 = self.of_blocks.iter().sum();
        let one = |_| match u64::try_from(total) {
            Ok(0) => first(self.of_rows.len(), self.weights, rng),
            Ok(total) => self.row_at(rng.random_range(0..total).into()),
            Err(_) => self.row_at(rng.random_range(0..total)),
        };
        (0..n).map(one).collect()
    }

    /// The first row whose cumulative mass exceeds `point`, which is below the total.
    fn row_at(&self, mut point: u128) -> usize {
        let is_before = |point: &mut u128, sum: u128| {
            let is_before = sum <= *point;
            *point -= if is_before { sum } else { 0 };
            is_before
        };
        let block = self.of_blocks.iter().take_while(|&&sum| is_before(&mut point, sum)).count();
        let rows = block * BLOCK..;
        let shares = rows.clone().zip(&self.of_rows[rows.start..]);
        let counts =
            |row: usize, share: u64| u128::from(share) * u128::from(self.weights.map_or(1, |of| of[row]));
        let before = shares.take_while(|&(row, &share)| is_before(&mut point, counts(row, share)));
        rows.start + before.count()
    }
}

/// The mass of a block.
fn sum(weights: Option<&[u64]>, block: usize, shares: &[u64]) -> u128 {
    match weights {
        None => shares.iter().map(|&share| u128::from(share)).sum(),
        Some(weights) => {
            let weights = &weights[block * BLOCK..];
            shares.iter().zip(weights).map(|(&share, &weight)| u128::from(share) * u128::from(weight)).sum()
        }
    }
}

/// A row, drawn uniformly or by weight.
pub(super) fn first(n: usize, weights: Option<&[u64]>, rng: &mut ChaCha8Rng) -> usize {
    match weights {
        None => rng.random_range(0..n),
        Some(weights) => Shares::new(weights, None).draw(1, rng)[0],
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn rows_are_drawn_in_proportion_to_their_weight() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for (shares, weights) in [([0, 1, 0, 3, 0], [1; 5]), ([0, 2, 9, 1, 4], [7, 1, 0, 6, 0])] {
            let drawn = Shares::new(&shares, Some(&weights)).draw(40_000, &mut rng);
            let ones = drawn.iter().filter(|&&row| row == 1).count();
            assert!(drawn.iter().all(|&row| row == 1 || row == 3));
            // Five standard deviations of a binomial count around 10,000.
            assert!(ones.abs_diff(10_000) < 5 * 87, "{ones} of 40,000");
        }
    }

    #[test]
    fn every_point_belongs_to_the_row_in_which_it_lies() {
        let n = 3 * BLOCK + 7;
        let weights: Vec<u64> = (0..n as u64).map(|i| i % 3).collect();
        let mut shares = Shares::new(&vec![5; n], Some(&weights));
        shares.set(&(0..n as u64).map(|row| row % 5).collect::<Vec<_>>());
        let counts = |row: usize| (row % 5) * (row % 3);
        let expected: Vec<usize> = (0..n).flat_map(|row| vec![row; counts(row)]).collect();
        let found: Vec<usize> = (0..expected.len()).map(|point| shares.row_at(point as u128)).collect();
        assert_eq!(found, expected);
    }
}
