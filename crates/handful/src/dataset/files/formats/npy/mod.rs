//! NumPy's arrays, `.npy`: images, labels for them, and matrices.

mod array;
mod columns;
mod header;
mod images;
mod matrix;

use super::rows::Rows;
use crate::dataset::{
    Error,
    files::{ReadOptions, input::Input},
};

pub(super) use array::Array;
pub(super) use images::{Images, Labelled};
pub(in crate::dataset::files) use matrix::read_matrix;

pub(super) fn open(input: Input, options: &ReadOptions) -> Result<Box<dyn Rows>, Error> {
    Ok(Box::new(Images::new(Array::new(input.path, input.bytes)?, options.image_shape)?))
}

/// Images from one file, labels from another.
pub(in crate::dataset::files) fn open_pair(images: Input, labels: Input) -> Result<Box<dyn Rows>, Error> {
    let images = Images::new(Array::new(images.path, images.bytes)?, None)?;
    Ok(Box::new(Labelled::new(images, Array::new(labels.path, labels.bytes)?)?))
}
