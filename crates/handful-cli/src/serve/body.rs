//! The body of a request: its types and its size limits.

use std::{error::Error as _, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    limits,
    problem::{Problem, Reason},
};
use crate::text;

/// The declared type of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Picture,
    Json,
    /// Pictures in `multipart/form-data`.
    Form,
}

impl Kind {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let refused = |found: String| {
            let expected = "expected application/json, multipart/form-data or the type of a picture (with curl: -H 'Content-Type: image/png')";
            let sentence = format!("Content-Type: {expected}, found {found}.");
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence)
        };
        let Some(value) = headers.get(CONTENT_TYPE) else { return Err(refused("none".to_owned())) };
        let whole = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        match whole.split(';').next().map(str::trim) {
            Some("application/json") => Ok(Self::Json),
            Some("multipart/form-data") => Ok(Self::Form),
            // Programs send this if they do not know the type; pictures are recognised by their first bytes.
            Some("application/octet-stream") => Ok(Self::Picture),
            Some(name) if name.starts_with("image/") && name != "image/svg+xml" => Ok(Self::Picture),
            _ => Err(refused(whole.chars().take(100).collect())),
        }
    }

    /// The largest body for a model whose images have this number of pixels.
    pub(super) fn most_bytes(self, n_pixels: usize) -> usize {
        match self {
            Self::Json => most_json_bytes(n_pixels, limits::IMAGES),
            Self::Picture | Self::Form => limits::BODY_BYTES,
        }
    }
}

/// The largest body with this number of images as numbers. Several take no more than a picture may, unless one alone does.
pub(super) fn most_json_bytes(n_pixels: usize, n_images: usize) -> usize {
    let one = limits::NUMBER_BYTES * n_pixels + 1024;
    one.max(limits::BODY_BYTES.min(one * n_images))
}

/// A complete body.
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    /// To be held as long as the body exists.
    pub(super) permit: Option<Arc<OwnedSemaphorePermit>>,
}

/// Reads bodies. Only a few large ones are in memory at a time.
pub(super) struct Bodies {
    large: Arc<Semaphore>,
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self { large: Arc::new(Semaphore::new(limits::LARGE_BODIES)) }
    }

    /// Reads a body of at most this many bytes.
    pub(super) async fn read(&self, body: Body, most: usize) -> Result<Received, Problem> {
        timeout(limits::BODY_TIME, self.read_all(body, most)).await.unwrap_or_else(|_| {
            let seconds = limits::BODY_TIME.as_secs();
            let sentence = format!("Expected the whole body within {seconds} seconds, received only a part.");
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, sentence))
        })
    }

    /// The right to one large body.
    pub(super) fn large(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.large.clone().try_acquire_owned().map_err(|_| Problem::busy(Reason::Bodies))
    }

    async fn read_all(&self, mut body: Body, most: usize) -> Result<Received, Problem> {
        if body.size_hint().lower() > most as u64 {
            return Err(too_large(most));
        }
        let (mut bytes, mut permit) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(cut)?.into_data() else { continue };
            if bytes.len() + data.len() > most {
                return Err(too_large(most));
            }
            if bytes.len() + data.len() > limits::SMALL_BODY_BYTES && permit.is_none() {
                permit = Some(Arc::new(self.large()?));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Received { bytes, permit })
    }
}

fn too_large(most: usize) -> Problem {
    let most = text::count(most as u64);
    Problem::too_large(format!("Expected a body of at most {most} bytes, found a larger one."))
}

fn cut(error: axum::Error) -> Problem {
    let why = error.source().map(ToString::to_string).unwrap_or_default();
    Problem::new(StatusCode::BAD_REQUEST, format!("Expected the whole body, received only a part ({why})."))
}
