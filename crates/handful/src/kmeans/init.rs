//! Where centroids start.

use ndarray::{Array2, ArrayView1, ArrayViewMut1, Axis, s};
use rand::{RngExt, rngs::ChaCha8Rng, seq::index};
use rayon::prelude::*;

use super::{
    Error,
    samples::{NARROW, PANELS, Samples},
};
use crate::{
    distance::{self, LANES, Packed, Scratch, with_kernel},
    progress::{Observer, Stage},
};

/// Seeding looks at so many rows, or [`ROWS_PER_CLUSTER`] times the clusters if that is more.
const SEEDING_ROWS: usize = 262_144;
const ROWS_PER_CLUSTER: usize = 256;

/// Distinct rows, drawn evenly, or by weight.
pub(super) fn random(
    n_samples: usize,
    n_clusters: usize,
    weights: Option<&[u64]>,
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    match weights {
        None => index::sample(rng, n_samples, n_clusters),
        Some(weights) => index::sample_weighted(rng, n_samples, |row| weights[row] as f64, n_clusters)
            .expect("as many rows have a weight"),
    }
    .into_vec()
}

/// Greedy k-means++ (Arthur and Vassilvitskii 2007, §2.2 and §7; with 2 + ln k tries a step): the first
/// centroid is a random row; each next one is, of several rows drawn with probability proportional to
/// their squared distance from the centroids so far, the one that lowers the sum of those most. Rows count as often
/// as their weight says.
///
/// Beyond [`SEEDING_ROWS`] rows it works on an even sample of so many. Distances are those of the rows' bytes,
/// which are whole, so the draw is exact and does not depend on threads. O(n k d log k).
pub(super) fn k_means_plus_plus(
    samples: &Samples,
    n_clusters: usize,
    weights: Option<&[u64]>,
    rng: &mut ChaCha8Rng,
    observer: &Observer,
) -> Result<Vec<usize>, Error> {
    let x = samples.rows();
    let enough = SEEDING_ROWS.max(ROWS_PER_CLUSTER.saturating_mul(n_clusters));
    if x.nrows() > enough {
        let mut rows = index::sample(rng, x.nrows(), enough).into_vec();
        rows.sort_unstable();
        let sample = x.select(Axis(0), &rows);
        let weights: Option<Vec<u64>> = weights.map(|weights| rows.iter().map(|&row| weights[row]).collect());
        let samples = Samples::new(sample.view());
        let chosen = k_means_plus_plus(&samples, n_clusters, weights.as_deref(), rng, observer)?;
        return Ok(chosen.into_iter().map(|i| rows[i]).collect());
    }

    if x.ncols() <= NARROW {
        samples.pack();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most ln 2^64")]
    let n_trials = 2 + (n_clusters as f64).ln() as usize;
    let first = match weights {
        None => rng.random_range(0..x.nrows()),
        Some(weights) => draw(weights, None, 1, rng)[0],
    };
    let mut chosen = vec![first];
    let mut closest = squared_distances(samples, &chosen).row(0).to_vec();
    for done in 1..n_clusters {
        observer.report(Stage::Seeding, done, n_clusters)?;
        let candidates = draw(&closest, weights, n_trials, rng);
        let mut distances = squared_distances(samples, &candidates);
        let potential = |mut distances: ArrayViewMut1<u64>| -> u128 {
            distances.zip_mut_with(&ArrayView1::from(&closest), |new, &old| *new = old.min(*new));
            match weights {
                None => distances.sum().into(),
                Some(weights) => distances
                    .iter()
                    .zip(weights)
                    .map(|(&x, &weight)| u128::from(x) * u128::from(weight))
                    .sum(),
            }
        };
        let potentials = distances.outer_iter_mut().map(potential).zip(0..);
        let (_, best) = potentials.min().expect("at least two candidates");
        chosen.push(candidates[best]);
        closest = distances.row(best).to_vec();
    }
    observer.report(Stage::Seeding, n_clusters, n_clusters)?;
    Ok(chosen)
}

/// Rows drawn with probability proportional to `shares`, times their weights; evenly if all are zero.
fn draw(shares: &[u64], weights: Option<&[u64]>, n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let cumulative: Vec<u128> = (0..shares.len())
        .scan(0, |sum, row| {
            *sum += u128::from(shares[row]) * weights.map_or(1, |weights| u128::from(weights[row]));
            Some(*sum)
        })
        .collect();
    let total = cumulative[cumulative.len() - 1];
    let one = |_| {
        let point = match u64::try_from(total) {
            Ok(0) => return rng.random_range(0..shares.len()),
            Ok(total) => rng.random_range(0..total).into(),
            Err(_) => rng.random_range(0..total),
        };
        cumulative.partition_point(|&sum| sum <= point)
    };
    (0..n).map(one).collect()
}

/// The squared distance of each of the rows `from` to every row, shape (`from.len()`, n).
fn squared_distances(samples: &Samples, from: &[usize]) -> Array2<u64> {
    let x = samples.rows();
    let queries = distance::signed(x.select(Axis(0), from).view());
    let mut distances = Array2::zeros((from.len(), x.nrows()));
    let blocks = distances.axis_chunks_iter_mut(Axis(1), PANELS * LANES).into_par_iter().enumerate();
    with_kernel!(samples.level, |kernel| {
        blocks.for_each(|(block, mut distances)| {
            let start = block * PANELS * LANES;
            let mut put = |query: usize, row: usize, dot: i64| {
                let distance = samples.norms[from[query]].cast_signed() + samples.term(start + row) - 2 * dot;
                distances[[query, row]] = distance.cast_unsigned();
            };
            if x.ncols() > NARROW {
                let rows = x.slice(s![start..x.nrows().min(start + PANELS * LANES), ..]);
                return distance::for_each_tile(kernel, rows, queries.view(), |query, first, dots| {
                    (first..).zip(dots).for_each(|(row, &dot)| put(query, row, dot));
                });
            }
            let packed = Packed::new(kernel, queries.view());
            let (mut scratch, mut dots) = (Scratch::default(), vec![[0; LANES]; from.len()]);
            for (number, panel) in samples.panels(block).iter().enumerate() {
                packed.multiply_all(panel, &mut scratch, &mut dots);
                let rows = number * LANES..(x.nrows() - start).min((number + 1) * LANES);
                for (query, dots) in dots.iter().enumerate() {
                    rows.clone().zip(dots).for_each(|(row, &dot)| put(query, row, dot.into()));
                }
            }
        });
    });
    distances
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::SeedableRng;

    use super::*;

    fn seeded(x: &Array2<u8>, n_clusters: usize, seed: u64) -> Array2<u8> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let samples = Samples::new(x.view());
        let chosen = k_means_plus_plus(&samples, n_clusters, None, &mut rng, &Observer::default());
        x.select(Axis(0), &chosen.expect("not cancelled"))
    }

    #[test]
    fn every_far_group_gets_a_centroid() {
        let x = array![[0_u8, 0], [1, 0], [0, 1], [200, 0], [201, 0], [0, 200], [0, 201], [255, 255]];
        for seed in 0..20 {
            let mut groups: Vec<_> = seeded(&x, 4, seed)
                .outer_iter()
                .map(|centroid| (centroid[0] > 100, centroid[1] > 100))
                .collect();
            groups.sort_unstable();
            assert_eq!(groups, [(false, false), (false, true), (true, false), (true, true)], "seed {seed}");
        }
    }

    #[test]
    fn rows_are_drawn_in_proportion_to_their_weight() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for (shares, weights) in [([0, 1, 0, 3, 0], [1; 5]), ([0, 2, 9, 1, 4], [7, 1, 0, 6, 0])] {
            let drawn = draw(&shares, Some(&weights), 40_000, &mut rng);
            let ones = drawn.iter().filter(|&&row| row == 1).count();
            assert!(drawn.iter().all(|&row| row == 1 || row == 3));
            // Five standard deviations of a binomial count around 10,000.
            assert!(ones.abs_diff(10_000) < 5 * 87, "{ones} of 40,000");
        }
    }

    #[test]
    fn more_clusters_than_distinct_rows_repeat_rows() {
        let x = array![[5_u8], [5], [5]];
        assert_eq!(seeded(&x, 3, 0), x);
    }

    #[test]
    fn beyond_the_limit_a_sample_is_looked_at() {
        let x = Array2::from_shape_fn((SEEDING_ROWS + 1000, 1), |(i, _)| if i % 3 == 0 { 200 } else { 10 });
        let found = seeded(&x, 2, 0);
        assert_eq!(found, seeded(&x, 2, 0));
        assert_eq!(found.sum(), 210);
    }
}
