//! `handful predict`: pictures, folders, files of data and streams in, verdicts out.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use handful::{
    classifier::Preset,
    dataset::{self, Split},
};
use scraper::{Html, Selector};
use serde_json::Value;

#[cfg(unix)]
use crate::patience::{ended, send_signal, wait_for};
use crate::subset::{Subset, handful, json, stderr, stdout};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../handful/tests/formats/fixtures").join(name)
}

fn mnist(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist").join(name)
}

#[track_caller]
fn predict(args: &[&str], inputs: &[PathBuf]) -> String {
    let output = handful().arg("predict").args(args).args(inputs).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

#[test]
fn pictures_of_any_kind_are_read_at_once() {
    for name in [
        "inverted.png",
        "large.png",
        "alpha.png",
        "white_alpha.png",
        "palette.png",
        "sixteen.png",
        "photo.jpg",
        "rotated.jpg",
        "tiny.png",
        "bilevel.png",
    ] {
        let told = predict(&[], &[fixture("strays").join(name)]);
        assert!(told.trim_end().contains(&format!("{name}: 7 (9")), "{told}");
        assert_eq!(told.lines().count(), 1);
    }
}

#[test]
fn what_csv_says_is_what_evaluate_counts() {
    let rows = predict(&["--model", "best", "--format", "csv"], &[mnist("t10k-images-idx3-ubyte.gz")]);
    let mut rows = rows.lines();
    assert_eq!(rows.next(), Some("source,index,label,confidence,is_digit,n_digits"));
    let truth =
        dataset::load_images(&mnist("t10k-images-idx3-ubyte.gz"), Split::Test).unwrap().labels.unwrap();
    let mut right = 0;
    for (i, row) in rows.enumerate() {
        let fields: Vec<&str> = row.split(',').collect();
        assert!(fields[0].ends_with("t10k-images-idx3-ubyte.gz") && fields[1] == i.to_string(), "{row}");
        assert!((0.0..=1.0).contains(&fields[3].parse::<f64>().unwrap()), "{row}");
        right += u32::from(fields[2] == truth[i]);
    }
    let evaluated = json(&handful().args(["evaluate", "--model", "best", "--json"]).output().unwrap());
    assert_eq!(evaluated["accuracy"].as_f64(), Some(f64::from(right) / 10_000.0));
    assert_eq!(right, 9964);
}

#[test]
fn kaggle_s_table_in_kaggle_s_submission_out() {
    let told = predict(&["--format", "kaggle"], &[fixture("kaggle/test.csv")]);
    assert_eq!(told, "ImageId,Label\n1,7\n2,2\n");
}

#[test]
fn json_tells_probabilities_and_on_demand_who_voted() {
    let inputs = [fixture("strays/inverted.png"), fixture("npy/images.npy")];
    let told: Value = serde_json::from_str(&predict(&["--json", "--explain"], &inputs)).unwrap();
    let predictions = told["predictions"].as_array().unwrap();
    let labels: Vec<&str> = predictions.iter().map(|found| found["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["7", "5", "0"]);
    assert_eq!((&predictions[2]["index"], &told["n_images"]), (&1.into(), &3.into()));
    for found in predictions {
        let sum: f64 =
            found["probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-9 && found["is_digit"] == true);
        assert_eq!(found["confidence"], found["probabilities"][found["label"].as_str().unwrap()]);
        let neighbors = found["neighbors"].as_array().unwrap();
        assert_eq!(neighbors.len(), Preset::Everyday.params().decision.n_neighbors());
        let distances: Vec<u64> = neighbors.iter().map(|voter| voter["distance"].as_u64().unwrap()).collect();
        assert!(distances.is_sorted() && neighbors[0]["label"] == found["label"]);
    }
    let plain: Value = serde_json::from_str(&predict(&["--format", "json"], &inputs[..1])).unwrap();
    assert!(plain["predictions"][0].get("neighbors").is_none());
    let csv = predict(&["--format", "csv", "--explain"], &inputs[..1]);
    assert!(
        csv.starts_with("source,index,label,confidence,neighbors,is_digit,n_digits\n") && csv.contains(",7:"),
        "{csv}"
    );
}

#[test]
fn text_says_what_neighbours_look_like() {
    let told = predict(&["--explain"], &[fixture("strays/inverted.png")]);
    let origins =
        [", like training image ", ", like a distorted copy of training image ", ", like a drawn digit"];
    let voters: Vec<&str> = told.lines().skip(1).collect();
    assert_eq!(voters.len(), Preset::Everyday.params().decision.n_neighbors(), "{told}");
    assert!(voters.iter().all(|voter| origins.iter().any(|origin| voter.contains(origin))), "{told}");
}

#[test]
fn doubt_leaves_the_label_empty() {
    let subset = Subset::made([28, 28], &[0, 200]);
    // Noise: no digit, but not nothing either.
    let noise = subset.path("mnist/t10k-images-idx3-ubyte");
    let mut bytes = fs::read(&noise).unwrap();
    let n_header = 16;
    for (at, byte) in bytes[n_header..].iter_mut().enumerate() {
        *byte = u8::try_from(at * at * 31 % 251).unwrap();
    }
    fs::write(&noise, bytes).unwrap();
    let told = predict(
        &["--model", "fast", "--format", "csv", "--min-confidence", "0"],
        std::slice::from_ref(&noise),
    );
    assert!(told.lines().skip(1).all(|row| row.split(',').nth(2) == Some("")), "{told}");
    let told = predict(&["--model", "fast"], &[noise]);
    assert!(told.contains("looks like nothing that the model knows"), "{told}");
    let told = predict(
        &["--model", "fast", "--min-confidence", "1", "--format", "csv"],
        &[fixture("strays/inverted.png")],
    );
    assert!(told.lines().nth(1).unwrap().contains(",,0.9"), "{told}");
}

#[test]
fn without_ink_there_is_no_label() {
    let folder = tempfile::tempdir().unwrap();
    let blank = folder.path().join("blank.pgm");
    fs::write(&blank, [&b"P5 60 40 255\n"[..], &[200; 2400]].concat()).unwrap();
    let inputs = [fixture("strays/inverted.png"), blank];
    let told = predict(&[], &inputs[1..]);
    assert!(told.ends_with("blank.pgm: no ink\n"), "{told}");
    let told = predict(&["--format", "csv"], &inputs);
    let rows: Vec<&str> = told.lines().collect();
    assert!(rows[1].contains(",0,7,") && rows[1].ends_with(",true,1"), "{told}");
    assert!(rows[2].ends_with("blank.pgm,0,,0.000000,false,0"), "{told}");
    let told: Value = serde_json::from_str(&predict(&["--json"], &inputs)).unwrap();
    let blank = &told["predictions"][1];
    assert_eq!((&blank["label"], &blank["confidence"]), (&Value::Null, &0.0.into()));
    assert_eq!(blank["is_digit"], false);
    let output = handful().args(["predict", "--format", "kaggle"]).args(&inputs).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("blank.pgm: there is no ink in this image (number 2)"), "{told}");
    let report = folder.path().join("why.html");
    handful().arg("predict").args(&inputs).arg("--report").arg(&report).assert().success();
    assert!(fs::read_to_string(report).unwrap().contains("no ink"));
}

#[test]
fn one_bad_picture_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..1000 {
        fs::copy(fixture("strays/inverted.png"), folder.path().join(format!("{i:04}.png"))).unwrap();
    }
    fs::write(folder.path().join("0500.png"), b"no picture").unwrap();
    let output = handful().args(["predict", "--format", "csv"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].contains("0500.png: expected a picture (PNG"), "{told}");
    assert_eq!(lines[1], "error: 1 of 1,000 inputs could not be read");
    let rows: Vec<String> = stdout(&output).lines().skip(1).map(str::to_owned).collect();
    assert_eq!(rows.len(), 999);
    let names: Vec<&str> = rows.iter().map(|row| row.split(',').next().unwrap()).collect();
    assert!(names.is_sorted());
    let inputs = [fixture("strays/inverted.png"), folder.path().join("nowhere.png")];
    let output = handful().args(["predict", "--json"]).args(inputs).output().unwrap();
    assert_eq!((output.status.code(), &json(&output)["n_images"]), (Some(1), &1.into()));
    assert_eq!(json(&output)["failed"].as_array().unwrap().len(), 1);
}

#[test]
fn standard_input_is_read_whatever_it_is() {
    for name in [
        "strays/photo.jpg",
        "kaggle/test.csv",
        "keras/compressed.npz",
        "huggingface/mnist/test-00000-of-00001.parquet",
    ] {
        let bytes = fs::read(fixture(name)).unwrap();
        let output = handful().args(["predict", "--format", "csv", "-"]).write_stdin(bytes).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        assert!(stdout(&output).lines().nth(1).unwrap().starts_with("-,0,7,"), "{name}: {}", stdout(&output));
    }
}

/// A stream of images without end.
pub(crate) fn endless(mut to: impl Write) {
    let table = fs::read_to_string(fixture("kaggle/test.csv")).unwrap();
    let (header, rows) = table.split_once('\n').unwrap();
    let _ = writeln!(to, "{header}");
    let rows = rows.repeat(500);
    while to.write_all(rows.as_bytes()).is_ok() {}
}

#[cfg(target_os = "linux")]
#[test]
fn endless_streams_take_no_memory_and_end_with_their_reader() {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("handful"))
        .args(["predict", "--model", "tiny", "--format", "csv", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || endless(stdin));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut peak_after = |n: usize| {
        let last = lines.by_ref().take(n).last().unwrap().unwrap();
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().to_owned();
        (last, peak.trim_end_matches(" kB").parse::<u64>().unwrap())
    };
    let (_, early) = peak_after(20_000);
    let (last, late) = peak_after(60_000);
    assert!(last.starts_with("-,79998,"), "{last}");
    assert!(late < early + 20_000, "{early} kB, then {late} kB");
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0), "a closed pipe is no failure");
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(told, "");
    writer.join().unwrap();
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_stream_and_leaves_no_half_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("handful"))
        .args(["predict", "--model", "tiny", "--format", "csv", "-o", "out.csv", "--report", "out.html", "-"])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for more.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&fs::read(fixture("kaggle/test.csv")).unwrap()).unwrap();
    wait_for("both files in the making", || (fs::read_dir(&folder).unwrap().count() == 2).then_some(()));
    send_signal("INT", &child);
    assert_eq!(ended(&mut child).code(), Some(130));
    drop(stdin);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn the_report_shows_who_voted() {
    let subset = Subset::new(3000, 10);
    let train = ["train", "--preset", "tiny", "--data", "mnist", "--pictures", "-o", "m.safetensors"];
    let output = subset.handful().args(train).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = |subset: &Subset, model: &str| {
        let args = ["predict", "--model", model, "--report", "why.html", "mnist/t10k-images-idx3-ubyte"];
        let output = subset.handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let page = fs::read_to_string(subset.path("why.html")).unwrap();
        let count =
            |selector: &str| Html::parse_document(&page).select(&Selector::parse(selector).unwrap()).count();
        assert!(!page.contains("http://") && !page.contains("https://"), "nothing is fetched");
        (count(".seen img"), count(".neighbors img"), count(".neighbors small"))
    };
    let voters = 10 * Preset::Tiny.params().decision.n_neighbors();
    assert_eq!(page(&subset, "m.safetensors"), (10, voters, voters), "the model's own pictures");
    assert_eq!(page(&subset, "tiny"), (10, 0, voters), "none: other images than the preset's are at hand");
    assert_eq!(page(&Subset::whole_with_test(&subset), "tiny"), (10, voters, voters), "those of the data");
}

