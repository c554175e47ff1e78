//! `handful audit`: what it finds, the decisions that it applies, and accuracy without disputed labels.

use std::fs;

use handful::{
    Dataset,
    dataset::{self, Parts, ReadOptions, TrainTest},
};
use scraper::{Html, Selector};
use serde_json::Value;

use crate::{
    commands::fails,
    subset::{Subset, json, mnist, stderr, stdout},
};

const N_TRAIN: usize = 2000;
const N_TEST: usize = 300;
/// What is wrong: a training and a test image with another label, two equal training images, a test image that is a
/// training image moved by a pixel, and a blank image.
const FLIPPED: usize = 100;
const FLIPPED_TEST: usize = 40;
const COPY: [usize; 2] = [7, 900];
const LEAK: [usize; 2] = [350, 60];
const BLANK: usize = 1234;

/// A part of MNIST in which some images are wrong.
fn flawed() -> Subset {
    let subset = Subset::empty();
    let TrainTest { train, test, .. } = dataset::load(&mnist()).unwrap();
    let bytes = |data: &Dataset, n: usize| {
        let labels: Vec<u8> = data.labels()[..n].iter().map(|&label| u8::try_from(label).unwrap()).collect();
        (data.images().as_slice().unwrap()[..784 * n].to_vec(), labels)
    };
    let ((mut images, mut labels), (mut test_images, mut test_labels)) =
        (bytes(&train, N_TRAIN), bytes(&test, N_TEST));
    labels[FLIPPED] = (labels[FLIPPED] + 5) % 10;
    test_labels[FLIPPED_TEST] = (test_labels[FLIPPED_TEST] + 5) % 10;
    images.copy_within(784 * COPY[0]..784 * (COPY[0] + 1), 784 * COPY[1]);
    labels[COPY[1]] = labels[COPY[0]];
    let moved = &images[784 * LEAK[0]..784 * (LEAK[0] + 1) - 28];
    test_images[784 * LEAK[1] + 28..784 * (LEAK[1] + 1)].copy_from_slice(moved);
    test_images[784 * LEAK[1]..784 * LEAK[1] + 28].fill(0);
    test_labels[LEAK[1]] = labels[LEAK[0]];
    images[784 * BLANK..784 * (BLANK + 1)].fill(0);
    subset.write("train", &images, [28, 28], &labels);
    subset.write("t10k", &test_images, [28, 28], &test_labels);
    subset
}

fn run(subset: &Subset, args: &[&str]) -> String {
    let output = subset.handful().arg("audit").args(args).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{args:?}");
    stdout(&output)
}

fn load(subset: &Subset, path: &str) -> Parts {
    dataset::load_any(&subset.path(path), &ReadOptions::default()).unwrap()
}

fn both(subset: &Subset, path: &str) -> TrainTest {
    match load(subset, path) {
        Parts::Both(both) => both,
        Parts::One(_) => panic!("expected two parts"),
    }
}

