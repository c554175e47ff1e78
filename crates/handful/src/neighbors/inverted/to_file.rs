//! Creates an index in its file, from rows that need not fit into memory.
//!
//! ```text
//!   rows ──► centroids ──► the list of each row ──► rows to their places ──► sketches ──► recall, checksum, head
//!             (a sample)
//! ```

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use sha2::{Digest, Sha256};

use super::{
    Error, InvertedIndex, InvertedParams,
    draft::Draft,
    file::MAGIC,
    lists::{InFile, Lists, Place},
    memory::Plan,
    router::{Division, Router, batches},
};
use crate::{
    dataset::{RowSource, read_at},
    distance::{Kernel, LANES, contiguous},
    neighbors::OutOfCore,
    progress::{Observer, Stage},
    sketch::Sketch,
    tensor_file::hex,
};

/// Number of rows of a list that are written at once.
const RUN: usize = 1024;
/// Number of bytes that are hashed at once.
const HASHED: usize = 1 << 22;

impl InvertedParams {
    /// Creates an index of rows, shape (n, `n_features`), in a file: the same bytes that [`fit`](Self::fit) and
    /// [`save`](InvertedIndex::save) write, but the rows need not fit into memory. They are read three times, batch by
    /// batch, in addition to the sample from which K-Means learns the lists. The sample is read into memory, or in
    /// passes if it does not fit.
    ///
    /// It keeps 4 bytes per row in memory, and some data per list. `memory_limit` is the most memory that the process
    /// may use, in bytes. The returned index, which stays in its file, is searched within the same limit.
    ///
    /// ```
    /// use handful::neighbors::InvertedIndex;
    /// use ndarray::Array2;
    ///
    /// let rows = Array2::from_shape_fn((1000, 2), |(i, j)| (i / 4 + 5 * j * (i % 4)) as u8);
    /// let folder = tempfile::tempdir()?;
    /// let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    /// let index = InvertedIndex::params().fit_to_file(&rows.view(), &a, Some(100 << 20))?;
    /// assert_eq!(index.kneighbors(rows.view(), 1)?.indices[[999, 0]], 999);
    /// InvertedIndex::params().fit(&rows.view())?.save(&b)?;
    /// assert_eq!(std::fs::read(&a)?, std::fs::read(&b)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit); if the memory limit is too low or the file cannot be created, which is checked before any
    /// row is read; if the file cannot be written. In all these cases no file is created.
    #[doc(hidden)]
    pub fn fit_to_file(
        &self,
        rows: &impl RowSource,
        path: &Path,
        memory_limit: Option<u64>,
    ) -> Result<InvertedIndex, Error> {
        let n_lists = self.checked_lists(rows.shape())?;
        let plan = Plan::new(self, n_lists, rows, memory_limit)?;
        self.fill(Draft::create(path)?, rows, n_lists, &plan)?;
        Ok(InvertedIndex { memory_limit, ..InvertedIndex::open(path)?.observer(self.observer.clone()) })
    }

    /// Creates an index according to the plan in the draft of its file.
    pub(super) fn fill(
        &self,
        draft: Draft,
        rows: &impl RowSource,
        n_lists: usize,
        plan: &Plan,
    ) -> Result<(), Error> {
        let (n_samples, n_features) = rows.shape();
        let router = Router::learn(self, n_lists, rows, plan.passes.as_ref())?;
        let Division { labels, starts } = router.divide(rows, plan.batch, &self.observer)?;

        let projection = router.projection.clone();
        let file = draft.file().try_clone().map_err(|source| draft.error(source))?;
        let file = (file, draft.path().to_owned());
        let in_file = InFile::new(file, MAGIC.len() as u64, &starts, projection.as_deref());
        place(rows, plan.batch, &labels, (&draft, &in_file, &starts), &self.observer)?;
        let end = in_file.rows + n_samples as u64 * n_features as u64;
        let lists = Lists { starts, n_features, projection, place: Place::File(in_file) };
        let errors = sketch(&router, &lists, &draft, &self.observer)?;
        let recall = OutOfCore::default().observer(self.observer.clone());
        let recall = plan.search.into_iter().fold(recall, OutOfCore::memory_limit);
        let index = self
            .index(router, lists, rows, &labels, |_, queries, k| Ok(recall.kneighbors(rows, &queries, k)?))?;
        drop(labels);

        draft.write_at(MAGIC, 0)?;
        let sha256 = checksum(n_samples, end, &draft, &self.observer)?;
        draft.write_at(&index.end(&errors, sha256, draft.path())?, end)?;
        draft.finish()
    }
}

