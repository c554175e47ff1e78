//! Rows that lie together, and their part in a pass. Without sketches, only the rows whose nearest centroid may have
//! changed are read.

use std::{mem, ops::Range, sync::Arc};

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::{
    dataset::RowSource,
    distance::{Kernel, LANES, Packed, contiguous},
    kmeans::{
        Centroids, Error, PartialStats,
        assignment::{
            dense::{self, NONE, Step, pack, rounded_up},
            resolve_ties::{CentroidDistances, NOWHERE},
            sketched::{self, CentroidSketches},
        },
        bytes::Bytes,
        centroids::rounded::{ResidualBytes, Rounded},
        samples::NARROW,
        vectors::Vectors,
    },
    sketch::{Projection, Sketch},
};

/// Maximum number of rows that are read at a time; fewer if they would have too many bytes.
pub(in crate::kmeans) const CHUNK_ROWS: usize = 4096;
pub(in crate::kmeans) const CHUNK_BYTES: usize = 1 << 22;
/// If fewer than one row in this many is needed, each is read on its own.
const SPARSE: usize = 8;

/// Rows that lie together.
pub(in crate::kmeans) struct Chunk {
    pub(in crate::kmeans) rows: Range<usize>,
    /// One per group.
    pub(in crate::kmeans) parts: Vec<Part>,
}

/// Rows of a chunk that belong to one group, by their position in the chunk, and what is known of each, run by run.
pub(in crate::kmeans) struct Part {
    pub(in crate::kmeans) rows: Vec<u16>,
    pub(in crate::kmeans) nearest: Array2<u32>,
    known: Known,
}

/// What is known of rows besides their nearest centroids, shape (runs, rows).
enum Known {
    /// How far centroids may move before another can be the nearest: see `dense`.
    Limits(Array2<f32>),
    /// Sketches of the rows, once they have been read, and their squared distances from their nearest centroids: see
    /// `sketched`.
    Sketches(Option<Sketch>, Array2<i64>),
}

/// The prepared inputs of a pass, for one set.
pub(in crate::kmeans) struct Prepared<'a> {
    centroids: &'a Centroids,
    rounded: (Rounded, ResidualBytes),
    road: Road<'a>,
}

enum Road<'a> {
    Dense { packed: Option<Packed>, drifts: Array2<f32> },
    Sketched { projection: &'a Arc<Projection>, sketches: CentroidSketches, still: &'a [bool] },
}

/// The results of a thread for its chunks.
pub(in crate::kmeans) struct Found {
    /// One per set that took part.
    pub(in crate::kmeans) stats: Vec<Option<PartialStats>>,
    /// For each group, the number of pairs of row and centroid that were compared by sketches, and the number that were
    /// measured.
    pub(in crate::kmeans) costs: Vec<(usize, usize)>,
}

/// Memory that a thread reuses.
#[derive(Default)]
pub(in crate::kmeans) struct Workspaces {
    chunk: Vec<u8>,
    row: Vec<u8>,
    /// The needed rows, contiguous.
    wanted: Vec<u8>,
    places: Vec<usize>,
    dense: dense::Workspace,
    sketched: sketched::Workspace,
}

impl Chunk {
    pub(in crate::kmeans) fn pass(
        &mut self,
        kernel: Kernel,
        source: &impl RowSource,
        prepared: &[Option<Prepared>],
        found: &mut Found,
        room: &mut Workspaces,
    ) -> Result<(), Error> {
        let Workspaces { chunk: buffer, row, wanted, places, dense, sketched } = room;
        let n_runs = prepared.len() / self.parts.len();
        let sets = || prepared.iter().enumerate().filter_map(|(number, set)| Some((number, set.as_ref()?)));
        let count = |(number, set): (usize, &Prepared)| {
            self.parts[number / n_runs].wanted(number % n_runs, set).count()
        };
        let (n, n_wanted) = (self.rows.len(), sets().map(count).sum::<usize>());
        if n_wanted == 0 {
            return Ok(());
        }
        let whole = if n_wanted * SPARSE < n { None } else { Some(source.rows(self.rows.clone(), buffer)?) };
        for (number, set) in sets() {
            let (group, run) = (number / n_runs, number % n_runs);
            let part = &mut self.parts[group];
            places.clear();
            places.extend(part.wanted(run, set));
            if places.is_empty() {
                continue;
            }
            let rows = match whole {
                Some(whole) if places.len() == n => whole,
                _ => {
                    wanted.clear();
                    for &place in &*places {
                        let at = usize::from(part.rows[place]);
                        if let Some(whole) = &whole {
                            wanted.extend(contiguous(whole.row(at)));
                        } else {
                            let at = self.rows.start + at;
                            wanted.extend(source.rows(at..at + 1, row)?);
                        }
                    }
                    let shape = (places.len(), set.centroids.n_features());
                    ArrayView2::from_shape(shape, wanted).expect("whole rows")
                }
            };
            let stats = found.stats[number].as_mut().expect("of each set that takes part");
            let bytes = Bytes::new_sequential(rows);
            match &set.road {
                Road::Dense { packed, drifts } => {
                    set.assign(kernel, &bytes, (packed.as_ref(), drifts), places, part, run, stats, dense);
                }
                Road::Sketched { projection, sketches, still } => {
                    let costs = &mut found.costs[group];
                    costs.0 += rows.nrows() * set.centroids.n_clusters();
                    let road = (*projection, sketches, *still);
                    costs.1 += set.assign_sketched(kernel, &bytes, road, part, run, stats, sketched);
                }
            }
        }
        Ok(())
    }
}

