//! Fits recipes, calibrates them, and says which alternatives the presets were chosen from.

mod calibrate;
mod candidates;
mod few;
mod fit;
mod held_out;
mod on_disk;
mod validation;

// `handful select` chooses presets with these. Programs get `ObservedParams` from `Params::observer` and need not name it.
#[doc(hidden)]
pub use {
    candidates::Candidate,
    fit::ObservedParams,
    held_out::{HeldOut, IMAGES},
    validation::{Validation, folds, hold_out},
};
