//! From images to images: digits are deskewed, centred, and scaled to one size, before features are computed.
//!
//! Slant and position vary between writers but carry no meaning. They are removed by moments of the ink, which is the
//! largest single step from raw pixels to good neighbours.
//!
//! Pictures of any size, in which ink must first be separated from paper, are turned into images by a [`Framer`]. It
//! decides whether and how a [`Frame`] is used.

mod deskew;
mod frame;
mod framing;

pub use deskew::Deskew;
pub use framing::{Framer, Framing};

// Models implement `Judge`; programs get it from `Model::judge` and need not name it. A `Framer` decides whether and how a
// `Frame` is used, so that only the Python package and tests need one of their own.
#[doc(hidden)]
pub use {frame::Frame, framing::Judge};

pub(crate) use deskew::Framed as FramedDeskew;
pub(crate) use frame::{mean_stroke_width, narrowed, resize, widened};
