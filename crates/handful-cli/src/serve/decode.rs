//! Turns what was sent into images of the model's size.

use std::{sync::Arc, time::Instant};

use axum::body::Bytes;
use handful::{
    dataset::{decode_picture, picture_size},
    preprocess::Framer,
};
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use super::{
    images::Images,
    limits,
    problem::Problem,
    timing::{Phase, Timing},
    turns::Turns,
};
use crate::text;

/// An image of the model's size, or why it cannot be read.
pub(super) type Decoded = Result<Vec<u8>, Problem>;

/// Decodes all images. Pictures are decoded one after the other, and wait for a turn before each, so that those of other
/// clients come in between.
///
/// # Errors
/// If all pictures together are too large, or no turn is free soon.
pub(super) async fn decode(
    images: Images,
    body: Option<Arc<OwnedSemaphorePermit>>,
    framer: &Framer,
    shape: [usize; 2],
    turns: &Turns,
    timing: &mut Timing,
) -> Result<Vec<Decoded>, Problem> {
    let pictures = match images {
        Images::Pixels(images) => {
            let read =
                |pixels: &Vec<f64>| from_pixels(pixels, shape).map_err(|why| Problem::unreadable(&why));
            let decoded = async { images.iter().map(read).collect() };
            return Ok(timing.of(Phase::Frame, decoded).await);
        }
        Images::Pictures(pictures) => pictures,
    };
    let mut decoded = Vec::with_capacity(pictures.len());
    let mut n_left = limits::PICTURE_PIXELS;
    for picture in pictures {
        let n = match n_pixels(&picture) {
            Ok(n) => n,
            Err(problem) => {
                decoded.push(Err(problem));
                continue;
            }
        };
        n_left = n_left.checked_sub(n).ok_or_else(too_many_pixels)?;
        let turn = timing.of(Phase::Queue, turns.wait(n)).await?;
        let (framer, body) = (framer.clone(), body.clone());
        let look = move || {
            let start = Instant::now();
            // Held even if the client is gone.
            let _held = (turn, body);
            (from_picture(&picture, &framer, shape), start.elapsed())
        };
        let (image, took) = spawn_blocking(look).await.map_err(|_| Problem::internal())?;
        timing.add(Phase::Frame, took);
        decoded.push(image);
    }
    Ok(decoded)
}

/// As many as the picture says that it has.
fn n_pixels(bytes: &[u8]) -> Result<usize, Problem> {
    let [height, width] = picture_size(bytes).map_err(|problem| Problem::unreadable(&problem))?;
    let n = height.saturating_mul(width);
    if n <= limits::PICTURE_PIXELS {
        return Ok(n);
    }
    let most = text::count(limits::PICTURE_PIXELS as u64);
    Err(Problem::unreadable(&format!(
        "expected a picture of at most {most} pixels, found {width} x {height}"
    )))
}

fn too_many_pixels() -> Problem {
    let most = text::count(limits::PICTURE_PIXELS as u64);
    Problem::too_large(format!("Expected pictures of at most {most} pixels in all, found more."))
}

fn from_picture(bytes: &Bytes, framer: &Framer, wanted: [usize; 2]) -> Decoded {
    let picture = decode_picture(bytes).map_err(|problem| Problem::unreadable(&problem))?;
    let (height, width) = picture.dim();
    let image = framer.frame(picture.view()).ok_or_else(|| {
        Problem::unreadable(&format!(
            "expected a picture of {} x {} pixels, because this server runs with --framing never, found {width} x {height}",
            wanted[1], wanted[0]
        ))
    })?;
    Ok(image.iter().copied().collect())
}

/// # Errors
/// The reason why these are no pixels of such an image.
pub(super) fn from_pixels(pixels: &[f64], [height, width]: [usize; 2]) -> Result<Vec<u8>, String> {
    let n = height * width;
    if pixels.len() != n {
        let found = pixels.len();
        return Err(format!("expected {n} pixels ({height} x {width}), found {found}"));
    }
    if let Some(at) = pixels.iter().position(|value| !(0.0..=255.0).contains(value)) {
        let found = pixels[at];
        return Err(format!("pixel {at}: expected a number from 0 to 255, found {found:?}"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    Ok(pixels.iter().map(|value| value.round() as u8).collect())
}
