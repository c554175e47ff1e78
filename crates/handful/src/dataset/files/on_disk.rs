//! Images that stay in their file: any thread can read any of them at any time.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fs::File,
    io::{BufWriter, Read, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use ndarray::{Array2, ArrayView2};

use super::{ReadOptions, Reader, source::Source};
use crate::dataset::{Error, RowSource, Split, join, labels, read_at};

/// Maximum number of images that are scanned at a time; fewer if they would take more than `BYTES`.
const ROWS: usize = 8192;
const BYTES: usize = 1 << 22;

/// One part of a data set that stays on disk. Files that store plain rows of bytes (IDX, NumPy) are read by position.
/// Everything else is unpacked once into a temporary file, in the folder that `TMPDIR` names.
///
/// Opening reads all images once, which detects any damaged image. It keeps 4 bytes per image in memory, for its label.
///
/// ```
/// use handful::dataset::{OnDisk, RowSource, Split};
/// use ndarray::array;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("train.csv");
/// std::fs::write(&path, "label,pixel0,pixel1,pixel2,pixel3\nright,0,255,0,255\nleft,255,0,255,9\n")?;
/// let data = OnDisk::open(&path, Split::Train, &Default::default())?;
/// assert_eq!(data.shape(), (2, 4));
/// assert_eq!(data.select_rows(&[1])?, array![[255, 0, 255, 9]]);
/// assert_eq!(data.labels(), Some((&[1, 0][..], &["left".to_owned(), "right".to_owned()][..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OnDisk {
    /// The path for error messages.
    path: PathBuf,
    /// Several if data sets were joined.
    parts: Vec<Part>,
    shape: (usize, usize),
    image_shape: [usize; 2],
    labels: Option<(Vec<u32>, Vec<String>)>,
    is_copy: bool,
}

/// Rows stored in one file, one after the other.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    file: File,
    /// Offset of the first of them.
    start: u64,
    rows: Range<usize>,
}

impl OnDisk {
    /// Opens a file or one part of a folder, in any format: see [`dataset`](crate::dataset).
    ///
    /// # Errors
    /// As [`Reader::open`]; [`Error::Io`] if the temporary file cannot be written.
    #[expect(clippy::missing_panics_doc, reason = "rows are as they were read")]
    pub fn open(path: &Path, split: Split, options: &ReadOptions) -> Result<Self, Error> {
        let source = Source::find(path, split)?;
        let path = source.path().to_owned();
        let mut reader = Reader::of_source(source, split, options)?;
        let image_shape = reader.image_shape();
        let n_features = image_shape[0] * image_shape[1];
        let plain = if reader.is_plain() && path.is_file() { plain_file(&path)? } else { None };
        let io_error = |source| Error::Io { path: std::env::temp_dir(), source };
        let mut copy = match plain {
            Some(_) => None,
            None => Some(BufWriter::new(tempfile::tempfile().map_err(io_error)?)),
        };
        let (mut n_samples, mut seen) = (0, Labels::default());
        let most = (BYTES / n_features.max(1)).clamp(1, ROWS);
        while let Some(images) = reader.read(most)? {
            if images.shape != image_shape {
                return Err(Error::ShapeMismatch { path, expected: image_shape, found: images.shape });
            }
            if let Some(labels) = &images.labels {
                labels::check(labels).map_err(|(row, problem)| Error::Row {
                    path: path.clone(),
                    row: (n_samples + row) as u64 + 1,
                    problem,
                })?;
            }
            n_samples += images.pixels.nrows();
            if let Some(copy) = &mut copy {
                let pixels = images.pixels.as_slice().expect("rows as they were read");
                copy.write_all(pixels).map_err(io_error)?;
            }
            images.labels.into_iter().flatten().for_each(|label| seen.push(label));
        }
        let n_bytes = n_samples as u64 * n_features as u64;
        let (file, start, is_copy) = match (plain, copy) {
            (Some((file, length)), _) => (file, length.saturating_sub(n_bytes), false),
            (None, Some(copy)) => (copy.into_inner().map_err(|error| io_error(error.into_error()))?, 0, true),
            (None, None) => unreachable!("there is a file or its copy"),
        };
        let labels = seen.sorted();
        let parts = vec![Part { path: path.clone(), file, start, rows: 0..n_samples }];
        Ok(Self { path, parts, shape: (n_samples, n_features), image_shape, labels, is_copy })
    }

    /// Joins several data sets, one after the other, as [`Dataset::join`](crate::Dataset::join) does in memory. Each
    /// stays where it is.
    ///
    /// # Errors
    /// [`Error::CannotJoin`] with the names of two sets that do not match; [`Error::Inconsistent`] if there is no set.
    #[expect(clippy::missing_panics_doc, reason = "there is a first set")]
    pub fn join(sets: Vec<Self>) -> Result<Self, Error> {
        let kinds = sets.iter().map(|set| join::Part {
            name: set.path.display().to_string(),
            image_shape: set.image_shape,
            classes: set.labels().map(|(_, classes)| classes),
        });
        let classes = join::joint_classes(&kinds.collect::<Vec<_>>())?;
        let mut sets = sets.into_iter();
        let mut joined = sets.next().expect("there is one to join");
        if let Some((labels, own)) = &mut joined.labels {
            renumber(labels, own, &classes);
            own.clone_from(&classes);
        }
        for set in sets {
            let n = joined.shape.0;
            joined.shape.0 += set.shape.0;
            joined.is_copy |= set.is_copy;
            joined.parts.extend(
                set.parts
                    .into_iter()
                    .map(|part| Part { rows: part.rows.start + n..part.rows.end + n, ..part }),
            );
            if let Some(((labels, _), (mut more, own))) = joined.labels.as_mut().zip(set.labels) {
                renumber(&mut more, &own, &classes);
                labels.append(&mut more);
            }
        }
        Ok(joined)
    }