#[test]
fn what_is_wrong_is_found_in_every_format() {
    let subset = flawed();
    let data = both(&subset, "mnist");
    let found: Value = serde_json::from_str(&run(&subset, &["--format", "json"])).unwrap();
    assert_eq!((&found["n_train"], &found["n_test"]), (&N_TRAIN.into(), &N_TEST.into()));
    let issues = found["label_issues"].as_array().unwrap();
    for (part, index) in [("train", FLIPPED), ("test", FLIPPED_TEST)] {
        let issue = issues.iter().find(|issue| issue["part"] == part && issue["index"] == index).unwrap();
        assert!(issue["score"].as_f64() > Some(0.9), "{issue}");
        let labels = if part == "train" { data.train.labels() } else { data.test.labels() };
        assert_eq!(issue["suggested"], ((labels[index] + 5) % 10).to_string());
        assert_eq!(issue["label"], labels[index].to_string());
        assert!(issue["neighbors"].as_array().unwrap().iter().all(|neighbor| neighbor["label"].is_string()));
    }
    assert!(issues.len() < 60, "{}", issues.len());
    let scores: Vec<f64> = issues.iter().map(|issue| issue["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let pairs: Vec<Value> = found["duplicates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| {
            let [image, other] =
                [pair, &pair["other"]].map(|image| (image["part"].clone(), image["index"].clone()));
            serde_json::json!([image, other, pair["is_exact"], pair["shift"]])
        })
        .collect();
    let copy = serde_json::json!([["train", COPY[1]], ["train", COPY[0]], true, [0, 0]]);
    let leak = serde_json::json!([["train", LEAK[0]], ["test", LEAK[1]], false, [1, 0]]);
    assert_eq!(pairs, [copy, leak]);
    assert_eq!(
        (&found["outliers"][0]["index"], &found["outliers"][0]["score"]),
        (&BLANK.into(), &Value::Null)
    );

    let csv = run(&subset, &["--format", "csv"]);
    let header = "kind,part,index,label,suggested,score,other_part,other_index,other_label,distance,decision,new_label";
    assert_eq!(csv.lines().next(), Some(header));
    let n_findings = issues.len() + 2 + found["outliers"].as_array().unwrap().len();
    assert_eq!(csv.lines().count(), 1 + n_findings);
    assert!(csv.contains(&format!("\nleak,train,{},", LEAK[0])), "{csv}");
    run(&subset, &["--format", "csv", "-o", "findings.csv"]);
    assert_eq!(fs::read_to_string(subset.path("findings.csv")).unwrap(), csv);

    let text = run(&subset, &[]);
    for expected in [
        "mnist: 2,000 training images, 300 test images; 28 x 28 pixels, 10 classes".to_owned(),
        format!("{} of 2,300 labels look wrong.", issues.len()),
        format!("training image {FLIPPED}: labelled "),
        "2 pairs of duplicates: 1 equal, 1 in both parts, 0 with different labels.".to_owned(),
        format!("training image {BLANK}, labelled {}: no ink", data.train.labels()[BLANK]),
        "No rare classes.".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected}: {text}");
    }
    // The same for any number of threads.
    assert_eq!(run(&subset, &["--format", "csv", "--threads", "1"]), csv);
}

