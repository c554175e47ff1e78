//! Histograms of gradient directions (Dalal and Triggs 2005): they describe which strokes there are, where, and in
//! which direction.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};

use super::histogram::{Histogram, LANES};
use crate::{
    distance::{CONTIGUOUS, Kernel, Rows, vectorize},
    step::{Step, transform},
};

/// The strength of gradients in each cell of a grid and each of several directions.
///
/// Gradients are central differences, with the image's edge repeated. Directions are signed: dark to bright differs
/// from bright to dark. A gradient is split linearly between its two nearest directions and its four nearest cells. The
/// square roots of the histogram are scaled to unit length and then to bytes with a root mean square of 21, so that
/// distances are Hellinger distances between distributions of ink.
///
/// ```
/// use handful::features::Gradients;
/// use ndarray::array;
///
/// // A step from dark to bright, to the right: all of it in direction 0.
/// let image = array![[0_u8, 0, 9, 9, 0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 9, 9]];
/// let histogram = Gradients::new(4, 1).transform(image.view(), [4, 4]);
/// assert_eq!(histogram, array![[42, 0, 0, 0]]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(usize, usize)", into = "(usize, usize)")]
pub struct Gradients {
    n_bins: usize,
    n_cells: usize,
}

impl Gradients {
    /// Maximum number of directions.
    pub const MOST_BINS: usize = LANES - 1;
    /// Maximum number of rows and columns of cells.
    pub const MOST_CELLS: usize = 64;

    /// `n_cells` rows and columns of cells with `n_bins` directions each.
    ///
    /// # Panics
    /// If either is 0, there are more than [`MOST_BINS`](Self::MOST_BINS) directions, or more than
    /// [`MOST_CELLS`](Self::MOST_CELLS) rows of cells.
    #[must_use]
    pub fn new(n_bins: usize, n_cells: usize) -> Self {
        Self::try_from((n_bins, n_cells)).unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// Number of directions per cell.
    #[must_use]
    pub fn n_bins(&self) -> usize {
        self.n_bins
    }

    /// Number of cells in each row and column of the grid.
    #[must_use]
    pub fn n_cells(&self) -> usize {
        self.n_cells
    }

    /// Number of features per image.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_cells * self.n_cells * self.n_bins
    }

    /// The histograms of images of shape `[height, width]`: shape (n, `n_features`), ordered as (row of cells, column
    /// of cells, direction). Without ink all are zero. O(pixels) per image.
    ///
    /// # Panics
    /// If the length of the rows of `images` does not match that shape.
    #[must_use]
    pub fn transform(&self, images: ArrayView2<u8>, shape: [usize; 2]) -> Array2<u8> {
        assert_eq!(images.ncols(), shape[0] * shape[1], "images of {} x {} pixels", shape[0], shape[1]);
        transform(&Framed { gradients: *self, shape }, images)
    }
}

impl TryFrom<(usize, usize)> for Gradients {
    type Error = String;

    /// From the numbers of directions and of rows of cells.
    fn try_from((n_bins, n_cells): (usize, usize)) -> Result<Self, String> {
        let fits = (1..=Self::MOST_BINS).contains(&n_bins) && (1..=Self::MOST_CELLS).contains(&n_cells);
        fits.then_some(Self { n_bins, n_cells }).ok_or_else(|| {
            let (bins, cells) = (Self::MOST_BINS, Self::MOST_CELLS);
            format!(
                "expected 1 to {bins} directions and 1 to {cells} rows of cells, found {n_bins} and {n_cells}"
            )
        })
    }
}

impl From<Gradients> for (usize, usize) {
    fn from(gradients: Gradients) -> Self {
        (gradients.n_bins, gradients.n_cells)
    }
}

/// Gradients for images of a given shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framed {
    pub(crate) gradients: Gradients,
    pub(crate) shape: [usize; 2],
}

impl Step for Framed {
    fn n_features_out(&self) -> usize {
        self.gradients.n_features()
    }

    fn run(&self, x: ArrayView2<u8>, mut out: ArrayViewMut2<u8>) {
        let Gradients { n_bins, n_cells } = self.gradients;
        let mut histogram = Histogram::new(n_bins, n_cells, self.shape);
        for (image, mut out) in Rows::new(x).iter().zip(out.outer_iter_mut()) {
            let out = out.as_slice_mut().expect(CONTIGUOUS);
            vectorize!(Kernel::detect(), {
                histogram.count(image);
                histogram.write(out);
            });
        }
    }
}
