//! Streams: pictures that follow each other, archives, results as soon as they are known, and pictures of several digits.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    patience::ended,
    predict::fixture,
    subset::{handful, stderr, stdout},
};

/// Grey paper with dark bars, each of which is a 1, in the format PGM.
fn bars(n: usize) -> Vec<u8> {
    let width = 60 * n;
    let is_ink = |x: usize, y: usize| (15..75).contains(&y) && (27..34).contains(&(x % 60));
    let mut picture = format!("P5 {width} 90 255\n").into_bytes();
    picture.extend((0..90 * width).map(|i| if is_ink(i % width, i / width) { 30 } else { 215 }));
    picture
}

fn start(args: &[&str]) -> Child {
    let mut command = Command::new(handful().get_program());
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What `predict` prints about standard input.
fn told(args: &[&str], input: &[u8]) -> (bool, String, String) {
    let mut command = handful();
    command.arg("predict").args(args).arg("-");
    let mut child = start(&command.get_args().map(|arg| arg.to_str().unwrap()).collect::<Vec<_>>());
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (output.status.success(), stdout(&output), stderr(&output))
}

#[test]
fn pictures_that_follow_each_other_are_all_read() {
    let names = ["inverted.png", "photo.jpg", "large.png", "palette.png"];
    let mut input: Vec<u8> =
        names.iter().flat_map(|name| fs::read(fixture("strays").join(name)).unwrap()).collect();
    input.extend(bars(1));
    let (is_fine, text, errors) = told(&[], &input);
    assert!(is_fine && errors.is_empty(), "{errors}");
    let labels: Vec<&str> = text.lines().map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(labels, ["-[0]: 7", "-[1]: 7", "-[2]: 7", "-[3]: 7", "-[4]: 1"]);
    let (_, csv, _) = told(&["--format", "csv"], &input);
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|row| row.split(',').take(3).collect()).collect();
    assert_eq!(rows[4], ["-", "4", "1"]);
    let (_, json, _) = told(&["--json"], &input);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["predictions"][4]["source"], &json["predictions"][4]["index"]),
        (&"-".into(), &4.into())
    );
    // A file is one picture, whatever follows it.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.pgm");
    fs::write(&path, [&bars(1)[..], b"and something else"].concat()).unwrap();
    for input in [&path, folder.path()] {
        let output = handful().arg("predict").arg(input).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stdout(&output).contains("one.pgm: 1 (") && stdout(&output).lines().count() == 1);
    }
}

#[test]
fn a_damaged_picture_in_a_stream_does_not_stop_the_rest() {
    let png = fs::read(fixture("strays/inverted.png")).unwrap();
    let mut damaged = png.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    let (is_fine, lines, errors) =
        told(&["--format", "jsonl"], &[&png[..], &damaged, &png, b"and no picture"].concat());
    assert!(!is_fine);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut read: Vec<u64> =
        lines.iter().filter_map(|line| line["label"].as_str().and(line["index"].as_u64())).collect();
    read.sort_unstable();
    assert_eq!(read, [0, 2]);
    let failed: Vec<_> = lines.iter().filter(|line| line.get("error").is_some()).collect();
    assert_eq!((&failed[0]["source"], &failed[0]["index"]), (&"-".into(), &1.into()));
    assert!(failed[0]["error"].as_str().unwrap().contains("damaged"), "{failed:?}");
    assert!(failed[1]["error"].as_str().unwrap().contains("expected another picture after 3"), "{failed:?}");
    assert_eq!(errors.lines().count(), 3, "{errors}");
}

