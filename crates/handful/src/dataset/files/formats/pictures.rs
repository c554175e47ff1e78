//! Files of pictures, single or in one folder per class.

use std::{
    collections::VecDeque,
    io::Read,
    path::{Path, PathBuf},
};

use image::ImageReader;
use ndarray::Array2;
use rayon::prelude::*;

use super::{
    Batch, Rows,
    decode::{check_format, damaged, decode, with_format},
    tiff,
};
use crate::{
    dataset::{
        Error,
        files::{ReadOptions, input::Input, options::FRAME},
    },
    preprocess::{Framer, Framing},
};

/// A larger file is not a picture of a digit.
pub(super) const MOST_BYTES: u64 = 1 << 27;

/// All bytes of a file that should be a picture, unpacked if it is compressed.
///
/// # Errors
/// As [`read_picture`].
pub fn read_picture_file(path: &Path) -> Result<Vec<u8>, Error> {
    read_picture(path, Input::open(path)?.bytes)
}

/// All bytes of a file that should be a picture, which errors call `path`.
///
/// # Errors
/// If it cannot be read, or is larger than any picture of a digit.
pub fn read_picture(path: &Path, bytes: impl Read) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    let read = bytes.take(MOST_BYTES + 1).read_to_end(&mut all);
    read.map_err(|source| Error::Io { path: path.to_owned(), source })?;
    if all.len() as u64 > MOST_BYTES {
        let problem = format!("expected a picture of at most {MOST_BYTES} bytes, found a larger file");
        return Err(Error::Content { path: path.to_owned(), problem });
    }
    Ok(all)
}

/// The pictures of a file in one of the [`PICTURE_FORMATS`](crate::dataset::PICTURE_FORMATS), which errors call `path`: a TIFF file may have several pages.
pub fn decode_pages(path: &Path, bytes: Vec<u8>) -> impl Iterator<Item = Result<Array2<u8>, Error>> {
    Pages::of(path.to_owned(), bytes)
}

/// The pictures of a file, one after the other: a TIFF file may have several pages.
struct Pages {
    path: PathBuf,
    bytes: Vec<u8>,
    /// `None` for a file of one picture.
    directories: Option<tiff::Pages>,
    next: usize,
}

impl Pages {
    fn new(input: Input) -> Result<Self, Error> {
        let Input { path, bytes, .. } = input;
        let all = read_picture(&path, bytes)?;
        Ok(Self::of(path, all))
    }

    fn of(path: PathBuf, bytes: Vec<u8>) -> Self {
        let pages = tiff::matches(&bytes).then(|| tiff::Pages::new(&bytes));
        Self { path, bytes, directories: pages.filter(|pages| pages.len() > 1), next: 0 }
    }

    fn len(&self) -> usize {
        self.directories.as_ref().map_or(1, tiff::Pages::len)
    }

    /// The name of the last page read, for error messages.
    fn name(&self) -> PathBuf {
        if self.len() == 1 { self.path.clone() } else { self.path.join(format!("page {}", self.next)) }
    }
}

impl Iterator for Pages {
    type Item = Result<Array2<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.len() {
            return None;
        }
        if let Some(pages) = &self.directories {
            pages.turn_to(self.next, &mut self.bytes);
        }
        self.next += 1;
        Some(decode(&self.bytes).map_err(|problem| Error::Content { path: self.name(), problem }))
    }
}

fn shape_of(picture: &Array2<u8>) -> [usize; 2] {
    [picture.nrows(), picture.ncols()]
}

/// A file of pictures, kept as they are.
pub(super) struct File {
    pages: Pages,
    next: Option<Array2<u8>>,
    /// Shape of the next picture, or of the last one.
    shape: [usize; 2],
}

impl File {
    pub(super) fn new(input: Input) -> Result<Self, Error> {
        let mut found = Self { pages: Pages::new(input)?, next: None, shape: [0, 0] };
        found.turn()?;
        Ok(found)
    }

    fn turn(&mut self) -> Result<(), Error> {
        self.next = self.pages.next().transpose()?;
        self.shape = self.next.as_ref().map_or(self.shape, shape_of);
        Ok(())
    }
}

impl Rows for File {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Stops before a picture of another shape.
    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let shape = self.shape;
        for _ in 0..most {
            let Some(picture) = self.next.take_if(|_| self.shape == shape) else { break };
            into.pixels.extend(picture);
            self.turn()?;
        }
        Ok(())
    }
}

/// Pictures in one folder per class, whose name is the label.
pub(in crate::dataset::files) struct Folder {
    files: std::vec::IntoIter<(PathBuf, String)>,
    /// Images that were read but not yet requested, with their labels.
    waiting: VecDeque<(Array2<u8>, String)>,
    shape: [usize; 2],
    framer: Framer,
}

impl Folder {
    pub(in crate::dataset::files) fn new(
        files: Vec<(PathBuf, String)>,
        options: &ReadOptions,
    ) -> Result<Self, Error> {
        let shape = match options.image_shape {
            Some(shape) => shape,
            None if options.framing == Framing::Always => FRAME,
            None => common_shape(&files)?.unwrap_or(FRAME),
        };
        Ok(Self { files: files.into_iter(), waiting: VecDeque::new(), shape, framer: options.framer(shape) })
    }
}

fn common_shape(files: &[(PathBuf, String)]) -> Result<Option<[usize; 2]>, Error> {
    let mut common = None;
    for (path, _) in files {
        let shape = size_of_file(path)?;
        if *common.get_or_insert(shape) != shape {
            return Ok(None);
        }
    }
    Ok(common)
}

/// Height and width of the first picture in a file.
fn size_of_file(path: &Path) -> Result<[usize; 2], Error> {
    let io_error = |source| Error::Io { path: path.to_owned(), source };
    let problem = |problem| Error::Content { path: path.to_owned(), problem };
    let head = Input::open(path)?.head;
    check_format(&head).map_err(problem)?;
    let reader = ImageReader::open(path).and_then(|reader| with_format(reader, &head)).map_err(io_error)?;
    let (width, height) = reader.into_dimensions().map_err(|error| problem(damaged(error)))?;
    Ok([height as usize, width as usize])
}

impl Rows for Folder {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let files: Vec<_> = self.files.by_ref().take(most.saturating_sub(self.waiting.len())).collect();
        let open = |(path, label): &(PathBuf, String)| {
            let mut pages = Pages::new(Input::open(path)?)?;
            let mut images = Vec::new();
            while let Some(picture) = pages.next().transpose()? {
                let image = self.framer.frame(picture.view()).ok_or_else(|| Error::ShapeMismatch {
                    path: pages.name(),
                    expected: self.shape,
                    found: shape_of(&picture),
                })?;
                images.push((image, label.clone()));
            }
            Ok(images)
        };
        let images: Vec<Vec<_>> = files.par_iter().map(open).collect::<Result<_, Error>>()?;
        self.waiting.extend(images.into_iter().flatten());
        for (image, label) in self.waiting.drain(..most.min(self.waiting.len())) {
            into.pixels.extend(image);
            into.labels.push(label);
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.waiting.len() + self.files.len()
    }

    /// Decoding a photograph takes a while.
    fn at_once(&self) -> usize {
        4 * rayon::current_num_threads()
    }

    fn is_framed(&self) -> bool {
        true
    }
}
