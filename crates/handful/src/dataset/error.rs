use std::{io, path::PathBuf};

use super::{DATA_FORMATS, PICTURE_FORMATS, Split};
use crate::progress::Cancelled;

/// What can be wrong with a data set, or with the files that should hold one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The default data is in none of the usual places.
    #[error(
        "MNIST was not found: run inside a clone of handful, name a folder, or set HANDFUL_DATA to one; \
         looked for images in {}",
        looked.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotFound {
        /// The folders that were looked at, in order.
        looked: Vec<PathBuf>,
    },
    /// A folder or file without images.
    #[error("{}: expected images, found none", path.display())]
    NoImages {
        /// The folder or file.
        path: PathBuf,
    },
    /// A folder has files for one part of a data set only.
    #[error(
        "{}: expected a file of images {}, found {}", folder.display(),
        if *split == Split::Train { "to learn from, with `train` in its name" }
        else { "to be tested on, with `test` or `t10k` in its name" },
        found.join(", ")
    )]
    NoSplit {
        /// The folder that was given.
        folder: PathBuf,
        /// The part that is missing.
        split: Split,
        /// Files of images that are there.
        found: Vec<String>,
    },
    /// More than one file or folder may be meant.
    #[error("{}: expected one set of images, found several ({}): name one of them", folder.display(), found.join(", "))]
    Ambiguous {
        /// The folder that was given.
        folder: PathBuf,
        /// What there is.
        found: Vec<String>,
    },
    /// There is one set of images where one to learn from and one to be tested on are needed.
    #[error(
        "{}: expected images to learn from and others to be tested on, found one set: name a folder with both",
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
        /// What was looked for.
        wanted: String,
    },
    /// An image is of none of the classes that are known.
    #[error("{}: row {row}: expected a label among {}, found {label:?}", path.display(), classes.join(", "))]
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
        "{}: expected images ({DATA_FORMATS}; {PICTURE_FORMATS}), found {found}",
        path.display()
    )]
    Unrecognized {
        /// The file.
        path: PathBuf,
        /// How it starts.
        found: String,
    },
    /// A format that this build of the library does not read.
    #[error("{}: expected a build of handful with the feature `{feature}`, which reads such files", path.display())]
    Feature {
        /// The file.
        path: PathBuf,
        /// The crate's feature.
        feature: &'static str,
    },
    /// A file that is not as its format wants it.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        problem: String,
    },
    /// A row of a file that is not as the format wants it.
    #[error("{}: row {row}: {problem}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row, or line of text, counted from 1.
        row: u64,
        /// What was expected and found.
        problem: String,
    },
    /// Images too large to be any.
    #[error("{}: the header declares images of {shape:?}: expected 64 MB a row at most", path.display())]
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
    /// The first four bytes are not those of the IDX file that was expected.
    #[error(
        "{}: expected {what} as IDX (magic number {expected:#010x}), found magic number {found:#010x}",
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
    #[error("{}: the header declares {shape:?} (rows, then height and width): there is nothing in it", path.display())]
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
        /// Bytes that are there, decompressed; for surplus in a gzip file, at least so many.
        found: u64,
    },
    /// Images and labels do not belong together.
    #[error(
        "{} holds {images} images, {} holds {labels} labels: expected as many of one as of the other",
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
    /// Images have another shape than those before them, or than those that a model knows.
    #[error(
        "{}: expected images of {} x {} pixels, found {} x {}; framing all images gives them that shape",
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
    /// More images of a class are wanted than there are.
    #[error("expected at least {expected} images of class {class:?}, found {found}")]
    ClassTooSmall {
        /// The class.
        class: String,
        /// Images wanted.
        expected: usize,
        /// Images there.
        found: usize,
    },
    /// Data sets that cannot become one.
    #[error("{first} and {second} cannot be joined: {problem}")]
    CannotJoin {
        /// What one of them is called.
        first: String,
        /// What the other is called.
        second: String,
        /// In what they differ.
        problem: String,
    },
    /// Reading was ended by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The parts given to [`Dataset::new`](super::Dataset::new) do not fit one another.
    #[error("{0}")]
    Inconsistent(String),
}

fn found_bytes(found: u64, expected: u128) -> String {
    if u128::from(found) > expected { format!("at least {found}") } else { found.to_string() }
}
