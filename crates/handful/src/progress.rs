//! One callback through which long work tells how far it is and can be cancelled.
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

/// What is being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Initial centroids chosen, of `n_clusters`.
    Seeding,
    /// Lloyd iterations done, of at most `max_iter`, by runs that go side by side; their last report has
    /// `done == total`.
    Lloyd,
    /// Images read from files, of all that there are said to be, or of 0 where nothing says so.
    Read,
    /// Rows met in a pass over all of them.
    Pass,
    /// K-Means runs done, over all classes and restarts, where classes are clustered on their own.
    Runs,
    /// Images whose features have been seen to, over all passes. While a pass goes on, the same count is reported again
    /// and again, so that the work can be cancelled at any time.
    Features,
    /// Queries answered.
    Search,
    /// Images made of others.
    Augment,
}

/// How far the work is: `done` of `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being counted.
    pub stage: Stage,
    /// So many are done.
    pub done: usize,
    /// Of so many.
    pub total: usize,
}

type Callback = dyn Fn(Progress) -> ControlFlow<()> + Send + Sync;

/// A callback for [`Progress`], called from any of the working threads; the default watches nothing.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Callback>>);

impl Observer {
    /// `callback` should return soon; [`ControlFlow::Break`] ends the work with [`Cancelled`].
    pub fn new(callback: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    /// Tells the callback how far the work is: for those whose work takes several calls of the library.
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

/// Counts work that several threads do side by side, and asks the observer often whether to go on.
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

    /// For work that nobody watches.
    pub(crate) fn silent() -> Self {
        Self::new(&Observer::default(), Stage::Features, 0)
    }

    /// Reports that `n` more are done.
    ///
    /// # Errors
    /// [`Cancelled`] from the first report on that the observer breaks at; it is not asked again after that.
    pub(crate) fn add(&self, n: usize) -> Result<(), Cancelled> {
        // Reported under the lock: in order, and nothing after a break.
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

/// The work was ended through its [`Observer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rayon::{ThreadPoolBuilder, prelude::*};

    use super::*;

    /// Calls `work` with an observer that breaks at its report number `until`, on one thread, which makes the order of reports
    /// certain; returns what it gives and the number of reports.
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

    /// The first reports, and ever fewer of those that follow.
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
