//! Files as people have them: labels in any column, dark ink on light paper, pages, pipes, several sets as one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use handful::dataset::{self, Split};
use ndarray::Array3;
use ndarray_npy::NpzWriter;

use crate::subset::{Subset, handful, json, stderr, stdout};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../handful/tests/formats/fixtures").join(name)
}

/// What a command prints, and what it notes.
#[track_caller]
fn run(args: &[&str], paths: &[PathBuf]) -> (String, String) {
    let output = handful().args(args).args(paths).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    (stdout(&output), stderr(&output))
}

#[track_caller]
fn refuses(args: &[&str], path: &Path, expected: &str) {
    let output = handful().args(args).arg(path).output().unwrap();
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.lines().last().unwrap().contains(expected), "{told}");
}

#[test]
fn uci_s_digits_are_labelled_by_their_last_column() {
    let report = tempfile::NamedTempFile::new().unwrap();
    let page = report.path().to_str().unwrap();
    let compare = ["compare", "--clusters", "2", "--n-init", "1", "--json", "--report", page, "--data"];
    let output = handful().args(compare).arg(fixture("uci")).output().unwrap();
    let notes = stderr(&output);
    let lines: Vec<&str> = notes.lines().collect();
    assert_eq!(lines.len(), 2, "{notes}");
    for line in lines {
        assert!(
            line.starts_with("note: ")
                && line.contains("the last of 65 columns is taken for the label")
                && line.ends_with("(--label-column)"),
            "{line}"
        );
    }
    let found = json(&output);
    assert_eq!(found["dataset"]["classes"].as_array().unwrap().len(), 10);
    assert_eq!((&found["dataset"]["n_train"], &found["dataset"]["n_test"]), (&60.into(), &30.into()));
    assert!(found["models"][0]["accuracy"].as_f64().unwrap() > 0.7, "{}", found["models"][0]);
    // The first pixel is black in all images: one class, everything right.
    for args in [&compare[..], &["train", "--preset", "notebook", "-o", page, "--data"]] {
        let args = [&args[..args.len() - 1], &["--label-column", "first", "--data"]].concat();
        refuses(&args, &fixture("uci"), "at least two classes");
    }
    let (told, notes) = run(&["info", "--label-column", "65"], &[fixture("uci")]);
    assert!(told.contains("10 classes") && notes.is_empty(), "{told}{notes}");
}

#[test]
fn folders_are_read_in_the_order_of_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let digits = ["7", "2", "1", "0"];
    for i in 0..12 {
        let name = format!("folders/test/{}/{:05}.png", digits[i % 4], i % 4);
        fs::copy(fixture(&name), folder.path().join(format!("{}.png", i + 1))).unwrap();
    }
    let (told, _) = run(&["predict", "--format", "kaggle"], &[folder.path().to_owned()]);
    let expected = (0..12).map(|i| format!("{},{}\n", i + 1, digits[i % 4]));
    assert_eq!(told, "ImageId,Label\n".to_owned() + &expected.collect::<String>());
}

/// The subset's test images as IDX, NPZ and CSV, with labels, each grey value changed.
fn written(subset: &Subset, name: &str, change: impl Fn(u8) -> u8) -> Vec<PathBuf> {
    let images = dataset::load_images(&subset.path("mnist"), Split::Test).unwrap();
    let pixels = images.pixels.mapv(change);
    let labels: Vec<u8> = images.labels.unwrap().iter().map(|label| label.parse().unwrap()).collect();
    let folder = subset.path(name);
    fs::create_dir(&folder).unwrap();
    let n = u32::try_from(labels.len()).unwrap().to_be_bytes();
    let side = 28_u32.to_be_bytes();
    let bytes: Vec<u8> = pixels.iter().copied().collect();
    let idx = folder.join("images-idx3-ubyte");
    fs::write(&idx, [&[0, 0, 8, 3], &n[..], &side, &side, &bytes].concat()).unwrap();
    fs::write(folder.join("labels-idx1-ubyte"), [&[0, 0, 8, 1], &n[..], &labels].concat()).unwrap();
    let npz = folder.join("test.npz");
    let mut file = NpzWriter::new_compressed(fs::File::create(&npz).unwrap());
    file.add_array("x", &Array3::from_shape_vec((labels.len(), 28, 28), bytes).unwrap()).unwrap();
    file.add_array("y", &ndarray::aview1(&labels)).unwrap();
    file.finish().unwrap();
    let csv = folder.join("test.csv");
    let row = |(label, row): (&u8, ndarray::ArrayView1<u8>)| {
        row.iter().fold(label.to_string(), |line, value| format!("{line},{value}")) + "\n"
    };
    fs::write(&csv, labels.iter().zip(pixels.outer_iter()).map(row).collect::<String>()).unwrap();
    vec![idx, npz, csv]
}

