//! Dark ink on light paper, in formats whose images usually have light ink on a dark background.

use super::{
    Invert,
    formats::{Batch, REPORTED, Rows},
};
use crate::dataset::Error;

/// Number of images that are examined before the first is returned.
const SAMPLE: usize = 256;
/// Up to this number of images all must be dark on light; of more, nine in ten.
const FEW: usize = 10;
/// Smaller images are vectors rather than pictures.
const SHORTEST_SIDE: usize = 8;
/// Grey values this close are one shade of paper.
const SHADE: u8 = 32;
/// Minimum difference between paper and ink.
const CONTRAST: u8 = 96;

/// The rows, inverted if necessary, and whether that was inferred.
pub(super) fn applied(mut rows: Box<dyn Rows>, invert: Invert) -> Result<(Box<dyn Rows>, bool), Error> {
    let shape = rows.shape();
    let mut first = Batch::default();
    let is_inverted = match invert {
        Invert::Always => true,
        Invert::Auto if shape.iter().all(|&side| side >= SHORTEST_SIDE) => {
            rows.read((REPORTED / (shape[0] * shape[1])).clamp(1, SAMPLE), &mut first)?;
            is_dark_on_light(&first.pixels, shape)
        }
        Invert::Auto | Invert::Never => return Ok((rows, false)),
    };
    Ok((Box::new(Seen { first, rows, is_inverted }), is_inverted && invert == Invert::Auto))
}

/// Whether almost all of these images are dark on light. Blank images do not count.
fn is_dark_on_light(pixels: &[u8], shape: [usize; 2]) -> bool {
    let images = pixels.chunks_exact(shape[0] * shape[1]);
    let grounds: Vec<bool> = images.filter_map(|image| has_light_ground(image, shape)).collect();
    let n_light = grounds.iter().filter(|&&is_light| is_light).count();
    match grounds.len() {
        0 => false,
        n if n <= FEW => n_light == n,
        n => 10 * n_light >= 9 * n,
    }
}

/// Whether an image has a border of light paper, and much darker ink inside; `None` if it is blank.
fn has_light_ground(image: &[u8], [height, width]: [usize; 2]) -> Option<bool> {
    let (darkest, lightest) = (image.iter().min()?, image.iter().max()?);
    if lightest - darkest < SHADE {
        return None;
    }
    let is_border = |i: &usize| {
        let (y, x) = (i / width, i % width);
        y == 0 || x == 0 || y + 1 == height || x + 1 == width
    };
    let mut border: Vec<u8> = (0..image.len()).filter(is_border).map(|i| image[i]).collect();
    let middle = border.len() / 2;
    let paper = *border.select_nth_unstable(middle).1;
    let n_paper = border.iter().filter(|value| value.abs_diff(paper) <= SHADE).count();
    let is_flat = 4 * n_paper >= 3 * border.len();
    Some(is_flat && paper >= 128 && paper - darkest >= CONTRAST && lightest - paper <= SHADE)
}

/// Rows of which the first were examined.
struct Seen {
    first: Batch,
    rows: Box<dyn Rows>,
    is_inverted: bool,
}

impl Rows for Seen {
    fn shape(&self) -> [usize; 2] {
        self.rows.shape()
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let [height, width] = self.shape();
        let (start, n_seen) = (into.pixels.len(), self.first.pixels.len() / (height * width).max(1));
        let n = most.min(n_seen);
        into.pixels.extend(self.first.pixels.drain(..n * height * width));
        into.labels.extend(self.first.labels.drain(..n.min(self.first.labels.len())));
        if n < most {
            self.rows.read(most - n, into)?;
        }
        if self.is_inverted {
            into.pixels[start..].iter_mut().for_each(|value| *value = !*value);
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        let [height, width] = self.shape();
        self.first.pixels.len() / (height * width).max(1) + self.rows.size_hint()
    }

    fn is_plain(&self) -> bool {
        !self.is_inverted && self.rows.is_plain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 2] = [10, 12];

    /// A grey stroke on paper.
    fn image(paper: u8, ink: u8) -> Vec<u8> {
        (0..120)
            .map(|i| if (3..6).contains(&(i % 12)) && (2..8).contains(&(i / 12)) { ink } else { paper })
            .collect()
    }

    #[test]
    fn dark_ink_on_light_paper_is_told() {
        let all = |images: &[(u8, u8)]| {
            let pixels: Vec<u8> = images.iter().flat_map(|&(paper, ink)| image(paper, ink)).collect();
            is_dark_on_light(&pixels, SHAPE)
        };
        assert!(all(&[(255, 0)]));
        assert!(all(&[(255, 0), (240, 90), (255, 255), (200, 20)]));
        assert!(!all(&[(0, 255)]));
        assert!(!all(&[(255, 0), (0, 255)]));
        assert!(!all(&[(255, 255)]));
        assert!(!all(&[(255, 220)]), "too faint to be sure");
        let mut many = vec![(255, 0); 18];
        many.push((0, 255));
        assert!(all(&many));
        many.push((0, 255));
        assert!(all(&many));
        many.push((0, 255));
        assert!(!all(&many));
    }

    #[test]
    fn a_border_of_many_shades_is_no_paper() {
        let texture: Vec<u8> = (0..120_u32).map(|i| (i * 89 % 256) as u8).collect();
        assert!(!is_dark_on_light(&texture, SHAPE));
    }
}
