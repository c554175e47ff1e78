//! The page's files, which are compiled into the program.

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};

/// Serves the file at a path.
pub(super) struct File {
    pub(super) path: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($path:literal, $media_type:ident, $name:literal;)*) => {
        &[$(File { path: $path, media_type: $media_type, bytes: include_bytes!(concat!("page/", $name)) }),*]
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";

pub(super) const FILES: &[File] = files! {
    "/", HTML, "index.html";
    "/style.css", CSS, "style.css";
    "/icon.svg", SVG, "icon.svg";
    "/openapi.json", JSON, "openapi.json";
    "/app.js", JAVASCRIPT, "app.js";
    "/choice.js", JAVASCRIPT, "choice.js";
    "/drawing.js", JAVASCRIPT, "drawing.js";
    "/element.js", JAVASCRIPT, "element.js";
    "/files.js", JAVASCRIPT, "files.js";
    "/gallery.js", JAVASCRIPT, "gallery.js";
    "/ink.js", JAVASCRIPT, "ink.js";
    "/kept.js", JAVASCRIPT, "kept.js";
    "/map.js", JAVASCRIPT, "map.js";
    "/reader.js", JAVASCRIPT, "reader.js";
    "/server.js", JAVASCRIPT, "server.js";
    "/storage.js", JAVASCRIPT, "storage.js";
    "/teaching.js", JAVASCRIPT, "teaching.js";
    "/theme.js", JAVASCRIPT, "theme.js";
    "/verdict.js", JAVASCRIPT, "verdict.js";
    "/why.js", JAVASCRIPT, "why.js";
};

impl IntoResponse for &'static File {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, self.media_type)], self.bytes).into_response()
    }
}
