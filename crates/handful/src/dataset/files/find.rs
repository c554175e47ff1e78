//! Finds the files of a folder to read: names give the part of the data set, content gives everything else.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    Invert, Note, ReadOptions,
    formats::{self, Batch, Format, Rows, idx, npy},
    framed,
    input::Input,
    polarity,
};
use crate::dataset::{Error, Split, is_named_as_picture, labels, natural_order, pipe};

/// How deep nested folders are searched: torchvision has `MNIST/raw`.
const DEEPEST: usize = 2;
/// Maximum number of files named in an error.
const MOST_NAMED: usize = 6;

/// Where one part of a data set is read from.
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
    pub(super) fn find(path: &Path, split: Split) -> Result<Self, Error> {
        if pipe::is_stream(path) {
            return Input::open(path).map(Self::Stream);
        }
        if !path.is_dir() {
            return Self::of_file(path.to_owned());
        }
        let mut found = Vec::new();
        search(path, split, DEEPEST, &mut found)?;
        if found.len() > 1 {
            let names = found.iter().map(|(folder, _)| folder.display().to_string()).collect();
            return Err(Error::Ambiguous { folder: path.to_owned(), found: names });
        }
        found.pop().map(|(_, source)| source).ok_or_else(|| Error::NoImages { path: path.to_owned() })
    }

    /// Adds its labels, if they are in a file beside it.
    fn of_file(path: PathBuf) -> Result<Self, Error> {
        let has_labels_beside =
            matches!(Format::of(&Input::open(&path)?.head), Some(Format::Idx | Format::Npy));
        match labels_beside(&path).into_iter().find(|path| path.is_file()) {
            Some(labels) if has_labels_beside => Ok(Self::Pair { images: path, labels }),
            _ => Ok(Self::Files(vec![path])),
        }
    }

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

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The name without the extension of a compressed file.
fn unpacked(name: &str) -> &str {
    name.strip_suffix(".gz").or_else(|| name.strip_suffix(".bz2")).unwrap_or(name)
}

/// The part of a data set that a name indicates.
fn split_of(name: &str) -> Option<Split> {
    let name = unpacked(name);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    // libsvm's sites use `.t`, UCI uses `.tra` and `.tes`.
    if ["test", "t10k", "val"].iter().any(|part| name.contains(part)) || matches!(extension, "t" | "tes") {
        Some(Split::Test)
    } else {
        (name.contains("train") || extension == "tra").then_some(Split::Train)
    }
}

/// Possible files with the labels of a file of images.
fn labels_beside(images: &Path) -> Vec<PathBuf> {
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

/// Searches folders for images, and chooses among them.
fn search(
    folder: &Path,
    split: Split,
    deeper: usize,
    found: &mut Vec<(PathBuf, Source)>,
) -> Result<(), Error> {
    let entries = list(folder)?;
    if let Some(source) = data_files(folder, &entries, split)? {
        found.push((folder.to_owned(), source));
        return Ok(());
    }
    let folders: Vec<&PathBuf> = entries.iter().filter(|path| path.is_dir()).collect();
    let of_split = folders.iter().find(|path| split_of(&file_name(path)) == Some(split));
    let classes = match of_split {
        Some(path) => list(path)?.into_iter().filter(|path| path.is_dir()).collect(),
        None => folders.iter().map(|path| (*path).clone()).collect(),
    };
    let pictures = pictures(classes)?;
    if !pictures.is_empty() {
        found.push((folder.to_owned(), Source::Pictures(pictures)));
        return Ok(());
    }
    if deeper > 0 {
        for folder in folders {
            search(folder, split, deeper - 1, found)?;
        }
    }
    Ok(())
}

/// The entries of a folder, by name, without hidden files.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || {
        let entries =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
        entries.map(|mut entries| {
            entries.retain(|path| !file_name(path).starts_with('.'));
            entries.sort_by(|a, b| natural_order(a, b));
            entries
        })
    };
    read().map_err(|source| Error::Io { path: folder.to_owned(), source })
}

/// All pictures, with the names of their folders.
fn pictures(classes: Vec<PathBuf>) -> Result<Vec<(PathBuf, String)>, Error> {
    let mut found = Vec::new();
    for folder in classes {
        let class = labels::name(&folder.file_name().unwrap_or_default().to_string_lossy());
        found.extend(
            list(&folder)?
                .into_iter()
                .filter(|path| is_named_as_picture(path) && path.is_file())
                .map(|path| (path, class.clone())),
        );
    }
    Ok(found)
}

/// The files of a folder that hold images of a part, by content. If no name indicates a part, the files whose names do
/// not.
fn data_files(folder: &Path, entries: &[PathBuf], split: Split) -> Result<Option<Source>, Error> {
    let mut files: Vec<(PathBuf, Format)> = Vec::new();
    for path in entries.iter().filter(|path| path.is_file() && !is_named_as_picture(path)) {
        if let Some(format) = format_of_images(path) {
            // A file and its compressed copy count as one.
            let name = unpacked(&file_name(path)).to_owned();
            if !files.iter().any(|(path, _)| unpacked(&file_name(path)) == name) {
                files.push((path.clone(), format));
            }
        }
    }
    if files.is_empty() {
        return Ok(None);
    }
    let of = |wanted: Option<Split>| {
        let files = files.iter().filter(move |(path, _)| split_of(&file_name(path)) == wanted);
        files.cloned().collect::<Vec<_>>()
    };
    let mut chosen = of(Some(split));
    if chosen.is_empty() {
        chosen = of(None);
    }
    let named = |files: &[(PathBuf, Format)]| {
        files.iter().map(|(path, _)| file_name(path)).take(MOST_NAMED).collect::<Vec<_>>()
    };
    match &chosen[..] {
        [] => Err(Error::NoSplit { folder: folder.to_owned(), split, found: named(&files) }),
        [(path, _)] => Source::of_file(path.clone()).map(Some),
        files if files.iter().all(|(_, format)| *format == Format::Parquet) => {
            Ok(Some(Source::Files(files.iter().map(|(path, _)| path.clone()).collect())))
        }
        files => Err(Error::Ambiguous { folder: folder.to_owned(), found: named(files) }),
    }
}

/// `None` for files that hold no images, such as files of labels, and for files that cannot be read.
fn format_of_images(path: &Path) -> Option<Format> {
    let name = file_name(path);
    let is_labels = name.contains("label") || name.starts_with("y_") || name.starts_with("y.");
    let head = Input::open(path).ok()?.head;
    match Format::of(&head)? {
        Format::Idx | Format::Npy if is_labels => None,
        Format::Picture => None,
        format => Some(format),
    }
}
