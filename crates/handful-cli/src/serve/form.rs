//! Pictures in `multipart/form-data`, as HTML forms and `curl -F` send them.

use axum::{
    body::Body,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, multipart::MultipartError},
    http::{StatusCode, request::Parts},
};

use super::{
    images::{Images, Layout, Sent, too_many},
    limits,
    problem::Problem,
};

/// File names come back in the answer, which a long one must not fill.
const LONGEST_NAME: usize = 255;

/// Takes every part for a picture. The body is in memory, and was checked for its size.
pub(super) async fn read(head: Parts, body: Vec<u8>) -> Result<Sent, Problem> {
    let mut request = Request::from_parts(head, Body::from(body));
    DefaultBodyLimit::disable().apply(&mut request);
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|error| malformed(&error.body_text()))?;
    let (mut pictures, mut names) = (Vec::new(), Vec::new());
    while let Some(part) = form.next_field().await.map_err(broken)? {
        if pictures.len() == limits::IMAGES {
            return Err(too_many());
        }
        names.push(part.file_name().map(|name| name.chars().take(LONGEST_NAME).collect()));
        pictures.push(part.bytes().await.map_err(broken)?);
    }
    Ok(Sent { images: Images::Pictures(pictures), layout: Layout::Named(names) })
}

fn broken(error: MultipartError) -> Problem {
    malformed(&error.body_text())
}

fn malformed(why: &str) -> Problem {
    let sentence = format!("Expected a form with one picture in each part, found something else: {why}.");
    Problem::new(StatusCode::BAD_REQUEST, sentence)
}
