//! Errors of requests: a status, one sentence for the client, and the reason by which they are counted.

use std::time::Duration;

use axum::{
    Extension, Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Maximum length in characters.
const LONGEST_SENTENCE: usize = 250;

/// An answer that reports an error.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    sentence: String,
    reason: Reason,
    retry_after: Option<Duration>,
}

/// Why a request is refused. The answer carries it, for the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The request or its parameters cannot be understood.
    Malformed,
    /// Nothing is at this address.
    NotFound,
    Method,
    BodyTime,
    TooLarge,
    MediaType,
    Host,
    /// No image can be read.
    Unreadable,
    /// Too many connections.
    Connections,
    /// Too many large bodies at a time.
    Bodies,
    /// Too many pictures wait to be decoded.
    Decoding,
    /// Too many predictions.
    Predictions,
    /// Too many models are being taught.
    Lessons,
    /// The server has forgotten a taught model.
    Forgotten,
    /// The models have stopped.
    Stopped,
    /// An error in the server.
    Internal,
}

impl Reason {
    pub(super) const ALL: [Self; 16] = [
        Self::Malformed,
        Self::NotFound,
        Self::Method,
        Self::BodyTime,
        Self::TooLarge,
        Self::MediaType,
        Self::Host,
        Self::Unreadable,
        Self::Connections,
        Self::Bodies,
        Self::Decoding,
        Self::Predictions,
        Self::Lessons,
        Self::Forgotten,
        Self::Stopped,
        Self::Internal,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::Method => "method",
            Self::BodyTime => "body_time",
            Self::TooLarge => "too_large",
            Self::MediaType => "media_type",
            Self::Host => "host",
            Self::Unreadable => "unreadable",
            Self::Connections => "connections",
            Self::Bodies => "bodies",
            Self::Decoding => "decoding",
            Self::Predictions => "predictions",
            Self::Lessons => "lessons",
            Self::Forgotten => "forgotten",
            Self::Stopped => "stopped",
            Self::Internal => "internal",
        }
    }

    /// The reason of a status that has only one.
    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::Malformed,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::Method,
            StatusCode::REQUEST_TIMEOUT => Self::BodyTime,
            StatusCode::GONE => Self::Forgotten,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::MediaType,
            StatusCode::MISDIRECTED_REQUEST => Self::Host,
            StatusCode::UNPROCESSABLE_ENTITY => Self::Unreadable,
            StatusCode::SERVICE_UNAVAILABLE => Self::Stopped,
            _ => Self::Internal,
        }
    }
}

/// What a client reads.
#[derive(Serialize)]
pub(super) struct Document {
    error: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: legible(sentence.into()), reason: Reason::of(status), retry_after: None }
    }

    /// The server is busy, for one reason.
    pub(super) fn busy(reason: Reason) -> Self {
        let sentence = "The server is busy; try again in a second.";
        let retry_after = Some(Duration::from_secs(1));
        Self { reason, retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, sentence) }
    }

    /// An image, or a whole request, cannot be read. The sentence lacks its capital and its full stop.
    pub(super) fn unreadable(problem: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, sentence(problem))
    }

    /// More was sent than is accepted in one request.
    pub(super) fn too_large(sentence: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, sentence)
    }

    /// The server no longer has a taught model, or never had. Nothing else is answered with this status, so that clients
    /// know that they have to teach again.
    pub(super) fn forgotten(base: &str) -> Self {
        let sentence = format!(
            "This server does not have this taught model; send its images to /api/teach?model={base} again."
        );
        Self::new(StatusCode::GONE, sentence)
    }

    /// An error in the server.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server has failed, which should not happen; please report this request.",
        )
    }

    pub(super) fn into_document(self) -> Document {
        Document { error: self.sentence }
    }
}

/// Adds a capital and a full stop.
fn sentence(problem: &str) -> String {
    let mut letters = problem.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).chain(['.']).collect()
}

/// Shortens a sentence and removes control characters, because it may quote what the client sent.
fn legible(sentence: String) -> String {
    let mut letters = sentence.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut legible: String = letters.by_ref().take(LONGEST_SENTENCE).collect();
    if letters.next().is_some() {
        legible.push_str("….");
    }
    legible
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, reason) = (self.status, self.reason);
        let after = self.retry_after;
        let mut response = (status, Extension(reason), Json(self.into_document())).into_response();
        if let Some(after) = after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        response
    }
}