impl Part {
    /// For rows that no pass has visited yet.
    pub(in crate::kmeans) fn new(rows: Vec<u16>, n_runs: usize) -> Self {
        let shape = (n_runs, rows.len());
        Self {
            rows,
            nearest: Array2::from_elem(shape, NOWHERE),
            known: Known::Limits(Array2::from_elem(shape, NONE)),
        }
    }

    /// Starts or stops using sketches. Nearest centroids are kept.
    pub(in crate::kmeans) fn use_sketches(&mut self, wanted: bool) {
        let shape = self.nearest.dim();
        self.known = if wanted {
            Known::Sketches(None, Array2::zeros(shape))
        } else {
            Known::Limits(Array2::from_elem(shape, NONE))
        };
    }

    /// Forgets all passes of a run.
    pub(in crate::kmeans) fn forget(&mut self, run: usize) {
        self.nearest.row_mut(run).fill(NOWHERE);
        if let Known::Limits(limits) = &mut self.known {
            limits.row_mut(run).fill(NONE);
        }
    }

    /// The positions of rows that must be examined: all with sketches, otherwise those whose nearest centroid may have
    /// changed.
    fn wanted<'a>(&'a self, run: usize, set: &'a Prepared) -> impl Iterator<Item = usize> + 'a {
        let is_wanted = move |place: &usize| match (&self.known, &set.road) {
            (Known::Limits(limits), Road::Dense { drifts, .. }) => {
                let nearest = self.nearest[[run, *place]];
                nearest == NOWHERE || limits[[run, *place]] <= drifts[[0, nearest as usize]]
            }
            _ => true,
        };
        (0..self.rows.len()).filter(is_wanted)
    }
}

impl<'a> Prepared<'a> {
    /// For centroids with these total drifts.
    pub(in crate::kmeans) fn dense(kernel: Kernel, centroids: &'a Centroids, drifts: &Array2<f64>) -> Self {
        let rounded = ResidualBytes::round(centroids);
        let can_be_packed = centroids.n_features() <= NARROW;
        let packed = can_be_packed.then(|| pack(kernel, std::iter::once(&rounded.0)));
        Self { centroids, rounded, road: Road::Dense { packed, drifts: rounded_up(drifts) } }
    }

    /// For centroids some of which have not moved since the last pass.
    pub(in crate::kmeans) fn sketched(
        kernel: Kernel,
        centroids: &'a Centroids,
        projection: &'a Arc<Projection>,
        still: &'a [bool],
    ) -> Self {
        let rounded = ResidualBytes::round(centroids);
        let sketches = CentroidSketches::new(kernel, projection, &rounded.0);
        Self { centroids, rounded, road: Road::Sketched { projection, sketches, still } }
    }

    /// Examines the rows at these positions of a part.
    #[expect(clippy::too_many_arguments, reason = "all that a step is made of")]
    fn assign(
        &self,
        kernel: Kernel,
        bytes: &Bytes,
        (packed, drifts): (Option<&Packed>, &Array2<f32>),
        places: &[usize],
        part: &mut Part,
        run: usize,
        stats: &mut PartialStats,
        workspace: &mut dense::Workspace,
    ) {
        let samples = bytes.samples();
        let pairs = [(0, CentroidDistances::new(kernel, bytes, self.centroids, &self.rounded))];
        let step = Step { kernel, samples, sets: &pairs, drifts: drifts.view(), packed };
        let mut nearest = Array2::from_elem((1, places.len()), NOWHERE);
        let mut limits = Array2::from_elem((1, places.len()), NONE);
        step.assign(workspace, None, 0, nearest.view_mut(), limits.view_mut());
        let Known::Limits(known) = &mut part.known else { unreachable!("limits go with dense steps") };
        for (row, ((&place, &new), &limit)) in places.iter().zip(&nearest).zip(&limits).enumerate() {
            let old = mem::replace(&mut part.nearest[[run, place]], new);
            known[[run, place]] = limit;
            stats.relabel(kernel, samples, row, 1, [old, new]);
        }
    }

    /// Examines all rows of a part. Returns how many centroids were measured.
    #[expect(clippy::too_many_arguments, reason = "all that a step is made of")]
    fn assign_sketched(
        &self,
        kernel: Kernel,
        bytes: &Bytes,
        (projection, centroids, still): (&Arc<Projection>, &CentroidSketches, &[bool]),
        part: &mut Part,
        run: usize,
        stats: &mut PartialStats,
        workspace: &mut sketched::Workspace,
    ) -> usize {
        let samples = bytes.samples();
        let Known::Sketches(sketch, distances) = &mut part.known else {
            unreachable!("sketches go with sketched steps")
        };
        let sketch = sketch.get_or_insert_with(|| Sketch::new(kernel, samples.rows.view(), projection));
        let pairs = CentroidDistances::new(kernel, bytes, self.centroids, &self.rounded);
        let set = sketched::Set { pairs: &pairs, centroids, still: ArrayView1::from(still) };
        let mut nearest = part.nearest.row_mut(run);
        let before = nearest.to_vec();
        let panels = nearest.axis_chunks_iter_mut(Axis(0), LANES);
        let mut distances = distances.row_mut(run);
        let panels = panels.zip(distances.axis_chunks_iter_mut(Axis(0), LANES)).enumerate();
        let measured = panels.map(|(number, (nearest, distances))| {
            set.assign_panel(sketch, number, workspace, nearest, distances)
        });
        let measured = measured.sum();
        for (row, (&old, &new)) in before.iter().zip(&nearest).enumerate() {
            stats.relabel(kernel, samples, row, 1, [old, new]);
        }
        measured
    }
}

/// Number of rows in a chunk, for rows of `n_features` bytes.
pub(in crate::kmeans) fn chunk_rows(n_features: usize) -> usize {
    (CHUNK_BYTES / n_features.max(1)).clamp(1, CHUNK_ROWS)
}
