//! A map of the model's prototypes, on which those that are near in the model's space are near. Every image has a
//! position on it.

use handful::{classifier::Model, distance::squared_euclidean, features::Pca};
use ndarray::{Array2, ArrayView2, Axis};
use serde::Serialize;

use super::embedding::{Place, embed};

/// Maximum number of points; nobody could distinguish more.
const MOST_POINTS: usize = 1000;
/// Number of points between which an image lies.
const NEAREST: usize = 5;

/// Some of the prototypes, and their places.
pub(super) struct Map {
    /// The points in the model's space.
    vectors: Array2<u8>,
    pub(super) points: Vec<Point>,
}

/// A prototype.
#[derive(Serialize)]
pub(super) struct Point {
    pub(super) prototype: usize,
    label: String,
    position: Place,
}

impl Map {
    pub(super) fn new(model: &Model) -> Self {
        let prototypes = model.prototypes();
        let n = prototypes.n_samples();
        let n_shown = n.min(MOST_POINTS);
        let shown: Vec<usize> = (0..n_shown).map(|i| i * n / n_shown).collect();
        let vectors = prototypes.images().select(Axis(0), &shown);
        let places = within_unit_square(&embed(vectors.view(), &principal_plane(vectors.view())));
        let point = |(&prototype, position): (&usize, Place)| Point {
            prototype,
            label: model.classes()[prototypes.labels()[prototype] as usize].clone(),
            position,
        };
        let points = shown.iter().zip(places).map(point).collect();
        Self { vectors, points }
    }

    /// Position of a vector of the model's space, each coordinate from 0 to 1: the mean of the nearest points, where
    /// nearer ones count more.
    pub(super) fn position(&self, vector: &[u8]) -> Place {
        let row = |row| self.vectors.row(row).to_slice().map_or(0, |point| squared_euclidean(point, vector));
        let mut squared: Vec<(u64, usize)> = (0..self.points.len()).map(|i| (row(i), i)).collect();
        let n = NEAREST.min(squared.len());
        if n < squared.len() {
            squared.select_nth_unstable(n);
        }
        let weighted = squared[..n].iter().map(|&(squared, i)| {
            let squared = squared.max(1) as f64;
            (1.0 / (squared * squared), self.points[i].position)
        });
        let (total, sum) = weighted.fold((0.0, [0.0; 2]), |(total, sum), (weight, place)| {
            (total + weight, [sum[0] + weight * place[0], sum[1] + weight * place[1]])
        });
        // Rounding must not lead off the map.
        sum.map(|axis| (axis / total).clamp(0.0, 1.0))
    }
}

/// Where vectors lie along their first two principal components.
fn principal_plane(vectors: ArrayView2<u8>) -> Vec<Place> {
    // Vectors may have only one value.
    if vectors.ncols() < 2 {
        return vectors.outer_iter().map(|vector| [f64::from(vector[0]) / 255.0, 0.0]).collect();
    }
    let places = Pca::fit(vectors, 2, 0.0).transform(vectors);
    places.outer_iter().map(|place| [0, 1].map(|axis| f64::from(place[axis]) / 255.0)).collect()
}

/// The same places, moved and scaled, and spread where they are crowded: each coordinate is the mean of where it was and
/// of the share of places before it.
fn within_unit_square(places: &[Place]) -> Vec<Place> {
    let of_axis = |axis: usize| {
        let mut sorted: Vec<f64> = places.iter().map(|place| place[axis]).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    let sorted = [0, 1].map(of_axis);
    let ends = sorted.each_ref().map(|sorted| [sorted[0], sorted[sorted.len() - 1]]);
    let side = ends.map(|[low, high]| high - low).into_iter().fold(f64::MIN_POSITIVE, f64::max);
    let spread = |place: &Place| {
        [0, 1].map(|axis| {
            let (sorted, [low, high]) = (&sorted[axis], ends[axis]);
            let before = sorted.partition_point(|&other| other < place[axis]);
            let until = sorted.partition_point(|&other| other <= place[axis]);
            let share = (before + until) as f64 / (2 * sorted.len()) as f64;
            f64::midpoint(0.5 + (place[axis] - f64::midpoint(low, high)) / side, share).clamp(0.0, 1.0)
        })
    };
    places.iter().map(spread).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use handful::classifier::Preset;

    use super::*;

    #[test]
    fn a_prototype_lies_at_its_own_place_and_all_places_differ() {
        for preset in [Preset::Tiny, Preset::Notebook] {
            let map = Map::new(&preset.trained().unwrap());
            let mut places = HashSet::new();
            for (point, vector) in map.points.iter().zip(map.vectors.outer_iter()) {
                let place = map.position(&vector.to_vec());
                assert!(place.iter().all(|axis| (0.0..=1.0).contains(axis)));
                let apart = (place[0] - point.position[0]).hypot(place[1] - point.position[1]);
                assert!(apart < 0.02, "{apart} from its own place");
                places.insert(point.position.map(f64::to_bits));
            }
            assert_eq!(places.len(), map.points.len());
        }
    }
}
