//! What features are made of: images upright, and their gradients.

use ndarray::{Array2, ArrayView2};

use super::{FramedGradients, Gradients, transform};
use crate::preprocess::{Deskew, FramedDeskew};

/// Images, and all that was asked for of them: each is made once, however many features share it.
pub(super) struct Views<'a> {
    images: ArrayView2<'a, u8>,
    shape: [usize; 2],
    upright: Vec<(Deskew, Array2<u8>)>,
    cells: Vec<(Option<Deskew>, Gradients, Array2<u8>)>,
}

impl<'a> Views<'a> {
    pub(super) fn new(images: ArrayView2<'a, u8>, shape: [usize; 2]) -> Self {
        Self { images, shape, upright: Vec::new(), cells: Vec::new() }
    }

    /// How many images there are.
    pub(super) fn n_images(&self) -> usize {
        self.images.nrows()
    }

    /// The images, put upright if so wanted.
    pub(super) fn upright(&mut self, deskew: Option<Deskew>) -> ArrayView2<'_, u8> {
        let Some(deskew) = deskew else { return self.images };
        let known = self.upright.iter().position(|&(known, _)| known == deskew);
        let place = known.unwrap_or_else(|| {
            let framed = FramedDeskew { deskew, shape: self.shape };
            self.upright.push((deskew, transform(&framed, self.images)));
            self.upright.len() - 1
        });
        self.upright[place].1.view()
    }

    /// The gradients of images, put upright first if so wanted.
    pub(super) fn cells(&mut self, deskew: Option<Deskew>, gradients: Gradients) -> ArrayView2<'_, u8> {
        let known = self.cells.iter().position(|known| (known.0, known.1) == (deskew, gradients));
        let place = known.unwrap_or_else(|| {
            let framed = FramedGradients { gradients, shape: self.shape };
            let cells = transform(&framed, self.upright(deskew));
            self.cells.push((deskew, gradients, cells));
            self.cells.len() - 1
        });
        self.cells[place].2.view()
    }
}
