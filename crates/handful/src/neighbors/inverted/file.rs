//! An inverted index in one file, which is searched without being read as a whole.
//!
//! ```text
//!   magic | sketches | row numbers | rows | head | length of the head | magic
//!           └─────── list by list ──────┘   sealed tensors: centroids, sizes of lists, recall …
//! ```
//!
//! The head is at the end, because only then is all its content known. It is checked, and kept in memory, when the file
//! is opened. The lists are read when they are probed.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

use ndarray::{Array1, Array2, ArrayView1};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[cfg(feature = "training")]
use super::draft::Draft;
use super::{
    Error, InvertedIndex, Recall,
    lists::{InFile, Lists, Place},
};
use crate::{
    distance::{LANES, all_shifted_norms},
    neighbors::{Algorithm, NearestNeighbors},
    progress::Observer,
    sketch::{Projection, Sketch},
    tensor_file::{self, Reader, Writer, hex, sealed},
};

/// The newest format version that can be read, and the one that is written.
const FORMAT_VERSION: u32 = 1;

pub(super) const MAGIC: &[u8; 8] = b"hfIndex\n";
const KEY: &str = "handful_index";
const NUMBER: u64 = size_of::<u64>() as u64;

#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    n_probe: usize,
    recall_neighbors: usize,
    recall_queries: usize,
    lists_sha256: String,
}

