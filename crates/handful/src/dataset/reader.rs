//! Images of any source, some at a time: what does not fit into memory can be read too.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use ndarray::{ArcArray2, Array2};

use super::{
    Error, ReadOptions, Split,
    find::Source,
    formats::{Batch, Rows},
    input::Input,
};

/// Rows read at once where all are wanted.
const MANY: usize = 8192;
/// Memory for so many bytes is taken on the word of a header; more as it comes.
const TRUSTED: usize = 1 << 26;

/// Images, as rows of bytes, with the shape that one row folds back into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Shape (n, height * width).
    pub pixels: ArcArray2<u8>,
    /// Height and width.
    pub shape: [usize; 2],
    /// What each image is said to show; none if nothing is said.
    pub labels: Option<Vec<String>>,
}

/// A source of images that is read from its start to its end.
///
/// ```
/// use handful::dataset::Reader;
///
/// let table = "label,pixel0,pixel1,pixel2,pixel3\nseven,0,255,0,255\none,0,0,9,0\n";
/// let mut reader = Reader::from_stream("table.csv".as_ref(), table.as_bytes())?;
/// assert_eq!(reader.image_shape(), [2, 2]);
/// let images = reader.read(1)?.expect("there are two");
/// assert_eq!(images.pixels.row(0).to_vec(), [0, 255, 0, 255]);
/// assert_eq!(images.labels, Some(vec!["seven".to_owned()]));
/// assert_eq!(reader.read(100)?.map(|images| images.pixels.nrows()), Some(1));
/// assert!(reader.read(100)?.is_none());
/// # Ok::<(), handful::dataset::Error>(())
/// ```
pub struct Reader {
    path: PathBuf,
    rows: Box<dyn Rows>,
    is_picture: bool,
    is_empty: bool,
}

impl Reader {
    /// Of a file or folder in any format: see [`dataset`](super). A file or folder of one part only is read whatever
    /// the split.
    ///
    /// # Errors
    /// If nothing can be read there; the error tells what was expected and what is there.
    pub fn open(path: &Path, split: Split) -> Result<Self, Error> {
        Self::open_with(path, split, &ReadOptions::default())
    }

    /// [`open`](Self::open) with options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, split: Split, options: &ReadOptions) -> Result<Self, Error> {
        Self::of_source(Source::find(path, split)?, split, options)
    }

    pub(super) fn of_source(source: Source, split: Split, options: &ReadOptions) -> Result<Self, Error> {
        let (path, is_picture) = (source.path().to_owned(), source.is_picture());
        Self { is_picture, ..Self::new(&path, source.open(split, options)?) }.checked(options)
    }

    /// If the images have the number of pixels that the options say: some formats do not tell height and width.
    fn checked(self, options: &ReadOptions) -> Result<Self, Error> {
        let found = self.image_shape();
        match options.image_shape {
            Some(expected) if expected[0] * expected[1] != found[0] * found[1] => {
                Err(Error::ShapeMismatch { path: self.path, expected, found })
            }
            _ => Ok(self),
        }
    }

    /// Of a stream, which errors call `name`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_stream(name: &Path, stream: impl Read + Send + 'static) -> Result<Self, Error> {
        Self::stream_with(name, stream, &ReadOptions::default())
    }

    /// [`from_stream`](Self::from_stream) with options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn stream_with(
        name: &Path,
        stream: impl Read + Send + 'static,
        options: &ReadOptions,
    ) -> Result<Self, Error> {
        Self::of_source(Source::Stream(Input::new(name, stream)?), Split::Test, options)
    }

    pub(super) fn new(path: &Path, rows: Box<dyn Rows>) -> Self {
        Self { path: path.to_owned(), rows, is_picture: false, is_empty: true }
    }

    /// Height and width of the images; where only the number of pixels is known, the sides of a square, or one row. Of a
    /// TIFF file, whose pages may differ, those of the next page.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 2] {
        self.rows.shape()
    }

    /// Whether rows stand in the unpacked file as they are given, up to its end.
    pub(super) fn is_plain(&self) -> bool {
        self.rows.is_plain()
    }

    /// Whether this is a picture in PNG, JPEG or the like. Without an image shape among the options it comes as it is: of
    /// any size, and dark on light perhaps.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        self.is_picture
    }

    /// The next images, `most` of them unless there are fewer left, or others have another shape; none at the end.
    ///
    /// # Errors
    /// If the rest cannot be read, or there was nothing at all.
    pub fn read(&mut self, most: usize) -> Result<Option<Images>, Error> {
        let (mut batch, shape) = (Batch::default(), self.rows.shape());
        self.rows.read(most, &mut batch)?;
        self.images(batch, shape)
    }

    /// All that is left.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_all(mut self) -> Result<Images, Error> {
        let (mut batch, shape) = (Batch::default(), self.rows.shape());
        let row_len = shape[0] * shape[1];
        batch.pixels.reserve(self.rows.size_hint().saturating_mul(row_len).min(TRUSTED));
        loop {
            let before = batch.pixels.len();
            self.rows.read(MANY, &mut batch)?;
            if batch.pixels.len() - before < MANY * row_len {
                break;
            }
        }
        if self.rows.shape() != shape {
            return Err(Error::ShapeMismatch { path: self.path, expected: shape, found: self.rows.shape() });
        }
        self.images(batch, shape)?.ok_or(Error::NoImages { path: self.path })
    }

    fn images(&mut self, batch: Batch, shape: [usize; 2]) -> Result<Option<Images>, Error> {
        let Batch { pixels, labels } = batch;
        let row_len = shape[0] * shape[1];
        let n = pixels.len() / row_len.max(1);
        if n == 0 {
            return if self.is_empty { Err(Error::NoImages { path: self.path.clone() }) } else { Ok(None) };
        }
        self.is_empty = false;
        let pixels = Array2::from_shape_vec((n, row_len), pixels).expect("whole rows");
        let labels = (!labels.is_empty()).then_some(labels);
        Ok(Some(Images { pixels: pixels.into_shared(), shape, labels }))
    }
}
