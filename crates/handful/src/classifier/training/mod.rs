//! Fits recipes, calibrates them, and says which alternatives the presets were chosen from.

mod calibrate;
mod candidates;
mod few;
mod fit;
mod held_out;
mod on_disk;
mod validation;

pub use fit::ObservedParams;

// `handful select` chooses presets with these.
#[doc(hidden)]
pub use {
    candidates::Candidate,
    held_out::{HeldOut, IMAGES},
    validation::{Validation, folds, hold_out},
};
