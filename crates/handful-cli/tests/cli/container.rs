//! The Dockerfile: what it names is there. `make test-static` runs the program that it builds.

use std::{fs, path::PathBuf};

use crate::subset::{handful, stdout};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The arguments of the only instruction of this name in the last stage.
#[track_caller]
fn last_stage(instruction: &str) -> String {
    let file = read("Dockerfile");
    let (_, stage) = file.rsplit_once("\nFROM ").unwrap();
    let mut found = stage.lines().filter_map(|line| line.strip_prefix(instruction)?.strip_prefix(' '));
    let arguments = found.next().unwrap_or_else(|| panic!("no {instruction}")).to_owned();
    assert_eq!(found.next(), None, "{instruction} comes twice");
    arguments
}

#[test]
fn the_first_stage_builds_with_the_oldest_rust_that_is_supported() {
    let manifest = read("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let expected = format!("\nFROM rust:{}-", version.trim_matches('"'));
    assert!(read("Dockerfile").contains(&expected), "expected {expected}");
    assert!(read("Dockerfile").contains("\nRUN make static\n"));
    let makefile = read("Makefile");
    let (_, recipe) = makefile.split_once("\nstatic: ").unwrap();
    let recipe = recipe.split("\n\n").next().unwrap();
    assert!(
        recipe.contains("target-feature=+crt-static") && recipe.contains("$(STATIC)/handful"),
        "{recipe}"
    );
    assert!(makefile.contains("\nSTATIC := target/static\n"));
}

#[test]
fn what_the_build_needs_is_sent_to_it() {
    let ignored = read(".dockerignore");
    let sent: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for path in &sent {
        let path = path.trim_end_matches("/*.rs");
        assert!(root().join(path).exists(), "{path} is not there");
    }
    // The members of the workspace, and the benches that the library's manifest names.
    for needed in [".cargo", "Cargo.lock", "Cargo.toml", "Makefile", "README.md", "benches/*.rs", "crates"] {
        assert!(sent.contains(&needed), "{needed} is not sent");
    }
    let manifest = read("crates/handful/Cargo.toml");
    let paths: Vec<&str> = manifest.lines().filter_map(|line| line.strip_prefix("path = \"../../")).collect();
    assert!(!paths.is_empty());
    for path in paths {
        assert!(path.starts_with("benches/") && path.ends_with(".rs\""), "{path} is not sent");
    }
}

#[test]
fn the_last_stage_has_only_the_program_and_serves_as_nobody() {
    assert_eq!(last_stage("COPY"), "--from=build /handful/target/static/handful /handful");
    let user = last_stage("USER");
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
    assert_eq!(last_stage("ENTRYPOINT"), "[\"/handful\"]");
    let command: Vec<String> = serde_json::from_str(&last_stage("CMD")).unwrap();
    let address = command.last().unwrap();
    assert_eq!(address, &format!("0.0.0.0:{}", last_stage("EXPOSE")));
    let output = handful().args(&command).arg("--help").output().unwrap();
    assert!(output.status.success() && stdout(&output).contains("--addr"), "{command:?} is no command");
    assert!(read(".ci/static.py").contains(&format!("\"{user}\"")), "another user is tested");
    assert!(read("docs/serving.md").contains(&format!("user {},", user.split(':').next().unwrap())));
}