#[test]
fn dark_digits_on_light_paper_are_read_as_light_ones_on_dark() {
    let subset = Subset::new(10, 300);
    let (plain, negative) =
        (written(&subset, "plain", |value| value), written(&subset, "negative", |value| 255 - value));
    // Without the path, which comes first.
    let verdicts = |args: &[&str], path: &PathBuf| {
        let args = [&["predict", "--model", "tiny", "--format", "csv"], args].concat();
        let (told, notes) = run(&args, std::slice::from_ref(path));
        let rows: Vec<String> = told.lines().map(|row| row.split_once(',').unwrap().1.to_owned()).collect();
        (rows, notes)
    };
    let evaluated = |path: &PathBuf| {
        let output =
            handful().args(["evaluate", "--model", "tiny", "--json", "--data"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        json(&output)["confusion_matrix"].clone()
    };
    for (plain, negative) in plain.iter().zip(&negative) {
        let expected = verdicts(&[], plain).0;
        let (found, notes) = verdicts(&[], negative);
        assert_eq!(found, expected, "{}", negative.display());
        assert!(notes.contains("images have dark ink on light paper and are inverted"), "{notes}");
        assert_eq!(verdicts(&["--invert", "always"], negative).0, expected);
        assert_ne!(verdicts(&["--invert", "never"], negative).0, expected);
        assert_ne!(verdicts(&["--invert", "always"], plain).0, expected);
        assert!(!verdicts(&[], plain).1.contains("dark ink"));
        assert_eq!(evaluated(negative), evaluated(plain));
    }
}

#[test]
fn arrays_and_pages_are_images_of_their_own() {
    let (told, _) = run(&["predict"], &[fixture("npy/one.npy"), fixture("npy/one_row.npy")]);
    assert!(told.lines().count() == 2 && told.lines().all(|line| line.contains(".npy[0]: 5 (")), "{told}");
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("tiff/mixed.tif"), folder.path().join("scans.tif")).unwrap();
    for path in [fixture("tiff/mixed.tif"), folder.path().to_owned()] {
        let (told, _) = run(&["predict", "--format", "csv"], &[path]);
        let rows: Vec<Vec<&str>> =
            told.lines().skip(1).map(|row| row.split(',').skip(1).take(2).collect()).collect();
        assert_eq!(rows, [["0", "5"], ["1", "0"], ["2", "0"], ["3", "4"]]);
    }
    fs::write(folder.path().join("IMG_1.HEIC"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    let output = handful().arg("predict").arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("IMG_1.HEIC: HEIC files are not supported: export it as PNG or JPEG"), "{told}");
    assert_eq!(stdout(&output).lines().count(), 4);
}

#[test]
fn several_sets_are_one() {
    let subset = Subset::new(600, 50);
    // Pictures of another size, in a folder for each class.
    for (digit, image) in [("7", "inverted.png"), ("7", "large.png"), ("3", "photo.jpg")] {
        fs::create_dir_all(subset.path("own").join(digit)).unwrap();
        fs::copy(fixture("strays").join(image), subset.path("own").join(digit).join(image)).unwrap();
    }
    let train = |args: &[&str], output: &str| {
        let args = [
            &["train", "--preset", "notebook", "--json", "--data", "mnist", "--data", "own", "-o", output],
            args,
        ];
        let output = subset.handful().args(args.concat()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        json(&output)["n_samples"].clone()
    };
    assert_eq!(train(&[], "a.safetensors"), 603);
    assert_eq!(train(&["--memory-limit", "200M"], "b.safetensors"), 603);
    assert_eq!(
        fs::read(subset.path("a.safetensors")).unwrap(),
        fs::read(subset.path("b.safetensors")).unwrap()
    );
    let evaluate = ["evaluate", "--model", "tiny", "--json", "--data", "mnist", "--data", "own"];
    assert_eq!(json(&subset.handful().args(evaluate).output().unwrap())["n_test"], 53);
    let cluster = ["cluster", "--clusters", "5", "--json", "--data", "mnist", "--data", "own"];
    assert_eq!(json(&subset.handful().args(cluster).output().unwrap())["n_samples"], 603);
}

#[test]
fn sets_that_do_not_fit_are_named() {
    let subset = Subset::new(60, 10);
    let letters = fixture("emnist");
    let digits = fixture("uci");
    for (other, expected) in [(&digits, "28 x 28 and 8 x 8 pixels"), (&letters, "has the class")] {
        let args = ["train", "--preset", "notebook", "-o", "m.safetensors", "--data", "mnist", "--data"];
        let output = subset.handful().args(args).arg(other).output().unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("mnist") && told.contains(&other.display().to_string()), "{told}");
        assert!(told.contains(expected), "{told}");
        assert!(!subset.path("m.safetensors").exists());
    }
}

#[test]
fn one_class_is_nothing_to_learn_but_something_to_test() {
    let subset = Subset::made([28, 28], &[7; 20]);
    for args in [&["compare"][..], &["train", "--preset", "notebook", "-o", "m.safetensors"]] {
        let output = subset.handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = "expected images of at least two classes, found one class (\"7\"): if the labels are in another column";
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
    let output = subset.handful().args(["evaluate", "--model", "tiny", "--json"]).output().unwrap();
    assert_eq!(json(&output)["n_test"], 20, "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_path_may_be_a_pipe() {
    let program = assert_cmd::cargo::cargo_bin!("handful");
    let shell = |command: &str, file: &str| {
        let output = std::process::Command::new("bash")
            .args(["-c", command])
            .env("handful", program)
            .env("file", fixture(file))
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {}", stderr(&output));
        stdout(&output)
    };
    for (file, verdict) in
        [("strays/photo.jpg", ": 7 ("), ("kaggle/test.csv", ": 7 ("), ("keras/compressed.npz", ": 7 (")]
    {
        let told = shell("\"$handful\" predict <(cat \"$file\")", file);
        assert!(told.lines().next().unwrap().contains(verdict), "{told}");
        assert_eq!(
            shell("cat \"$file\" | \"$handful\" predict /dev/stdin", file).lines().count(),
            told.lines().count()
        );
    }
    let told = shell("\"$handful\" evaluate --data <(cat \"$file\")", "kaggle/train.csv");
    assert!(told.contains("2 of 2 right"), "{told}");
    let told = shell("\"$handful\" info <(cat \"$file\")", "keras/compressed.npz");
    assert!(told.contains("train: 8 images") && told.contains("test: 4 images"), "{told}");
    let told = shell("\"$handful\" info <(cat \"$file\")", "kaggle/train.csv");
    assert!(told.contains("all: 2 images"), "{told}");
}

#[test]
fn help_and_errors_list_every_format() {
    let notes = tempfile::NamedTempFile::new().unwrap();
    fs::write(notes.path(), "These are notes.").unwrap();
    let error = stderr(&handful().arg("predict").arg(notes.path()).output().unwrap());
    for command in
        ["predict", "train", "evaluate", "compare", "cluster", "neighbors", "augment", "select", "info"]
    {
        let help = run(&[command, "--help"], &[]).0;
        for format in [dataset::DATA_FORMATS, dataset::PICTURE_FORMATS] {
            assert!(help.contains(format), "{help}");
            assert!(error.contains(format), "{error}");
        }
    }
}
