//! Finds the files of a folder to read: names give the part of the data set, content gives everything else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    formats::Format,
    input::Input,
    source::{Source, file_name, labels_beside, unpacked},
};
use crate::dataset::{Error, Split, is_named_as_picture, labels, natural_order, pipe};

/// How deep nested folders are searched: torchvision has `MNIST/raw`.
const DEEPEST: usize = 2;
/// Maximum number of files named in an error.
const MOST_NAMED: usize = 6;

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
