/// An error in a deformation's parameters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter that is NaN, or outside the range in which anything of an image is left.
    #[error("{name} is {found}: expected a number from {least} to {most}")]
    Range {
        /// The parameter.
        name: &'static str,
        /// Its minimum.
        least: f64,
        /// Its maximum.
        most: f64,
        /// The value given.
        found: f64,
    },
    /// A digit without a style.
    #[error("expected at least one style for each digit, found none for {digit}")]
    NoStyle {
        /// The digit.
        digit: u8,
    },
}
