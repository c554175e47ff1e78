//! Limits of the server, so that clients cannot stop it or exhaust its memory.

use std::time::Duration;

/// Maximum number of open connections. Each takes tens of kilobytes and a file descriptor.
pub(super) const CONNECTIONS: usize = 512;
/// Maximum number of predictions that wait or are in progress.
pub(super) const PREDICTIONS: usize = 256;
/// Maximum number of images in a request: a quarter of the predictions that may wait, so that others get in too.
pub(super) const IMAGES: usize = 64;
/// Maximum number of neighbours in an answer about several images, so that clients which do not read their answers do not
/// fill the memory.
pub(super) const BATCH_NEIGHBORS: usize = 1600;
/// Maximum size of a body; no picture of a digit needs more.
pub(super) const BODY_BYTES: usize = 8 << 20;
/// Bodies up to this size are read for all connections at once, larger ones only for a few.
pub(super) const SMALL_BODY_BYTES: usize = 128 << 10;
pub(super) const LARGE_BODIES: usize = 8;
/// Maximum number of neighbours that a client may let vote: the answer shows each.
pub(super) const NEIGHBORS: usize = 100;
/// Number of test images that are explained at a time. Predictions for clients come in between.
pub(super) const IMAGES_AT_ONCE: usize = 500;
/// Maximum size of a number in JSON, including spaces around it.
pub(super) const NUMBER_BYTES: usize = 32;
/// Maximum number of pixels of all pictures in a request; more would take too much memory and time.
pub(super) const PICTURE_PIXELS: usize = 25_000_000;
/// Pictures up to this size are decoded quickly; larger ones have a separate queue.
pub(super) const SMALL_PICTURE_PIXELS: usize = 1_000_000;
pub(super) const LARGE_PICTURES: usize = 2;
/// Maximum time that a picture waits for its turn.
pub(super) const TURN_TIME: Duration = Duration::from_secs(1);
/// Maximum size of all headers of a request.
pub(super) const HEADER_BYTES: usize = 32 << 10;
/// Maximum time until the head of a request has arrived. Connections that are idle for this time are closed.
pub(super) const HEADER_TIME: Duration = Duration::from_secs(15);
/// Maximum time until the body of a request has arrived.
pub(super) const BODY_TIME: Duration = Duration::from_secs(15);
/// Maximum time that a client may leave an answer unread.
pub(super) const WRITE_TIME: Duration = Duration::from_secs(15);
/// Maximum silence of a client after the server has announced the end of the connection.
pub(super) const LINGER: Duration = Duration::from_secs(1);
/// Maximum time for requests in progress when the server ends.
pub(super) const GRACE: Duration = Duration::from_secs(10);
