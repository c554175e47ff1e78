//! The rows to write, made batch by batch.

use std::ops::Range;

use handful::{
    Dataset,
    augment::{Augmented, Digits},
    dataset,
    progress::{Observer, Stage},
};

/// Number of images made at once, unless they are large: few enough for the cache, and one row group of Parquet.
const BATCH: u64 = 4096;
const MOST_BATCH_BYTES: u64 = 1 << 24;

/// An endless data set.
pub(super) enum Source {
    Deformed(Box<Augmented>),
    Drawn(Digits),
}

impl Source {
    pub(super) fn image_shape(&self) -> [usize; 2] {
        match self {
            Self::Deformed(images) => images.image_shape(),
            Self::Drawn(digits) => digits.image_shape(),
        }
    }

    pub(super) fn n_features(&self) -> usize {
        self.image_shape().iter().product()
    }

    pub(super) fn classes(&self) -> Vec<String> {
        match self {
            Self::Deformed(images) => images.classes().to_vec(),
            Self::Drawn(_) => Digits::classes(),
        }
    }

    fn rows(&self, rows: Range<u64>) -> Result<Dataset, dataset::Error> {
        match self {
            Self::Deformed(images) => images.rows(rows),
            Self::Drawn(digits) => digits.rows(rows),
        }
    }
}

/// What is to be written, made some at a time.
pub(super) struct Rows {
    pub(super) source: Source,
    pub(super) count: u64,
    pub(super) batch: u64,
    observer: Observer,
}

impl Rows {
    pub(super) fn new(source: Source, count: u64, observer: Observer) -> Self {
        let batch = (MOST_BATCH_BYTES / source.n_features() as u64).clamp(1, BATCH);
        Self { source, count, batch, observer }
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
            write(&self.source.rows(start..end)?)?;
            self.observer.report(Stage::Augment, usize::try_from(end)?, usize::try_from(self.count)?)?;
            start = end;
        }
        Ok(())
    }
}
