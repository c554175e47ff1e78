//! Finds the digit in pictures of any size and on any paper, and makes it look like the images of MNIST.
//!
//! MNIST's digits were scaled into a box of 20 x 20 pixels, antialiased, and put into a frame of 28 x 28 with their
//! centre of mass in its middle (`LeCun` et al. 1998). Before that, ink must be separated from paper, and the digit
//! from other ink:
//!
//! ```text
//! picture ──► groups, paper ──► ink ──► lines, blots ──► looks ──► place ──► frames, the most plausible first
//! ```

mod blots;
mod groups;
mod ink;
mod lines;
mod looks;
mod paper;
mod place;
mod region;
mod repair;
mod resize;
mod stroke;

use ndarray::{Array2, ArrayView2};

use blots::{Blots, EDGE};
use looks::WORKING_SIDE;
pub(super) use looks::{Look, looks};
use region::Region;
use resize::reduced_shape;
pub(crate) use resize::resize;
pub(crate) use stroke::{mean_width as mean_stroke_width, narrowed, widened};

/// Side of the box relative to that of the frame.
pub(super) const BOX: f64 = 20.0 / 28.0;
/// Number of looks that are varied if none is a digit.
const VARIED: usize = 2;
/// Doubt about looking again at only the part of the picture that contains ink.
const DOUBT_AGAIN: f32 = 1.0;
/// A part larger than this share of the picture is not examined again.
const PART: f64 = 0.95;
/// Doubt about a picture from which thin lines, specks or the ground were removed, and what is thin, in pixels of the
/// image.
const DOUBT_REPAIRED: f32 = 1.0;
const THIN: f64 = 1.4;
/// What is left then must extend over at least this share of the picture's longer side, in at most this many pieces.
const LEAST_WHOLE: f64 = 0.55;
const MOST_PIECES: usize = 3;
/// A digit has at least this share of the ink when thin lines are removed; of a scribble only the crossings are left.
const LEAST_INK: f32 = 0.3;
/// Doubt about strokes of another width.
const DOUBT_WIDTH: f32 = 0.5;
/// Doubt about a picture that is all ink, and how slim it must be for that.
const DOUBT_ALL_INK: f32 = 3.0;
const SLIM: f64 = 2.5;
/// A part of a picture that is a digit of its own is at least this long, compared with the longest. More parts than this
/// are texture.
const LEAST_PART: f64 = 0.5;
const MOST_PARTS: usize = 40;

/// Puts a picture's ink into a frame like MNIST's digits: light on dark, in a box of 5/7 of the frame's sides, centred
/// by mass.
///
/// ```
/// use handful::preprocess::Frame;
/// use ndarray::Array2;
///
/// // A black bar on grey paper, in the corner of a picture.
/// let picture = Array2::from_shape_fn((90, 120), |(y, x)| if x < 60 && y < 12 { 10 } else { 180 });
/// let image = Frame::new([28, 28]).fit(picture.view());
/// assert_eq!(image.dim(), (28, 28));
/// assert_eq!((image[[14, 14]], image[[14, 2]], image[[24, 14]]), (255, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    shape: [usize; 2],
}

/// One way to frame a picture.
pub(super) struct Candidate {
    /// Shape (height, width).
    pub(super) image: Array2<u8>,
    /// Evidence against it, in natural logarithms of odds.
    pub(super) doubt: f32,
}

impl Frame {
    /// For frames of `[height, width]` pixels.
    #[must_use]
    pub fn new(shape: [usize; 2]) -> Self {
        Self { shape }
    }

    /// The picture's ink in the frame, shape (height, width); blank if there is none. `picture` is grey, 255 is white;
    /// whether the ink is dark or light is detected.
    ///
    /// Takes time proportional to the number of pixels of the picture.
    #[must_use]
    pub fn fit(&self, picture: ArrayView2<u8>) -> Array2<u8> {
        let seen = looks(picture);
        seen.first().map_or_else(|| Array2::zeros(self.shape), |look| self.candidate(look, picture).image)
    }

    /// The plausible ways to frame a picture of which `seen` are the [`looks()`], the most plausible first; none if there is
    /// no ink.
    pub(super) fn candidates(&self, seen: &[Look], picture: ArrayView2<u8>) -> Vec<Candidate> {
        seen.iter().map(|look| self.candidate(look, picture)).collect()
    }

    fn candidate(&self, look: &Look, picture: ArrayView2<u8>) -> Candidate {
        let nearer = look.nearer(picture);
        let look = nearer.as_ref().unwrap_or(look);
        Candidate { image: self.draw(look.ink.view(), look.region), doubt: look.doubt }
    }

