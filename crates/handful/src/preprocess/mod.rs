//! Image to image: digits put upright, in the middle, and to one size, before features are taken.
//!
//! What varies between writers and means nothing, slant and place, is taken out by moments of the ink: it is the
//! largest single step from raw pixels to good neighbours.

mod deskew;

pub use deskew::Deskew;

pub(crate) use deskew::Framed as FramedDeskew;
