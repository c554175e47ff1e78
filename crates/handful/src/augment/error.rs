/// What can be wrong with a deformation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter that is no number, or too large or small to leave anything of an image.
    #[error("{name} is {found}: expected a number from {least} to {most}")]
    Range {
        /// The parameter.
        name: &'static str,
        /// The least that it may be.
        least: f64,
        /// The most that it may be.
        most: f64,
        /// The value given.
        found: f64,
    },
}
