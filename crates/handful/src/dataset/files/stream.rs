//! What a file or a stream contains: pictures, an archive of pictures, or rows of a data set.

use std::{
    io::{BufRead, Read},
    path::Path,
};

use super::{
    PictureStream, ReadOptions, Reader,
    input::{Input, is_picture},
    read_picture,
    source::Source,
};
use crate::dataset::{Error, Split, pipe::is_stream};

/// Name of the format of archives, at this position of its first block.
const USTAR: (usize, &[u8]) = (257, b"ustar");

/// What a stream contains, recognised by its first bytes.
pub enum Stream {
    /// A file of one picture, or of the pages of one.
    Picture(Vec<u8>),
    /// Pictures that follow each other.
    Pictures(PictureStream),
    /// An archive in the format tar, unpacked if it was compressed.
    Archive(Box<dyn BufRead + Send>),
    /// Images in another format.
    Rows(Reader),
}

impl Stream {
    /// Opens a file or a pipe. Labels of images are in the file, or in another beside it.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, Error> {
        let input = Input::open(path)?;
        if is_stream(path) || is_archive(&input.head) {
            return Self::of_input(input, options);
        }
        if is_picture(&input.head) {
            return read_picture(path, input.bytes).map(Self::Picture);
        }
        Ok(Self::Rows(Reader::open_with(path, Split::Test, options)?))
    }

    /// Recognises a stream, which errors call `name`.
    ///
    /// # Errors
    /// If it cannot be read, or is in no known format.
    pub fn of(name: &Path, raw: impl Read + Send + 'static, options: &ReadOptions) -> Result<Self, Error> {
        Self::of_input(Input::new(name, raw)?, options)
    }

    fn of_input(input: Input, options: &ReadOptions) -> Result<Self, Error> {
        Ok(if is_archive(&input.head) {
            Self::Archive(input.bytes)
        } else if is_picture(&input.head) {
            Self::Pictures(PictureStream::new(input))
        } else {
            Self::Rows(Reader::of_source(Source::Stream(input), Split::Test, options)?)
        })
    }
}

fn is_archive(head: &[u8]) -> bool {
    head.get(USTAR.0..USTAR.0 + USTAR.1.len()) == Some(USTAR.1)
}
