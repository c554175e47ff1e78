//! Labelled images of known classes and a known shape, some at a time.

use std::path::{Path, PathBuf};

use super::{Images, ReadOptions, Reader, source::Source};
use crate::dataset::{Dataset, Error, Split, labels};

/// A [`Reader`] of images whose classes and shape a model knows.
///
/// ```
/// use handful::dataset::{KnownReader, Split};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("test.csv");
/// std::fs::write(&path, "label,pixel0,pixel1,pixel2,pixel3\nright,0,255,0,255\n")?;
/// let classes = ["left".to_owned(), "right".to_owned()];
/// let mut reader = KnownReader::open(&path, Split::Test, &classes, [2, 2], &Default::default())?;
/// let data = reader.read(100)?.expect("there is one image");
/// assert_eq!((data.labels(), data.classes()), (&[1][..], &classes[..]));
/// assert!(reader.read(100)?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KnownReader {
    reader: Reader,
    known: Known,
}

/// What the images must match.
struct Known {
    path: PathBuf,
    classes: Vec<String>,
    shape: [usize; 2],
    labels_wanted: String,
    /// Number of images read so far.
    n_read: usize,
}

impl KnownReader {
    /// Opens one part of a data set, or the whole data set if it has no parts. `shape` replaces that of the options.
    ///
    /// # Errors
    /// If nothing can be read there, or the images are of another shape.
    pub fn open(
        path: &Path,
        split: Split,
        classes: &[String],
        shape: [usize; 2],
        options: &ReadOptions,
    ) -> Result<Self, Error> {
        let source = Source::find(path, split)?;
        let (path, labels_wanted) = (source.path().to_owned(), source.labels_wanted());
        let reader = Reader::of_source(source, split, &options.with_shape(shape))?;
        let known = Known { path, classes: classes.to_vec(), shape, labels_wanted, n_read: 0 };
        Ok(Self { reader, known })
    }

    /// The next `most` images, or fewer if fewer are left; `None` at the end.
    ///
    /// # Errors
    /// If the rest cannot be read, has no labels, or there was no image at all; [`Error::UnknownLabel`] if an image
    /// belongs to none of the classes.
    pub fn read(&mut self, most: usize) -> Result<Option<Dataset>, Error> {
        let images = self.reader.read(most)?;
        images.map(|images| self.known.fit(images)).transpose()
    }

    /// All remaining images.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_all(mut self) -> Result<Dataset, Error> {
        self.known.fit(self.reader.read_all()?)
    }
}

impl Known {
    fn fit(&mut self, images: Images) -> Result<Dataset, Error> {
        let no_labels = || Error::NoLabels { path: self.path.clone(), wanted: self.labels_wanted.clone() };
        let names = images.labels.ok_or_else(no_labels)?;
        let labels = labels::indices(&names, &self.classes).map_err(|(row, label)| Error::UnknownLabel {
            path: self.path.clone(),
            row: (self.n_read + row) as u64 + 1,
            label: label.to_owned(),
            classes: self.classes.clone(),
        })?;
        self.n_read += labels.len();
        Dataset::new(images.pixels, self.shape, labels, self.classes.clone())
    }
}
