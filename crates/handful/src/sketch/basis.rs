//! A few directions that separate vectors, as bytes.

use ndarray::{Array2, Axis};

use crate::distance::{Kernel, LANES, MOST_DIMENSIONS, Packed, Panel, Rows, Scratch, vectorize};

/// Maximum number of rows from which the components are computed, and of values in them.
const SAMPLE: usize = 1024;
const SAMPLE_VALUES: usize = 1 << 22;
/// Fewer rows than this are projected one by one, which saves packing the directions.
const FEW: usize = 8;

/// Signed byte vectors, and the maximum factor by which they stretch vectors.
#[derive(Debug)]
pub(crate) struct Basis {
    /// Shape (directions, `n_features`).
    pub(crate) directions: Array2<i8>,
    /// The spectral norm of `directions`, or slightly more: |directions · x| is at most this times |x|.
    pub(crate) stretch: f64,
    /// Turns products with the directions into products with an orthonormal basis of their span; lower triangular.
    /// `None` if they are not independent.
    pub(crate) whitening: Option<Array2<f32>>,
}

impl Basis {
    /// Number of rows that suits the computation of the components.
    pub(crate) fn sample_size(n_samples: usize, n_features: usize) -> usize {
        SAMPLE.min(SAMPLE_VALUES / n_features).clamp(1, n_samples)
    }

    /// Without nalgebra there are no components, and searches do without a sketch.
    #[cfg(not(feature = "training"))]
    pub(crate) fn principal(_: ndarray::ArrayView2<u8>, _: usize) -> Option<Self> {
        None
    }

    /// The squared lengths of the projections of vectors onto the directions' span, from the vectors' products, to one
    /// part in 10⁵. `None` if they cannot be computed.
    pub(crate) fn squared_lengths(&self, kernel: Kernel, products: &[[f32; LANES]]) -> Option<[f32; LANES]> {
        let whitening = self.whitening.as_ref()?;
        let mut lengths = [0.0; LANES];
        vectorize!(kernel, {
            for (i, weights) in whitening.outer_iter().enumerate() {
                let mut sums = [0.0; LANES];
                for (weight, products) in weights.iter().zip(products).take(i + 1) {
                    sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += weight * product);
                }
                lengths.iter_mut().zip(sums).for_each(|(length, sum)| *length += sum * sum);
            }
        });
        Some(lengths)
    }
}

/// The exact products of every row and every direction, which are whole numbers. `sink(first_row, n, products)`
/// receives those of up to 32 rows at a time.
pub(crate) fn project(
    kernel: Kernel,
    directions: Rows<i8>,
    x: Rows<u8>,
    mut sink: impl FnMut(usize, usize, &[[f64; LANES]]),
) {
    let mut products = vec![[0.0; LANES]; directions.nrows()];
    if (1..FEW).contains(&x.nrows()) {
        for (products, direction) in products.iter_mut().zip(directions.iter()) {
            for (product, row) in products.iter_mut().zip(x.iter()) {
                *product = kernel.long_dot(row, direction) as f64;
            }
        }
        return sink(0, x.nrows(), &products);
    }
    let (directions, x) = (directions.view(), x.view());
    let packed: Vec<Packed> =
        directions.axis_chunks_iter(Axis(1), MOST_DIMENSIONS).map(|part| Packed::new(kernel, part)).collect();
    let (mut panel, mut scratch) = (Panel::default(), Scratch::default());
    let mut dots = vec![[0; LANES]; directions.nrows()];
    for (number, rows) in x.axis_chunks_iter(Axis(0), LANES).enumerate() {
        products.fill([0.0; LANES]);
        for (part, packed) in rows.axis_chunks_iter(Axis(1), MOST_DIMENSIONS).zip(&packed) {
            panel.pack(part, kernel.block());
            packed.multiply_all(&panel, &mut scratch, &mut dots);
            let all = products.as_flattened_mut().iter_mut().zip(dots.as_flattened());
            vectorize!(kernel, all.for_each(|(product, &dot)| *product += f64::from(dot)));
        }
        sink(number * LANES, rows.nrows(), &products);
    }
}
