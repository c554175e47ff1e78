//! Counts what the server does. Counting takes a few atomic additions per request.

use std::{
    array,
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::http::{Method, StatusCode};

use super::{
    exposition::{Exposition, Kind},
    problem::Reason,
};

/// Methods and statuses that are counted alone; all others are counted together, so that the number of counters is bounded.
const METHODS: [&str; 3] = ["GET", "HEAD", "POST"];
const STATUSES: [u16; 12] = [200, 400, 404, 405, 408, 410, 413, 415, 421, 422, 500, 503];
const OTHER: &str = "other";

/// Upper bounds of latencies, in seconds.
const BOUNDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

type Counters<const N: usize> = [AtomicU64; N];

pub(super) struct Metrics {
    started: SystemTime,
    /// By the path of a route as it was declared. Paths that lead nowhere are counted together.
    routes: RwLock<BTreeMap<String, Arc<Route>>>,
    rejections: Counters<{ Reason::ALL.len() }>,
    predicted: AtomicU64,
    refused: AtomicU64,
}

/// The requests to one route.
struct Route {
    answers: [Counters<{ STATUSES.len() + 1 }>; METHODS.len() + 1],
    latencies: Counters<{ BOUNDS.len() + 1 }>,
    nanoseconds: AtomicU64,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            started: SystemTime::now(),
            routes: RwLock::default(),
            rejections: counters(),
            predicted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Counts a request that was answered. `path` is that of its route; `None` if it has none.
    pub(super) fn count_answer(
        &self,
        path: Option<&str>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let route = self.route(path.unwrap_or(OTHER));
        let method = place(&METHODS, &method.as_str());
        add(&route.answers[method][place(&STATUSES, &status.as_u16())], 1);
        add(&route.latencies[BOUNDS.partition_point(|&bound| bound < took.as_secs_f64())], 1);
        add(&route.nanoseconds, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn count_rejection(&self, reason: Reason) {
        add(&self.rejections[reason as usize], 1);
    }

    /// Counts the images of a request: those that were predicted, and those that could not be read.
    pub(super) fn count_images(&self, predicted: usize, refused: usize) {
        add(&self.predicted, predicted as u64);
        add(&self.refused, refused as u64);
    }

    fn route(&self, path: &str) -> Arc<Route> {
        if let Some(route) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Arc::clone(route);
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(routes.entry(path.to_owned()).or_insert_with(|| Arc::new(Route::new())))
    }

    /// Writes all that was counted.
    pub(super) fn expose(&self, to: &mut Exposition) {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        to.metric("handful_http_requests_total", Kind::Counter, "Requests that were answered.");
        for (path, route) in routes.iter() {
            for (method, answers) in names(&METHODS).zip(&route.answers) {
                for (status, answers) in names(&STATUSES).zip(answers) {
                    let n = answers.load(Ordering::Relaxed);
                    if n > 0 {
                        to.sample(&[("route", path), ("method", &method), ("status", &status)], n);
                    }
                }
            }
        }
        let help = "Time from the head of a request to its answer, in seconds. The body is read in between.";
        to.metric("handful_http_request_duration_seconds", Kind::Histogram, help);
        for (path, route) in routes.iter() {
            let counts = route.latencies.each_ref().map(|count| count.load(Ordering::Relaxed));
            let sum = Duration::from_nanos(route.nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
            to.histogram(("route", path), &BOUNDS, &counts, sum);
        }
        let help = "Requests and connections that were refused.";
        to.metric("handful_rejections_total", Kind::Counter, help);
        for reason in Reason::ALL {
            let n = self.rejections[reason as usize].load(Ordering::Relaxed);
            to.sample(&[("reason", reason.name())], n);
        }
        let help = "Images in requests: those that were predicted, and those that could not be read.";
        to.metric("handful_images_total", Kind::Counter, help);
        for (result, n) in [("predicted", &self.predicted), ("refused", &self.refused)] {
            to.sample(&[("result", result)], n.load(Ordering::Relaxed));
        }
        let started = self.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        to.metric(
            "process_start_time_seconds",
            Kind::Gauge,
            "When the server started, in seconds since 1970.",
        )
        .sample(&[], started.as_secs_f64());
    }
}

impl Route {
    fn new() -> Self {
        Self {
            answers: array::from_fn(|_| counters()),
            latencies: counters(),
            nanoseconds: AtomicU64::new(0),
        }
    }
}

fn counters<const N: usize>() -> Counters<N> {
    array::from_fn(|_| AtomicU64::new(0))
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// Where a value is counted; one that is not known is counted behind all others.
fn place<T: PartialEq>(known: &[T], value: &T) -> usize {
    known.iter().position(|known| known == value).unwrap_or(known.len())
}

fn names<T: ToString>(known: &[T]) -> impl Iterator<Item = String> {
    known.iter().map(T::to_string).chain([OTHER.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(metrics: &Metrics) -> String {
        let mut exposition = Exposition::default();
        metrics.expose(&mut exposition);
        exposition.into_text()
    }

    #[test]
    fn methods_statuses_and_paths_that_are_not_known_are_counted_together() {
        let metrics = Metrics::new();
        for method in ["BREW", "PUT"].map(|name| Method::from_bytes(name.as_bytes()).unwrap()) {
            for status in [418, 299].map(|code| StatusCode::from_u16(code).unwrap()) {
                metrics.count_answer(None, &method, status, Duration::ZERO);
            }
        }
        let found = exposed(&metrics);
        let expected = "handful_http_requests_total{route=\"other\",method=\"other\",status=\"other\"} 4\n";
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn a_latency_belongs_to_all_buckets_that_are_not_below_it() {
        let metrics = Metrics::new();
        for milliseconds in [1, 3, 20_000] {
            let took = Duration::from_millis(milliseconds);
            metrics.count_answer(Some("/here"), &Method::GET, StatusCode::OK, took);
        }
        let found = exposed(&metrics);
        for (end, n) in [
            ("bucket{route=\"/here\",le=\"0.0005\"}", "0"),
            ("bucket{route=\"/here\",le=\"0.001\"}", "1"),
            ("bucket{route=\"/here\",le=\"0.0025\"}", "1"),
            ("bucket{route=\"/here\",le=\"0.005\"}", "2"),
            ("bucket{route=\"/here\",le=\"10\"}", "2"),
            ("bucket{route=\"/here\",le=\"+Inf\"}", "3"),
            ("count{route=\"/here\"}", "3"),
            ("sum{route=\"/here\"}", "20.004"),
        ] {
            let line = format!("\nhandful_http_request_duration_seconds_{end} {n}\n");
            assert!(found.contains(&line), "{line}{found}");
        }
    }
}
