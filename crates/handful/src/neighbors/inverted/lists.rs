//! The rows list by list, in memory or in a file, from which lists are read when they are probed.

use std::{
    borrow::Cow,
    fs::File,
    io,
    ops::Range,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use ndarray::{Array2, ArrayView2};

use crate::{
    dataset::read_at,
    distance::{self, Kernel, LANES, Rows, contiguous, prefetch, shifted_norms, squared_euclidean},
    neighbors::engine::PointDistances,
    sketch::{Projection, Sketch},
};

/// A list that this many queries probe is read as a whole; for fewer queries, only the rows that may be near.
const MANY: usize = 16;
/// Number of bytes of a file's list that are processed together, so that a very long list needs no more memory than
/// others.
pub(super) const PART_BYTES: usize = if cfg!(test) { 1 << 14 } else { 1 << 23 };

/// All lists.
#[derive(Debug)]
pub(super) struct Lists {
    /// Index of the first row of each list, and the end of the last list.
    pub(super) starts: Vec<usize>,
    pub(super) n_features: usize,
    pub(super) projection: Option<Arc<Projection>>,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) enum Place {
    Memory {
        indices: Vec<u64>,
        rows: Vec<u8>,
        terms: Vec<i64>,
        /// One per list, or none at all.
        sketches: Vec<Sketch>,
    },
    File(InFile),
}

#[derive(Debug)]
pub(super) struct InFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// Their offset in bytes.
    pub(super) sketches: u64,
    pub(super) indices: u64,
    pub(super) rows: u64,
    /// The first panel of each list.
    pub(super) panels: Vec<usize>,
    /// The error of each sketch.
    pub(super) errors: Vec<f64>,
}

impl InFile {
    /// The layout of lists that follow the first `start` bytes of a file.
    pub(super) fn new(
        (file, path): (File, PathBuf),
        start: u64,
        starts: &[usize],
        projection: Option<&Projection>,
    ) -> Self {
        let mut panels = vec![0];
        let ends = starts.windows(2).scan(0, |end, range| {
            *end += (range[1] - range[0]).div_ceil(LANES);
            Some(*end)
        });
        panels.extend(ends);
        let panel_bytes = projection.map_or(0, Projection::panel_bytes);
        let [n_panels, n] = [&panels, starts].map(|counts| counts.last().copied().unwrap_or(0));
        let indices = start + n_panels as u64 * panel_bytes as u64;
        let rows = indices + n as u64 * size_of::<u64>() as u64;
        Self { file, path, sketches: start, indices, rows, panels, errors: Vec::new() }
    }
}

/// A list, or a part of one.
pub(super) struct List<'a> {
    pub(super) sketch: Option<Cow<'a, Sketch>>,
    pub(super) indices: Cow<'a, [u64]>,
    n_features: usize,
    rows: Stored<'a>,
}

enum Stored<'a> {
    Whole { rows: Cow<'a, [u8]>, terms: Cow<'a, [i64]> },
    OneByOne { file: &'a File, start: u64 },
}

impl Lists {
    pub(super) fn n_lists(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn n_samples(&self) -> usize {
        self.starts[self.n_lists()]
    }

    /// Number of rows in a list.
    pub(super) fn size(&self, number: usize) -> usize {
        self.starts[number + 1] - self.starts[number]
    }

    /// The parts of a list whose rows are processed together. A list in memory is one part.
    pub(super) fn parts(&self, number: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let size = self.size(number);
        let most = match &self.place {
            Place::Memory { .. } => usize::MAX,
            Place::File(_) => (PART_BYTES / self.n_features / LANES).max(1) * LANES,
        };
        (0..size).step_by(most).map(move |first| first..size.min(first.saturating_add(most)))
    }

    /// The rows of a part of a list in a file.
    pub(super) fn rows(&self, number: usize, part: Range<usize>) -> io::Result<Array2<u8>> {
        let Place::File(InFile { file, rows, .. }) = &self.place else { unreachable!("in a file") };
        let mut found = Array2::zeros((part.len(), self.n_features));
        let start = rows + (self.starts[number] + part.start) as u64 * self.n_features as u64;
        read_at(file, found.as_slice_mut().expect("contiguous"), start)?;
        Ok(found)
    }

    /// One of the [`parts`](Self::parts) of a list that `queries` queries probe.
    pub(super) fn list(&self, number: usize, part: Range<usize>, queries: usize) -> io::Result<List<'_>> {
        let (start, size, d) = (self.starts[number] + part.start, part.len(), self.n_features);
        match &self.place {
            Place::Memory { indices, rows, terms, sketches } => {
                let range = start..start + size;
                Ok(List {
                    sketch: sketches.get(number).map(Cow::Borrowed),
                    indices: indices[range.clone()].into(),
                    n_features: d,
                    rows: Stored::Whole {
                        rows: rows[range.start * d..range.end * d].into(),
                        terms: terms[range].into(),
                    },
                })
            }
            Place::File(InFile { file, indices, rows, sketches, panels, errors, .. }) => {
                let read = |start: u64, bytes: usize| {
                    let mut found = vec![0; bytes];
                    read_at(file, &mut found, start).map(|()| found)
                };
                let sketch = self.projection.as_ref().map(|projection| {
                    let first = panels[number] + part.start / LANES;
                    let at = sketches + (first * projection.panel_bytes()) as u64;
                    let bytes = read(at, size.div_ceil(LANES) * projection.panel_bytes())?;
                    Ok::<_, io::Error>(Cow::Owned(Sketch::from_bytes(
                        &bytes,
                        projection,
                        errors[number],
                        size,
                    )))
                });
                let sketch = sketch.transpose()?;
                let indices = read(indices + (start * size_of::<u64>()) as u64, size * size_of::<u64>())?;
                let indices: Vec<u64> =
                    indices.as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect();
                let n_samples = self.n_samples();
                if let Some(index) = indices.iter().find(|&&index| index >= n_samples as u64) {
                    let what = format!(
                        "the index is damaged: expected row numbers below {n_samples}, found {index}"
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
                let start = rows + (start * d) as u64;
                let rows = if sketch.is_some() && queries < MANY {
                    Stored::OneByOne { file, start }
                } else {
                    let rows = read(start, size * d)?;
                    let terms = shifted_norms(view(&rows, d));
                    Stored::Whole { rows: rows.into(), terms: terms.into() }
                };
                Ok(List { sketch, indices: Cow::Owned(indices), n_features: d, rows })
            }
        }
    }
}

fn view(rows: &[u8], n_features: usize) -> ArrayView2<'_, u8> {
    ArrayView2::from_shape((rows.len() / n_features, n_features), rows).expect("whole rows")
}

impl List<'_> {
    pub(super) fn len(&self) -> usize {
        self.indices.len()
    }

