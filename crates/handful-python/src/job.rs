//! Runs work on its own threads without the interpreter's lock, reports progress to Python, and stops on Ctrl-C.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use handful::{
    neighbors,
    progress::{Observer, Progress, Stage},
};
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use pyo3::{exceptions::PyRuntimeError, prelude::*};
use rayon::ThreadPoolBuilder;

/// Interval at which signals are checked and progress is reported.
const TICK: Duration = Duration::from_millis(50);

/// Number of jobs so far.
static N_JOBS: AtomicUsize = AtomicUsize::new(0);

/// Runs `work` on `n_threads` threads. They end with the work, so that a later fork of the process is safe.
///
/// While the calling thread waits, it calls `progress` (with a stage's name, the amount done and the total amount) and
/// checks for signals. If one of these raises an exception, the observer stops the work, and the exception is raised.
pub(crate) fn run<'py, T: Send>(
    py: Python<'py>,
    n_threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
    work: impl FnOnce(&Observer) -> T + Send,
) -> PyResult<T> {
    let pool = ThreadPoolBuilder::new().num_threads(n_threads);
    // Threads of an earlier job may take a moment to end: different names distinguish them.
    let job = N_JOBS.fetch_add(1, Ordering::Relaxed) % 100;
    let pool = pool.thread_name(move |number| format!("handful-{job}-{number}")).build();
    let pool =
        pool.map_err(|error| PyRuntimeError::new_err(format!("cannot start {n_threads} threads: {error}")))?;
    let (cancelled, latest) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
    let observer = observer(Arc::clone(&cancelled), progress.is_some().then(|| Arc::clone(&latest)));
    let (done, mut finished) = mpsc::sync_channel(1);
    let mut raised = Ok(());
    let result = pool.in_place_scope(|scope| {
        scope.spawn(|_| {
            // The receiver lives until the work is done.
            let _ = done.send(work(&observer));
            drop(done);
        });
        loop {
            let waited = py.detach(|| {
                let waited = finished.recv_timeout(TICK);
                (waited, finished)
            });
            finished = waited.1;
            match waited.0 {
                Ok(result) => return Some(result),
                // The work has panicked; the scope passes the panic on.
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if raised.is_ok() => {
                    raised = py.check_signals().and_then(|()| tell(progress, &latest));
                    cancelled.store(raised.is_err(), Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    });
    raised?;
    tell(progress, &latest)?;
    Ok(result.expect("a panic has been passed on"))
}

/// Works on blocks of rows, one after the other, and collects the results. The blocks are large enough for all threads.
/// Before each block, the observer is called.
pub(crate) fn in_blocks<T, E: From<neighbors::Error>>(
    observer: &Observer,
    x: ArrayView2<u8>,
    work: impl Fn(ArrayView2<u8>) -> Result<T, E>,
) -> Result<Vec<T>, E> {
    const ROWS: usize = 1024;
    let (rows, n) = (ROWS * rayon::current_num_threads(), x.nrows());
    let blocks = x.axis_chunks_iter(Axis(0), rows).enumerate();
    blocks
        .map(|(block, x)| {
            observer.report(Stage::Features, block * rows, n).map_err(neighbors::Error::from)?;
            work(x)
        })
        .collect()
}

/// Like [`in_blocks`], for work that returns rows.
pub(crate) fn rows_in_blocks<T: Clone, E: From<neighbors::Error>>(
    observer: &Observer,
    x: ArrayView2<u8>,
    work: impl Fn(ArrayView2<u8>) -> Result<Array2<T>, E>,
) -> Result<Array2<T>, E> {
    let mut found = in_blocks(observer, x, work)?;
    if found.len() == 1 {
        return Ok(found.swap_remove(0));
    }
    let views: Vec<_> = found.iter().map(|rows| rows.view()).collect();
    Ok(concatenate(Axis(0), &views).expect("at least one block, and rows of one length"))
}

fn observer(cancelled: Arc<AtomicBool>, latest: Option<Arc<Mutex<Option<Progress>>>>) -> Observer {
    Observer::new(move |progress| {
        if let Some(latest) = &latest {
            *latest.lock().expect("no panic while locked") = Some(progress);
        }
        if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

fn tell(progress: Option<&Bound<'_, PyAny>>, latest: &Mutex<Option<Progress>>) -> PyResult<()> {
    let news = latest.lock().expect("no panic while locked").take();
    if let (Some(progress), Some(Progress { stage, done, total })) = (progress, news) {
        progress.call1((format!("{stage:?}").to_lowercase(), done, total))?;
    }
    Ok(())
}
