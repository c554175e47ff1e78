use std::{io, path::PathBuf};

use super::{DATA_FORMATS, PICTURE_FORMATS, Split};
use crate::progress::Cancelled;

/// What can be wrong with a data set or its files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The default data is in none of the usual places.
    #[error(
        "MNIST was not found in {}: name the folder that has it, set the environment variable HANDFUL_DATA to that \
         folder, or run this inside a clone of handful",
        looked.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotFound {
        /// The folders that were searched, in order.
        looked: Vec<PathBuf>,
    },
    /// A folder or file without images.
    #[error("{}: expected images, found none", path.display())]
    NoImages {
        /// The folder or file.
        path: PathBuf,
    },
    /// A folder has files for only one part of a data set.
    #[error(
        "{}: expected a file of {} in its name, found {}", folder.display(),
        if *split == Split::Train { "training images, with `train`" }
        else { "test images, with `test` or `t10k`" },
        found.join(", ")
    )]
    NoSplit {
        /// The folder that was given.
        folder: PathBuf,
        /// The part that is missing.
        split: Split,
        /// The files of images that were found.
        found: Vec<String>,
    },
    /// More than one file or folder could be meant.
    #[error("{}: expected one set of images, found several ({}): name one of them", folder.display(), found.join(", "))]
    Ambiguous {
        /// The folder that was given.
        folder: PathBuf,
        /// The candidates found.
        found: Vec<String>,
    },
    /// There is only one set of images where a training set and a test set are needed.
    #[error(
        "{}: expected training images and test images, found only one set of images: name a folder that has both",
        path.display()
    )]
    OneSet {
        /// The file that was given.
        path: PathBuf,
    },
    /// Images have no labels.
    #[error("{}: {wanted}, found none", path.display())]
    NoLabels {
        /// The file of images.
        path: PathBuf,
        /// What was searched for.
        wanted: String,
    },
    /// An image belongs to none of the known classes.
    #[error(
        "{}: row {row}: expected one of the labels {}, found {label:?}", path.display(), classes.join(", ")
    )]
    UnknownLabel {
        /// The file of images.
        path: PathBuf,
        /// The row, counted from 1.
        row: u64,
        /// Its label.
        label: String,
        /// The classes.
        classes: Vec<String>,
    },
    /// A file in no known format.
    #[error(
        "{}: expected a file of images ({DATA_FORMATS}; {PICTURE_FORMATS}), found {found}",
        path.display()
    )]
    Unrecognized {
        /// The file.
        path: PathBuf,
        /// How it starts.
        found: String,
    },
    /// A format that this build of the library does not read.
    #[error(
        "{}: this build of handful cannot read such files: build it with the feature `{feature}`",
        path.display()
    )]
    Feature {
        /// The file.
        path: PathBuf,
        /// The crate's feature.
        feature: &'static str,
    },
    /// A table does not show which of its columns has the labels.
    #[error("{}: {problem}", path.display())]
    LabelColumn {
        /// The table.
        path: PathBuf,
        /// What was expected and found, and what to do.
        problem: String,
    },
    /// A file whose content does not follow its format.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        problem: String,
    },
    /// A row of a file that does not follow the format.
    #[error("{}: row {row}: {problem}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row, or line of text, counted from 1.
        row: u64,
        /// What was expected and found.
        problem: String,
    },
    /// The declared images are too large.
    #[error(
        "{}: the header declares images of shape {shape:?}: expected at most 64 MB for each image",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The declared sizes.
        shape: Vec<u64>,
    },
    /// A file cannot be opened or read.
    #[error("{}: cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason, or the decompressor's.
        source: io::Error,
    },
    /// A file ends before its header does.
    #[error("{}: expected an IDX header of {expected} bytes, found {found} bytes", path.display())]
    ShortHeader {
        /// The file.
        path: PathBuf,
        /// The header's length.
        expected: usize,
        /// The file's length, decompressed.
        found: usize,
    },
    /// The first four bytes are not those of the expected IDX file.
    #[error(
        "{}: expected an IDX file of {what} (magic number {expected:#010x}), found magic number {found:#010x}",
        path.display()
    )]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// "images" or "labels".
        what: &'static str,
        /// The magic number of such a file.
        expected: u32,
        /// The first four bytes, big-endian.
        found: u32,
    },
    /// The header declares no rows, or images without pixels.
    #[error(
        "{}: the header declares an array of shape {shape:?}, which is empty: expected sizes of at least 1",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
        /// The declared sizes.
        shape: Vec<u32>,
    },
    /// Header and file disagree on the amount of data.
    #[error("{}: the header declares {expected} bytes of data, found {}", path.display(), found_bytes(*found, *expected))]
    WrongSize {
        /// The file.
        path: PathBuf,
        /// Bytes that the header declares.
        expected: u128,
        /// Bytes found, decompressed; for a gzip file with surplus data, a lower bound.
        found: u64,
    },
    /// Images and labels do not belong together.
    #[error(
        "{} has {images} images, but {} has {labels} labels: expected one label for each image",
        images_path.display(),
        labels_path.display()
    )]
    CountMismatch {
        /// The file of images.
        images_path: PathBuf,
        /// Images in it.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// Labels in it.
        labels: usize,
    },
    /// Images have another shape than the images before them, or than the images of a model.
    #[error(
        "{}: expected images of {} x {} pixels, found {} x {}; set framing to always to give all images the same shape",
        path.display(), expected[0], expected[1], found[0], found[1]
    )]
    ShapeMismatch {
        /// The file.
        path: PathBuf,
        /// Height and width of the training images.
        expected: [usize; 2],
        /// Height and width found.
        found: [usize; 2],
    },
    /// More images of a class are requested than there are.
    #[error("expected at least {expected} images of class {class:?}, found {found}")]
    ClassTooSmall {
        /// The class.
        class: String,
        /// Images requested.
        expected: usize,
        /// Images there.
        found: usize,
    },
    /// Data sets that cannot be joined.
    #[error("{first} and {second} cannot be joined: {problem}")]
    CannotJoin {
        /// Name of one of them.
        first: String,
        /// Name of the other.
        second: String,
        /// How they differ.
        problem: String,
    },
    /// The observer cancelled reading.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The parts given to [`Dataset::new`](super::Dataset::new) are inconsistent.
    #[error("{0}")]
    Inconsistent(String),
}

fn found_bytes(found: u64, expected: u128) -> String {
    if u128::from(found) > expected { format!("at least {found}") } else { found.to_string() }
}
