//! `handful completions` and `handful man`.

use std::fs;

use crate::subset::{handful, stderr, stdout};

const COMMANDS: [&str; 14] = [
    "compare",
    "train",
    "predict",
    "serve",
    "evaluate",
    "info",
    "cluster",
    "neighbors",
    "select",
    "audit",
    "augment",
    "fetch",
    "completions",
    "man",
];

#[test]
fn completions_know_commands_options_and_names_of_data_sets() {
    for shell in ["bash", "zsh", "fish"] {
        let output = handful().args(["completions", shell]).output().unwrap();
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
        let script = stdout(&output);
        for expected in COMMANDS.into_iter().chain(["n-neighbors"]) {
            assert!(script.contains(expected), "{shell}: {expected}");
        }
        assert_eq!(script.contains("fashion-mnist"), shell != "fish", "fish gets no values of arguments");
    }
    let output = handful().args(["completions", "tcsh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("bash"), "{}", stderr(&output));
}

#[test]
fn man_prints_a_page_or_writes_all() {
    let page = |args: &[&str]| {
        let output = handful().arg("man").args(args).output().unwrap();
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
        stdout(&output)
    };
    let whole = page(&[]);
    assert!(
        whole.contains(".TH handful 1") && COMMANDS.iter().all(|command| whole.contains(command)),
        "{whole}"
    );
    assert!(whole.contains("Exit codes: 0 for success"), "{whole}");
    let fetch = page(&["fetch"]);
    for expected in
        [".TH handful-fetch 1", ".SH SYNOPSIS", "handful fetch", "fashion\\-mnist", "\\-\\-mirror"]
    {
        assert!(fetch.contains(expected), "{expected}: {fetch}");
    }
    assert!(!fetch.contains("stall"), "{fetch}");

    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(page(&["--to", pages.to_str().unwrap()]), "");
    for command in COMMANDS {
        let path = pages.join(format!("handful-{command}.1"));
        assert_eq!(fs::read_to_string(path).unwrap(), page(&[command]));
    }
    assert_eq!(fs::read_to_string(pages.join("handful.1")).unwrap(), whole);
    assert_eq!(fs::read_dir(&pages).unwrap().count(), 1 + COMMANDS.len());
}

#[test]
fn man_of_no_command_lists_those_that_are() {
    let output = handful().args(["man", "fetsch"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(COMMANDS.iter().all(|command| stderr(&output).contains(command)), "{}", stderr(&output));
}
