//! Images of any source, some at a time. This also reads data that does not fit into memory.

use std::{
    fmt::Display,
    io::Read,
    path::{Path, PathBuf},
};

use ndarray::{ArcArray2, Array2};

use super::{
    ReadOptions,
    formats::{Batch, REPORTED, Rows},
    input::Input,
    source::Source,
};
use crate::{
    dataset::{Error, Split, join},
    progress::{Observer, Stage},
};

/// Bytes of memory that are reserved on the word of a header alone; beyond that, memory grows with the data.
const TRUSTED: usize = 1 << 26;

/// Images as rows of bytes, with the shape of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Shape (n, height * width).
    pub pixels: ArcArray2<u8>,
    /// Height and width.
    pub shape: [usize; 2],
    /// Label of each image; `None` if the source has no labels.
    pub labels: Option<Vec<String>>,
}

impl Images {
    /// Joins the images of several sources, one after the other, as [`Dataset::join`](crate::Dataset::join) does; none may have labels.
    ///
    /// # Errors
    /// As [`Dataset::join`](crate::Dataset::join).
    pub fn join<N: Display>(sets: impl IntoIterator<Item = (N, Self)>) -> Result<Self, Error> {
        let mut sets: Vec<(N, Self)> = sets.into_iter().collect();
        let part = |(name, set): &(N, Self)| join::Part {
            name: name.to_string(),
            image_shape: set.shape,
            classes: None,
        };
        join::joint_classes(&sets.iter().map(part).collect::<Vec<_>>())?;
        if sets.len() == 1 {
            return Ok(sets.remove(0).1);
        }
        let labels = sets.iter_mut().map(|(_, set)| set.labels.take()).collect::<Option<Vec<_>>>();
        Ok(Self {
            pixels: join::stacked(sets.iter().map(|(_, set)| set.pixels.view())),
            shape: sets[0].1.shape,
            labels: labels.map(|labels| labels.concat()),
        })
    }
}

/// A source of images, read from start to end.
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
    /// Height and width that images should have, if known.
    expected: Option<[usize; 2]>,
    observer: Observer,
    n_read: usize,
    /// Number of images that the source declares.
    total: usize,
}