/// Writes all rows, and their numbers, to their lists.
fn place(
    rows: &impl RowSource,
    batch: usize,
    labels: &[u32],
    (draft, to, starts): (&Draft, &InFile, &[usize]),
    observer: &Observer,
) -> Result<(), Error> {
    let (mut next, mut order) = (starts.to_vec(), Vec::new());
    let (mut numbers, mut bytes) = (Vec::new(), Vec::new());
    batches(rows, batch, observer, |range, batch| {
        order.clear();
        order.extend(range);
        let first = order[0];
        // Groups the rows of a list, so that many are written at once.
        order.sort_by_key(|&row| labels[row]);
        for run in order.chunk_by(|&a, &b| labels[a] == labels[b]).flat_map(|run| run.chunks(RUN)) {
            numbers.clear();
            bytes.clear();
            for &row in run {
                numbers.extend((row as u64).to_le_bytes());
                bytes.extend_from_slice(contiguous(batch.row(row - first)));
            }
            let at = &mut next[labels[run[0]] as usize];
            draft.write_at(&numbers, to.indices + (*at * size_of::<u64>()) as u64)?;
            draft.write_at(&bytes, to.rows + *at as u64 * batch.ncols() as u64)?;
            *at += run.len();
        }
        Ok(())
    })
}

/// Writes the sketches of all lists, and returns their errors.
fn sketch(router: &Router, lists: &Lists, draft: &Draft, observer: &Observer) -> Result<Vec<f64>, Error> {
    let (Some(projection), Place::File(file)) = (&router.projection, &lists.place) else {
        return Ok(Vec::new());
    };
    let (n_samples, done) = (lists.n_samples(), AtomicUsize::new(0));
    let of_list = |number| -> Result<f64, Error> {
        let mut error = 0.0_f64;
        for part in lists.parts(number) {
            let first = file.panels[number] + part.start / LANES;
            let done = done.fetch_add(part.len(), Ordering::Relaxed);
            observer.report(Stage::Pass, done, n_samples)?;
            let rows = lists.rows(number, part).map_err(|source| draft.error(source))?;
            let sketch = Sketch::new(Kernel::detect(), rows.view(), projection);
            error = error.max(sketch.error());
            draft.write_at(&sketch.bytes(), file.sketches + (first * projection.panel_bytes()) as u64)?;
        }
        Ok(error)
    };
    // Not a parallel iterator: there, a thread that waits for others could start a further list, and hold both in
    // memory.
    let (next, errors) = (AtomicUsize::new(0), Mutex::new(vec![0.0; lists.n_lists()]));
    let done = rayon::broadcast(|_| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= lists.n_lists() {
                return Ok(());
            }
            let error = of_list(number).inspect_err(|_| next.store(lists.n_lists(), Ordering::Relaxed))?;
            errors.lock().expect("no panic while locked")[number] = error;
        }
    });
    done.into_iter().collect::<Result<(), Error>>()?;
    observer.report(Stage::Pass, n_samples, n_samples)?;
    Ok(errors.into_inner().expect("no panic while locked"))
}

/// The checksum of the lists, which end at `end` in the file.
fn checksum(n_samples: usize, end: u64, draft: &Draft, observer: &Observer) -> Result<String, Error> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; HASHED]);
    for start in (MAGIC.len() as u64..end).step_by(HASHED) {
        let done = n_samples as u128 * u128::from(start) / u128::from(end);
        observer.report(Stage::Pass, usize::try_from(done).expect("a part of them"), n_samples)?;
        let some = usize::try_from(end - start).map_or(HASHED, |rest| rest.min(HASHED));
        read_at(draft.file(), &mut buffer[..some], start).map_err(|source| draft.error(source))?;
        hash.update(&buffer[..some]);
    }
    observer.report(Stage::Pass, n_samples, n_samples)?;
    Ok(hex(&hash.finalize()))
}
