//! Where one part of a data set is read from: files, pairs of files, pictures or a stream.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
};

use super::{
    Invert, Note, ReadOptions,
    formats::{self, Batch, Format, Rows, idx, npy},
    framed,
    input::Input,
    polarity,
};
use crate::dataset::{Error, Split};

/// The files of one part, or a stream.
pub(super) enum Source {
    /// Files of images, perhaps with labels, one after the other.
    Files(Vec<PathBuf>),
    /// A file of images and a file of labels.
    Pair { images: PathBuf, labels: PathBuf },
    /// Pictures, each with the name of its folder.
    Pictures(Vec<(PathBuf, String)>),
    /// A stream that has been opened, and can be read only once.
    Stream(Input),
}

impl Source {
    /// Inverts the images of data files if necessary. The ink of pictures is recognised elsewhere.
    pub(super) fn open(self, split: Split, options: &ReadOptions) -> Result<Box<dyn Rows>, Error> {
        let (path, is_picture) = (self.path().to_owned(), self.is_picture());
        let rows = self.open_as_is(split, options)?;
        if rows.is_framed() {
            return Ok(rows);
        }
        let invert = if is_picture { Invert::Never } else { options.invert };
        let (rows, is_inferred) = polarity::applied(rows, invert)?;
        if is_inferred {
            options.notes.tell(&Note::Inverted { path });
        }
        Ok(framed::applied(rows, is_picture, options))
    }

    fn open_as_is(self, split: Split, options: &ReadOptions) -> Result<Box<dyn Rows>, Error> {
        match self {
            Self::Files(files) => {
                let mut files = files.into_iter();
                let first = files.next().expect("at least one");
                let now = open_file(&first, split, options)?;
                let options = options.clone();
                Ok(if files.len() == 0 { now } else { Box::new(Chain { now, files, split, options }) })
            }
            Self::Pair { images, labels } => open_pair(&images, &labels, options),
            Self::Stream(input) => formats::open(input, split, options),
            #[cfg(feature = "images")]
            Self::Pictures(files) => Ok(Box::new(formats::pictures::Folder::new(files, options)?)),
            #[cfg(not(feature = "images"))]
            Self::Pictures(files) => {
                let _ = options;
                let path = files.into_iter().next().map(|(path, _)| path).unwrap_or_default();
                Err(Error::Feature { path, feature: "images" })
            }
        }
    }

    /// A description of the labels that were searched for.
    pub(super) fn labels_wanted(&self) -> String {
        match self {
            Self::Files(files) => match labels_beside(&files[0]).first().and_then(|path| path.file_name()) {
                Some(name) => format!("expected labels in {0} or {0}.gz beside it", name.display()),
                None => "expected labels, for example in a column called label".to_owned(),
            },
            Self::Stream(_) => "expected labels, for example in a column called label".to_owned(),
            _ => "expected labels".to_owned(),
        }
    }

    /// Whether this is a single picture, kept as it is.
    pub(super) fn is_picture(&self) -> bool {
        let format = match self {
            Self::Files(files) if files.len() == 1 => {
                Input::open(&files[0]).ok().and_then(|input| Format::of(&input.head))
            }
            Self::Stream(input) => Format::of(&input.head),
            _ => None,
        };
        format == Some(Format::Picture)
    }

    /// Whether two parts are read from the same files.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Files(a), Self::Files(b)) => a == b,
            (Self::Pair { images: a, .. }, Self::Pair { images: b, .. }) => a == b,
            (Self::Pictures(a), Self::Pictures(b)) => a == b,
            (Self::Stream(a), Self::Stream(b)) => a.path == b.path,
            _ => false,
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Files(files) => &files[0],
            Self::Pair { images, .. } => images,
            Self::Pictures(files) => &files[0].0,
            Self::Stream(input) => &input.path,
        }
    }
}

fn open_file(path: &Path, split: Split, options: &ReadOptions) -> Result<Box<dyn Rows>, Error> {
    let input = Input::open(path)?;
    if Format::of(&input.head) == Some(Format::Idx) && is_transposed(path) {
        return Ok(Box::new(idx::Transposed(idx::Images::new(input)?)));
    }
    formats::open(input, split, options)
}

