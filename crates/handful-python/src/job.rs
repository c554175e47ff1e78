//! Work without the interpreter's lock: on threads of its own, told of in Python, ended by Ctrl-C.

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

/// So often signals are looked for and progress is told.
const TICK: Duration = Duration::from_millis(50);

/// Jobs that were run so far.
static N_JOBS: AtomicUsize = AtomicUsize::new(0);

/// Runs `work` on `n_threads` threads, which end with it: a process that forks later takes none of them along.
///
/// The calling thread waits, and while it does tells `progress` (called with a stage's name and how much is done of how
/// much) and looks for signals. What these raise is what is raised, once the work has noticed through its observer.
pub(crate) fn run<'py, T: Send>(
    py: Python<'py>,
    n_threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
    work: impl FnOnce(&Observer) -> T + Send,
) -> PyResult<T> {
    let pool = ThreadPoolBuilder::new().num_threads(n_threads);
    // Threads of an earlier job may take a moment to end: names tell them apart.
    let job = N_JOBS.fetch_add(1, Ordering::Relaxed) % 100;
    let pool = pool.thread_name(move |number| format!("handful-{job}-{number}")).build();
    let pool = pool.map_err(|error| PyRuntimeError::new_err(format!("no threads: {error}")))?;
    let (cancelled, latest) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
    let observer = observer(Arc::clone(&cancelled), progress.is_some().then(|| Arc::clone(&latest)));
    let (done, mut finished) = mpsc::sync_channel(1);
    let mut raised = Ok(());
    let result = pool.in_place_scope(|scope| {
        scope.spawn(|_| {
            // Somebody listens until it is done.
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
                // It has panicked, which the scope passes on.
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

/// Does block after block of rows, so many that all threads have enough, with a look at the observer before each; what they
/// give is put together.
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

/// [`in_blocks`] of work that gives rows.
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
