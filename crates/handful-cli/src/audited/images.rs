//! The images that are audited, and what their parts are called.

use handful::{
    Dataset,
    dataset::{Parts, Split, TrainTest},
};

/// A data set: training and test images, or one set.
pub(crate) struct Images {
    pub(crate) name: String,
    pub(crate) first: Dataset,
    /// The test images, if there are two parts.
    pub(crate) test: Option<Dataset>,
}

/// A part of a data set, as it is called in output and decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Train,
    Test,
    /// The only set of images.
    All,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
            Self::All => "all",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Train, Self::Test, Self::All].into_iter().find(|part| part.name() == text)
    }

    /// What its images are called in a sentence.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Train => "training image",
            Self::Test => "test image",
            Self::All => "image",
        }
    }
}

impl Images {
    pub(crate) fn new(name: String, parts: Parts) -> Self {
        match parts {
            Parts::Both(TrainTest { train, test, .. }) => Self { name, first: train, test: Some(test) },
            Parts::One(all) => Self { name, first: all, test: None },
        }
    }

    pub(crate) fn classes(&self) -> &[String] {
        self.first.classes()
    }

    pub(crate) fn n_images(&self) -> usize {
        self.parts().map(|(_, images)| images.n_samples()).sum()
    }

    /// The parts, in the order of an audit's rows.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Part, &Dataset)> {
        let first = if self.test.is_some() { Part::Train } else { Part::All };
        std::iter::once((first, &self.first)).chain(self.test.iter().map(|test| (Part::Test, test)))
    }

    pub(crate) fn part(&self, part: Part) -> Option<&Dataset> {
        self.parts().find(|(there, _)| *there == part).map(|(_, images)| images)
    }

    pub(crate) fn place(&self, (split, index): (Split, usize)) -> Place<'_> {
        let (part, images) = match (split, &self.test) {
            (Split::Test, Some(test)) => (Part::Test, test),
            (_, Some(_)) => (Part::Train, &self.first),
            (_, None) => (Part::All, &self.first),
        };
        Place { part, index, images }
    }
}

/// An image.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) part: Part,
    pub(crate) index: usize,
    images: &'a Dataset,
}

impl<'a> Place<'a> {
    pub(crate) fn label(self) -> &'a str {
        &self.images.classes()[self.images.labels()[self.index] as usize]
    }

    pub(crate) fn pixels(self) -> Vec<u8> {
        self.images.images().row(self.index).to_vec()
    }

    pub(crate) fn shape(self) -> [usize; 2] {
        self.images.image_shape()
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.part.noun(), self.index)
    }
}
