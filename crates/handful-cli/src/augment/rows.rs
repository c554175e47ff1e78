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

/// A data set, most of them endless.
pub(crate) enum Source {
    Deformed(Box<Augmented>),
    Drawn(Digits),
    /// Images that are there.
    Given(Dataset),
}

impl Source {
    pub(crate) fn image_shape(&self) -> [usize; 2] {
        match self {
            Self::Deformed(images) => images.image_shape(),
            Self::Drawn(digits) => digits.image_shape(),
            Self::Given(images) => images.image_shape(),
        }
    }

    pub(crate) fn n_features(&self) -> usize {
        self.image_shape().iter().product()
    }

    pub(crate) fn classes(&self) -> Vec<String> {
        match self {
            Self::Deformed(images) => images.classes().to_vec(),
            Self::Drawn(_) => Digits::classes(),
            Self::Given(images) => images.classes().to_vec(),
        }
    }

    fn rows(&self, rows: Range<u64>) -> Result<Dataset, dataset::Error> {
        match self {
            Self::Deformed(images) => images.rows(rows),
            Self::Drawn(digits) => digits.rows(rows),
            Self::Given(images) => {
                let rows = rows.map(|row| usize::try_from(row).expect("rows in memory"));
                Ok(images.select(&rows.collect::<Vec<_>>()))
            }
        }
    }
}

/// What is to be written, made some at a time.
pub(crate) struct Rows {
    pub(crate) source: Source,
    pub(crate) count: u64,
    pub(crate) batch: u64,
    observer: Observer,
}

impl Rows {
    pub(crate) fn new(source: Source, count: u64, observer: Observer) -> Self {
        let batch = (MOST_BATCH_BYTES / source.n_features() as u64).clamp(1, BATCH);
        Self { source, count, batch, observer }
    }

    /// Calls `write` for each batch of these rows, in order.
    pub(crate) fn each(
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
