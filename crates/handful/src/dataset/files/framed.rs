//! Puts images into the frame as they are read.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{
    ReadOptions,
    formats::{Batch, REPORTED, Rows},
    options::FRAME,
};
use crate::{
    dataset::Error,
    preprocess::{Framer, Framing},
};

/// Puts images into the frame if the options ask for it. Pictures, which may have any size, are framed unless they are
/// to stay as they are; other images only if all are to be framed, or if they are for a model that was trained on framed
/// images.
pub(super) fn applied(rows: Box<dyn Rows>, is_picture: bool, options: &ReadOptions) -> Box<dyn Rows> {
    let shape = match (options.framing, options.image_shape) {
        (Framing::Always, shape) => shape.unwrap_or(FRAME),
        (Framing::Auto, Some(shape))
            if is_picture || options.judge.as_ref().is_some_and(|judge| judge.frames_data()) =>
        {
            shape
        }
        _ => return rows,
    };
    Box::new(FramedRows { rows, shape, framer: options.framer(shape) })
}

struct FramedRows {
    rows: Box<dyn Rows>,
    shape: [usize; 2],
    framer: Framer,
}

impl Rows for FramedRows {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let mut left = most;
        while left > 0 {
            // Pages of a file may differ.
            let ([height, width], mut batch) = (self.rows.shape(), Batch::default());
            self.rows.read(left.min(self.at_once()), &mut batch)?;
            let frame = |pixels: &[u8]| {
                let picture = ArrayView2::from_shape((height, width), pixels).expect("rows of this shape");
                self.framer.frame(picture).expect("all are framed, whatever their size")
            };
            let images: Vec<Array2<u8>> = batch.pixels.par_chunks(height * width).map(frame).collect();
            if images.is_empty() {
                break;
            }
            left -= images.len();
            into.pixels.extend(images.into_iter().flatten());
            into.labels.append(&mut batch.labels);
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.rows.size_hint()
    }

    fn at_once(&self) -> usize {
        let [height, width] = self.rows.shape();
        (REPORTED / (height * width).max(1)).clamp(1, self.rows.at_once())
    }
}
