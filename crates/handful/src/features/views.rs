//! The inputs of features: deskewed images, and their gradients.

use ndarray::{Array2, ArrayView2};

use super::{Dictionary, FramedGradients, Gradients};
use crate::{
    preprocess::{Deskew, FramedDeskew},
    progress::{Cancelled, Tally},
    step::transform_observed,
};

/// Images, and everything computed from them on request: each result is computed once, however many features share it.
pub(super) struct Views<'a> {
    images: ArrayView2<'a, u8>,
    shape: [usize; 2],
    upright: Vec<(Deskew, Array2<u8>)>,
    cells: Vec<(Option<Deskew>, Gradients, Array2<u8>)>,
    /// A dictionary whose squared distances to the nearest atom are requested in addition to its output.
    watched: Option<&'a Dictionary>,
    pub(super) nearest: Option<Vec<i32>>,
}

impl<'a> Views<'a> {
    pub(super) fn new(images: ArrayView2<'a, u8>, shape: [usize; 2]) -> Self {
        Self { images, shape, upright: Vec::new(), cells: Vec::new(), watched: None, nearest: None }
    }

    /// Also requests the distance of each image to the nearest atom of a dictionary.
    pub(super) fn watching(self, dictionary: Option<&'a Dictionary>) -> Self {
        Self { watched: dictionary, ..self }
    }

    pub(super) fn is_watched(&self, dictionary: &Dictionary) -> bool {
        self.watched.is_some_and(|watched| std::ptr::eq(watched, dictionary))
    }

    /// Number of images.
    pub(super) fn n_images(&self) -> usize {
        self.images.nrows()
    }

    /// The images, deskewed if requested.
    pub(super) fn upright(&mut self, deskew: Option<Deskew>) -> ArrayView2<'_, u8> {
        self.upright_observed(deskew, &Tally::silent()).expect("nobody cancels")
    }

    /// The gradients of images, which are deskewed first if requested.
    pub(super) fn cells(&mut self, deskew: Option<Deskew>, gradients: Gradients) -> ArrayView2<'_, u8> {
        self.cells_observed(deskew, gradients, &Tally::silent()).expect("nobody cancels")
    }

    fn upright_observed(
        &mut self,
        deskew: Option<Deskew>,
        tally: &Tally,
    ) -> Result<ArrayView2<'_, u8>, Cancelled> {
        let Some(deskew) = deskew else { return Ok(self.images) };
        let known = self.upright.iter().position(|&(known, _)| known == deskew);
        let place = known.unwrap_or(self.upright.len());
        if known.is_none() {
            let framed = FramedDeskew { deskew, shape: self.shape };
            self.upright.push((deskew, transform_observed(&framed, self.images, &|_| tally.ask())?));
        }
        Ok(self.upright[place].1.view())
    }

    /// [`cells`](Self::cells) that asks the observer after each batch.
    pub(super) fn cells_observed(
        &mut self,
        deskew: Option<Deskew>,
        gradients: Gradients,
        tally: &Tally,
    ) -> Result<ArrayView2<'_, u8>, Cancelled> {
        let known = self.cells.iter().position(|known| (known.0, known.1) == (deskew, gradients));
        let place = known.unwrap_or(self.cells.len());
        if known.is_none() {
            let framed = FramedGradients { gradients, shape: self.shape };
            let upright = self.upright_observed(deskew, tally)?;
            let cells = transform_observed(&framed, upright, &|_| tally.ask())?;
            self.cells.push((deskew, gradients, cells));
        }
        Ok(self.cells[place].2.view())
    }
}
