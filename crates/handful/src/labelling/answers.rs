//! What a person has said so far.

use std::collections::{BTreeMap, BTreeSet};

/// What a person has said so far: the labels of some images, images that belong to no class, and mixed clusters.
///
/// ```
/// use handful::labelling::Answers;
///
/// let mut answers = Answers::default();
/// answers.label(7, 1);
/// answers.set_aside(9);
/// assert_eq!((answers.len(), answers.n_classes()), (2, 2));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    labels: BTreeMap<usize, Option<u32>>,
    mixed: BTreeSet<usize>,
}

impl Answers {
    /// Gives an image a label, an index of a class.
    pub fn label(&mut self, image: usize, label: u32) {
        self.labels.insert(image, Some(label));
    }

    /// Says that an image belongs to no class. Images like it are set aside too.
    pub fn set_aside(&mut self, image: usize) {
        self.labels.insert(image, None);
    }

    /// Says that the images of a [`Question`](super::Question)'s cluster belong to several classes.
    pub fn split(&mut self, cluster: usize) {
        self.mixed.insert(cluster);
    }

    /// The answer about an image, if there is one: a label, or `None` inside for an image that was set aside.
    #[must_use]
    pub fn of(&self, image: usize) -> Option<Option<u32>> {
        self.labels.get(&image).copied()
    }

    /// All answers about images, in the order of the images.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Option<u32>)> + '_ {
        self.labels.iter().map(|(&image, &label)| (image, label))
    }

    pub(super) fn is_mixed(&self, cluster: usize) -> bool {
        self.mixed.contains(&cluster)
    }

    /// Number of images with an answer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether no image has an answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// One more than the largest label, or 0 if there is none.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.labels.values().flatten().max().map_or(0, |&label| label as usize + 1)
    }

    pub(super) fn has_aside(&self) -> bool {
        self.labels.values().any(Option::is_none)
    }
}