    /// The index of a row in the results.
    pub(super) fn index(&self, row: usize) -> usize {
        usize::try_from(self.indices[row]).unwrap_or(usize::MAX)
    }

    /// The rows and their terms, if the list was read as a whole.
    pub(super) fn whole(&self) -> Option<(ArrayView2<'_, u8>, &[i64])> {
        match &self.rows {
            Stored::Whole { rows, terms } => Some((view(rows, self.n_features), terms)),
            Stored::OneByOne { .. } => None,
        }
    }
}

/// Queries in the form that the kernels use.
pub(super) struct Queries<'a> {
    pub(super) bytes: Rows<'a, u8>,
    signed: Array2<i8>,
    norms: Vec<u64>,
}

impl<'a> Queries<'a> {
    pub(super) fn new(bytes: Rows<'a, u8>) -> Self {
        Self { bytes, signed: distance::signed(bytes.view()), norms: distance::squared_norms(bytes.view()) }
    }
}

/// A list and the queries that probe it.
pub(super) struct ListPairs<'a, 'b> {
    pub(super) kernel: Kernel,
    pub(super) list: &'a List<'a>,
    pub(super) queries: &'a Queries<'b>,
    /// The numbers of the queries that probe it.
    pub(super) which: &'a [usize],
    /// Their bytes, if they are needed.
    pub(super) selected: Array2<u8>,
    /// The error of a failed read, if any.
    pub(super) failed: OnceLock<io::Error>,
}

impl PointDistances for ListPairs<'_, '_> {
    fn queries(&self) -> Rows<'_, u8> {
        Rows::new(self.selected.view())
    }

    #[inline]
    fn distance(&self, query: usize, row: usize) -> u64 {
        let (query, d) = (self.which[query], self.list.n_features);
        match &self.list.rows {
            Stored::Whole { rows, terms } => {
                let signed = contiguous(self.queries.signed.row(query));
                let dot = self.kernel.long_dot(&rows[row * d..][..d], signed);
                // Wraps only if the terms do not belong to the rows.
                terms[row]
                    .wrapping_add(self.queries.norms[query].cast_signed())
                    .wrapping_sub(2 * dot)
                    .cast_unsigned()
            }
            Stored::OneByOne { file, start } => {
                let mut point = vec![0; d];
                match read_at(file, &mut point, start + (row * d) as u64) {
                    Ok(()) => squared_euclidean(&point, self.queries.bytes.row(query)),
                    Err(error) => {
                        self.failed.get_or_init(|| error);
                        u64::MAX
                    }
                }
            }
        }
    }

    fn reach(&self, _query: usize, distance: u64) -> f64 {
        (distance as f64).sqrt()
    }

    /// Of equally distant points the first one wins, which may be in any list.
    fn reach_squared(&self, _query: usize, distance: u64) -> i64 {
        distance.cast_signed()
    }

    #[inline]
    fn prefetch(&self, row: usize) {
        if let Stored::Whole { rows, .. } = &self.list.rows {
            let d = self.list.n_features;
            prefetch(&rows[row * d..][..d]);
        }
    }
}
