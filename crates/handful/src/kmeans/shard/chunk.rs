//! Rows that lie together, and what a pass does with them: only those are looked at, and read, whose nearest centroid may be
//! another by now.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use crate::{
    dataset::RowSource,
    distance::{CONTIGUOUS, Kernel, Level, Packed},
    kmeans::{
        Centroids, Error, PartialStats,
        bytes::Bytes,
        dense::{NONE, Step, Workspace, pack, rounded_up},
        rounded::{Lower, Rounded},
        samples::NARROW,
        settle::{NOWHERE, Pairs},
        vectors::Vectors,
    },
};

/// Rows are read so many at a time, or so many bytes of them if that is less.
pub(in crate::kmeans) const CHUNK_ROWS: usize = 4096;
pub(in crate::kmeans) const CHUNK_BYTES: usize = 1 << 22;
/// Where fewer than one row in so many is wanted, each is read on its own.
const SPARSE: usize = 8;

/// Rows that lie together.
pub(in crate::kmeans) struct Chunk {
    pub(in crate::kmeans) rows: Range<usize>,
    /// Of each group.
    pub(in crate::kmeans) parts: Vec<Part>,
}

/// Rows of a chunk that are of one group, by their place in the chunk, and what is known of each, run by run.
pub(in crate::kmeans) struct Part {
    pub(in crate::kmeans) rows: Vec<u16>,
    pub(in crate::kmeans) nearest: Array2<u32>,
    pub(in crate::kmeans) limits: Array2<f32>,
}

/// What a pass is made with, for one set.
pub(in crate::kmeans) struct Prepared<'a, K: Kernel> {
    centroids: &'a Centroids,
    rounded: (Rounded, Lower),
    packed: Option<Packed<K>>,
    drifts: Array2<f32>,
}

/// What a thread needs room for.
#[derive(Default)]
pub(in crate::kmeans) struct Room {
    chunk: Vec<u8>,
    row: Vec<u8>,
    /// Rows that are open, side by side.
    open: Vec<u8>,
    places: Vec<usize>,
    workspace: Workspace,
}

impl Chunk {
    pub(in crate::kmeans) fn pass<K: Kernel>(
        &mut self,
        kernel: K,
        source: &impl RowSource,
        prepared: &[Option<Prepared<K>>],
        stats: &mut [Option<PartialStats>],
        room: &mut Room,
    ) -> Result<(), Error> {
        let Room { chunk: buffer, row, open, places, workspace } = room;
        let n_runs = prepared.len() / self.parts.len();
        let n_open: usize = self
            .parts
            .iter()
            .zip(prepared.chunks(n_runs))
            .flat_map(|(part, runs)| runs.iter().enumerate().map(move |(run, set)| (part, run, set)))
            .filter_map(|(part, run, set)| Some(part.open(run, set.as_ref()?).count()))
            .sum();
        if n_open == 0 {
            return Ok(());
        }
        let n = self.rows.len();
        let whole = if n_open * SPARSE < n { None } else { Some(source.rows(self.rows.clone(), buffer)?) };
        let sets = prepared.iter().zip(stats).enumerate();
        for (number, (set, stats)) in sets {
            let (Some(set), Some(stats)) = (set, stats) else { continue };
            let part = &mut self.parts[number / n_runs];
            let run = number % n_runs;
            places.clear();
            places.extend(part.open(run, set));
            if places.is_empty() {
                continue;
            }
            let rows = match whole {
                Some(whole) if places.len() == n => whole,
                _ => {
                    open.clear();
                    for &place in &*places {
                        let at = usize::from(part.rows[place]);
                        if let Some(whole) = &whole {
                            open.extend(whole.row(at).to_slice().expect(CONTIGUOUS));
                        } else {
                            let at = self.rows.start + at;
                            open.extend(source.rows(at..at + 1, row)?);
                        }
                    }
                    let shape = (places.len(), set.centroids.n_features());
                    ArrayView2::from_shape(shape, open).expect("whole rows")
                }
            };
            set.assign(kernel, rows, places, part, run, stats, workspace);
        }
        Ok(())
    }
}

impl Part {
    /// The places of rows whose nearest centroid may be another by now.
    pub(in crate::kmeans) fn open<'a, K: Kernel>(
        &'a self,
        run: usize,
        set: &'a Prepared<K>,
    ) -> impl Iterator<Item = usize> + 'a {
        let known = self.nearest.row(run).into_iter().zip(self.limits.row(run));
        let is_open = |(&nearest, &limit): (&u32, &f32)| {
            nearest == NOWHERE || limit <= set.drifts[[0, nearest as usize]]
        };
        known.enumerate().filter(move |(_, known)| is_open(*known)).map(|(place, _)| place)
    }
}

impl<'a, K: Kernel> Prepared<'a, K> {
    /// Of centroids that have come so far in all.
    pub(in crate::kmeans) fn new(kernel: K, centroids: &'a Centroids, drifts: &Array2<f64>) -> Self {
        let rounded = Lower::round(Level::detect(), centroids);
        let can_be_packed = centroids.n_features() <= NARROW;
        let packed = can_be_packed.then(|| pack(kernel, std::iter::once(&rounded.0)));
        Self { centroids, drifts: rounded_up(drifts), rounded, packed }
    }

    /// Looks at rows, which stand at these places of a part.
    #[expect(clippy::too_many_arguments, reason = "all that a step is made of")]
    fn assign(
        &self,
        kernel: K,
        rows: ArrayView2<u8>,
        places: &[usize],
        part: &mut Part,
        run: usize,
        stats: &mut PartialStats,
        workspace: &mut Workspace,
    ) {
        let bytes = Bytes::here(rows);
        let samples = bytes.samples();
        let pairs = [(0, Pairs::new(kernel, &bytes, self.centroids, &self.rounded))];
        let step =
            Step { kernel, samples, sets: &pairs, drifts: self.drifts.view(), packed: self.packed.as_ref() };
        let mut nearest = Array2::from_elem((1, places.len()), NOWHERE);
        let mut limits = Array2::from_elem((1, places.len()), NONE);
        step.assign(workspace, None, 0, nearest.view_mut(), limits.view_mut());
        for (row, ((&place, &new), &limit)) in places.iter().zip(&nearest).zip(&limits).enumerate() {
            let old = std::mem::replace(&mut part.nearest[[run, place]], new);
            part.limits[[run, place]] = limit;
            if old == new {
                continue;
            }
            if old != NOWHERE {
                stats.remove(kernel, old as usize, samples, row, 1);
            }
            stats.add(kernel, new as usize, samples, row, 1);
        }
    }
}

/// Rows in a chunk of rows of so many bytes.
pub(in crate::kmeans) fn chunk_rows(n_features: usize) -> usize {
    (CHUNK_BYTES / n_features.max(1)).clamp(1, CHUNK_ROWS)
}
