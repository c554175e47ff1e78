//! The rows to write, made batch by batch.

use std::ops::Range;

use handful::{
    Dataset,
    augment::Augmented,
    progress::{Observer, Stage},
};

/// Number of images made at once, unless they are large: few enough for the cache, and one row group of Parquet.
const BATCH: u64 = 4096;
const MOST_BATCH_BYTES: u64 = 1 << 24;

/// What is to be written, made some at a time.
pub(super) struct Rows {
    pub(super) augmented: Augmented,
    pub(super) count: u64,
    pub(super) batch: u64,
    observer: Observer,
}

impl Rows {
    pub(super) fn new(augmented: Augmented, count: u64, observer: Observer) -> Self {
        let batch = (MOST_BATCH_BYTES / augmented.n_features() as u64).clamp(1, BATCH);
        Self { augmented, count, batch, observer }
    }

    /// Calls `write` for each batch of these rows, in order.
    pub(super) fn each(
        &self,
        rows: Range<u64>,
        mut write: impl FnMut(&Dataset) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + self.batch);
            write(&self.augmented.rows(start..end)?)?;
            self.observer.report(Stage::Augment, usize::try_from(end)?, usize::try_from(self.count)?)?;
            start = end;
        }
        Ok(())
    }
}
