//! The formats of images, recognised by the start of a file.

#[cfg(feature = "images")]
mod attachments;
mod columns;
#[cfg(feature = "images")]
pub(super) mod decode;
mod foreign;
mod format;
pub(super) mod idx;
pub(super) mod npy;
mod npz;
#[cfg(feature = "parquet")]
pub(super) mod parquet;
#[cfg(feature = "images")]
pub(super) mod picture_stream;
#[cfg(feature = "images")]
pub(super) mod pictures;
mod records;
mod rows;
mod table;
mod text;
#[cfg(feature = "images")]
mod tiff;

use crate::dataset::{
    Error, Split,
    files::{ReadOptions, input::Input},
};
pub(super) use format::Format;
use records::Records;
pub(super) use rows::{Batch, REPORTED, Rows};
use table::Table;

/// The format of a file, which must be supported.
pub(super) fn check(input: &Input) -> Result<Format, Error> {
    let path = || input.path.clone();
    Format::of(&input.head).ok_or_else(|| match foreign::advice(&input.head) {
        Some(problem) => Error::Content { path: path(), problem },
        None => Error::Unrecognized { found: start(&input.head), path: path() },
    })
}

/// Opens a file that holds images, and perhaps labels, without a second file.
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

/// The first bytes of a file in printable form.
fn start(head: &[u8]) -> String {
    match head {
        [] => "an empty file".to_owned(),
        _ => format!("a file that starts with {:?}", String::from_utf8_lossy(&head[..head.len().min(16)])),
    }
}
