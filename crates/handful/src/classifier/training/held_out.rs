//! What a recipe learns from, and unseen images of every source that it is meant for.
//!
//! A recipe that draws and distorts digits must not be validated on what it has drawn and distorted. In each fold it
//! therefore learns without a third of the pen's styles and without some distortions, and is validated on these styles
//! and on all distortions.

use std::{collections::HashSet, ops::Range};

use super::hold_out;
use crate::{
    Dataset,
    augment::{Distortions, Everyday, Pen},
    classifier::{Error, Params},
};

/// The source of the images of the fold itself.
pub const IMAGES: &str = "images";
/// Number of folds after which the same styles and distortions are left out again.
const TURNS: usize = 3;

/// Training images without those of a fold, and unseen images.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// The recipe, which takes the training images as they are.
    pub params: Params,
    /// The training images, with those that the recipe adds.
    pub rest: Dataset,
    /// Unseen images of each source, with its name. The images of the fold are the first.
    pub unseen: Vec<(&'static str, Dataset)>,
}

impl Params {
    /// Holds the images of a fold out, which is the fold of this number.
    ///
    /// # Errors
    /// If images cannot be added.
    ///
    /// # Panics
    /// If either part is empty.
    #[doc(hidden)]
    pub fn hold_out(&self, images: &Dataset, fold: &Range<usize>, number: usize) -> Result<HeldOut, Error> {
        let (rest, unseen) = hold_out(images, fold);
        let Some(everyday) = self.everyday else {
            return Ok(HeldOut { params: self.clone(), rest, unseen: vec![(IMAGES, unseen)] });
        };
        let left_out = styles(number);
        let is_left_out = |digit: u8, name: &str| left_out.contains(&(digit, name));
        let distortions = without(everyday.distortions, number);
        let learned = Everyday { distortions, ..everyday }.augment(&rest)?;
        let learned = learned.only(|digit, name| !is_left_out(digit, name))?;
        let n = unseen.n_samples();
        let drawn = u32::try_from(n).unwrap_or(u32::MAX);
        // Other random numbers than those of the training images.
        let other = Everyday { copies: 1, drawn, seed: !everyday.seed, ..everyday }.augment(&unseen)?;
        let other = other.only(is_left_out)?;
        let mut parts = vec![("distorted", other.rows(n..2 * n)?)];
        if other.n_samples() > 2 * n {
            parts.push(("drawn", other.rows(2 * n..other.n_samples())?));
        }
        Ok(HeldOut {
            params: Self { everyday: None, ..self.clone() },
            rest: learned.rows(0..learned.n_samples())?,
            unseen: [vec![(IMAGES, unseen)], parts].concat(),
        })
    }
}

/// A third of each digit's styles.
fn styles(turn: usize) -> HashSet<(u8, &'static str)> {
    let mut seen = [0; 10];
    let mut is_in_turn = |digit: u8| {
        let seen = &mut seen[usize::from(digit)];
        *seen += 1;
        *seen % TURNS == turn % TURNS
    };
    Pen::styles().filter(|&(digit, _)| is_in_turn(digit)).collect()
}

/// Without some of the distortions.
fn without(distortions: Distortions, turn: usize) -> Distortions {
    match turn % TURNS {
        0 => Distortions { broken: 0.0, outline: 0.0, ..distortions },
        1 => Distortions { binary: 0.0, crossed: 0.0, ..distortions },
        _ => Distortions { soft: 0.0, noisy: 0.0, ..distortions },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_style_is_left_out_in_one_of_three_folds() {
        let all: Vec<_> = (0..TURNS).flat_map(styles).collect();
        let different: HashSet<_> = all.iter().collect();
        assert_eq!((all.len(), different.len()), (Pen::styles().count(), all.len()));
        for turn in 0..TURNS {
            assert!((0..10).all(|digit| styles(turn).iter().any(|style| style.0 == digit)), "{turn}");
        }
    }
}