impl Reader {
    /// Opens a file or folder in any format: see [`dataset`](crate::dataset). A file or folder with only one part is read
    /// whatever the split.
    ///
    /// # Errors
    /// If nothing can be read there; the error says what was expected and what was found.
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
        let (observer, expected) = (options.observer.clone(), options.image_shape);
        let reader =
            Self { is_picture, expected, observer, ..Self::new(&path, source.open(split, options)?) };
        reader.check_shape()?;
        Ok(reader)
    }

    /// Checks that the next images have the requested shape. For formats that do not store height and width, checks the
    /// number of pixels.
    fn check_shape(&self) -> Result<(), Error> {
        let found = self.image_shape();
        let fits = |expected: [usize; 2]| {
            if self.is_picture { found == expected } else { found[0] * found[1] == expected[0] * expected[1] }
        };
        match self.expected {
            Some(expected) if !fits(expected) => {
                Err(Error::ShapeMismatch { path: self.path.clone(), expected, found })
            }
            _ => Ok(()),
        }
    }

    /// Reads a stream, which errors call `name`.
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
        Self {
            path: path.to_owned(),
            total: rows.size_hint(),
            rows,
            is_picture: false,
            expected: None,
            observer: Observer::default(),
            n_read: 0,
        }
    }

    /// Height and width of the images. Where only the number of pixels is known, the sides of a square, or one row. For
    /// a TIFF file, whose pages may differ, those of the next page.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 2] {
        self.rows.shape()
    }

    /// Whether the unpacked file contains the rows exactly as they are returned, up to its end.
    pub(super) fn is_plain(&self) -> bool {
        self.rows.is_plain()
    }

    /// Whether this is a picture in PNG, JPEG or a similar format. Without an image shape among the options it is
    /// returned as it is: of any size, and possibly dark on light.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        self.is_picture
    }

    /// The next `most` images, or fewer if fewer are left or the following ones have another shape; `None` at the end.
    ///
    /// # Errors
    /// If the rest cannot be read, or there was no image at all; [`Error::Cancelled`] if the observer breaks.
    pub fn read(&mut self, most: usize) -> Result<Option<Images>, Error> {
        self.check_shape()?;
        let (mut batch, shape) = (Batch::default(), self.rows.shape());
        self.fill(most, shape, &mut batch)?;
        self.images(batch, shape)
    }

    /// All remaining images.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_all(mut self) -> Result<Images, Error> {
        let (mut batch, shape) = (Batch::default(), self.rows.shape());
        let row_len = shape[0] * shape[1];
        batch.pixels.reserve(self.rows.size_hint().saturating_mul(row_len).min(TRUSTED));
        self.fill(usize::MAX, shape, &mut batch)?;
        if self.rows.shape() != shape {
            return Err(Error::ShapeMismatch { path: self.path, expected: shape, found: self.rows.shape() });
        }
        self.images(batch, shape)?.ok_or(Error::NoImages { path: self.path })
    }

    /// Appends the next images of this shape, and asks the observer before each group of them.
    fn fill(&mut self, most: usize, [height, width]: [usize; 2], batch: &mut Batch) -> Result<(), Error> {
        let row_len = (height * width).max(1);
        let at_once = (REPORTED / row_len).clamp(1, self.rows.at_once());
        let mut left = most;
        while left > 0 {
            self.observer.report(Stage::Read, self.n_read, self.total)?;
            let (wanted, before) = (left.min(at_once), batch.pixels.len());
            self.rows.read(wanted, batch)?;
            let found = (batch.pixels.len() - before) / row_len;
            self.n_read += found;
            left -= found.min(left);
            if found < wanted || self.rows.shape() != [height, width] {
                break;
            }
        }
        Ok(())
    }

    fn images(&mut self, batch: Batch, shape: [usize; 2]) -> Result<Option<Images>, Error> {
        let Batch { pixels, labels } = batch;
        let row_len = shape[0] * shape[1];
        let n = pixels.len() / row_len.max(1);
        if n == 0 {
            return if self.n_read == 0 {
                Err(Error::NoImages { path: self.path.clone() })
            } else {
                Ok(None)
            };
        }
        let pixels = Array2::from_shape_vec((n, row_len), pixels).expect("whole rows");
        let labels = (!labels.is_empty()).then_some(labels);
        Ok(Some(Images { pixels: pixels.into_shared(), shape, labels }))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        ops::ControlFlow,
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicU64, Ordering},
        },
    };

    use super::*;
    use crate::dataset::LabelColumn;

    /// An endless table, and the number of its bytes read so far.
    struct Endless(Arc<AtomicU64>);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let line = b"7,0,1,2,3\n";
            let n = buffer.len() / line.len() * line.len();
            buffer[..n].chunks_exact_mut(line.len()).for_each(|to| to.copy_from_slice(line));
            self.0.fetch_add(n as u64, Ordering::Relaxed);
            Ok(n)
        }
    }

    #[test]
    fn an_interrupt_is_noticed_before_the_next_images_are_read() {
        let (taken, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let at_break = Arc::new(AtomicU64::new(0));
        let observer = {
            let (taken, is_over, at_break) =
                (Arc::clone(&taken), Arc::clone(&is_over), Arc::clone(&at_break));
            Observer::new(move |progress| {
                assert!(!is_over.load(Ordering::Relaxed), "nothing is told after the break");
                if progress.done < 100_000 {
                    return ControlFlow::Continue(());
                }
                is_over.store(true, Ordering::Relaxed);
                at_break.store(taken.load(Ordering::Relaxed), Ordering::Relaxed);
                ControlFlow::Break(())
            })
        };
        // All rows are equal, so no values show where the label is.
        let label_column = LabelColumn::First;
        let options = ReadOptions { label_column, observer, ..ReadOptions::default() };
        let stream = Endless(Arc::clone(&taken));
        let reader = Reader::stream_with("table.csv".as_ref(), stream, &options).unwrap();
        let error = reader.read_all().unwrap_err();
        assert!(matches!(error, Error::Cancelled(_)), "{error}");
        assert_eq!(taken.load(Ordering::Relaxed), at_break.load(Ordering::Relaxed), "nothing more was read");
    }
}
