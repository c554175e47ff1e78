//! Near duplicates: images that are closer to each other than the density of the images explains.
//!
//! Around an image, the number of images within a distance r grows as r^m, where m is the dimension of the data. So among
//! n images, the smallest ratio of the distance of a nearest neighbour to that of the k-th is about (k n)^(-1/m) by chance.
//! A pair is a near duplicate if its ratio is smaller. This needs no threshold in grey levels: handwritten ones, which are
//! all alike, are dense, and two of them must be much closer to be a pair.

use std::collections::HashMap;

use ndarray::Axis;
use rayon::prelude::*;

use super::{
    Error,
    windows::{Shift, Windows},
};
use crate::{
    neighbors::{NearestNeighbors, Neighbors},
    progress::Observer,
};

/// The density around an image is measured by the distance of its neighbour of this rank.
const RANK: usize = 10;
/// Number of nearest images that are considered at each shift. One of them may be the image itself.
const NEAREST: usize = 4;
/// The expected number of pairs that are as close as this by chance, in the whole data set.
const BY_CHANCE: f64 = 0.1;
/// No pair has a larger ratio, however high the dimension.
const MOST_RATIO: f64 = 0.5;
/// If an image has many copies, these make its neighbourhood look dense. It counts as at most so much denser than others,
/// as a factor of the median distance.
const DENSEST: f64 = 0.25;

/// Pairs of images, in order, with the shift of the second.
pub(super) fn find(images: &Windows, observer: &Observer) -> Result<Vec<([usize; 2], Shift)>, Error> {
    let points = images.at([0, 0]).into_shared();
    let n = points.nrows();
    if n < 3 {
        return Ok(Vec::new());
    }
    let index = NearestNeighbors::new(points.clone())?.observer(observer.clone());
    let rank = RANK.min(n - 1);
    let around = without_self(&index.kneighbors(points.view(), rank + 1)?, rank);
    let density = Density::new(&around);

    let mut best: HashMap<[usize; 2], (f64, Shift)> = HashMap::new();
    let mut offer = |row: usize, other: usize, distance: f64, shift: Shift| {
        if distance >= density.reach(row, other) {
            return;
        }
        // What `row` has at this shift, `other` has in its middle: `other` was moved by the opposite.
        let moved = if row < other { shift.map(|by| -by) } else { shift };
        let found = best.entry([row.min(other), row.max(other)]).or_insert((distance, moved));
        if distance < found.0 {
            *found = (distance, moved);
        }
    };
    for &shift in images.shifts() {
        if shift == [0, 0] {
            for (row, near) in around.iter().enumerate() {
                for &(other, distance) in near {
                    offer(row, other, distance, shift);
                }
            }
            continue;
        }
        let found = index.kneighbors(images.at(shift).view(), NEAREST.min(n))?;
        let rows = found.indices.outer_iter().zip(found.distances.outer_iter());
        for (row, (others, distances)) in rows.enumerate() {
            for (&other, &distance) in others.iter().zip(distances).filter(|(other, _)| **other != row) {
                offer(row, other, (distance as f64).sqrt(), shift);
            }
        }
    }
    let mut pairs: Vec<_> = best.into_iter().map(|(pair, (_, shift))| (pair, shift)).collect();
    pairs.sort_unstable();
    Ok(pairs)
}

/// For each point, the `rank` nearest other points, with their distances.
fn without_self(found: &Neighbors, rank: usize) -> Vec<Vec<(usize, f64)>> {
    let rows = found.indices.axis_iter(Axis(0)).into_par_iter().zip(found.distances.axis_iter(Axis(0)));
    let others = rows.enumerate().map(|(row, (others, distances))| {
        let others = others.into_iter().zip(distances).filter(|(other, _)| **other != row);
        others.take(rank).map(|(&other, &distance)| (other, (distance as f64).sqrt())).collect()
    });
    others.collect()
}

/// How close images are to each other.
struct Density {
    /// The distance of the neighbour of the highest rank of each image.
    distances: Vec<f64>,
    ratio: f64,
}

