//! IDX: a file of images, and one of labels.

use std::io::Write;

use anyhow::Context;

use super::rows::Rows;
use crate::output::OutputFile;

/// Magic numbers: bytes along three axes, and along one.
const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// Writes all rows.
pub(crate) fn write(rows: &Rows, images: &mut OutputFile, labels: &mut OutputFile) -> anyhow::Result<()> {
    let numbers = numbers(&rows.source.classes())?;
    let count = u32::try_from(rows.count)?;
    let [height, width] = rows.source.image_shape().map(|side| u32::try_from(side).expect("below 2³²"));
    images.fill(|mut file| Ok(file.write_all(&header(&[IMAGES, count, height, width]))?))?;
    labels.fill(|mut file| Ok(file.write_all(&header(&[LABELS, count]))?))?;
    rows.each(0..rows.count, |batch| {
        let bytes: Vec<u8> = batch.labels().iter().map(|&label| numbers[label as usize]).collect();
        labels.fill(|mut file| Ok(file.write_all(&bytes)?))?;
        images.fill(|mut file| Ok(file.write_all(batch.images().as_slice().expect("contiguous"))?))
    })
}

fn header(words: &[u32]) -> Vec<u8> {
    words.iter().copied().flat_map(u32::to_be_bytes).collect()
}

/// Whether labels with these names can be stored: as bytes.
pub(crate) fn can_hold(classes: &[String]) -> bool {
    numbers(classes).is_ok()
}

/// For each class, the byte that is its name.
fn numbers(classes: &[String]) -> anyhow::Result<Vec<u8>> {
    let number = |class: &String| {
        let number = class.parse::<u8>().ok().filter(|number| number.to_string() == *class);
        number.with_context(|| {
            format!(
                "class {class:?}: expected a whole number from 0 to 255, because IDX stores labels as bytes; \
                 Parquet can store any label"
            )
        })
    };
    classes.iter().map(number).collect()
}
