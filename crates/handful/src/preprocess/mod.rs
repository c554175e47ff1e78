//! Image to image: digits put upright, in the middle, and to one size, before features are taken.
//!
//! What varies between writers and means nothing, slant and place, is taken out by moments of the ink: it is the
//! largest single step from raw pixels to good neighbours.
//!
//! Pictures of any size, in which ink has to be told from paper first, become images by a [`Framer`], which decides
//! whether and how a [`Frame`] is used.

mod deskew;
mod frame;
mod framing;

pub use deskew::Deskew;
pub use frame::Frame;
pub use framing::{Framer, Framing, Judge};

pub(crate) use deskew::Framed as FramedDeskew;