    /// Less plausible ways, for a picture of which no [candidate](Self::candidates) is a digit: what is seen in only
    /// the part of the picture that contains ink, strokes of another width, the picture without thin lines, specks or its
    /// ground, and a slim picture that is all ink.
    pub(super) fn variations(&self, seen: &[Look], picture: ArrayView2<u8>) -> Vec<Candidate> {
        let mut found = Vec::new();
        let shape = [picture.nrows(), picture.ncols()];
        if let Some(look) = seen.first()
            && shape[0].max(shape[1]) as f64 >= SLIM * shape[0].min(shape[1]) as f64
        {
            let shape = reduced_shape(shape, WORKING_SIDE);
            let image = self.draw(Array2::ones(shape).view(), Region::whole(shape));
            found.push(Candidate { image, doubt: look.doubt + DOUBT_ALL_INK });
        }
        for look in seen.iter().take(VARIED) {
            found.extend(self.seen_again(look, picture));
            let nearer = look.nearer(picture);
            let look = nearer.as_ref().unwrap_or(look);
            found.extend(self.of_other_width(look));
            found.extend(self.without_thin_lines(look));
        }
        for repaired in [repair::flattened(picture), repair::despeckled(picture, WORKING_SIDE)] {
            let looks = looks(repaired.view()).into_iter().take(VARIED);
            found.extend(looks.filter(|look| is_whole(look.ink.view(), look.region)).map(|look| {
                let doubt = look.doubt + DOUBT_REPAIRED;
                Candidate { doubt, ..self.candidate(&look, repaired.view()) }
            }));
        }
        found
    }

    /// The parts of a picture that lie apart and may each be a digit, each alone in a frame, from left to right, and last
    /// all of them in one frame; empty if there are fewer than two.
    pub(super) fn parts(&self, seen: &[Look], picture: ArrayView2<u8>) -> Vec<Array2<u8>> {
        let Some(look) = seen.first() else { return Vec::new() };
        let nearer = look.nearer(picture);
        let look = nearer.as_ref().unwrap_or(look);
        let blots = Blots::find(&look.ink);
        let groups = blots.apart(&blots.all());
        let side = |group: &Vec<bool>| blots.region(group).longer_side() as f64;
        let largest = groups.iter().map(side).fold(0.0, f64::max);
        let groups: Vec<_> = groups.into_iter().filter(|group| side(group) >= LEAST_PART * largest).collect();
        if !(2..=MOST_PARTS).contains(&groups.len()) {
            return Vec::new();
        }
        let all = (0..groups[0].len()).map(|blot| groups.iter().any(|group| group[blot])).collect();
        let draw = |group: &Vec<bool>| self.draw(blots.keep(group, &look.ink).view(), blots.region(group));
        groups.iter().chain([&all]).map(draw).collect()
    }

    fn without_thin_lines(&self, look: &Look) -> Option<Candidate> {
        let around = look.region.with_margin(0.1, [look.ink.nrows(), look.ink.ncols()]);
        let ink = look.ink.slice(around.slice());
        let pixel = look.region.longer_side() as f64 / (BOX * self.shape[0].max(self.shape[1]) as f64);
        let all = ink.sum();
        let (ink, factor) = repair::opened(ink, THIN * pixel);
        if ink.sum() < LEAST_INK * all * (factor * factor) as f32 {
            return None;
        }
        let blots = Blots::find(&ink);
        let region = blots.region(&blots.all());
        let ink = blots.keep(&blots.all(), &ink);
        let candidate =
            || Candidate { image: self.draw(ink.view(), region), doubt: look.doubt + DOUBT_REPAIRED };
        is_whole(ink.view(), region).then(candidate)
    }

    fn seen_again(&self, look: &Look, picture: ArrayView2<u8>) -> Vec<Candidate> {
        let part = picture.slice(look.place.slice());
        if part.len() as f64 > PART * picture.len() as f64 {
            return Vec::new();
        }
        let candidate = |inner: Look| {
            let doubt = look.doubt + inner.doubt + DOUBT_AGAIN;
            Candidate { doubt, ..self.candidate(&inner, part) }
        };
        looks(part).into_iter().map(candidate).collect()
    }

