//! One model that answers many concurrent requests, as in a service.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use ndarray::s;
use rayon::ThreadPoolBuilder;

use super::recipes;
use crate::{dataset, progress::Observer};

const REQUESTS: usize = 3;
const SOON: Duration = Duration::from_micros(100);
/// No machine is this slow; it only prevents a request that waits for itself from hanging for ever.
const PATIENCE: Duration = Duration::from_mins(10);

/// A thread that waits for others to do a part of its work may be given another request. Several threads create the
/// index of this many prototypes. If they did so under a lock, the thread would wait for itself.
#[test]
fn who_makes_an_index_may_be_asked_for_it_again() {
    let mnist = dataset::load(&dataset::locate().unwrap()).unwrap().train;
    let rows: Vec<usize> = (0..mnist.n_samples()).filter(|&row| mnist.labels()[row] < 2).collect();
    let model = recipes()[2].fit(&mnist.select(&rows)).unwrap();
    assert!(model.prototypes().class_counts()[..2].iter().all(|&n| n > 4096), "enough for a sketch");
    let images = mnist.images().slice(s![..2, ..]).to_owned();
    let expected = model.clone().predict_proba(images.view()).unwrap();

    let (search_ends, search_ended) = mpsc::channel();
    let model = Arc::new(model.observer(Observer::new(move |progress| {
        if progress.done == progress.total {
            search_ends.send(()).unwrap();
        }
        ControlFlow::Continue(())
    })));

    // Of two threads one answers and the other does what there is to be shared.
    let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    pool.spawn({
        let is_over = is_over.clone();
        move || {
            tell.send(rayon::current_thread_index()).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                rayon::yield_now();
            }
        }
    });
    let helper = told.recv().unwrap();
    let begun = Arc::new(AtomicUsize::new(0));
    let (answer, answers) = mpsc::channel();
    let request = {
        let begun = begun.clone();
        move || {
            if rayon::current_thread_index() != helper && begun.fetch_add(1, Ordering::Relaxed) < REQUESTS {
                answer.send(model.predict_proba(images.view()).unwrap()).unwrap();
            }
        }
    };
    // Again and again, for the helper only lets requests pass: the first, and others once it is past its search.
    while search_ended.recv_timeout(SOON).is_err() {
        if begun.load(Ordering::Relaxed) == 0 {
            pool.spawn(request.clone());
        }
    }
    let (start, mut answered) = (Instant::now(), 0);
    while answered < REQUESTS {
        pool.spawn(request.clone());
        match answers.recv_timeout(SOON) {
            Ok(found) => {
                assert_eq!(found, expected);
                answered += 1;
            }
            Err(RecvTimeoutError::Timeout) => {
                assert!(start.elapsed() < PATIENCE, "a request waits for itself");
            }
            Err(disconnected) => panic!("{disconnected}"),
        }
    }
    is_over.store(true, Ordering::Relaxed);
}
