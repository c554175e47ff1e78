//! When a picture stays as it is, and when its ink is put into the frame.

use ndarray::ArrayView2;

use super::Frame;

/// Whether a picture may stay as it is: it has the frame's size, and its ink is light on dark.
fn is_framed(picture: ArrayView2<u8>, shape: [usize; 2]) -> bool {
    let (height, width) = picture.dim();
    let at_the_edge = |(y, x): (usize, usize)| y == 0 || x == 0 || y + 1 == height || x + 1 == width;
    let edge = || picture.indexed_iter().filter(|(place, _)| at_the_edge(*place));
    let light = edge().filter(|(_, value)| **value >= 128).count();
    [height, width] == shape && 2 * light < edge().count()
}

/// How pictures become rows of one shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// A picture of the right size whose ink is light on dark stays as it is; of any other the ink is put into the
    /// frame.
    #[default]
    Auto,
    /// The ink of every picture is put into the frame: see [`Frame`].
    Always,
    /// Every picture stays as it is, and has to have the right size.
    Never,
}

impl Framing {
    /// A picture's pixels, row by row; none if its size is wrong and it has to stay as it is.
    #[must_use]
    pub fn apply(self, picture: ArrayView2<u8>, shape: [usize; 2]) -> Option<Vec<u8>> {
        let has_shape = picture.dim() == (shape[0], shape[1]);
        match self {
            Self::Never if !has_shape => None,
            Self::Auto if !is_framed(picture, shape) => {
                Some(Frame::new(shape).fit(picture).into_raw_vec_and_offset().0)
            }
            Self::Always => Some(Frame::new(shape).fit(picture).into_raw_vec_and_offset().0),
            _ => Some(picture.iter().copied().collect()),
        }
    }
}