/// The part of the head that shows whether the rest can be read.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// A writer that computes a checksum of what it writes.
struct Hashing<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl InvertedIndex {
    /// Writes the index, first under a temporary name, so that the file is either complete or absent.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written, or if this index cannot be read from its own file.
    #[cfg(feature = "training")]
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let draft = Draft::create(path)?;
        self.write(&draft)?;
        draft.finish()
    }

    #[cfg(feature = "training")]
    fn write(&self, draft: &Draft) -> Result<(), Error> {
        let io_error = |source| draft.error(source);
        let mut out = BufWriter::with_capacity(1 << 20, draft.file());
        out.write_all(MAGIC).map_err(io_error)?;
        let mut body = Hashing { to: out, hash: Sha256::new() };
        let errors = self.write_lists(&mut body, io_error)?;
        let Hashing { to: mut out, hash } = body;
        let end = self.end(&errors, hex(&hash.finalize()), draft.path())?;
        out.write_all(&end).and_then(|()| out.flush()).map_err(io_error)
    }

    /// Writes all lists, and returns the errors of their sketches.
    fn write_lists(
        &self,
        to: &mut impl Write,
        io_error: impl Fn(io::Error) -> Error,
    ) -> Result<Vec<f64>, Error> {
        let (lists, mut errors) = (&self.lists, Vec::new());
        let read =
            |number, part| lists.list(number, part, usize::MAX).map_err(|source| self.unreadable(source));
        let parts =
            || (0..self.n_lists()).flat_map(|number| lists.parts(number).map(move |part| (number, part)));
        if lists.projection.is_some() {
            errors.resize(self.n_lists(), 0.0);
        }
        for (number, part) in parts() {
            if let Some(sketch) = read(number, part)?.sketch {
                errors[number] = sketch.error();
                to.write_all(&sketch.bytes()).map_err(&io_error)?;
            }
        }
        for (number, part) in parts() {
            for index in read(number, part)?.indices.iter() {
                to.write_all(&index.to_le_bytes()).map_err(&io_error)?;
            }
        }
        for (number, part) in parts() {
            let list = read(number, part)?;
            let (rows, _) = list.whole().expect("a list that all queries probe");
            to.write_all(rows.to_slice().expect("contiguous")).map_err(&io_error)?;
        }
        Ok(errors)
    }

    /// What follows the lists in a file of this name.
    pub(super) fn end(&self, errors: &[f64], lists_sha256: String, path: &Path) -> Result<Vec<u8>, Error> {
        let head = self.head(errors, lists_sha256).map_err(|error| Error::of_head(path, &error))?;
        Ok([&head[..], &(head.len() as u64).to_le_bytes(), MAGIC].concat())
    }

    fn head(&self, errors: &[f64], lists_sha256: String) -> Result<Vec<u8>, tensor_file::Error> {
        let mut writer = Writer::default();
        writer.put("centroids".to_owned(), self.centroids.points.view());
        let sizes: Vec<u64> = (0..self.n_lists()).map(|list| self.lists.size(list) as u64).collect();
        writer.put("sizes".to_owned(), ArrayView1::from(&sizes));
        writer.put("recall.by_rank".to_owned(), ArrayView1::from(&self.recall.by_rank));
        if let Some(projection) = &self.lists.projection {
            projection.write(&mut writer);
            writer.put("sketch.errors".to_owned(), ArrayView1::from(errors));
        }
        let metadata = Metadata {
            version: FORMAT_VERSION,
            n_probe: self.n_probe,
            recall_neighbors: self.recall.n_neighbors,
            recall_queries: self.recall.n_queries,
            lists_sha256,
        };
        let json = serde_json::to_string(&metadata)
            .map_err(|error| tensor_file::Error::Content(error.to_string()))?;
        sealed::seal(KEY, &json, &writer.finish())
    }

    /// Opens an index that stays in its file. Its head is read and checked. The lists are read when queries probe them,
    /// straight from the file, which must not change meanwhile. Only [`load`](Self::load) detects damage within the
    /// lists.
    ///
    /// # Errors
    /// If the file cannot be read, is not an index, is damaged, or was saved by a newer version of handful.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self::opened(path)?.0)
    }

    /// Reads an index into memory, and checks every byte of it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[expect(clippy::missing_panics_doc, reason = "as many rows as were read")]
    pub fn load(path: &Path) -> Result<Self, Error> {
        let (index, expected) = Self::opened(path)?;
        let io_error = |source| Error::Io { path: path.to_owned(), source };
        let lists = &index.lists;
        let Place::File(InFile { file, errors, .. }) = &lists.place else { unreachable!("it was opened") };
        let (n, d, mut hash) = (lists.n_samples(), lists.n_features, Sha256::new());
        let mut file = io::BufReader::with_capacity(1 << 20, file);
        file.seek(SeekFrom::Start(MAGIC.len() as u64)).map_err(io_error)?;
        let mut read = |bytes: usize| {
            let mut found = vec![0; bytes];
            file.read_exact(&mut found).map_err(io_error)?;
            hash.update(&found);
            Ok::<_, Error>(found)
        };
        let mut sketches = Vec::new();
        if let Some(projection) = &lists.projection {
            for (number, &error) in errors.iter().enumerate() {
                let size = lists.size(number);
                let bytes = read(size.div_ceil(LANES) * projection.panel_bytes())?;
                sketches.push(Sketch::from_bytes(&bytes, projection, error, size));
            }
        }
        let indices = read(n * size_of::<u64>())?;
        let indices: Vec<u64> =
            indices.as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect();
        let rows = Array2::from_shape_vec((n, d), read(n * d)?).expect("as many as asked for");
        let found = hex(&hash.finalize());
        if found != expected {
            let what = format!("the checksum of its lists is {found}, expected {expected}");
            return Err(Error::Damaged { path: path.to_owned(), what });
        }
        if indices.iter().any(|&index| index >= n as u64) {
            let what = format!("expected row numbers below {n}, the number of rows");
            return Err(Error::Damaged { path: path.to_owned(), what });
        }
        let terms = all_shifted_norms(rows.view());
        let place = Place::Memory { indices, rows: rows.into_raw_vec_and_offset().0, terms, sketches };
        Ok(Self { lists: Lists { place, ..index.lists }, ..index })
    }

    /// An index in its file, and the checksum of its lists.
    fn opened(path: &Path) -> Result<(Self, String), Error> {
        let io_error = |source| Error::Io { path: path.to_owned(), source };
        let foreign = || Error::Foreign { path: path.to_owned() };
        let mut file = crate::dataset::open(path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        let (mut magic, mut tail) = ([0; 8], [0; 16]);
        if length < 24 {
            return Err(foreign());
        }
        file.read_exact(&mut magic).map_err(io_error)?;
        file.seek(SeekFrom::End(-16)).map_err(io_error)?;
        file.read_exact(&mut tail).map_err(io_error)?;
        let (head_length, end) = tail.split_at(8);
        let head_length = u64::from_le_bytes(head_length.try_into().expect("8 bytes"));
        if &magic != MAGIC || end != MAGIC || head_length > length - 24 {
            return Err(foreign());
        }
        let head_start = length - 16 - head_length;
        file.seek(SeekFrom::Start(head_start)).map_err(io_error)?;
        // It grows with the data, so that a wrong length allocates no memory.
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(head_length).read_to_end(&mut head).map_err(io_error)?;

        let damaged = |error: tensor_file::Error| Error::of_head(path, &error);
        let content = |error: serde_json::Error| damaged(tensor_file::Error::Content(error.to_string()));
        let entry = sealed::metadata(KEY, &head).map_err(damaged)?.ok_or_else(foreign)?;
        let Version { version } = serde_json::from_str(&entry).map_err(content)?;
        if version != FORMAT_VERSION {
            let (found, supported) = (version, FORMAT_VERSION);
            return Err(Error::Version { path: path.to_owned(), found, supported });
        }
        let (json, tensors) = sealed::open(&entry, &head).map_err(damaged)?;
        let metadata: Metadata = serde_json::from_str(&json).map_err(content)?;
        let body = head_start - MAGIC.len() as u64;
        let sha256 = metadata.lists_sha256.clone();
        let index = Self::from_parts(&tensors, &metadata, (file, path, body)).map_err(damaged)?;
        Ok((index, sha256))
    }

    fn from_parts(
        reader: &Reader,
        metadata: &Metadata,
        (file, path, body): (File, &Path, u64),
    ) -> Result<Self, tensor_file::Error> {
        let content = |what: &str| tensor_file::Error::Content(what.to_owned());
        let centroids: Array2<u8> = reader.array2("centroids", [None, None])?;
        let (n_lists, n_features) = centroids.dim();
        let sizes: Array1<u64> = reader.array1("sizes", Some(n_lists))?;
        let by_rank: Array1<u64> = reader.array1("recall.by_rank", Some(n_lists))?;
        let projection = Projection::read(reader, n_features)?;
        let errors = match &projection {
            Some(_) => reader.array1("sketch.errors", Some(n_lists))?.to_vec(),
            None => Vec::new(),
        };
        if n_lists == 0 || n_features == 0 || !(1..=n_lists).contains(&metadata.n_probe) {
            return Err(content("expected at least one list, and 1 to all of them to search"));
        }
        if errors.iter().any(|error: &f64| !error.is_finite() || *error < 0.0) {
            return Err(content("expected finite errors of sketches of at least 0"));
        }
        let sum = by_rank.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        if sum.is_none_or(|sum| {
            metadata.recall_neighbors.checked_mul(metadata.recall_queries) != usize::try_from(sum).ok()
        }) {
            return Err(content(
                "expected counts of neighbours that add up to the number with which the recall was measured",
            ));
        }
        // Everything fits into 64 bits, because the body is no longer than the file.
        let mut starts = vec![0];
        let lanes = LANES as u64;
        let row_bytes = n_features as u64 + NUMBER;
        let (mut n, mut n_panels) = (0_u64, 0_u64);
        for &size in &sizes {
            n = n
                .checked_add(size)
                .filter(|n| *n <= body / row_bytes)
                .ok_or_else(|| content("its lists are longer than the file"))?;
            n_panels += size.div_ceil(lanes);
            starts.push(usize::try_from(n).map_err(|_| content("its lists are longer than the file"))?);
        }
        let panel_bytes = projection.as_ref().map_or(0, |projection| projection.panel_bytes());
        let sketch_bytes = n_panels.saturating_mul(panel_bytes as u64);
        if n == 0 || sketch_bytes.saturating_add(n * row_bytes) != body {
            return Err(content(&format!(
                "its lists take {body} bytes, expected {}",
                sketch_bytes.saturating_add(n * row_bytes)
            )));
        }
        let place = (file, path.to_owned());
        let place = InFile::new(place, MAGIC.len() as u64, &starts, projection.as_deref());
        let place = Place::File(InFile { errors, ..place });
        Ok(Self {
            centroids: NearestNeighbors::with_algorithm(centroids, Algorithm::Auto)
                .map_err(|error| content(&error.to_string()))?,
            lists: Lists { starts, n_features, projection, place },
            recall: Recall {
                n_neighbors: metadata.recall_neighbors,
                n_queries: metadata.recall_queries,
                by_rank: by_rank.to_vec(),
            },
            n_probe: metadata.n_probe,
            memory_limit: None,
            observer: Observer::default(),
        })
    }
}
