//! Labelled images: reading, splitting and grouping them.
//!
//! A [`Dataset`] keeps images as rows of bytes, exactly as they are in the file. The original notebook divides pixels
//! by 255. That scales all distances alike, so it changes no neighbour, and bytes stay exact. Scaling is therefore left
//! to the code that shows floats.

//!
//! | data | read as |
//! |---|---|
//! | IDX (`*-images-idx3-ubyte`), plain or gzipped, with its labels beside it: MNIST and its kin, torchvision's folders, EMNIST (put upright), QMNIST | both parts |
//! | NumPy: `.npz` with `x_train, y_train, x_test, y_test` as Keras has them, or `x, y`; `.npy` of shape (n, height, width) or (n, pixels), or with a channel; of one image where its shape is known | both parts; one |
//! | CSV by its header (`label,pixel0,…` as Kaggle has it), or of numbers alone with the label first or last, as the values tell | `train.csv` and `test.csv`, UCI's `.tra` and `.tes`, or one file |
//! | Parquet with pictures and labels, as on Hugging Face (feature `parquet`) | files with `train` or `test` in their names |
//! | USPS and others as text: libsvm's `label index:value …`, or a label and its numbers with spaces between, in either order; plain, gzip or bzip2 | `zip.train` and `zip.test`, `usps` and `usps.t` |
//! | Pictures in a folder for each class (feature `images`), and TIFF with its pages: put into the frame, see [`preprocess`](crate::preprocess) | folders `train` and `test`, or one |
//!
//! The content of a file gives its format; its name gives the part of the data set to which it belongs. Files are read
//! in natural order, `2.png` before `10.png`. Labels are names. Those that are whole numbers, however they are written,
//! are sorted as numbers. A path may be a pipe. Grey values are bytes, or numbers from 0 to 1 or from -1 to 1, which are
//! rounded to bytes.

mod error;
#[cfg(feature = "training")]
mod files;
mod join;
mod labels;
mod natural;
mod pipe;
mod read_at;
mod row_source;
mod split;
mod supported;

use ndarray::{ArcArray2, Axis};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::index};

pub use error::Error;
#[cfg(feature = "training")]
pub use files::*;
pub(crate) use read_at::read_at;
pub use split::Split;

// Only the command and the Python package need these.
#[doc(hidden)]
pub use {
    natural::natural_order,
    pipe::open,
    row_source::RowSource,
    supported::{DATA_FORMATS, PICTURE_FORMATS, is_named_as_picture},
};

/// Images of one shape, each with a label that is an index into the named classes.
///
/// Cloning shares the pixels.
///
/// ```
/// use handful::Dataset;
/// use ndarray::array;
///
/// let pixels = array![[0, 255, 0, 255], [255, 0, 255, 0], [0, 250, 0, 250]];
/// let data = Dataset::new(pixels, [2, 2], vec![0, 1, 0], vec!["right".into(), "left".into()])?;
/// assert_eq!(data.class_counts(), [2, 1]);
/// assert_eq!(data.rows_by_class(), [vec![0, 2], vec![1]]);
/// # Ok::<(), handful::dataset::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    images: ArcArray2<u8>,
    image_shape: [usize; 2],
    labels: Vec<u32>,
    classes: Vec<String>,
}

impl Dataset {
    /// `images` has shape (n, height * width), `image_shape` is `[height, width]`, and each of the n `labels` is an
    /// index into `classes`.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if the parts do not match, or are empty.
    pub fn new(
        images: impl Into<ArcArray2<u8>>,
        image_shape: [usize; 2],
        labels: Vec<u32>,
        classes: Vec<String>,
    ) -> Result<Self, Error> {
        let mut images = images.into();
        if !images.is_standard_layout() {
            images = images.as_standard_layout().into_owned().into_shared();
        }
        let (n, d) = images.dim();
        let [height, width] = image_shape;
        let unknown = labels.iter().position(|&label| label as usize >= classes.len());
        let problem = if n == 0 || d == 0 {
            format!("expected at least one image with at least one pixel, found shape ({n}, {d})")
        } else if height.checked_mul(width) != Some(d) {
            format!("expected {height} x {width} pixels in a row, found {d}")
        } else if labels.len() != n {
            format!("expected a label for each of {n} images, found {}", labels.len())
        } else if let Some(row) = unknown {
            format!(
                "row {row}: expected a label below {} (the number of classes), found {}",
                classes.len(),
                labels[row]
            )
        } else {
            return Ok(Self { images, image_shape, labels, classes });
        };
        Err(Error::Inconsistent(problem))
    }

