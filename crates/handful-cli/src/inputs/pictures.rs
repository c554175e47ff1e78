//! Decodes and frames pictures, several at a time.

use std::{path::Path, sync::Arc, sync::mpsc::SyncSender};

use handful::{
    dataset::{self, ReadOptions, decode_pages},
    preprocess::Framer,
};
use ndarray::Array2;
use rayon::prelude::*;

use super::{Batch, Failure, Place, Stop};

/// A picture that has not been decoded.
pub(super) struct Raw {
    pub(super) source: Arc<str>,
    /// Its number in the source, if this may have several.
    pub(super) number: Option<usize>,
    pub(super) bytes: anyhow::Result<Vec<u8>>,
}

/// Turns pictures into images of the model's shape.
pub(super) struct Pictures {
    framer: Framer,
    shape: [usize; 2],
}

impl Pictures {
    pub(super) fn new(options: &ReadOptions) -> Self {
        let shape = options.image_shape.expect("the shape of the model's images");
        Self { framer: options.framer(shape), shape }
    }

    /// Sends the images of some pictures together. Each is read when it is decoded, so that few are in memory at a time.
    pub(super) fn send<T: Send>(
        &self,
        pictures: Vec<T>,
        read: impl Fn(T) -> Raw + Sync,
        to: &SyncSender<Option<Batch>>,
    ) -> Result<(), Stop> {
        let (mut pixels, mut places, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        let look = |picture| self.look_at(read(picture));
        for found in pictures.into_par_iter().map(look).collect::<Vec<_>>() {
            match found {
                Ok(images) => {
                    for (image, place) in images {
                        pixels.extend(image);
                        places.push(place);
                    }
                }
                Err(failure) => failures.push(failure),
            }
        }
        let shape = (places.len(), self.shape[0] * self.shape[1]);
        let images = Array2::from_shape_vec(shape, pixels).expect("images of one shape");
        to.send(Some(Batch { images, places, failures })).map_err(|_| Stop::Gone)
    }

    /// The images of a picture, of which only TIFF files have several.
    fn look_at(&self, Raw { source, number, bytes }: Raw) -> Result<Vec<(Array2<u8>, Place)>, Failure> {
        let place = |page: usize, n_digits| Place {
            source: Arc::clone(&source),
            index: number.unwrap_or(0) + page,
            is_numbered: number.is_some(),
            n_digits,
        };
        let failure = |error: anyhow::Error| Failure { place: place(0, 0), error };
        let pages = decode_pages(Path::new(&*source), bytes.map_err(failure)?);
        let frame = |(page, picture): (usize, Result<Array2<u8>, dataset::Error>)| {
            let picture = picture?;
            let framed = self.framer.frame_counted(picture.view());
            let (image, n_digits) = framed.ok_or_else(|| dataset::Error::ShapeMismatch {
                path: Path::new(&*source).to_owned(),
                expected: self.shape,
                found: picture.dim().into(),
            })?;
            Ok::<_, dataset::Error>((image, place(page, n_digits)))
        };
        let found: Result<Vec<_>, _> = pages.enumerate().map(frame).collect();
        let mut found = found.map_err(|error| failure(error.into()))?;
        let has_pages = found.len() > 1;
        for (_, place) in &mut found {
            place.is_numbered |= has_pages;
        }
        Ok(found)
    }
}
