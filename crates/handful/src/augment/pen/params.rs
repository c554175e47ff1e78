//! Parameters of the pen.

use crate::augment::{
    Error,
    error::{check_range, decimal},
};

/// Limits of a pen's hand; lengths are relative to a digit's height.
///
/// ```
/// use handful::augment::Pen;
///
/// let digits = Pen::default().digits(0)?;
/// let some = digits.rows(0..100)?;
/// assert_eq!(some.class_counts(), [10; 10]);
/// assert_eq!(digits.rows(40..41)?.images().row(0), some.images().row(40));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    /// Standard deviation of a control point's displacement in each direction, 0 to 0.2.
    pub jitter: f32,
    /// Least and greatest width of a line that is written by hand, 0.01 to 0.5.
    pub width: [f32; 2],
    /// Maximum change of the width along a stroke, relative to it, 0 to 0.9.
    pub pressure: f32,
    /// Maximum change of the ratio of width to height, as an exponent of e, 0 to 1.5.
    pub aspect: f32,
    /// Maximum slant to the right in columns per row, 0 to 2; to the left it is 0.4 times as much.
    pub slant: f32,
    /// Maximum rotation to either side in degrees, 0 to 45.
    pub rotation: f32,
    /// Probability that a stroke begins, or ends, with a hook, 0 to 1.
    pub hooks: f32,
}

impl Default for Pen {
    fn default() -> Self {
        Self {
            jitter: 0.03,
            width: [0.03, 0.14],
            pressure: 0.25,
            aspect: 0.35,
            slant: 0.45,
            rotation: 8.0,
            hooks: 0.12,
        }
    }
}

impl Pen {
    /// Checks that each parameter is in its range.
    ///
    /// # Errors
    /// [`Error::Range`] if one is not.
    pub fn check(&self) -> Result<(), Error> {
        let [thin, thick] = self.width;
        for (name, found, range) in [
            ("jitter", self.jitter, 0.0..=0.2),
            ("the least width", thin, 0.01..=0.5),
            ("the greatest width", thick, decimal(thin)..=0.5),
            ("pressure", self.pressure, 0.0..=0.9),
            ("aspect", self.aspect, 0.0..=1.5),
            ("slant", self.slant, 0.0..=2.0),
            ("rotation", self.rotation, 0.0..=45.0),
            ("hooks", self.hooks, 0.0..=1.0),
        ] {
            check_range(name, decimal(found), range)?;
        }
        Ok(())
    }
}
