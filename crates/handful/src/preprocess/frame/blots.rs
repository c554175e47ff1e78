//! Connected components of the ink, and which of them belong to the digit.

use ndarray::Array2;

use super::region::Region;

/// Minimum strength of a stroke, and of its soft edge, relative to full strength.
pub(super) const STROKE: f32 = 0.35;
pub(super) const EDGE: f32 = 0.12;
/// A blot with less ink than this, relative to the largest, is a speck,
const SPECK: f32 = 0.06;

/// unless it lies within the digit: a pen that skips leaves pieces of a stroke.
const PIECE: f32 = 0.003;

/// The connected components of a picture's ink. Strokes extend into their soft edges, but do not start there.
pub(super) struct Blots {
    /// For each pixel, the number of its blot, from 1; 0 is paper.
    of_pixel: Array2<u32>,
    /// Blot 0 is paper, and has no ink.
    blots: Vec<Blot>,
}

#[derive(Clone, Copy)]
struct Blot {
    /// The sum of its pixels.
    ink: f32,
    region: Region,
}

impl Blots {
    pub(super) fn find(ink: &Array2<f32>) -> Self {
        let (rows, columns) = ink.dim();
        let mut of_pixel = Array2::from_elem((rows, columns), 0_u32);
        let mut blots = vec![Blot { ink: 0.0, region: Region::EMPTY }];
        let mut stack = Vec::new();
        for start in ndarray::indices((rows, columns)) {
            if of_pixel[start] != 0 || ink[start] < STROKE {
                continue;
            }
            let number = u32::try_from(blots.len()).expect("few pixels");
            let mut blot = Blot { ink: 0.0, region: Region::EMPTY };
            of_pixel[start] = number;
            stack.push(start);
            while let Some((y, x)) = stack.pop() {
                blot.ink += ink[[y, x]];
                blot.region.add((y, x));
                for next in around((y, x), (rows, columns)) {
                    if of_pixel[next] == 0 && ink[next] >= EDGE {
                        of_pixel[next] = number;
                        stack.push(next);
                    }
                }
            }
            blots.push(blot);
        }
        Self { of_pixel, blots }
    }

    /// All blots except those that are specks in comparison with the largest.
    pub(super) fn all(&self) -> Vec<bool> {
        self.without_specks(|_| true)
    }

    /// The blots that do not touch the border of the picture.
    pub(super) fn inner(&self) -> Vec<bool> {
        let (rows, columns) = self.of_pixel.dim();
        self.without_specks(|blot| !blot.region.touches_border([rows, columns]))
    }

    fn without_specks(&self, may_belong: impl Fn(&Blot) -> bool) -> Vec<bool> {
        let inks = self.blots.iter().filter(|blot| may_belong(blot)).map(|blot| blot.ink);
        let largest = inks.fold(0.0, f32::max);
        let has = |blot: &Blot, share: f32| blot.ink > 0.0 && may_belong(blot) && blot.ink >= share * largest;
        let large: Vec<bool> = self.blots.iter().map(|blot| has(blot, SPECK)).collect();
        let digit = self.region(&large).with_margin(0.1, self.of_pixel.dim().into());
        let is_piece = |blot: &Blot| has(blot, PIECE) && digit.contains(&blot.region);
        self.blots.iter().zip(&large).map(|(blot, &large)| large || is_piece(blot)).collect()
    }

    /// The region that contains the chosen blots.
    pub(super) fn region(&self, chosen: &[bool]) -> Region {
        let regions = self.blots.iter().zip(chosen).filter(|(_, chosen)| **chosen);
        regions.fold(Region::EMPTY, |region, (blot, _)| region.union(&blot.region))
    }

    /// The chosen blots in groups whose regions do not overlap. Each group is chosen in one of the results.
    pub(super) fn apart(&self, chosen: &[bool]) -> Vec<Vec<bool>> {
        let mut groups: Vec<(Region, Vec<bool>)> = Vec::new();
        for (number, blot) in self.blots.iter().enumerate().filter(|(number, _)| chosen[*number]) {
            let (mut region, mut members) = (blot.region, vec![false; chosen.len()]);
            members[number] = true;
            // A union may overlap what neither part did.
            while let Some(other) = groups.iter().position(|(other, _)| other.overlaps(&region)) {
                let (other, others) = groups.swap_remove(other);
                region = region.union(&other);
                members.iter_mut().zip(others).for_each(|(member, other)| *member |= other);
            }
            groups.push((region, members));
        }
        groups.sort_by_key(|(region, _)| (region.left, region.top));
        groups.into_iter().map(|(_, members)| members).collect()
    }

    /// The ink of only the chosen blots. Ink that fades out beside a stroke belongs to it.
    pub(super) fn keep(&self, chosen: &[bool], ink: &Array2<f32>) -> Array2<f32> {
        let is_kept = |place: (usize, usize)| chosen[self.of_pixel[place] as usize];
        Array2::from_shape_fn(ink.dim(), |place| {
            let is_near = is_kept(place) || (ink[place] > 0.0 && around(place, ink.dim()).any(is_kept));
            if is_near { ink[place] } else { 0.0 }
        })
    }
}

/// A position and its neighbours.
fn around((y, x): (usize, usize), (rows, columns): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    let beside = move |y: usize| (x.saturating_sub(1)..(x + 2).min(columns)).map(move |x| (y, x));
    (y.saturating_sub(1)..(y + 2).min(rows)).flat_map(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A blot in the middle, one at the border, a speck, and a soft edge beside the first.
    fn ink() -> Array2<f32> {
        let mut ink = Array2::zeros((20, 30));
        ink.slice_mut(ndarray::s![5..15, 10..14]).fill(1.0);
        ink.slice_mut(ndarray::s![5..15, 14]).fill(0.2);
        ink.slice_mut(ndarray::s![0..8, 25..30]).fill(0.8);
        ink[[18, 20]] = 1.0;
        ink
    }

    #[test]
    fn specks_go_and_soft_edges_stay() {
        let (ink, blots) = (ink(), Blots::find(&ink()));
        let kept = blots.keep(&blots.all(), &ink);
        assert_eq!(blots.region(&blots.all()), Region { top: 0, bottom: 15, left: 10, right: 30 });
        assert_eq!((kept[[18, 20]], kept[[7, 14]], kept[[0, 29]]), (0.0, 0.2, 0.8));
    }

    #[test]
    fn blots_at_the_border_can_be_left_out() {
        let (ink, blots) = (ink(), Blots::find(&ink()));
        let inner = blots.inner();
        assert_eq!(blots.region(&inner), Region { top: 5, bottom: 15, left: 10, right: 15 });
        assert!(blots.keep(&inner, &ink).slice(ndarray::s![.., 20..]).iter().all(|&value| value == 0.0));
        let blank = Blots::find(&Array2::zeros((4, 4)));
        assert!(blank.region(&blank.all()).is_empty());
    }
}
