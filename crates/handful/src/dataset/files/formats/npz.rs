//! Archives of NumPy's arrays, `.npz`, such as Keras's `mnist.npz`.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
    sync::{Arc, Mutex},
};

use zip::{CompressionMethod, ZipArchive};

use super::{
    Rows,
    npy::{Array, Images, Labelled},
    rows::one_line,
};
use crate::dataset::{
    Error, Split,
    files::{
        ReadOptions,
        input::{Input, inflated},
    },
};

/// Names of images and labels in archives, to which the name of the split may be added.
const NAMES: [(&str, &str); 5] =
    [("x", "y"), ("X", "y"), ("images", "labels"), ("data", "target"), ("arr_0", "arr_1")];

pub(super) fn open(input: Input, split: Split, options: &ReadOptions) -> Result<Box<dyn Rows>, Error> {
    let path = input.path.clone();
    let file = input.into_file()?;
    let problem = |problem: String| Error::Content { path: path.clone(), problem };
    let shared = file.try_clone().map_err(|source| Error::Io { path: path.clone(), source })?;
    let shared = Arc::new(Mutex::new(shared));
    let mut archive = ZipArchive::new(file).map_err(|error| problem(one_line(error)))?;
    let members: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let has = |name: &str| members.iter().any(|member| *member == format!("{name}.npy"));
    let split = if split == Split::Train { "train" } else { "test" };
    let names = NAMES.iter().flat_map(|(x, y)| {
        [(format!("{x}_{split}"), format!("{y}_{split}")), (format!("{split}_{x}"), format!("{split}_{y}"))]
    });
    let names = names.chain(NAMES.iter().map(|(x, y)| ((*x).to_owned(), (*y).to_owned())));
    let Some((images, labels)) = names.into_iter().find(|(images, _)| has(images)) else {
        return Err(problem(format!(
            "expected arrays x_{split} and y_{split}, or x and y, found {}",
            if members.is_empty() { "none".to_owned() } else { members.join(", ") }
        )));
    };
    let has_labels = has(&labels);
    let mut member = |name: &str| member(&path, &mut archive, &shared, name);
    let wanted = options.image_shape.filter(|_| !has_labels);
    let images = Images::new(member(&images)?, wanted)?;
    if !has_labels {
        return Ok(Box::new(images));
    }
    Ok(Box::new(Labelled::new(images, member(&labels)?)?))
}

/// Opens an array of an archive; several can be read alternately.
fn member(
    path: &Path,
    archive: &mut ZipArchive<File>,
    file: &Arc<Mutex<File>>,
    name: &str,
) -> Result<Array, Error> {
    let (path, name) = (path.join(name), format!("{name}.npy"));
    let found = archive.by_name(&name);
    let (at, length, method) = found
        .map(|found| (found.data_start(), found.compressed_size(), found.compression()))
        .map_err(|error| Error::Content { path: path.clone(), problem: one_line(error) })?;
    let raw = Part { file: Arc::clone(file), at }.take(length);
    let bytes = match method {
        CompressionMethod::Stored => Box::new(BufReader::new(raw)),
        CompressionMethod::Deflated => inflated(raw),
        other => {
            let problem =
                format!("expected an array that is stored or compressed with deflate, found {other}");
            return Err(Error::Content { path, problem });
        }
    };
    Array::new(path, bytes)
}

/// A file that other readers share, from an offset on.
struct Part {
    file: Arc<Mutex<File>>,
    at: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut file = self.file.lock().map_err(|_| std::io::Error::other("another reader panicked"))?;
        file.seek(SeekFrom::Start(self.at))?;
        let n = file.read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}