/// One line, exit code 1, and no more memory than 200 MB.
#[cfg(target_os = "linux")]
#[track_caller]
fn refused(args: &[&str], path: &Path) {
    let program = assert_cmd::cargo::cargo_bin!("handful");
    let output = Command::new("sh")
        .args(["-c", "ulimit -d 204800; exec \"$0\" \"$@\""])
        .arg(program)
        .args(args)
        .arg(path)
        .output()
        .unwrap();
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{}: {told}", path.display());
    assert!(told.starts_with("error: ") && told.lines().count() == 1, "{}: {told}", path.display());
}

#[cfg(target_os = "linux")]
#[test]
fn devices_without_end_are_not_read_into_memory() {
    for device in ["/dev/zero", "/dev/urandom"].map(Path::new) {
        refused(&["predict", "mnist", "--model"], device);
        refused(&["evaluate", "--model"], device);
        refused(&["serve", "--model"], device);
        refused(&["cluster", "--clusters", "2", "--init"], device);
        refused(&["neighbors", "--queries", "mnist", "--index-file"], device);
    }
    refused(&["info"], Path::new("/dev/zero"));
    // It starts as an array does, and goes on for ever.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("init.npy");
    let file = fs::File::create(&path).unwrap();
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (20, 784), }";
    (&file)
        .write_all(&[b"\x93NUMPY\x01\x00\x76\x00", format!("{header:<117}\n").as_bytes()].concat())
        .unwrap();
    file.set_len(1 << 40).unwrap();
    let output = handful().args(["cluster", "--clusters", "2", "--init"]).arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("expected 15680 bytes of values, found more"), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn damaged_files_end_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    for name in [
        "gzip/t10k-images-idx3-ubyte.gz",
        "keras/compressed.npz",
        "npy/images.npy",
        "huggingface/zstd.parquet",
        "strays/large.png",
        "strays/photo.jpg",
        "usps/zip.test.gz",
    ] {
        let whole = fs::read(fixture(name)).unwrap();
        for part in [0, 1, 4, 8, 12, 15] {
            fs::write(&path, &whole[..whole.len() * part / 16]).unwrap();
            refused(&["predict"], &path);
        }
    }
    let tiny = Preset::Tiny.trained_bytes();
    for part in 0..16 {
        fs::write(&path, &tiny[..tiny.len() * part / 16]).unwrap();
        refused(&["predict", "mnist", "--model"], &path);
        let mut flipped = tiny.to_vec();
        flipped[tiny.len() * part / 16 + 5] ^= 0x10;
        fs::write(&path, flipped).unwrap();
        refused(&["predict", "mnist", "--model"], &path);
    }
    let mut hostile = 0x7fff_ffff_ffff_u64.to_le_bytes().to_vec();
    hostile.extend(b"{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999,99999999],\"data_offsets\":[0,9]}}");
    fs::write(&path, &hostile).unwrap();
    refused(&["predict", "mnist", "--model"], &path);
    hostile.splice(..8, 70_u64.to_le_bytes());
    fs::write(&path, &hostile).unwrap();
    refused(&["predict", "mnist", "--model"], &path);
    // A picture of 12,000 x 12,000 pixels in 140 kB, and one that says to have 100,000 x 100,000.
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 16_000, 16_000);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header().unwrap().write_image_data(&vec![0; 3 * 16_000 * 16_000]).unwrap();
    fs::write(&path, &png).unwrap();
    refused(&["predict"], &path);
    fs::write(&path, "label,pixel0,pixel1,pixel2,pixel3\n1,0,0,0\n").unwrap();
    refused(&["evaluate", "--data"], &path);
    let label = fs::read_to_string(fixture("kaggle/train.csv")).unwrap().replace("\n0,", "\nten,");
    fs::write(&path, label).unwrap();
    refused(&["evaluate", "--data"], &path);
}
