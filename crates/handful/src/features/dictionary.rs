//! A dictionary learned by K-Means: it describes an image by its similarity to atoms.

use std::cell::Cell;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

use super::{
    activation::{Activation, radial_basis, roots},
    total_variance,
};
use crate::{
    Dataset, KMeans,
    distance::{Kernel, LANES, Lanes, OFFSET, PackedPoints, evenly, signed, squared_norms, sums, vectorize},
    kmeans,
    progress::Observer,
    step::{BATCH, Step, to_byte, transform},
    tensor_file::{self, Reader, Writer},
};

/// Number of rows whose distances to all atoms give the usual distance.
const SAMPLE: usize = 2000;
/// Number of rows that seeding looks at. It covers all windows from which a shared dictionary is learned, which are
/// short.
const SEEDING_ROWS: usize = 262_144;

/// How a [`Dictionary`] is learned.
#[derive(Clone, Debug)]
pub struct DictionaryParams {
    /// Number of atoms, per class or in all.
    pub n_atoms: usize,
    /// For radial bases, their variance relative to the median squared distance between rows and atoms.
    pub spread: f64,
    /// Number of Lloyd iterations of K-Means.
    pub max_iter: usize,
    /// Seed of the random choices.
    pub seed: u64,
    /// Progress callback.
    pub observer: Observer,
}

/// The centroids of K-Means as atoms, and the similarity of a row to each of them.
#[derive(Clone, Debug)]
pub struct Dictionary {
    atoms: Array2<u8>,
    points: PackedPoints,
    /// For each atom, its squared length minus twice the amount that its products with shifted rows lack.
    terms: Vec<Lanes>,
    activation: Activation,
    /// Variance of the atoms over all features together.
    variance: f64,
}

impl Dictionary {
    /// # Panics
    /// If there are no atoms.
    #[must_use]
    pub fn new(atoms: Array2<u8>, activation: Activation) -> Self {
        assert!(!atoms.is_empty(), "at least one atom");
        let (norms, sums) = (squared_norms(atoms.view()), sums(atoms.view()));
        let terms: Vec<i32> = norms
            .iter()
            .zip(&sums)
            .map(|(&norm, sum)| {
                i32::try_from(norm.cast_signed() - 2 * OFFSET * sum).expect("at most 2^15 features")
            })
            .collect();
        let lanes = |terms: &[i32]| {
            let mut lanes = [0; LANES];
            lanes[..terms.len()].copy_from_slice(terms);
            lanes
        };
        Self {
            points: PackedPoints::new(atoms.view()),
            variance: total_variance(atoms.view()),
            terms: terms.chunks(LANES).map(lanes).collect(),
            atoms,
            activation,
        }
    }

    /// Radial bases around the centroids of each class. A class with fewer rows than atoms has as many atoms as rows.
    ///
    /// # Errors
    /// As [`KMeansParams::fit_per_class`](kmeans::KMeansParams::fit_per_class).
    pub fn fit_per_class(params: &DictionaryParams, x: &Dataset) -> Result<Self, kmeans::Error> {
        let kmeans = params.kmeans().fewer_in_small_classes();
        let atoms = kmeans.fit_per_class(x)?.dataset.images().to_owned();
        Ok(Self::new(atoms, Activation::Triangle).radial(params.spread, x.images().view()))
    }

    /// Radial bases around the same atoms, with a width of `spread` relative to these rows.
    ///
    /// # Panics
    /// If there are no rows, or their length differs from that of the atoms.
    #[must_use]
    pub fn radial(self, spread: f64, x: ArrayView2<u8>) -> Self {
        let variance = spread * f64::from(self.median_distance(x));
        #[expect(clippy::cast_possible_truncation, reason = "f32 is precise enough for bytes")]
        let variance = variance.max(1.0) as f32;
        Self { activation: Activation::RadialBasis { variance }, ..self }
    }

    /// Triangles around the centroids of all rows.
    ///
    /// # Errors
    /// As [`KMeansParams::fit`](kmeans::KMeansParams::fit).
    pub fn fit(params: &DictionaryParams, x: ArrayView2<u8>) -> Result<Self, kmeans::Error> {
        Ok(Self::new(params.kmeans().fit(x)?.centroids.to_bytes(), Activation::Triangle))
    }

    pub(super) fn write(&self, prefix: &str, writer: &mut Writer) {
        writer.put(format!("{prefix}.atoms"), self.atoms.view());
        if let Activation::RadialBasis { variance } = self.activation {
            writer.put(format!("{prefix}.variance"), ArrayView1::from(&[variance]));
        }
    }

    pub(super) fn read(
        prefix: &str,
        shape: [Option<usize>; 2],
        is_radial: bool,
        reader: &Reader,
    ) -> Result<Self, tensor_file::Error> {
        let atoms: Array2<u8> = reader.array2(&format!("{prefix}.atoms"), shape)?;
        if atoms.is_empty() {
            return Err(tensor_file::Error::Content(format!(
                "tensor {prefix}.atoms: expected atoms, found none"
            )));
        }
        let activation = if is_radial {
            let variance = reader.floats(&format!("{prefix}.variance"), Some(1))?[0].max(f32::MIN_POSITIVE);
            Activation::RadialBasis { variance }
        } else {
            Activation::Triangle
        };
        Ok(Self::new(atoms, activation))
    }

    /// The centroids, shape (`n_atoms`, `n_features`).
    #[must_use]
    pub fn atoms(&self) -> &Array2<u8> {
        &self.atoms
    }

    /// The function of the distances.
    #[must_use]
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The mean squared distance of the atoms from their mean.
    pub(super) fn variance(&self) -> f64 {
        self.variance
    }

