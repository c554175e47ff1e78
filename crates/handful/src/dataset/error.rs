use std::{io, path::PathBuf};

/// What can be wrong with a data set, or with the files that should hold one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The default data is in none of the usual places.
    #[error(
        "MNIST was not found: run inside a clone of handful, name a folder, or set HANDFUL_DATA to one; \
         looked for {} in {}",
        super::IDX_FILES.join(", "),
        looked.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotFound {
        /// The folders that were looked at, in order.
        looked: Vec<PathBuf>,
    },
    /// A path that should be a folder.
    #[error("{}: expected a folder with MNIST's four IDX files, found {}", path.display(), if *exists { "a file" } else { "nothing" })]
    NotAFolder {
        /// The path that was given.
        path: PathBuf,
        /// Whether there is something else.
        exists: bool,
    },
    /// A folder lacks one of the four IDX files.
    #[error("{}: expected the file {expected} or {expected}.gz, found neither", folder.display())]
    MissingFile {
        /// The folder that was given.
        folder: PathBuf,
        /// The missing file's name.
        expected: &'static str,
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
    /// Two files of one data set hold images of different shapes.
    #[error("{}: expected images of {expected:?} pixels (height, width) as in the training set, found {found:?}", path.display())]
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
    /// The parts given to [`Dataset::new`](super::Dataset::new) do not fit one another.
    #[error("{0}")]
    Inconsistent(String),
}

fn found_bytes(found: u64, expected: u128) -> String {
    if u128::from(found) > expected { format!("at least {found}") } else { found.to_string() }
}
