//! `Server-Timing`: how long the phases of a prediction or a lesson took. Browsers show this header, and `curl -i` prints it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use axum::http::{HeaderName, HeaderValue};

pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What a prediction or a lesson consists of, in order.
#[derive(Clone, Copy)]
pub(super) enum Phase {
    /// The client sends the body.
    Body,
    /// Pictures are decoded and framed, or numbers are read.
    Frame,
    /// The request waits for a turn to decode, and for the models.
    Queue,
    /// A model is taught.
    Teach,
    /// A model explains the images, together with others that waited.
    Predict,
}

const PHASES: [(Phase, &str); 5] = [
    (Phase::Body, "body"),
    (Phase::Frame, "frame"),
    (Phase::Queue, "queue"),
    (Phase::Teach, "teach"),
    (Phase::Predict, "predict"),
];

/// The time that each phase has taken so far; `None` for those that were not reached.
#[derive(Default)]
pub(super) struct Timing([Option<Duration>; PHASES.len()]);

impl Timing {
    pub(super) fn add(&mut self, phase: Phase, took: Duration) {
        *self.0[phase as usize].get_or_insert_default() += took;
    }

    /// Does some work, whose time belongs to a phase.
    pub(super) async fn of<T>(&mut self, phase: Phase, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let done = work.await;
        self.add(phase, start.elapsed());
        done
    }

    /// Durations in milliseconds; `None` if no phase was reached.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let phase = |&(phase, name): &(Phase, &str)| {
            let took = self.0[phase as usize]?;
            Some(format!("{name};dur={:.3}", 1000.0 * took.as_secs_f64()))
        };
        let phases: Vec<String> = PHASES.iter().filter_map(phase).collect();
        let value = HeaderValue::try_from(phases.join(", ")).ok()?;
        (!value.is_empty()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_that_were_reached_are_named_in_their_order() {
        let mut timing = Timing::default();
        assert_eq!(timing.header(), None);
        timing.add(Phase::Queue, Duration::from_micros(1500));
        timing.add(Phase::Body, Duration::from_nanos(12_600));
        timing.add(Phase::Queue, Duration::from_millis(2));
        assert_eq!(timing.header().unwrap(), "body;dur=0.013, queue;dur=3.500");
    }
}
