//! Waiting for events. No test depends on how fast the machine is: it waits until something has happened, and the one
//! limit here, which no machine reaches, only keeps a test that waits in vain from hanging for ever.

use std::{
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};

pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

/// Looks again and again until `look` finds something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// How a program ended; one that does not end is killed.
#[track_caller]
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it did not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal, by its name: `INT`, `TERM`, `HUP`.
#[cfg(unix)]
#[track_caller]
pub(crate) fn send_signal(name: &str, child: &Child) {
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}
