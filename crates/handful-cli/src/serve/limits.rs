//! How much the server takes on, so that nobody can make it stop or swell.

use std::time::Duration;

/// Open connections; each takes some tens of kilobytes, and a file descriptor.
pub(super) const CONNECTIONS: usize = 512;
/// Predictions that wait or are worked on.
pub(super) const PREDICTIONS: usize = 256;
/// A larger body is no picture of a digit.
pub(super) const BODY_BYTES: usize = 8 << 20;
/// Bodies up to this are read for all connections at once, larger ones for a few.
pub(super) const SMALL_BODY_BYTES: usize = 128 << 10;
pub(super) const LARGE_BODIES: usize = 8;
/// What a number of JSON may take, with the spaces around it.
pub(super) const NUMBER_BYTES: usize = 32;
/// A larger picture takes too much memory.
pub(super) const PICTURE_PIXELS: usize = 25_000_000;
/// Pictures up to this take a moment, larger ones have turns of their own.
pub(super) const SMALL_PICTURE_PIXELS: usize = 1_000_000;
pub(super) const LARGE_PICTURES: usize = 2;
/// That a picture waits for its turn.
pub(super) const TURN_TIME: Duration = Duration::from_secs(1);
/// All headers of a request.
pub(super) const HEADER_BYTES: usize = 32 << 10;
/// Until a request's head is there; a connection that is idle for so long is closed.
pub(super) const HEADER_TIME: Duration = Duration::from_secs(15);
/// Until a request's body is there.
pub(super) const BODY_TIME: Duration = Duration::from_secs(15);
/// That a client may leave an answer unread.
pub(super) const WRITE_TIME: Duration = Duration::from_secs(15);
/// That a client may be silent, once it is told that the connection ends, before that is closed.
pub(super) const LINGER: Duration = Duration::from_secs(1);
/// That requests in flight have when the server is told to end.
pub(super) const GRACE: Duration = Duration::from_secs(10);
