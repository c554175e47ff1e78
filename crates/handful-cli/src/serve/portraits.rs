//! The pictures of prototypes in answers.

use std::{path::Path, sync::OnceLock};

use handful::{classifier::Model, dataset::ReadOptions};
use ndarray::Array2;

use crate::{console::Console, picture, pictures::Pictures};

/// Pictures of a model's prototypes, each encoded when it is first shown.
pub(super) struct Portraits {
    /// `None` if there are no pictures.
    pixels: Option<Array2<u8>>,
    shape: [usize; 2],
    encoded: Vec<OnceLock<String>>,
}

impl Portraits {
    pub(super) fn find(model: &Model, data: Option<(&Path, &ReadOptions)>, console: &Console) -> Self {
        let shape = model.image_shape();
        let n = model.prototypes().n_samples();
        let pixels = Pictures::find(model, data, console).map(|pictures| {
            let all = (0..n).flat_map(|prototype| pictures.of(prototype)).collect();
            Array2::from_shape_vec((n, shape[0] * shape[1]), all).expect("images of the model's shape")
        });
        Self { pixels, shape, encoded: vec![OnceLock::new(); n] }
    }

    pub(super) fn of(&self, prototype: usize) -> Option<&str> {
        let pixels = self.pixels.as_ref()?.row(prototype);
        let encode = || picture::grey(pixels.as_slice().expect("rows are contiguous"), self.shape);
        Some(self.encoded[prototype].get_or_init(encode))
    }
}