    /// Pixels, shape (`n_samples`, `n_features`), rows contiguous.
    #[must_use]
    pub fn images(&self) -> &ArcArray2<u8> {
        &self.images
    }

    /// Height and width of an image.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 2] {
        self.image_shape
    }

    /// Class index of each image.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The names of the classes.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Number of images.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.images.nrows()
    }

    /// Number of pixels per image.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.images.ncols()
    }

    /// Number of images in each class.
    #[must_use]
    pub fn class_counts(&self) -> Vec<usize> {
        self.rows_by_class().iter().map(Vec::len).collect()
    }

    /// Rows of the images of each class, ascending.
    #[must_use]
    pub fn rows_by_class(&self) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); self.classes.len()];
        for (row, &label) in self.labels.iter().enumerate() {
            rows[label as usize].push(row);
        }
        rows
    }

    /// Draws `n` images uniformly from each class that has any, in the order of the classes.
    ///
    /// # Errors
    /// [`Error::ClassTooSmall`] if a class has fewer; [`Error::Inconsistent`] if `n` is 0.
    pub fn sample_per_class(&self, n: usize, seed: u64) -> Result<Self, Error> {
        if n == 0 {
            return Err(Error::Inconsistent("expected at least one image of each class to draw".to_owned()));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut chosen = Vec::new();
        for (class, rows) in self.classes.iter().zip(self.rows_by_class()) {
            if !rows.is_empty() && rows.len() < n {
                return Err(Error::ClassTooSmall { class: class.clone(), expected: n, found: rows.len() });
            }
            let mut drawn = index::sample(&mut rng, rows.len(), n.min(rows.len())).into_vec();
            drawn.sort_unstable();
            chosen.extend(drawn.into_iter().map(|i| rows[i]));
        }
        Ok(self.select(&chosen))
    }

    /// Replaces the images by others, or by vectors computed from them, with the same labels.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_images(
        &self,
        images: impl Into<ArcArray2<u8>>,
        image_shape: [usize; 2],
    ) -> Result<Self, Error> {
        Self::new(images, image_shape, self.labels.clone(), self.classes.clone())
    }

    /// The given rows, in the given order.
    ///
    /// # Panics
    /// If a row is out of range, or none is given.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        assert!(!rows.is_empty(), "a data set has at least one image");
        Self {
            images: self.images.select(Axis(0), rows).into_shared(),
            image_shape: self.image_shape,
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            classes: self.classes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn dataset() -> Dataset {
        let images = array![[1_u8, 1], [2, 2], [3, 3], [4, 4], [5, 5]];
        Dataset::new(images, [1, 2], vec![1, 0, 1, 1, 0], vec!["a".into(), "b".into(), "none".into()])
            .unwrap()
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let classes = || vec!["a".to_owned()];
        for (rows, shape, labels, expected) in [
            (array![[1_u8, 2]], [2, 2], vec![0], "expected 2 x 2 pixels in a row, found 2"),
            (array![[1, 2]], [1, 2], vec![0, 0], "expected a label for each of 1 images, found 2"),
            (array![[1, 2]], [1, 2], vec![3], "expected a label below 1 (the number of classes), found 3"),
            (Array2::zeros((0, 2)), [1, 2], vec![], "expected at least one image"),
            (Array2::zeros((1, 0)), [0, 5], vec![0], "expected at least one image"),
        ] {
            let error = Dataset::new(rows, shape, labels, classes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn transposed_arrays_are_put_in_order() {
        let images = array![[1_u8, 3], [2, 4]].reversed_axes();
        let data = Dataset::new(images, [1, 2], vec![0, 0], vec!["a".into()]).unwrap();
        assert_eq!(data.images().as_slice(), Some(&[1, 2, 3, 4][..]));
    }

    #[test]
    fn samples_hold_distinct_images_of_each_class() {
        let sample = dataset().sample_per_class(2, 7).unwrap();
        assert_eq!(sample.labels(), [0, 0, 1, 1]);
        assert_eq!(sample, dataset().sample_per_class(2, 7).unwrap());
        assert_eq!(sample.images().row(0), array![2, 2]);
        assert_eq!(sample.images().row(1), array![5, 5]);
        assert_ne!(sample.images().row(2), sample.images().row(3));
        assert!(matches!(dataset().sample_per_class(3, 7), Err(Error::ClassTooSmall { found: 2, .. })));
        assert!(matches!(dataset().sample_per_class(0, 7), Err(Error::Inconsistent(_))));
    }
}
