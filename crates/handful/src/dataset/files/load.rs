//! Loads whole data sets, and parts of them, from files in any format.

use std::{fmt::Display, fs::File, path::Path};

use ndarray::Array2;

use super::{
    Images, KnownReader, ReadOptions, Reader,
    formats::{self, Format},
    input::Input,
    keep_stream,
    source::Source,
};
use crate::dataset::{Dataset, Error, Split, labels};

/// A data set as it is published: a training set and a test set.
#[derive(Clone, Debug)]
pub struct TrainTest {
    /// The name of the folder or file, which is the name of the data.
    pub name: String,
    /// The training set.
    pub train: Dataset,
    /// The test set, with the same classes and image shape.
    pub test: Dataset,
}

impl TrainTest {
    /// [`Dataset::join`] of the training images and of the test images. The name consists of the names of all sets.
    ///
    /// # Errors
    /// As [`Dataset::join`].
    pub fn join<N: Display>(sets: impl IntoIterator<Item = (N, Self)>) -> Result<Self, Error> {
        let (mut names, mut train, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for (name, set) in sets {
            names.push(set.name);
            train.push((name.to_string(), set.train));
            test.push((name.to_string(), set.test));
        }
        Ok(Self { name: names.join(" + "), train: Dataset::join(train)?, test: Dataset::join(test)? })
    }
}

/// Reads both parts of a data set. The classes are the labels that occur.
///
/// # Errors
/// If a part is missing, damaged, or does not match the other; the error names the file.
pub fn load(path: &Path) -> Result<TrainTest, Error> {
    load_with(path, &ReadOptions::default())
}

/// [`load`] with options.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: &Path, options: &ReadOptions) -> Result<TrainTest, Error> {
    match load_parts(path, options, true)? {
        Parts::Both(both) => Ok(both),
        Parts::One(_) => Err(Error::OneSet { path: path.to_owned() }),
    }
}

/// What a data set consists of.
#[derive(Clone, Debug)]
pub enum Parts {
    /// A training set and a test set.
    Both(TrainTest),
    /// Images that are not divided, or of which only one part is there.
    One(Dataset),
}

/// Reads both parts of a data set, or all its images if they are not divided, or the one part that is there.
///
/// # Errors
/// As [`load`], but for those of a missing part.
pub fn load_any(path: &Path, options: &ReadOptions) -> Result<Parts, Error> {
    load_parts(path, options, false)
}

fn load_parts(path: &Path, options: &ReadOptions, needs_both: bool) -> Result<Parts, Error> {
    // A stream can be read only once, and both parts come from it.
    let kept = keep_stream(path)?;
    let find = |split| match &kept {
        Some(copy) => {
            let file = File::open(copy).map_err(|source| Error::Io { path: path.to_owned(), source })?;
            Input::new(path, file).map(Source::Stream)
        }
        None => Source::find(path, split),
    };
    let sources = match (find(Split::Train), find(Split::Test)) {
        (Ok(train), Ok(test)) => (train, test),
        (Ok(source), Err(Error::NoSplit { .. })) if !needs_both => {
            return one(source, Split::Train, options).map(Parts::One);
        }
        (Err(Error::NoSplit { .. }), Ok(source)) if !needs_both => {
            return one(source, Split::Test, options).map(Parts::One);
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let is_one_source = sources.0.is_same(&sources.1);
    let (train, train_labels) = read(sources.0, Split::Train, options)?;
    let test_path = sources.1.path().to_owned();
    let (test, test_labels) = read(sources.1, Split::Test, &options.with_shape(train.shape))?;
    if test.shape != train.shape {
        return Err(Error::ShapeMismatch { path: test_path, expected: train.shape, found: test.shape });
    }
    if is_one_source && train.pixels == test.pixels {
        let classes = labels::classes(&train_labels);
        return with_classes(train, &train_labels, &classes).map(Parts::One);
    }
    let classes = labels::classes(train_labels.iter().chain(&test_labels));
    let (train, test) =
        (with_classes(train, &train_labels, &classes)?, with_classes(test, &test_labels, &classes)?);
    Ok(Parts::Both(TrainTest { name: name(path), train, test }))
}

fn one(source: Source, split: Split, options: &ReadOptions) -> Result<Dataset, Error> {
    let (images, labels) = read(source, split, options)?;
    let classes = labels::classes(&labels);
    with_classes(images, &labels, &classes)
}

/// Reads only the training images: files of test images are not read, and need not exist.
///
/// # Errors
/// As [`load`].
pub fn load_train(path: &Path) -> Result<Dataset, Error> {
    load_split(path, Split::Train, &ReadOptions::default())
}

/// Reads one part of a data set, or the whole data set if it has no parts.
///
/// # Errors
/// As [`load`].
pub fn load_split(path: &Path, split: Split, options: &ReadOptions) -> Result<Dataset, Error> {
    one(Source::find(path, split)?, split, options)
}

/// Reads one part of a data set whose classes and image shape are known.
///
/// # Errors
/// As [`load`]; [`Error::UnknownLabel`] if an image belongs to none of the classes.
pub fn load_known(
    path: &Path,
    split: Split,
    classes: &[String],
    shape: [usize; 2],
    options: &ReadOptions,
) -> Result<Dataset, Error> {
    KnownReader::open(path, split, classes, shape, options)?.read_all()
}

/// Reads images, with or without labels, from a file or one part of a folder.
///
/// # Errors
/// As [`load`].
pub fn load_images(path: &Path, split: Split) -> Result<Images, Error> {
    load_images_with(path, split, &ReadOptions::default())
}

/// [`load_images`] with options.
///
/// # Errors
/// As [`load`].
pub fn load_images_with(path: &Path, split: Split, options: &ReadOptions) -> Result<Images, Error> {
    Reader::open_with(path, split, options)?.read_all()
}

/// Reads a NumPy array (`.npy`) with two axes of integers, float32 or float64; of at most 2²⁷ values.
///
/// # Errors
/// If the file cannot be read, or is not such an array.
pub fn load_matrix(path: &Path) -> Result<Array2<f64>, Error> {
    let input = Input::open(path)?;
    match formats::check(&input)? {
        Format::Npy => formats::npy::read_matrix(input),
        _ => Err(Error::Content {
            path: input.path,
            problem: "expected a NumPy array (.npy), found another format".to_owned(),
        }),
    }
}

fn read(source: Source, split: Split, options: &ReadOptions) -> Result<(Images, Vec<String>), Error> {
    let (path, wanted) = (source.path().to_owned(), source.labels_wanted());
    let mut images = Reader::of_source(source, split, options)?.read_all()?;
    let Some(labels) = images.labels.take() else {
        return Err(Error::NoLabels { path, wanted });
    };
    labels::check(&labels).map_err(|(row, problem)| Error::Row { path, row: row as u64 + 1, problem })?;
    Ok((images, labels))
}

fn with_classes(images: Images, names: &[String], classes: &[String]) -> Result<Dataset, Error> {
    let indices = labels::indices(names, classes).expect("classes are those that occur");
    Dataset::new(images.pixels, images.shape, indices, classes.to_vec())
}

fn name(path: &Path) -> String {
    let whole = path.canonicalize();
    let name = whole.as_deref().ok().and_then(Path::file_name);
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
