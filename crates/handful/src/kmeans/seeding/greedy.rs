//! k-means++: each next centroid is a row far from the previous ones.

use ndarray::{Array2, ArrayViewMut1, ArrayViewMut2, Axis, s};
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    distance::{self, CONTIGUOUS, Kernel, LANES, Packed, Panel, Rows, Scratch, contiguous, vectorize},
    kmeans::{
        Error,
        samples::Samples,
        seeding::shares::{BLOCK, Shares, first},
    },
    progress::{Observer, Stage},
};

/// Number of rows that are tried as the next centroid.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most ln 2^64")]
pub(in crate::kmeans) fn n_trials(n_clusters: usize) -> usize {
    2 + (n_clusters as f64).ln() as usize
}

/// A run in progress.
struct Seeding<'a> {
    rng: &'a mut ChaCha8Rng,
    chosen: Vec<usize>,
    /// Squared distance of each row from the nearest centroid chosen so far.
    shares: Shares<'a>,
}

/// [`k_means_plus_plus`](super::k_means_plus_plus) for few enough runs that their distances fit in memory together.
pub(super) fn seed_together(
    samples: &Samples,
    n_clusters: usize,
    weights: Option<&[u64]>,
    rngs: &mut [ChaCha8Rng],
    observer: &Observer,
) -> Result<Vec<Vec<usize>>, Error> {
    let (n, n_trials, panels) = (samples.rows.nrows(), n_trials(n_clusters), samples.pack());
    let firsts: Vec<usize> = rngs.iter_mut().map(|rng| first(n, weights, rng)).collect();
    let mut distances = Array2::zeros((rngs.len() * n_trials, n));
    let to_firsts = distances.slice_mut(s![..firsts.len(), ..]);
    squared_distances(samples, panels.as_deref(), &firsts, to_firsts, |_, _| ());
    let mut runs: Vec<Seeding> = rngs
        .iter_mut()
        .zip(firsts)
        .zip(Rows::new(distances.view()).iter())
        .map(|((rng, first), distances)| {
            let shares = Shares::new(distances, weights);
            Seeding { rng, chosen: vec![first], shares }
        })
        .collect();
    for done in 1..n_clusters {
        observer.report(Stage::Seeding, done, n_clusters)?;
        let candidates: Vec<usize> =
            runs.iter_mut().flat_map(|run| run.shares.draw(n_trials, run.rng)).collect();
        let potentials = |block: usize, mut distances: ArrayViewMut2<u64>| {
            let potential = |(i, mut distances): (usize, ArrayViewMut1<u64>)| {
                runs[i / n_trials].shares.lower(block, distances.as_slice_mut().expect(CONTIGUOUS))
            };
            distances.outer_iter_mut().enumerate().map(potential).collect::<Vec<u128>>()
        };
        let of_blocks =
            squared_distances(samples, panels.as_deref(), &candidates, distances.view_mut(), potentials);
        for (number, run) in runs.iter_mut().enumerate() {
            let potential = |i: &usize| of_blocks.iter().map(|of_block| of_block[*i]).sum::<u128>();
            let own = number * n_trials..(number + 1) * n_trials;
            let best = own.min_by_key(potential).expect("at least two candidates");
            run.chosen.push(candidates[best]);
            run.shares.set(contiguous(distances.row(best)));
        }
    }
    observer.report(Stage::Seeding, n_clusters, n_clusters)?;
    Ok(runs.into_iter().map(|run| run.chosen).collect())
}

/// Writes the squared distances of the rows `from` to every row, shape (`from.len()`, n); the panels hold the rows.
/// Returns the results of `done` on each [`BLOCK`] of rows.
fn squared_distances<R: Send>(
    samples: &Samples,
    panels: Option<&[Panel]>,
    from: &[usize],
    mut distances: ArrayViewMut2<u64>,
    done: impl Fn(usize, ArrayViewMut2<u64>) -> R + Sync,
) -> Vec<R> {
    let x = samples.rows.view();
    let queries = distance::signed(x.select(Axis(0), from).view());
    let norms: Vec<i64> = from.iter().map(|&row| samples.norms[row].cast_signed()).collect();
    let blocks = distances.axis_chunks_iter_mut(Axis(1), BLOCK).into_par_iter().enumerate();
    let kernel = Kernel::detect();
    let packed = panels.map(|panels| (panels, Packed::new(kernel, queries.view())));
    let of_block = |(block, mut distances): (usize, ArrayViewMut2<u64>)| {
        let start = block * BLOCK;
        if let Some((panels, packed)) = &packed {
            let (mut scratch, mut dots) = (Scratch::default(), vec![[0; LANES]; from.len()]);
            let panels = panels[start / LANES..].iter();
            let panels = panels.zip(distances.axis_chunks_iter_mut(Axis(1), LANES));
            for (first, (panel, mut distances)) in (start..).step_by(LANES).zip(panels) {
                packed.multiply_all(panel, &mut scratch, &mut dots);
                let mut terms = [0; LANES];
                let rows = first..first + distances.ncols();
                terms.iter_mut().zip(rows).for_each(|(term, row)| *term = samples.shifted_norm(row));
                for ((mut distances, dots), norm) in distances.outer_iter_mut().zip(&dots).zip(&norms) {
                    let distances = distances.as_slice_mut().expect(CONTIGUOUS);
                    vectorize!(kernel, {
                        for ((distance, &dot), term) in distances.iter_mut().zip(dots).zip(&terms) {
                            *distance = (norm + term - 2 * i64::from(dot)).cast_unsigned();
                        }
                    });
                }
            }
        } else {
            let rows = x.slice(s![start..start + distances.ncols(), ..]);
            distance::for_each_tile(kernel, rows, queries.view(), |query, first, dots| {
                for (row, dot) in (first..).zip(dots) {
                    let distance = norms[query] + samples.shifted_norm(start + row) - 2 * dot;
                    distances[[query, row]] = distance.cast_unsigned();
                }
            });
        }
        done(block, distances)
    };
    blocks.map(of_block).collect()
}