    /// With strokes as wide as those of MNIST, which are 2 to 4 pixels wide.
    fn of_other_width(&self, look: &Look) -> Vec<Candidate> {
        let around = look.region.with_margin(0.1, [look.ink.nrows(), look.ink.ncols()]);
        let ink = look.ink.slice(around.slice());
        let pixel = look.region.longer_side() as f64 / (BOX * self.shape[0].max(self.shape[1]) as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
        let radius = |pixels: f64| (pixels * pixel).round() as usize;
        let width = stroke::mean_width(ink) / pixel;
        let mut varied = Vec::new();
        if width < 2.2 && radius(0.5) > 0 {
            varied.push((stroke::widened(ink, radius(0.5)), 0));
        }
        for (less, from) in [(1.0, 4.0), (2.0, 6.0)] {
            if width > from && radius(less) > 0 {
                varied.push((stroke::narrowed(ink, radius(less)), radius(less)));
            }
        }
        let candidate = |(ink, radius): (Array2<f32>, usize)| {
            let region = Region::of(ink.view(), EDGE);
            // Narrowing may shorten a digit only at its ends.
            let is_whole = region.longer_side() + 3 * radius > look.region.longer_side();
            (!region.is_empty() && is_whole)
                .then(|| Candidate { image: self.draw(ink.view(), region), doubt: look.doubt + DOUBT_WIDTH })
        };
        varied.into_iter().filter_map(candidate).collect()
    }
}

/// Whether ink that is left after something was removed can be a digit: it extends over most of the picture, in few
/// pieces. What is left of noise does not.
fn is_whole(ink: ArrayView2<f32>, region: Region) -> bool {
    let n_pieces = Blots::find(&ink.to_owned()).all().iter().filter(|is_piece| **is_piece).count();
    (1..=MOST_PIECES).contains(&n_pieces)
        && region.longer_side() as f64 >= LEAST_WHOLE * ink.nrows().max(ink.ncols()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thick L, 20 pixels high and 12 wide, at the given position.
    fn picture([height, width]: [usize; 2], [top, left]: [usize; 2], paper: u8, ink: u8) -> Array2<u8> {
        Array2::from_shape_fn((height, width), |(y, x)| {
            let (y, x) = (y.wrapping_sub(top), x.wrapping_sub(left));
            let is_ink = y < 20 && x < 12 && (x < 4 || y >= 16);
            if is_ink { ink } else { paper }
        })
    }

    #[test]
    fn an_image_in_its_frame_stays_as_it_is() {
        let framed = Frame::new([28, 28]).fit(picture([28, 28], [3, 11], 0, 255).view());
        assert_eq!(Frame::new([28, 28]).fit(framed.view()), framed);
        assert_eq!(framed.iter().filter(|&&value| value == 255).count(), 4 * 20 + 4 * 8);
    }

    #[test]
    fn place_and_paper_make_no_difference() {
        let expected = Frame::new([28, 28]).fit(picture([28, 28], [3, 11], 0, 255).view());
        for (shape, place, paper, ink) in [
            ([28, 28], [8, 16], 0, 255),
            ([60, 90], [2, 70], 255, 0),
            ([40, 40], [20, 0], 120, 30),
            ([40, 40], [0, 28], 40, 200),
        ] {
            let found = Frame::new([28, 28]).fit(picture(shape, place, paper, ink).view());
            assert_eq!(found, expected, "{shape:?}, {place:?}");
        }
    }

    #[test]
    fn specks_and_light_make_none_either() {
        let expected = Frame::new([28, 28]).fit(picture([28, 28], [3, 11], 0, 255).view());
        let mut lit = picture([64, 64], [10, 20], 0, 255);
        for ((y, x), value) in lit.indexed_iter_mut() {
            *value = 230 - (y + x) as u8 - *value / 3;
        }
        lit[[60, 60]] = 20;
        lit[[50, 3]] = 20;
        let found = Frame::new([28, 28]).fit(lit.view());
        let far = found.iter().zip(&expected).filter(|(a, b)| a.abs_diff(**b) > 40).count();
        assert!(far < 8, "{far} pixels differ");
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        for shape in [(1, 1), (1, 50), (28, 28), (300, 200), (0, 5), (0, 0)] {
            for value in [0, 128, 255] {
                let blank = Frame::new([28, 28]).fit(Array2::from_elem(shape, value).view());
                assert_eq!(blank.sum(), 0, "{shape:?}");
            }
        }
        let dot = Array2::from_shape_fn((5, 5), |place| if place == (2, 2) { 255 } else { 0 });
        assert!(Frame::new([28, 28]).fit(dot.view()).iter().any(|&value| value == 255));
    }
}
