//! Pictures of prototypes: the training images nearest to them.

use std::path::Path;

use handful::{
    Dataset,
    classifier::Model,
    dataset::{self, ReadOptions, Split},
    model_file::Provenance,
};

use crate::console::Console;

/// Pictures of a model's prototypes.
pub(crate) enum Pictures<'a> {
    /// Pictures that are stored in the model.
    Kept(&'a Model),
    /// Pictures from the training images.
    Found(&'a Model, Dataset),
}

impl<'a> Pictures<'a> {
    /// `None` if the model contains no pictures, and its training images are neither in `data` nor, without `data`, among
    /// the default folders of MNIST.
    pub(crate) fn find(
        model: &'a Model,
        data: Option<(&Path, &ReadOptions)>,
        console: &Console,
    ) -> Option<Self> {
        if model.pictures().is_some() {
            return Some(Self::Kept(model));
        }
        let (path, reading) = match data {
            Some((path, reading)) => (path.to_owned(), reading.clone()),
            None => (dataset::locate().ok()?, ReadOptions::default()),
        };
        let train = dataset::load_split(&path, Split::Train, &reading).ok()?;
        let is_it = Provenance::of(&train).sha256 == model.provenance().sha256;
        console.detail(&format!(
            "{}: {} the images that the model was trained on",
            path.display(),
            if is_it { "these are" } else { "these are not" }
        ));
        // A model file may name images that were never made, and those that it was taught are elsewhere.
        let is_it = is_it && model.provenance().n_taught == 0;
        let largest = model.medoids().iter().max().map(|&medoid| medoid as usize);
        let is_made = |largest| model.training_images(&train, &[largest]).is_ok();
        (is_it && largest.is_some_and(is_made)).then_some(Self::Found(model, train))
    }

    /// The pixels of a prototype's picture.
    pub(crate) fn of(&self, prototype: usize) -> Vec<u8> {
        match self {
            Self::Kept(model) => model.pictures().expect("it has pictures").row(prototype).to_vec(),
            Self::Found(model, train) => {
                let medoid = model.medoids()[prototype] as usize;
                let image = model.training_images(train, &[medoid]).expect("made when the model was trained");
                image.row(0).to_vec()
            }
        }
    }
}