impl Density {
    fn new(around: &[Vec<(usize, f64)>]) -> Self {
        let farthest = |near: &Vec<(usize, f64)>| near.last().map_or(0.0, |&(_, distance)| distance);
        let distances: Vec<f64> = around.iter().map(farthest).collect();
        let least = DENSEST * median(distances.clone());
        let distances = distances.into_iter().map(|distance| distance.max(least)).collect();
        let dimension = median(around.par_iter().filter_map(|near| dimension(near)).collect());
        let n = (around.len() * around[0].len()) as f64;
        let ratio = (BY_CHANCE / n).powf(1.0 / dimension.max(f64::MIN_POSITIVE));
        Self { distances, ratio: ratio.min(MOST_RATIO) }
    }

    /// Two images that are closer than this are a pair.
    fn reach(&self, a: usize, b: usize) -> f64 {
        self.ratio * self.distances[a].min(self.distances[b])
    }
}

/// The dimension of the data around an image, from the distances of its neighbours (Levina and Bickel 2004, with the
/// correction by `MacKay` and Ghahramani). `None` if they do not tell.
fn dimension(near: &[(usize, f64)]) -> Option<f64> {
    let (&(_, farthest), nearer) = near.split_last()?;
    let logarithms =
        nearer.iter().filter(|(_, distance)| *distance > 0.0).map(|(_, distance)| (farthest / distance).ln());
    let (n, sum) = logarithms.fold((0_u32, 0.0), |(n, sum), logarithm| (n + 1, sum + logarithm));
    (n > 1 && sum > 0.0).then(|| f64::from(n - 1) / sum)
}

/// 0 without values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    fn noise(n: usize, pixels: usize, rng: &mut impl Rng) -> Array2<u8> {
        Array2::from_shape_fn((n, pixels), |_| rng.random_range(40..216))
    }

    #[test]
    fn the_dimension_is_that_of_the_space_that_points_fill() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for expected in [2, 5, 8] {
            let points = noise(4000, expected, &mut rng).into_shared();
            let index = NearestNeighbors::new(points.clone()).unwrap();
            let around = without_self(&index.kneighbors(points.view(), RANK + 1).unwrap(), RANK);
            let found = median(around.iter().filter_map(|near| dimension(near)).collect());
            assert!(found > 0.6 * expected as f64 && found < 1.6 * expected as f64, "{expected}: {found}");
        }
    }

    #[test]
    fn random_points_are_no_pairs_in_any_dimension() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for side in [1, 2, 3, 8, 20] {
            let mut points: Vec<Vec<u8>> =
                noise(1500, side * side, &mut rng).outer_iter().map(|row| row.to_vec()).collect();
            points.sort();
            points.dedup();
            let points = Array2::from_shape_vec((points.len(), side * side), points.concat()).unwrap();
            let found = find(&Windows::new(points.view(), [side, side]), &Observer::default()).unwrap();
            assert_eq!(found, [], "{side}");
        }
    }

    #[test]
    fn copies_with_a_little_noise_are_pairs_and_many_copies_of_one_image_too() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut points = noise(500, 400, &mut rng);
        for copy in 0..40 {
            let original = if copy < 20 { 0 } else { copy };
            let pixels = points.row(original).mapv(|pixel| pixel + rng.random_range(0..10));
            points.row_mut(400 + copy).assign(&pixels);
        }
        let found = find(&Windows::new(points.view(), [20, 20]), &Observer::default()).unwrap();
        for copy in 20..40 {
            assert!(found.contains(&([copy, 400 + copy], [0, 0])), "{copy}");
        }
        let of_first = |row: usize| row == 0 || (400..420).contains(&row);
        assert!(found.iter().all(|([a, b], _)| of_first(*a) == of_first(*b)));
        for copy in 400..420 {
            assert!(found.iter().any(|(pair, _)| pair.contains(&copy)), "{copy}");
        }
    }
}
