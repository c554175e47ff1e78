//! Parameters of image deformation.

use super::{Distortions, Error, error::check_range};

/// Limits of image deformation; lengths are relative to an image's height and width, whatever its size.
///
/// The defaults keep digits legible, and their labels correct. They were chosen on MNIST's training images only, by the
/// errors of a nearest-neighbour classifier among deformed digits.
///
/// ```
/// use handful::{Dataset, augment::Augmenter};
/// use ndarray::{array, s};
///
/// let images = array![[0_u8, 9, 0, 0, 9, 0, 0, 9, 0], [0, 0, 0, 9, 9, 9, 0, 0, 0]];
/// let data = Dataset::new(images, [3, 3], vec![1, 0], vec!["lying".into(), "standing".into()])?;
/// let augmented = Augmenter { rotation: 5.0, ..Augmenter::default() }.augment(&data, 0)?;
///
/// let many = augmented.rows(0..1000)?;
/// assert_eq!(many.class_counts(), [500, 500]);
/// assert_eq!(many.images().slice(s![..2, ..]), data.images());
/// assert_eq!(augmented.rows(700..701)?.images().row(0), many.images().row(700));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmenter {
    /// Maximum rotation to either side in degrees, 0 to 180.
    pub rotation: f64,
    /// Maximum change of height and width, which are scaled independently: 0.1 means 0.9 to 1.1 times; 0 to 0.9.
    pub scale: f64,
    /// Maximum slant to either side, in columns per row, 0 to 2.
    pub shear: f64,
    /// Maximum translation in each direction, 0 to 1.
    pub translation: f64,
    /// Standard deviation of the displacement of a pixel in each direction by elastic deformation, 0 to 1.
    pub elastic: f64,
    /// Distance over which the elastic displacement changes: the standard deviation of the Gaussian that smooths it,
    /// 0.02 to 1.
    pub smoothness: f64,
    /// Makes deformed images look as if they came from other sources. They are framed afterwards.
    pub distortions: Option<Distortions>,
}

impl Default for Augmenter {
    fn default() -> Self {
        Self {
            rotation: 10.0,
            scale: 0.15,
            shear: 0.25,
            translation: 0.03,
            elastic: 0.015,
            smoothness: 0.12,
            distortions: None,
        }
    }
}

impl Augmenter {
    /// Checks that each parameter is in its range.
    ///
    /// # Errors
    /// [`Error::Range`] if one is not.
    pub fn check(&self) -> Result<(), Error> {
        for (name, found, range) in [
            ("rotation", self.rotation, 0.0..=180.0),
            ("scale", self.scale, 0.0..=0.9),
            ("shear", self.shear, 0.0..=2.0),
            ("translation", self.translation, 0.0..=1.0),
            ("elastic", self.elastic, 0.0..=1.0),
            ("smoothness", self.smoothness, 0.02..=1.0),
        ] {
            check_range(name, found, range)?;
        }
        self.distortions.map_or(Ok(()), |distortions| distortions.check())
    }
}