/// An archive of some members, with folders and other files in between.
fn archive(folder: &Path, compressed: bool) -> Vec<u8> {
    fs::create_dir_all(folder.join("scans/deep")).unwrap();
    fs::copy(fixture("strays/inverted.png"), folder.join("scans/7.png")).unwrap();
    fs::copy(fixture("strays/photo.jpg"), folder.join("scans/deep/photo.jpg")).unwrap();
    fs::write(folder.join("scans/.hidden.png"), "hidden").unwrap();
    fs::write(folder.join("scans/notes.txt"), "no picture").unwrap();
    fs::write(folder.join("scans/broken.png"), "no picture either").unwrap();
    let _ = fs::remove_file(folder.join("scans/link.png"));
    fs::hard_link(folder.join("scans/7.png"), folder.join("scans/link.png")).unwrap();
    let path = folder.join("scans.tar");
    let mut tar = Command::new("tar");
    tar.arg(if compressed { "-czf" } else { "-cf" }).arg(&path).arg("-C").arg(folder).arg("scans");
    assert!(tar.status().unwrap().success());
    fs::read(path).unwrap()
}

#[test]
fn all_pictures_of_an_archive_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for compressed in [false, true] {
        let input = archive(folder.path(), compressed);
        let (is_fine, csv, errors) = told(&["--format", "csv"], &input);
        let mut rows: Vec<String> =
            csv.lines().skip(1).map(|row| row.split(',').take(3).collect::<Vec<_>>().join(",")).collect();
        rows.sort();
        assert_eq!(rows, ["scans/7.png,0,7", "scans/deep/photo.jpg,0,7"], "{errors}");
        assert!(!is_fine && errors.contains("scans/broken.png: expected a picture"), "{errors}");
        // The name of a file goes before the names in it.
        let path = folder.path().join("scans.tar");
        let output = handful().arg("predict").arg(&path).output().unwrap();
        assert!(
            stdout(&output).contains(&format!("{}/scans/7.png: 7 (", path.display())),
            "{}",
            stdout(&output)
        );
    }
    let cut = archive(folder.path(), false);
    let (is_fine, _, errors) = told(&[], &cut[..1200]);
    assert!(!is_fine && errors.contains("standard input: "), "{errors}");
    let mut tar = Command::new("tar");
    let empty = folder.path().join("empty.tar");
    assert!(
        tar.arg("-cf")
            .arg(&empty)
            .arg("-C")
            .arg(folder.path())
            .arg("scans/notes.txt")
            .status()
            .unwrap()
            .success()
    );
    let output = handful().arg("predict").arg(&empty).output().unwrap();
    assert!(stderr(&output).contains("empty.tar: expected images, found none"), "{}", stderr(&output));
}

/// Writes the parts one after the other, each only when there is a line about the one before.
#[track_caller]
fn lines_while_writing(parts: &[Vec<u8>]) -> Vec<Value> {
    let mut child = start(&["predict", "--format", "jsonl", "-"]);
    let (mut stdin, mut lines) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
    let mut found = Vec::new();
    for part in parts {
        stdin.write_all(part).unwrap();
        stdin.flush().unwrap();
        found.push(serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap());
    }
    drop(stdin);
    assert!(ended(&mut child).success());
    assert!(lines.next().is_none());
    found
}

#[test]
fn each_line_is_printed_before_the_next_picture_comes() {
    let found = lines_while_writing(&vec![bars(1); 4]);
    assert!(found.iter().zip(0..).all(|(line, i)| line["label"] == "1" && line["index"] == i), "{found:?}");
    let photo = fs::read(fixture("strays/photo.jpg")).unwrap();
    let found = lines_while_writing(&vec![photo; 3]);
    assert!(found.iter().all(|line| line["label"] == "7"), "{found:?}");
}

#[test]
fn a_picture_of_several_digits_is_said_to_be_one() {
    let (is_fine, text, _) = told(&[], &bars(3));
    assert!(
        is_fine && text.ends_with("but the picture has 3 digits, and this is for a picture of one)\n"),
        "{text}"
    );
    let (_, csv, _) = told(&["--format", "csv"], &[bars(1), bars(2)].concat());
    assert!(
        csv.lines().nth(1).unwrap().ends_with(",1") && csv.lines().nth(2).unwrap().ends_with(",2"),
        "{csv}"
    );
    let (_, json, _) = told(&["--json"], &bars(2));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["predictions"][0]["n_digits"], 2);
}