#[test]
fn decisions_change_labels_and_remove_images() {
    let subset = flawed();
    let data = both(&subset, "mnist");
    let right = (data.train.labels()[FLIPPED] + 5) % 10;
    let decisions = format!(
        "kind,part,index,label,decision,new_label\nlabel,train,{FLIPPED},{},relabel,{right}\n\
         duplicate,train,{},,remove,\nlabel,test,{FLIPPED_TEST},,keep,\nlabel,train,3,,,\noutlier,train,{BLANK},,remove,\n",
        data.train.labels()[FLIPPED],
        COPY[1],
    );
    fs::write(subset.path("decisions.csv"), decisions).unwrap();
    let told = run(&subset, &["--fix", "decisions.csv", "-o", "corrected"]);
    assert_eq!(told, "1 image relabelled, 2 removed, 1 kept as labelled: corrected\n");

    let keep: Vec<usize> = (0..N_TRAIN).filter(|row| ![COPY[1], BLANK].contains(row)).collect();
    let mut expected = data.train.select(&keep).labels().to_vec();
    expected[FLIPPED] = right;
    let corrected = both(&subset, "corrected");
    assert_eq!(corrected.train.labels(), expected);
    assert_eq!(corrected.train.images(), data.train.select(&keep).images());
    assert_eq!(corrected.test, data.test);

    // The labels alone, with the numbers that images had.
    run(&subset, &["--fix", "decisions.csv", "-o", "labels.csv"]);
    let table = fs::read_to_string(subset.path("labels.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + N_TRAIN - 2 + N_TEST);
    assert!(table.starts_with("part,index,label\ntrain,0,5\n"), "{}", &table[..60]);
    assert!(
        table.contains(&format!("\ntrain,{FLIPPED},{right}\n"))
            && !table.contains(&format!("\ntrain,{BLANK},"))
    );

    // Once more: nothing is overwritten.
    fails(
        &subset,
        &["audit", "--fix", "decisions.csv", "-o", "corrected"],
        "corrected: expected a new or empty folder, found files in it",
    );
    let reason = "all.parquet: expected a folder, because there are training and test images";
    fails(&subset, &["audit", "--fix", "decisions.csv", "-o", "all.parquet"], reason);
}

#[test]
fn one_set_of_words_is_corrected_too() {
    let subset = Subset::empty();
    let row = |label: &str, value: u32| format!("{label},{value},255,0,{value}\n");
    let rows: String = (0..30).map(|i| row(if i % 2 == 0 { "left" } else { "right" }, 7 * i)).collect();
    fs::write(subset.path("words.csv"), format!("label,pixel0,pixel1,pixel2,pixel3\n{rows}")).unwrap();
    fs::write(subset.path("d.csv"), "part,index,decision,new_label\nall,0,relabel,right\nall,29,remove,\n")
        .unwrap();
    for output in ["fixed.parquet", "fixed"] {
        let args = ["--data", "words.csv", "--fix", "d.csv", "-o", output, "--json"];
        let summary: Value = serde_json::from_str(&run(&subset, &args)).unwrap();
        assert_eq!((&summary["n_relabelled"], &summary["n_removed"]), (&1.into(), &1.into()));
        let (Parts::One(before), Parts::One(after)) = (load(&subset, "words.csv"), load(&subset, output))
        else {
            panic!("expected one set")
        };
        assert_eq!((after.n_samples(), after.labels()[0], after.labels()[2]), (29, 1, 0));
        assert_eq!(after.images().row(0), before.images().row(0));
        assert_eq!(after.classes(), ["left", "right"]);
    }
}

#[test]
fn decisions_that_cannot_be_meant_are_refused() {
    let subset = flawed();
    let label = both(&subset, "mnist").train.labels()[5];
    for (rows, reason) in [
        (
            "train,5,,",
            "decisions.csv: expected decisions in the column \"decision\" (keep, relabel or remove), found none",
        ),
        ("all,5,remove,", "line 2: expected a part of these data (train, test), found \"all\""),
        ("test,300,keep,", "line 2: expected an index below 300, the number of test images, found 300"),
        (
            "train,5,relabel,ten",
            "line 2: expected one of the labels 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, found \"ten\"",
        ),
        ("train,5,remove,\ntrain,5,keep,", "line 3: training image 5 is decided differently in line 2"),
        ("train,5,flip,", "line 2: expected the decision keep, relabel or remove, found \"flip\""),
    ] {
        fs::write(subset.path("decisions.csv"), format!("part,index,decision,new_label\n{rows}\n")).unwrap();
        fails(&subset, &["audit", "--fix", "decisions.csv", "-o", "out"], reason);
    }
    let other = (label + 1) % 10;
    fs::write(subset.path("decisions.csv"), format!("part,index,label,decision\ntrain,5,{other},remove\n"))
        .unwrap();
    let reason = format!(
        "line 2: expected training image 5 to have the label \"{other}\", found \"{label}\": these decisions are about \
         other data"
    );
    fails(&subset, &["audit", "--fix", "decisions.csv", "-o", "out"], &reason);
    let all: Vec<String> = (0..N_TEST).map(|i| format!("test,{i},remove\n")).collect();
    fs::write(subset.path("decisions.csv"), format!("part,index,decision\n{}", all.concat())).unwrap();
    fails(
        &subset,
        &["audit", "--fix", "decisions.csv", "-o", "out"],
        "expected at least one test image to be kept",
    );
    fails(&subset, &["audit", "--fix", "nowhere.csv", "-o", "out"], "nowhere.csv cannot be read");
    fails(&subset, &["audit", "--n-neighbors", "0"], "n_neighbors is 0: expected at least 1");
}

#[test]
fn the_report_shows_every_finding_and_runs_only_its_own_script() {
    let subset = flawed();
    let csv = run(&subset, &["--format", "csv", "--report", "audit.html"]);
    let page = Html::parse_document(&fs::read_to_string(subset.path("audit.html")).unwrap());
    assert_eq!(page.errors, Vec::<String>::new(), "well-formed");
    let select = |selector: &str| page.select(&Selector::parse(selector).unwrap()).collect::<Vec<_>>();
    let rows: Vec<String> =
        select(".finding").iter().map(|finding| format!("{},,", finding.attr("data-row").unwrap())).collect();
    assert_eq!(rows, csv.lines().skip(1).collect::<Vec<_>>());
    for section in ["labels", "duplicates", "outliers", "classes", "about"] {
        assert_eq!(select(&format!("section#{section} > h2")).len(), 1, "{section}");
    }
    let pictures = select("img");
    assert!(pictures.iter().all(|img| img.attr("src").unwrap().starts_with("data:image/png;base64,")));
    assert!(pictures.iter().all(|img| !img.attr("alt").unwrap().is_empty()));
    let policy = select("meta[http-equiv=Content-Security-Policy]")[0].attr("content").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("; script-src 'sha256-"), "{policy}");
    assert_eq!(select("script").len(), 1);
    assert!(
        select("*").iter().all(|element| element.value().attrs().all(|(name, _)| !name.starts_with("on")))
    );
}

#[test]
fn accuracy_is_also_told_without_disputed_labels() {
    let subset = flawed();
    run(&subset, &["--format", "csv", "-o", "findings.csv"]);
    let findings = fs::read_to_string(subset.path("findings.csv")).unwrap();
    let n_disputed = findings.lines().filter(|line| line.starts_with("label,test,")).count();
    assert!((1..20).contains(&n_disputed), "{findings}");
    let evaluate = |more: &[&str]| {
        let output = subset.handful().args(["evaluate", "--model", "best"]).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    };
    let plain = json(&evaluate(&["--json"]));
    assert!(plain.get("undisputed").is_none());
    let told = json(&evaluate(&["--json", "--disputed", "findings.csv"]));
    assert_eq!(told["confusion_matrix"], plain["confusion_matrix"], "as labelled");
    let kept = &told["undisputed"];
    assert_eq!((&kept["n_disputed"], &kept["n_test"]), (&n_disputed.into(), &(N_TEST - n_disputed).into()));
    assert!(kept["accuracy"].as_f64() > told["accuracy"].as_f64(), "the wrong label is disputed");
    let text = stdout(&evaluate(&["--disputed", "findings.csv", "--report", "report.html"]));
    let sentence = format!("with disputed labels: {} of {} right", kept["correct"], N_TEST - n_disputed);
    assert!(text.contains(" of 300 right") && text.contains(&sentence), "{text}");
    assert!(fs::read_to_string(subset.path("report.html")).unwrap().contains(&sentence));

    // A label that was decided to be right is not disputed.
    let decided = findings.replace(",,\n", ",keep,\n");
    fs::write(subset.path("kept.csv"), decided).unwrap();
    let all = json(&evaluate(&["--json", "--disputed", "kept.csv"]));
    assert_eq!((&all["undisputed"]["n_disputed"], &all["undisputed"]["n_test"]), (&0.into(), &N_TEST.into()));

    let compare = |more: &[&str]| {
        let args = ["compare", "--n-init", "1", "--disputed", "findings.csv"];
        let output = subset.handful().args(args).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    };
    let found = json(&compare(&["--json"]));
    for model in found["models"].as_array().unwrap() {
        assert_eq!(model["undisputed"]["n_test"], N_TEST - n_disputed);
    }
    assert!(stdout(&compare(&[])).contains("knn-all, without "));
    assert!(
        fs::read_to_string(subset.path("handful-report.html")).unwrap().contains("without disputed labels")
    );
}

#[test]
fn a_file_about_other_images_disputes_nothing() {
    let subset = flawed();
    let label = both(&subset, "mnist").test.labels()[5];
    let other = (label + 1) % 10;
    for (row, reason) in [
        (format!("label,test,5,{other}"), "this file is about other data"),
        (
            format!("label,test,300,{label}"),
            "line 2: expected an index below 300, the number of test images, found 300",
        ),
    ] {
        fs::write(subset.path("f.csv"), format!("kind,part,index,label\n{row}\n")).unwrap();
        fails(&subset, &["evaluate", "--model", "tiny", "--disputed", "f.csv"], reason);
        fails(&subset, &["compare", "--disputed", "f.csv"], reason);
    }
}