    /// The result of `work` on all rows, some at a time, in a temporary file. Labels stay.
    pub(crate) fn map<E: From<Error>>(
        &self,
        mut work: impl FnMut(ArrayView2<u8>) -> Result<Array2<u8>, E>,
    ) -> Result<Self, E> {
        let io_error = |source| Error::Io { path: std::env::temp_dir(), source };
        let mut copy = BufWriter::new(tempfile::tempfile().map_err(io_error)?);
        let ((n, d), mut buffer, mut n_features) = (self.shape, Vec::new(), 0);
        let most = (BYTES / d.max(1)).clamp(1, ROWS);
        for first in (0..n).step_by(most) {
            let made = work(self.rows(first..n.min(first + most), &mut buffer)?)?;
            n_features = made.ncols();
            copy.write_all(made.as_slice().expect("rows are contiguous")).map_err(io_error)?;
        }
        let file = copy.into_inner().map_err(|error| io_error(error.into_error()))?;
        Ok(Self {
            path: self.path.clone(),
            parts: vec![Part { path: self.path.clone(), file, start: 0, rows: 0..n }],
            shape: (n, n_features),
            image_shape: [1, n_features],
            labels: self.labels.clone(),
            is_copy: true,
        })
    }

    /// Height and width of an image.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 2] {
        self.image_shape
    }

    /// Class index of each image, and the names of the classes; `None` if images have no labels.
    #[must_use]
    pub fn labels(&self) -> Option<(&[u32], &[String])> {
        self.labels.as_ref().map(|(labels, classes)| (&labels[..], &classes[..]))
    }

    /// Number of images in each class; empty if images have no labels.
    pub(crate) fn class_counts(&self) -> Vec<usize> {
        let Some((labels, classes)) = self.labels() else { return Vec::new() };
        let mut counts = vec![0; classes.len()];
        for &label in labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// As [`labels`](Self::labels).
    ///
    /// # Errors
    /// [`Error::NoLabels`] if there are none.
    pub(crate) fn labelled(&self) -> Result<(&[u32], &[String]), Error> {
        let wanted = "expected labels, in a file beside it or in a column called label";
        let none = || Error::NoLabels { path: self.path.clone(), wanted: wanted.to_owned() };
        self.labels().ok_or_else(none)
    }

    /// The path for error messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether images are read from a temporary file.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    fn read(&self, rows: Range<usize>, into: &mut [u8]) -> Result<(), Error> {
        assert!(rows.end <= self.shape.0, "row {} of {}", rows.end, self.shape.0);
        let n_features = self.shape.1;
        for part in &self.parts {
            let (first, end) = (rows.start.max(part.rows.start), rows.end.min(part.rows.end));
            if first < end {
                let into = &mut into[(first - rows.start) * n_features..(end - rows.start) * n_features];
                let start = part.start + (first - part.rows.start) as u64 * n_features as u64;
                read_at(&part.file, into, start)
                    .map_err(|source| Error::Io { path: part.path.clone(), source })?;
            }
        }
        Ok(())
    }
}

impl RowSource for OnDisk {
    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    fn rows<'a>(&'a self, rows: Range<usize>, buffer: &'a mut Vec<u8>) -> Result<ArrayView2<'a, u8>, Error> {
        let shape = (rows.len(), self.shape.1);
        buffer.resize(shape.0 * shape.1, 0);
        self.read(rows, buffer)?;
        Ok(ArrayView2::from_shape(shape, buffer).expect("as many"))
    }
}

fn renumber(labels: &mut [u32], own: &[String], classes: &[String]) {
    let number = join::renumbered(own, classes);
    for label in labels {
        *label = number[*label as usize];
    }
}

/// The file and its length, if it is a regular file and not packed.
fn plain_file(path: &Path) -> Result<Option<(File, u64)>, Error> {
    let open = || {
        let mut file = File::open(path)?;
        let (found, mut head) = (file.metadata()?, [0; 2]);
        let is_packed =
            !found.is_file() || file.read(&mut head)? < 2 || matches!(&head, [0x1f, 0x8b] | b"BZ" | b"PK");
        Ok((!is_packed).then_some((file, found.len())))
    };
    open().map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// Labels as indices of the names seen so far.
#[derive(Default)]
struct Labels {
    names: HashMap<String, u32>,
    labels: Vec<u32>,
}

impl Labels {
    fn push(&mut self, name: String) {
        let next = u32::try_from(self.names.len()).expect("fewer than 2^32 names");
        self.labels.push(*self.names.entry(name).or_insert(next));
    }

    /// Labels as indices of the sorted names.
    fn sorted(self) -> Option<(Vec<u32>, Vec<String>)> {
        let classes = labels::classes(self.names.keys());
        let mut index = vec![0; classes.len()];
        for (class, name) in (0..).zip(&classes) {
            index[self.names[name] as usize] = class;
        }
        let labels: Vec<u32> = self.labels.into_iter().map(|label| index[label as usize]).collect();
        (!labels.is_empty()).then_some((labels, classes))
    }
}
