//! `--framing` does the same in every command.

use std::{
    fs,
    path::{Path, PathBuf},
};

use handful::dataset::{self, Split};

use crate::subset::{handful, json, mnist, stderr, stdout};

/// Images of 16 x 16 with a digit in each that fills them, as an IDX file with its labels beside it.
fn tight_scans(folder: &Path) -> PathBuf {
    let images = dataset::load_known(
        &mnist(),
        Split::Test,
        &(0..10).map(|class| class.to_string()).collect::<Vec<_>>(),
        [28, 28],
        &dataset::ReadOptions::default(),
    )
    .unwrap();
    let rows: Vec<u8> =
        images.images().outer_iter().take(200).flat_map(|image| tight_scan(&image.to_vec())).collect();
    let path = folder.join("t10k-images-idx3-ubyte");
    fs::write(&path, [&[0, 0, 8, 3, 0, 0, 0, 200, 0, 0, 0, 16, 0, 0, 0, 16][..], &rows].concat()).unwrap();
    let labels: Vec<u8> = images.labels()[..200].iter().map(|&label| u8::try_from(label).unwrap()).collect();
    fs::write(folder.join("t10k-labels-idx1-ubyte"), [&[0, 0, 8, 1, 0, 0, 0, 200][..], &labels].concat())
        .unwrap();
    for (from, to) in [
        ("t10k-images-idx3-ubyte", "train-images-idx3-ubyte"),
        ("t10k-labels-idx1-ubyte", "train-labels-idx1-ubyte"),
    ] {
        fs::copy(folder.join(from), folder.join(to)).unwrap();
    }
    path
}

/// The bounding box of the ink, stretched to 16 x 16 as one nearest pixel each.
fn tight_scan(image: &[u8]) -> Vec<u8> {
    let ink = |at: usize| image[at] > 100;
    let rows: Vec<usize> = (0..28).filter(|y| (0..28).any(|x| ink(y * 28 + x))).collect();
    let columns: Vec<usize> = (0..28).filter(|x| (0..28).any(|y| ink(y * 28 + x))).collect();
    let side = rows.len().max(columns.len());
    let at = |lines: &[usize], i: usize| lines.get((2 * i + 1) * side / 32).copied();
    let pixel = |y: usize, x: usize| at(&rows, y).zip(at(&columns, x)).map_or(0, |(y, x)| image[y * 28 + x]);
    (0..256).map(|i| pixel(i / 16, i % 16)).collect()
}

#[test]
fn all_commands_frame_data_files_of_any_size_if_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let scans = tight_scans(folder.path());
    let data = folder.path().to_str().unwrap();
    let output =
        handful().args(["evaluate", "--framing", "always", "--json", "--data", data]).output().unwrap();
    let accuracy = json(&output)["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    let output =
        handful().args(["predict", "--framing", "always", "--format", "csv"]).arg(&scans).output().unwrap();
    let told = stdout(&output);
    let labels = fs::read(folder.path().join("t10k-labels-idx1-ubyte")).unwrap();
    let found = told.lines().skip(1).map(|row| row.split(',').nth(2).unwrap().to_owned());
    let right = found.zip(&labels[8..]).filter(|(found, label)| *found == label.to_string()).count();
    assert!((right as f64 / 200.0 - accuracy).abs() < 1e-9, "predict and evaluate agree");
    let model = folder.path().join("m.safetensors");
    handful()
        .args([
            "train",
            "--preset",
            "pixels",
            "--prototypes",
            "2",
            "--framing",
            "always",
            "--data",
            data,
            "-o",
        ])
        .arg(&model)
        .assert()
        .success();
    let told = json(&handful().args(["info", "--json"]).arg(&model).output().unwrap());
    assert_eq!(told["image_shape"], serde_json::json!([28, 28]), "{told}");
    // The default model was trained on framed images, and frames them anyway.
    let output = handful().args(["evaluate", "--json", "--data", data]).output().unwrap();
    assert_eq!(json(&output)["accuracy"].as_f64(), Some(accuracy));
    // For other models they are refused, with what to do.
    let output = handful().args(["evaluate", "--model", "fast", "--data", data]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("found 16 x 16") && stderr(&output).contains("--framing always"));
}