/// EMNIST has the rows and columns of its images exchanged, which only the name shows.
fn is_transposed(images: &Path) -> bool {
    file_name(images).starts_with("emnist-")
}

fn open_pair(images: &Path, labels: &Path, options: &ReadOptions) -> Result<Box<dyn Rows>, Error> {
    let (images_input, labels_input) = (Input::open(images)?, Input::open(labels)?);
    if Format::of(&images_input.head) == Some(Format::Npy) {
        return npy::open_pair(images_input, labels_input);
    }
    let names = match mapping_beside(images).map(File::open) {
        Some(Ok(file)) => idx::names(file).unwrap_or_default(),
        _ => HashMap::new(),
    };
    let labels_path = labels.to_owned();
    let labels = idx::Labels::new(labels_input, names)?;
    let rows = open_file(images, Split::Train, options)?;
    if rows.size_hint() != labels.len() {
        return Err(Error::CountMismatch {
            images_path: images.to_owned(),
            images: rows.size_hint(),
            labels_path,
            labels: labels.len(),
        });
    }
    Ok(Box::new(Labelled { rows, labels }))
}

/// EMNIST's mapping from labels to characters.
fn mapping_beside(images: &Path) -> Option<PathBuf> {
    let name = file_name(images);
    let (prefix, _) = name.split_once("-train").or_else(|| name.split_once("-test"))?;
    let path = images.with_file_name(format!("{prefix}-mapping.txt"));
    path.is_file().then_some(path)
}

/// Images with labels from another file.
struct Labelled {
    rows: Box<dyn Rows>,
    labels: idx::Labels,
}

impl Rows for Labelled {
    fn shape(&self) -> [usize; 2] {
        self.rows.shape()
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        self.rows.read(most, into)?;
        self.labels.read(most, &mut into.labels)
    }

    fn size_hint(&self) -> usize {
        self.rows.size_hint()
    }

    fn is_plain(&self) -> bool {
        self.rows.is_plain()
    }
}

/// One file after the other.
struct Chain {
    now: Box<dyn Rows>,
    files: std::vec::IntoIter<PathBuf>,
    split: Split,
    options: ReadOptions,
}

impl Rows for Chain {
    fn shape(&self) -> [usize; 2] {
        self.now.shape()
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let [height, width] = self.shape();
        let end = into.pixels.len() + most * height * width;
        loop {
            self.now.read((end - into.pixels.len()) / (height * width), into)?;
            if into.pixels.len() == end {
                return Ok(());
            }
            let Some(path) = self.files.next() else { return Ok(()) };
            let next = open_file(&path, self.split, &self.options)?;
            if next.shape() != [height, width] {
                return Err(Error::ShapeMismatch { path, expected: [height, width], found: next.shape() });
            }
            self.now = next;
        }
    }

    fn is_framed(&self) -> bool {
        self.now.is_framed()
    }
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The name without the extension of a compressed file.
pub(super) fn unpacked(name: &str) -> &str {
    name.strip_suffix(".gz").or_else(|| name.strip_suffix(".bz2")).unwrap_or(name)
}

/// Possible files with the labels of a file of images.
pub(super) fn labels_beside(images: &Path) -> Vec<PathBuf> {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    let name = unpacked(&name);
    let labels = if name.contains("images") {
        let labels = name.replace("images", "labels");
        vec![labels.replace("idx3", "idx1"), labels.replace("idx3-ubyte", "idx2-int")]
    } else {
        let pair = [("x", "y"), ("X", "y")].into_iter().find_map(|(x, y)| {
            name.strip_prefix(x).filter(|rest| rest.starts_with(['_', '.'])).map(|rest| format!("{y}{rest}"))
        });
        pair.into_iter().collect()
    };
    let packed = |name: String| [name.clone(), format!("{name}.gz")];
    labels.into_iter().flat_map(packed).map(|name| images.with_file_name(name)).collect()
}
