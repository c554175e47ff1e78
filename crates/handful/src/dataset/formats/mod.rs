//! The formats that images come in, told apart by how a file starts.

mod columns;
mod foreign;
pub(super) mod idx;
pub(super) mod npy;
mod npz;
#[cfg(feature = "parquet")]
pub(super) mod parquet;
#[cfg(feature = "images")]
pub(super) mod pictures;
mod records;
mod table;
mod text;
#[cfg(feature = "images")]
mod tiff;

use std::path::Path;

use super::{Error, ReadOptions, Split, input::Input};
use records::Records;
use table::Table;

/// The formats of pictures that handful reads.
pub const PICTURE_FORMATS: &str = "PNG, JPEG, TIFF, GIF, BMP, WebP, PNM";
/// The formats of files with many images that handful reads.
pub const DATA_FORMATS: &str =
    "IDX, NumPy (.npy, .npz), CSV, Parquet with pictures, numbers as text (UCI, USPS), libsvm";
/// How the names of pictures end: of those that are read, and of some that are not, so that it is told.
const PICTURE_EXTENSIONS: &[&str] = &[
    "png", "jpg", "jpeg", "tif", "tiff", "gif", "bmp", "webp", "pnm", "pbm", "pgm", "ppm", "pam", "heic",
    "heif", "avif", "jxl", "jp2",
];

/// Whether a file is named as pictures are, be it one that is read or not.
#[must_use]
pub fn is_named_as_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    PICTURE_EXTENSIONS.contains(&&*extension)
}

/// An image of more bytes is none that anything here is made for; a header that says so is wrong.
const MOST_BYTES_A_ROW: u128 = 1 << 26;

/// What rows of pixels are read from, some at a time.
pub(super) trait Rows: Send {
    /// Height and width; of rows that tell their length alone, those of a square, or one row.
    fn shape(&self) -> [usize; 2];

    /// Appends the next rows, `most` of them unless there are fewer left. Either all rows have labels, or none.
    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error>;

    /// How many rows there are said to be, if that is said; not to be relied on.
    fn size_hint(&self) -> usize {
        0
    }

    /// How many rows can be read at once in next to no time, at most; large rows are fewer in any case.
    fn at_once(&self) -> usize {
        8192
    }

    /// Whether rows stand in the unpacked file as they are given, up to its end.
    fn is_plain(&self) -> bool {
        false
    }

    /// Whether the images are in the frame already, as those of pictures that differ in shape have to be.
    fn is_framed(&self) -> bool {
        false
    }
}

/// Rows as they come: pixels, one image behind the other, and what labels say.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<String>,
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Idx,
    Npy,
    Npz,
    Parquet,
    Picture,
    /// `label 1:0.5 7:1 …`
    Libsvm,
    /// A label and numbers, or numbers alone, with spaces between.
    Numbers,
    Csv,
}

impl Format {
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(Self::Npy),
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Some(Self::Npz),
            [b'P', b'A', b'R', b'1', ..] => Some(Self::Parquet),
            [0x89, b'P', b'N', b'G', ..]
            | [0xff, 0xd8, 0xff, ..]
            | [b'G', b'I', b'F', b'8', ..]
            | [b'R', b'I', b'F', b'F', ..]
            | [b'B', b'M', _, _, _, _, 0, 0, ..]
            | [b'P', b'1'..=b'7', b'\n' | b'\r' | b'\t' | b' ', ..]
            | [b'I', b'I', 42 | 43, 0, ..]
            | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Picture),
            _ if idx::matches(head) => Some(Self::Idx),
            _ => text::format(head),
        }
    }
}

/// The format of a file that is supported.
pub(super) fn check(input: &Input) -> Result<Format, Error> {
    let path = || input.path.clone();
    Format::of(&input.head).ok_or_else(|| match foreign::advice(&input.head) {
        Some(problem) => Error::Content { path: path(), problem },
        None => Error::Unrecognized { found: start(&input.head), path: path() },
    })
}

/// Opens a file that holds images, and perhaps labels, all by itself.
pub(super) fn open(input: Input, split: Split, options: &ReadOptions) -> Result<Box<dyn Rows>, Error> {
    let format = check(&input)?;
    Ok(match format {
        Format::Idx => Box::new(idx::Images::new(input)?),
        Format::Npy => npy::open(input, options)?,
        Format::Npz => npz::open(input, split, options)?,
        Format::Csv => Box::new(Table::new(input.path.clone(), Records::delimited(input), options)?),
        Format::Numbers => Box::new(Table::new(input.path.clone(), Records::spaced(input), options)?),
        Format::Libsvm => Box::new(text::Libsvm::new(input)?),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(parquet::Table::new(input, options)?),
        #[cfg(feature = "images")]
        Format::Picture => Box::new(pictures::File::new(input)?),
        #[cfg(not(all(feature = "parquet", feature = "images")))]
        _ => return Err(Error::Feature { path: input.path, feature: feature(format) }),
    })
}

#[cfg(not(all(feature = "parquet", feature = "images")))]
fn feature(format: Format) -> &'static str {
    if format == Format::Parquet { "parquet" } else { "images" }
}

/// The first bytes of a file, as far as they can be shown.
fn start(head: &[u8]) -> String {
    match head {
        [] => "an empty file".to_owned(),
        _ => format!("one that starts with {:?}", String::from_utf8_lossy(&head[..head.len().min(16)])),
    }
}

/// What a library says is wrong, without what it says below that.
fn one_line(error: impl std::fmt::Display) -> String {
    error.to_string().split(['\n', '\r']).next().unwrap_or_default().to_owned()
}

/// A row that is not as it should be.
fn wrong(path: &Path, row: u64, problem: impl Into<String>) -> Error {
    Error::Row { path: path.to_owned(), row, problem: problem.into() }
}

/// Whether a column is called as labels are.
fn is_label(name: &str) -> bool {
    ["label", "labels", "class", "target", "digit", "y"].iter().any(|label| name.eq_ignore_ascii_case(label))
}
