//! A map of the model's prototypes by their first two principal components. Every image has a position on it.

use handful::{classifier::Model, features::Pca};
use ndarray::{ArrayView1, ArrayView2, Axis};
use serde::Serialize;

/// Maximum number of points; nobody could distinguish more.
const MOST_POINTS: usize = 1000;

/// The plane, and some of the prototypes on it.
pub(super) struct Map {
    /// `None` if vectors have only one value.
    pca: Option<Pca>,
    /// For each axis, the number of points at or before each byte.
    ranks: [Vec<usize>; 2],
    pub(super) points: Vec<Point>,
}

/// A prototype.
#[derive(Serialize)]
pub(super) struct Point {
    pub(super) prototype: usize,
    label: String,
    position: [f64; 2],
}

impl Map {
    pub(super) fn new(model: &Model) -> Self {
        let prototypes = model.prototypes();
        let (n, d) = prototypes.images().dim();
        let n_shown = n.min(MOST_POINTS);
        let shown: Vec<usize> = (0..n_shown).map(|i| i * n / n_shown).collect();
        let vectors = prototypes.images().select(Axis(0), &shown);
        let pca = (d > 1).then(|| Pca::fit(vectors.view(), 2, 0.0));
        let ranks = match &pca {
            Some(pca) => [0, 1].map(|axis| ranks(pca.transform(vectors.view()).column(axis))),
            None => [Vec::new(), Vec::new()],
        };
        let mut map = Self { pca, ranks, points: Vec::new() };
        let point = |(&prototype, position): (&usize, [f64; 2])| Point {
            prototype,
            label: model.classes()[prototypes.labels()[prototype] as usize].clone(),
            position,
        };
        map.points = shown.iter().zip(map.positions(vectors.view())).map(point).collect();
        map
    }

    /// Position of a vector of the model's space, each coordinate from 0 to 1; at the edge if it is outside.
    pub(super) fn position(&self, vector: &[u8]) -> [f64; 2] {
        self.positions(ArrayView1::from(vector).insert_axis(Axis(0)))[0]
    }

    fn positions(&self, vectors: ArrayView2<u8>) -> Vec<[f64; 2]> {
        let Some(pca) = &self.pca else { return vec![[0.5; 2]; vectors.nrows()] };
        let places = pca.transform(vectors);
        places
            .outer_iter()
            .map(|place| [0, 1].map(|axis| stretched(place[axis], &self.ranks[axis])))
            .collect()
    }
}

fn ranks(places: ArrayView1<u8>) -> Vec<usize> {
    (0..=u8::MAX).map(|byte| places.iter().filter(|&&place| place <= byte).count()).collect()
}

/// The mean of the place and of the share of points before it. This stretches the map where points are crowded.
fn stretched(place: u8, ranks: &[usize]) -> f64 {
    let before = if place == 0 { 0 } else { ranks[usize::from(place) - 1] };
    let middle = (before + ranks[usize::from(place)]) as f64 / 2.0;
    let total = ranks[usize::from(u8::MAX)] as f64;
    0.5 * f64::from(place) / 255.0 + 0.5 * middle / total
}