    /// The similarity of each row to each atom, shape (n, `n_atoms`). O(n `n_atoms` d).
    ///
    /// # Panics
    /// If the length of the rows differs from that of the atoms.
    #[must_use]
    pub fn transform(&self, x: ArrayView2<u8>) -> Array2<u8> {
        transform(self, x)
    }

    /// Applies `of` to the squared distances of rows to atoms, 32 at a time.
    fn activate<T: Copy>(&self, x: ArrayView2<u8>, of: impl Fn(Lanes) -> [T; LANES], out: ArrayViewMut2<T>) {
        let norms = norms(x);
        self.points.map(
            signed(x).view(),
            #[inline(always)]
            |first, row, dots| of(distances(dots, self.terms[first / LANES], norms[row])),
            out,
        );
    }

    /// The squared distance of each row to its nearest atom.
    pub(super) fn nearest(&self, x: ArrayView2<u8>) -> Vec<i32> {
        let of_rows = |rows: ArrayView2<u8>| {
            let least = |row: ArrayView1<i32>| row.iter().copied().min().expect("at least one atom");
            self.distances(rows).outer_iter().map(least).collect::<Vec<_>>()
        };
        x.axis_chunks_iter(Axis(0), BATCH).into_par_iter().flat_map_iter(of_rows).collect()
    }

    fn median_distance(&self, x: ArrayView2<u8>) -> i32 {
        let sample = x.select(Axis(0), &evenly(x.nrows(), SAMPLE.min(x.nrows())));
        let mut all = self.distances(sample.view()).into_raw_vec_and_offset().0;
        let middle = all.len() / 2;
        *all.select_nth_unstable(middle).1
    }

    /// The squared distances of rows to all atoms.
    fn distances(&self, x: ArrayView2<u8>) -> Array2<i32> {
        let mut all = Array2::zeros((x.nrows(), self.atoms.nrows()));
        self.activate(x, |distances| distances, all.view_mut());
        all
    }
}

fn norms(x: ArrayView2<u8>) -> Vec<i32> {
    let norm = |norm| i32::try_from(norm).expect("at most 2^15 features");
    squared_norms(x).into_iter().map(norm).collect()
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn distances(dots: Lanes, terms: Lanes, norm: i32) -> Lanes {
    let mut distances = terms;
    distances.iter_mut().zip(dots).for_each(|(distance, dot)| *distance += norm - 2 * dot);
    distances
}

impl DictionaryParams {
    fn kmeans(&self) -> kmeans::KMeansParams {
        let kmeans = KMeans::params(self.n_atoms).max_iter(self.max_iter).seed(self.seed);
        kmeans.seeding_rows(SEEDING_ROWS).observer(self.observer.clone())
    }
}

impl Step for Dictionary {
    fn n_features_out(&self) -> usize {
        self.atoms.nrows()
    }

    fn run(&self, x: ArrayView2<u8>, mut out: ArrayViewMut2<u8>) {
        let n = self.atoms.nrows();
        match self.activation {
            Activation::RadialBasis { variance } => {
                let scale = std::f32::consts::LOG2_E / (2.0 * variance);
                self.activate(
                    x,
                    #[inline(always)]
                    |distances| radial_basis(distances, scale),
                    out,
                );
            }
            Activation::Triangle => {
                let mut all = Array2::zeros((x.nrows(), self.padded()));
                self.triangles(x, all.view_mut());
                out.zip_mut_with(&all.slice(s![.., ..n]), |out, &value| *out = to_byte(value));
            }
        }
    }
}

impl Dictionary {
    /// [`run`](Step::run), and the squared distance of each row to its nearest atom.
    pub(super) fn run_nearest(&self, x: ArrayView2<u8>, out: ArrayViewMut2<u8>) -> Vec<i32> {
        let Activation::RadialBasis { variance } = self.activation else {
            self.run(x, out);
            return self.nearest(x);
        };
        let scale = std::f32::consts::LOG2_E / (2.0 * variance);
        let (norms, nearest) = (norms(x), vec![Cell::new(i32::MAX); x.nrows()]);
        self.points.map(
            signed(x).view(),
            #[inline(always)]
            |first, row, dots| {
                let distances = distances(dots, self.terms[first / LANES], norms[row]);
                let n = self.atoms.nrows() - first;
                let mut least = [nearest[row].get(); LANES];
                for (lane, (least, distance)) in least.iter_mut().zip(distances).enumerate() {
                    *least = if lane < n { distance.min(*least) } else { *least };
                }
                nearest[row].set(least.into_iter().fold(i32::MAX, i32::min));
                radial_basis(distances, scale)
            },
            out,
        );
        nearest.into_iter().map(Cell::into_inner).collect()
    }

    /// Number of atoms, rounded up to whole panels.
    pub(super) fn padded(&self) -> usize {
        self.terms.len() * LANES
    }

    /// The triangle activations of rows, in units of the bytes, shape (n, `padded`); meaningless after the last atom.
    pub(super) fn triangles(&self, x: ArrayView2<u8>, mut all: ArrayViewMut2<f32>) {
        let n = self.atoms.nrows();
        self.activate(x, roots, all.slice_mut(s![.., ..n]));
        for mut row in all.outer_iter_mut() {
            let row = row.as_slice_mut().expect("rows are contiguous");
            vectorize!(Kernel::detect(), {
                row[n..].fill(0.0);
                // Sixteen parallel sums, in the same order at every level.
                let mut sums = [0.0; 16];
                for part in row.as_chunks::<16>().0 {
                    sums.iter_mut().zip(part).for_each(|(sum, root)| *sum += root);
                }
                let mean = sums.iter().sum::<f32>() / n as f32;
                for root in row {
                    *root = (mean - *root).max(0.0);
                }
            });
        }
    }
}
