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
/// Maximum number of images that a model can be taught.
pub(super) const TAUGHT_IMAGES: usize = 256;
/// Maximum number of taught models that are kept, and about how much memory all of them take, unless one takes more.
pub(super) const TAUGHT_MODELS: usize = 16;
pub(super) const TAUGHT_BYTES: usize = 128 << 20;
/// Maximum number of models that are taught at a time.
pub(super) const LESSONS: usize = 2;
/// Number of test images that are explained at a time. Predictions for clients come in between.
pub(super) const IMAGES_AT_ONCE: usize = 500;
/// Maximum size of a number in JSON, including spaces around it.
pub(super) const NUMBER_BYTES: usize = 32;
/// Maximum number of pixels of all pictures in a request; more would take too much memory and time.
pub(super) const PICTURE_PIXELS: usize = 25_000_000;
/// Pictures up to this size are decoded quickly; larger ones have a separate queue.
pub(super) const SMALL_PICTURE_PIXELS: usize = 1_000_000;
pub(super) const LARGE_PICTURES: usize = 2;
/// Maximum time that a picture or a lesson waits for its turn.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::text;

    fn read(path: &str) -> String {
        fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_documentation_has_the_same_figures() {
        let page = read("../../docs/serving.md");
        let count = |n: usize| text::count(n as u64);
        let seconds = |time: Duration| format!("{} second", time.as_secs());
        for (what, figure) in [
            ("body of a request: a picture", format!("{} MiB", BODY_BYTES >> 20)),
            ("body of a request: numbers", format!("{NUMBER_BYTES} bytes")),
            ("images in a request", count(IMAGES)),
            ("pixels of a picture", count(PICTURE_PIXELS)),
            ("pixels of all pictures", count(PICTURE_PIXELS)),
            ("`n_neighbors`", count(NEIGHBORS)),
            ("neighbours in an answer about several images", count(BATCH_NEIGHBORS)),
            ("images that are accepted", count(PREDICTIONS)),
            (&format!("bodies above {} KiB", SMALL_BODY_BYTES >> 10), count(LARGE_BODIES)),
            (
                &format!("pictures decoded at a time: up to {}", count(SMALL_PICTURE_PIXELS)),
                seconds(TURN_TIME),
            ),
            (
                "pictures decoded at a time: larger",
                format!("{LARGE_PICTURES}; others wait {}", seconds(TURN_TIME)),
            ),
            ("images that a model is taught", count(TAUGHT_IMAGES)),
            ("taught models in memory", format!("{TAUGHT_MODELS}, of {} MiB", TAUGHT_BYTES >> 20)),
            ("models taught at a time", format!("{LESSONS}; others wait {}", seconds(TURN_TIME))),
            ("open connections", count(CONNECTIONS)),
            ("head of a request", format!("{} KiB", HEADER_BYTES >> 10)),
            ("time until the head", seconds(HEADER_TIME)),
            ("time until the body", seconds(BODY_TIME)),
            ("time that an answer may stay unread", seconds(WRITE_TIME)),
            ("time for requests in progress", seconds(GRACE)),
        ] {
            let row = page.lines().find(|line| line.starts_with(&format!("| {what}")));
            let row = row.unwrap_or_else(|| panic!("{what} is missing"));
            assert!(row.split(" | ").nth(1).unwrap().contains(&figure), "expected {figure}: {row}");
        }
        let document = read("src/serve/page/openapi.json");
        for figure in [
            format!("\"maxItems\": {IMAGES}"),
            format!("\"maxProperties\": {IMAGES}"),
            format!("up to {IMAGES} of them"),
            format!("\"maxItems\": {TAUGHT_IMAGES}"),
            format!("at most {} MiB", BODY_BYTES >> 20),
            format!("at most {} million pixels", PICTURE_PIXELS / 1_000_000),
            format!("at most {} neighbours", count(BATCH_NEIGHBORS)),
        ] {
            assert!(document.contains(&figure), "/openapi.json: expected {figure}");
        }
    }
}
