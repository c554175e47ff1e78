//! One callback that receives the progress of long work and can cancel it.
//!
//! ```
//! use std::ops::ControlFlow;
//! use handful::{KMeans, kmeans, progress::Observer};
//! use ndarray::array;
//!
//! let stop_at_once = Observer::new(|_progress| ControlFlow::Break(()));
//! let result = KMeans::params(2).observer(stop_at_once).fit(array![[1_u8], [2], [9]].view());
//! assert!(matches!(result, Err(kmeans::Error::Cancelled(_))));
//! ```

use std::{
    fmt,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Number of initial centroids chosen, out of `n_clusters`.
    Seeding,
    /// Number of Lloyd iterations done, out of at most `max_iter`, by runs that advance together. Their last report has
    /// `done == total`.
    Lloyd,
    /// Number of images read from files, out of the number that the files declare, or 0 if they declare none.
    Read,
    /// Number of rows visited in a pass over all of them.
    Pass,
    /// Number of K-Means runs done, over all classes and restarts, when each class is clustered on its own.
    Runs,
    /// Number of images whose features are done, over all passes. During a pass the same count is reported again and
    /// again, so that the work can be cancelled at any time.
    Features,
    /// Number of queries answered.
    Search,
    /// Number of images generated from others.
    Augment,
}

/// How far the work is: `done` of `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is counted.
    pub stage: Stage,
    /// Number done.
    pub done: usize,
    /// Number in total.
    pub total: usize,
}

type Callback = dyn Fn(Progress) -> ControlFlow<()> + Send + Sync;

/// A callback for [`Progress`], called from any of the working threads. The default does nothing.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Callback>>);

impl Observer {
    /// `callback` should return soon; [`ControlFlow::Break`] ends the work with [`Cancelled`].
    pub fn new(callback: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    /// Reports progress to the callback. For callers whose work takes several calls of the library.
    ///
    /// # Errors
    /// [`Cancelled`] if the callback says so.
    pub fn report(&self, stage: Stage, done: usize, total: usize) -> Result<(), Cancelled> {
        match self.0.as_ref().map(|callback| callback(Progress { stage, done, total })) {
            Some(ControlFlow::Break(())) => Err(Cancelled),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Observer(callback)" } else { "Observer(none)" })
    }
}

/// Counts work that several threads do together, and often asks the observer whether to continue.
#[derive(Debug)]
pub(crate) struct Tally {
    observer: Observer,
    stage: Stage,
    total: usize,
    done: Mutex<Result<usize, Cancelled>>,
}

impl Tally {
    pub(crate) fn new(observer: &Observer, stage: Stage, total: usize) -> Self {
        Self { observer: observer.clone(), stage, total, done: Mutex::new(Ok(0)) }
    }

    /// For work without an observer.
    pub(crate) fn silent() -> Self {
        Self::new(&Observer::default(), Stage::Features, 0)
    }

    /// Reports that `n` more are done.
    ///
    /// # Errors
    /// [`Cancelled`] from the first report at which the observer breaks; the observer is not called again after that.
    pub(crate) fn add(&self, n: usize) -> Result<(), Cancelled> {
        // Reported under the lock, so that reports come in order and none follows a break.
        let mut done = self.done.lock().expect("no panic while locked");
        *done = (*done).and_then(|done| {
            self.observer.report(self.stage, done + n, self.total)?;
            Ok(done + n)
        });
        (*done).map(|_| ())
    }

    /// Reports the same count again.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(crate) fn ask(&self) -> Result<(), Cancelled> {
        self.add(0)
    }
}

/// The work was cancelled through its [`Observer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rayon::{ThreadPoolBuilder, prelude::*};

    use super::*;

    /// Calls `work` with an observer that breaks at report number `until`, on one thread, so that the order of reports
    /// is certain. Returns the result and the number of reports.
    pub(crate) fn reports<T: Send>(until: usize, work: impl FnOnce(&Observer) -> T + Send) -> (T, usize) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let observer = Observer::new(move |_| {
            let call = counted.fetch_add(1, Ordering::Relaxed) + 1;
            if call >= until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let found = pool.install(|| work(&observer));
        (found, calls.load(Ordering::Relaxed))
    }

    /// The first few reports, then increasingly sparse ones.
    pub(crate) fn some_of(n: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(1), |i| Some(i + 1 + i / 4)).take_while(move |&i| i < n).chain([n])
    }

    #[test]
    fn threads_side_by_side_report_in_order_and_nothing_after_a_break() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let observer = Observer::new(move |progress| {
            assert_eq!(progress, Progress { stage: Stage::Pass, done: progress.done, total: 1000 });
            assert_eq!(counted.fetch_add(1, Ordering::Relaxed) + 1, progress.done);
            if progress.done == 300 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let tally = Tally::new(&observer, Stage::Pass, 1000);
        let done: Vec<_> = (0..1000).into_par_iter().map(|_| tally.add(1)).collect();
        assert_eq!(calls.load(Ordering::Relaxed), 300);
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 299);
        assert_eq!(tally.ask(), Err(Cancelled));
    }
}
