//! Errors of requests: a status, and one sentence for the client.

use std::time::Duration;

use axum::{
    Json,
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
    retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct Document {
    error: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: legible(sentence.into()), retry_after: None }
    }

    /// The server is busy.
    pub(super) fn busy() -> Self {
        let sentence = "The server is busy; try again in a second.";
        let retry_after = Some(Duration::from_secs(1));
        Self { retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, sentence) }
    }

    /// An error in the server.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server has failed, which should not happen; please report this request.",
        )
    }

    pub(super) fn document(&self) -> String {
        serde_json::to_string(&Document { error: self.sentence.clone() }).expect("a string")
    }
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
        let mut response = (self.status, Json(Document { error: self.sentence })).into_response();
        if let Some(after) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        response
    }
}
