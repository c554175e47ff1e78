//! Images that stay on disk: the same results as in memory, in a limit of memory, and whatever interrupts a job.

use std::{fs, process::Stdio};

use crate::{
    commands::fails,
    patience::wait_for,
    subset::{Subset, json, stderr},
};

/// MNIST's training images, unpacked.
const IMAGES: &str = "mnist/train-images-idx3-ubyte";

#[track_caller]
fn run(subset: &Subset, args: &[&str]) -> serde_json::Value {
    let output = subset.handful().args(args).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    json(&output)
}

#[test]
fn cluster_comes_to_the_same_bytes_in_a_limit_of_memory() {
    let subset = Subset::new(4000, 10);
    for way in [&["--per-class"][..], &["--init", "random", "--n-init", "2"]] {
        let args = [&["cluster", "--clusters", "20", "-o"][..], &["a.npz"], way].concat();
        let in_memory = run(&subset, &args);
        let args =
            [&["cluster", "--clusters", "20", "-o"][..], &["b.npz", "--memory-limit", "100M"], way].concat();
        let on_disk = run(&subset, &args);
        for figure in ["inertia", "n_iter", "n_samples", "n_clusters"] {
            assert_eq!(on_disk[figure], in_memory[figure], "{figure}");
        }
        assert_eq!(fs::read(subset.path("a.npz")).unwrap(), fs::read(subset.path("b.npz")).unwrap());
    }
    let output =
        subset.handful().args(["cluster", "--clusters", "9", "--memory-limit", "30M"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("expected a memory limit of at least"), "{}", stderr(&output));
}

/// The process ends without a chance to do anything more.
#[test]
fn a_killed_job_goes_on_from_its_last_pass() {
    let subset = Subset::new(12_000, 10);
    let args = ["cluster", "--clusters", "60", "--tol", "0", "--data", IMAGES, "-o"];
    let expected = run(&subset, &[&args[..], &["a.npz"]].concat());
    let args = [&args[..], &["b.npz", "--checkpoint", "job"]].concat();
    let (mut kills, mut attempts) = (0, 0);
    while kills < 3 {
        attempts += 1;
        assert!(attempts < 100, "it cannot be killed between passes");
        let before = fs::read(subset.path("job")).ok();
        let mut job = subset.command([]);
        let mut job = job.args(&args).stdout(Stdio::null()).spawn().unwrap();
        wait_for("a pass", || {
            let has_moved = fs::read(subset.path("job")).ok() != before;
            (has_moved || job.try_wait().unwrap().is_some()).then_some(())
        });
        job.kill().unwrap();
        job.wait().unwrap();
        kills += 1;
        if subset.path("b.npz").exists() {
            // It was done before it could be killed: once more from the start.
            fs::remove_file(subset.path("b.npz")).unwrap();
            fs::remove_file(subset.path("job")).unwrap();
            kills = 0;
        }
    }
    let found = run(&subset, &args);
    assert_eq!((&found["inertia"], &found["n_iter"]), (&expected["inertia"], &expected["n_iter"]));
    assert_eq!(fs::read(subset.path("a.npz")).unwrap(), fs::read(subset.path("b.npz")).unwrap());
}

#[test]
fn train_makes_the_same_file_of_images_on_disk() {
    let subset = Subset::new(3000, 10);
    for preset in ["notebook", "small"] {
        run(&subset, &["train", "--preset", preset, "--pictures", "-o", "a.safetensors"]);
        let summary = run(
            &subset,
            &["train", "--preset", preset, "--pictures", "--memory-limit", "200M", "-o", "b.safetensors"],
        );
        assert_eq!(summary["n_samples"], 3000);
        let [a, b] = ["a", "b"].map(|name| fs::read(subset.path(&format!("{name}.safetensors"))).unwrap());
        assert!(a == b, "{preset}");
    }
}

#[test]
fn neighbors_makes_lists_in_their_file_and_searches_them_in_a_limit_of_memory() {
    let subset = Subset::new(3000, 100);
    let neighbors = |options: &[&str]| {
        run(&subset, &[&["neighbors", "--queries", "mnist", "-o", "out.npz"], options].concat());
        fs::read(subset.path("out.npz")).unwrap()
    };
    let lists = |file| ["--index", "inverted", "--n-lists", "50", "--save-index", file];
    let expected = neighbors(&lists("a"));
    let limit = ["--memory-limit", "150M"];
    assert!(neighbors(&[&lists("b")[..], &limit].concat()) == expected);
    assert!(fs::read(subset.path("a")).unwrap() == fs::read(subset.path("b")).unwrap());
    assert!(neighbors(&[&["--index-file", "a"][..], &limit].concat()) == expected);
    assert!(neighbors(&lists("a")[..4]) == expected, "in memory");

    let common = ["neighbors", "--queries", "mnist"];
    let limit = ["--memory-limit", "30M"];
    let least = "expected a memory limit of at least";
    fails(&subset, &[&common[..], &lists("c"), &limit].concat(), least);
    fails(&subset, &[&common[..], &["--index-file", "a"], &limit].concat(), least);
    // Told before images are looked for.
    let nowhere = [&common[..], &["--data", "nowhere"]].concat();
    fails(&subset, &[&nowhere[..], &lists("no/folder")].concat(), "no/folder cannot be written");
    fails(&subset, &[&nowhere[..], &lists("mnist")].concat(), "mnist cannot be written");
}
