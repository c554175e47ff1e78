//! The parts of a data set.

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Images to learn from.
    Train,
    /// Images to be tested on.
    Test,
}
