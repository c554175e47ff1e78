//! A map of the model's prototypes: their first two principal components, on which any image has its place.

use handful::{classifier::Model, features::Pca};
use ndarray::{ArrayView1, Axis};
use serde::Serialize;

/// More points than this nobody can tell apart.
const MOST_POINTS: usize = 1000;

/// The plane, and some of the prototypes on it.
pub(super) struct Map {
    /// None if vectors have one value only, or there is one of them.
    pca: Option<Pca>,
    pub(super) points: Vec<Point>,
}

/// A prototype.
#[derive(Clone, Serialize)]
pub(super) struct Point {
    pub(super) prototype: usize,
    label: String,
    position: [f64; 2],
}

impl Map {
    pub(super) fn new(model: &Model) -> Self {
        let prototypes = model.prototypes();
        let (n, d) = prototypes.images().dim();
        let shown: Vec<usize> = (0..n.min(MOST_POINTS)).map(|i| i * n / n.min(MOST_POINTS)).collect();
        let vectors = prototypes.images().select(Axis(0), &shown);
        let mut map = Self { pca: (d > 1).then(|| Pca::fit(vectors.view(), 2, 0.0)), points: Vec::new() };
        let point = |(&prototype, vector): (&usize, ArrayView1<u8>)| Point {
            prototype,
            label: model.classes()[prototypes.labels()[prototype] as usize].clone(),
            position: map.position(&vector.to_vec()),
        };
        let points = shown.iter().zip(vectors.outer_iter()).map(point).collect();
        map.points = points;
        map
    }

    /// Where a vector of the model's space is, each from 0 to 1; at the edge if it is outside.
    pub(super) fn position(&self, vector: &[u8]) -> [f64; 2] {
        let Some(pca) = &self.pca else { return [0.5, 0.5] };
        let row = ArrayView1::from(vector).insert_axis(Axis(0));
        let place = pca.transform(row);
        [f64::from(place[[0, 0]]) / 255.0, f64::from(place[[0, 1]]) / 255.0]
    }
}
