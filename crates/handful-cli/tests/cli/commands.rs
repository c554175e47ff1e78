//! What the command promises to those who type it and to scripts: stdout, stderr, exit codes, files.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::subset::{Subset, handful, json, stderr, stdout};

#[test]
fn wrong_usage_ends_with_2_and_names_the_option() {
    for (args, named) in [
        (&["compare", "--clusters", "0"][..], "--clusters"),
        (&["compare", "--n-neighbors", "0"], "--n-neighbors"),
        (&["compare", "--threads", "0"], "--threads"),
        (&["compare", "--threads", "5000"], "--threads"),
        (&["compare", "--no-such-option"], "--no-such-option"),
        (&["cluster"], "--clusters"),
        (&["cluster", "--clusters", "3", "--tol", "-1"], "--tol"),
        (&["neighbors"], "--queries"),
        (&["neighbors", "--queries", "mnist", "--n-probe", "3"], "--n-probe needs --index inverted"),
        (&["neighbors", "--queries", "mnist", "--n-lists", "3"], "--n-lists needs --index inverted"),
        (&["neighbors", "--queries", "mnist", "--save-index", "x"], "--save-index needs --index inverted"),
        (
            &["neighbors", "--queries", "mnist", "--index", "inverted", "--n-lists", "3", "--n-probe", "4"],
            "at most 3",
        ),
        (
            &["neighbors", "--queries", "mnist", "--index", "inverted", "--algorithm", "brute"],
            "--algorithm brute",
        ),
        (&["neighbors", "--queries", "mnist", "--index-file", "x", "--data", "y"], "--index-file"),
        (
            &["neighbors", "--queries", "mnist", "--index", "inverted", "--memory-limit", "1G"],
            "add --save-index or --index-file",
        ),
        (&["neighbors", "--queries", "mnist", "--index", "inverted", "--n-probe", "0"], "--n-probe"),
        (&["audit", "--fix", "decisions.csv"], "--output"),
        (&["audit", "--fix", "decisions.csv", "-o", "out", "--report", "a.html"], "--report"),
        (&["no-such-command"], "no-such-command"),
    ] {
        let output = handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(named), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn help_shows_an_example_of_every_command() {
    for command in
        ["compare", "cluster", "neighbors", "select", "audit", "augment", "fetch", "completions", "man"]
    {
        let output = handful().args([command, "--help"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let (one, some) = ("Example:\n  handful", "Examples:\n  handful");
        let help = stdout(&output);
        assert!([one, some].iter().any(|start| help.contains(&format!("{start} {command} "))), "{help}");
    }
}

/// A failed job: exit code 1, one line that says why, nothing on stdout, nothing left behind.
#[track_caller]
pub(crate) fn fails(subset: &Subset, args: &[&str], reason: &str) {
    let before = subset.files();
    let output = subset.handful().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", stderr(&output));
    let told = stderr(&output);
    assert!(told.starts_with("error: ") && told.contains(reason), "{args:?}: {told}");
    assert_eq!(told.lines().count(), 1, "{args:?}: {told}");
    let clauses: Vec<&str> = told.trim_end().split(": ").collect();
    assert!(clauses.iter().zip(&clauses[1..]).all(|(a, b)| a != b), "nothing is said twice: {told}");
    assert!(output.stdout.is_empty(), "{args:?}: {}", stdout(&output));
    assert_eq!(subset.files(), before, "{args:?} leaves nothing half-written");
}

#[test]
fn jobs_that_cannot_be_done_end_with_1_and_say_why() {
    let subset = Subset::new(200, 20);
    fails(&subset, &["compare", "--data", "nowhere"], "nowhere: cannot be read: No such file");
    fails(
        &subset,
        &["compare", "--data", "mnist/train-images-idx3-ubyte"],
        "expected training images and test images, found only one set",
    );
    fails(
        &subset,
        &["compare", "--n-neighbors", "11", "--clusters", "1"],
        "--n-neighbors 11 is too many for 1 prototypes per class: n_neighbors is 11: expected 1 to 10",
    );
    fails(&subset, &["compare", "--clusters", "150"], "expected at least 150 images of class");
    fails(&subset, &["compare", "--report", "no/such/folder/report.html"], "cannot be written");
    fails(&subset, &["compare", "--report", "mnist"], "it is a folder");
    fails(&subset, &["cluster", "--clusters", "201"], "n_clusters is 201: expected at most 200");
    fails(
        &subset,
        &["cluster", "--clusters", "2", "--init", "nowhere.npy"],
        "expected k-means++, random or a NumPy file",
    );
    fails(&subset, &["cluster", "--clusters", "2", "-o", "no/such/folder/out.npz"], "cannot be written");
    fails(&subset, &["neighbors", "--queries", "mnist", "--n-neighbors", "201"], "expected 1 to 200");

    fs::write(subset.path("mnist/t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 20, 1, 2]).unwrap();
    fails(&subset, &["compare"], "t10k-labels-idx1-ubyte: the header declares 20 bytes of data, found 2");
    fs::remove_file(subset.path("mnist/t10k-labels-idx1-ubyte")).unwrap();
    fails(
        &subset,
        &["compare"],
        "expected labels in t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz beside it, found none",
    );
}

#[test]
fn missing_default_data_lists_the_places_looked_at() {
    let empty = tempfile::tempdir().unwrap();
    let output =
        handful().arg("compare").env("HANDFUL_DATA", empty.path()).current_dir(&empty).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains(&empty.path().join("mnist").display().to_string()),
        "{}",
        stderr(&output)
    );
}

#[test]
fn stdout_is_one_json_document_and_stderr_stays_empty_off_a_terminal() {
    let subset = Subset::new(300, 30);
    for args in [
        &["compare", "--clusters", "2", "--json"][..],
        &["cluster", "--clusters", "2", "--json"],
        &["neighbors", "--queries", "mnist", "--json"],
        &["audit", "--json"],
    ] {
        let output = subset.handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(json(&output).is_object());
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn the_table_is_plain_off_a_terminal_and_names_the_report() {
    let subset = Subset::new(300, 30);
    let output = subset.handful().args(["compare", "--clusters", "2"]).output().unwrap();
    let text = stdout(&output);
    for expected in ["knn-all", "kmeans-knn", "random-knn", "95 % interval", "Report: handful-report.html"] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains('\u{1b}'), "no escape sequences");
    assert!(subset.path("handful-report.html").is_file());
    let verbose = subset.handful().args(["compare", "--clusters", "2", "-v"]).output().unwrap();
    assert!(
        stderr(&verbose).contains("read mnist") && stderr(&verbose).contains("wrote handful-report.html")
    );
    let colored =
        subset.handful().args(["compare", "--clusters", "2", "--color", "always"]).output().unwrap();
    assert!(stdout(&colored).contains('\u{1b}'));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let subset = Subset::new(300, 30);
    let mut child =
        subset.command(["compare", "--clusters", "2", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn links_and_pipes_stay_what_they_are() {
    let subset = Subset::new(300, 30);
    fs::write(subset.path("target.html"), "old").unwrap();
    std::os::unix::fs::symlink("target.html", subset.path("link.html")).unwrap();
    let run = |report: &str| {
        let output =
            subset.handful().args(["compare", "--clusters", "2", "--report", report]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    run("link.html");
    assert!(subset.path("link.html").is_symlink());
    assert!(fs::read_to_string(subset.path("target.html")).unwrap().starts_with("<!DOCTYPE html>"));
    let pipe = subset.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    run("pipe");
    assert!(reader.join().unwrap().ends_with("</html>"));
    assert!(!pipe.is_file());
}
