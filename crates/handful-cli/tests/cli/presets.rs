//! `handful select` and `train`, and presets in `compare`.

use std::fs;

use handful::{classifier::Model, dataset};
use scraper::{Html, Selector};

use crate::subset::{Subset, json, stderr, stdout};

#[test]
fn select_tells_what_a_preset_was_chosen_from_without_test_images() {
    let subset = Subset::new(3000, 100);
    for name in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        fs::remove_file(subset.path(&format!("mnist/{name}"))).unwrap();
    }
    let args = ["select", "--preset", "tiny", "--data", "mnist", "--seeds", "2", "--folds", "2"];
    let output = subset.handful().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = stdout(&output);
    for expected in
        ["tiny: errors on 2 parts", "no emphasis", "emphasis 8", "half the atoms", "Calibration of tiny"]
    {
        assert!(table.contains(expected), "{table}");
    }
    let alone = json(&subset.handful().args(args).args(["--json", "--alone"]).output().unwrap());
    assert_eq!(alone["candidates"].as_array().unwrap().len(), 1);
    let found = json(&subset.handful().args(args).arg("--json").output().unwrap());
    assert_eq!(found["seeds"], serde_json::json!([0, 1]));
    let candidates = found["candidates"].as_array().unwrap();
    assert_eq!(candidates[0]["name"], "tiny");
    for candidate in candidates {
        let errors = candidate["seed_errors"].as_array().unwrap();
        let mean = errors.iter().map(|error| error.as_f64().unwrap()).sum::<f64>() / errors.len() as f64;
        assert!((mean - candidate["error_percent"].as_f64().unwrap()).abs() < 1e-9);
        assert!(candidate["calibration"]["distance"].as_f64().unwrap() > 0.0, "{candidate}");
    }
}

#[test]
fn train_saves_a_model_that_predicts() {
    let subset = Subset::new(3000, 100);
    let train = |output: &str| {
        let args = ["train", "--preset", "tiny", "--data", "mnist", "-o", output, "--json"];
        let output = subset.handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        json(&output)
    };
    let found = train("one.safetensors");
    train("two.safetensors");
    let one = fs::read(subset.path("one.safetensors")).unwrap();
    assert_eq!(found["model_bytes"], one.len());
    assert!(one == fs::read(subset.path("two.safetensors")).unwrap(), "the same seed, the same bytes");
    let model = Model::from_bytes(&one).unwrap();
    assert_eq!(model.provenance().preset.as_deref(), Some("tiny"));
    assert_eq!(model.provenance().validation_error, None, "that was measured on MNIST alone");
    let test = dataset::load(&subset.path("mnist")).unwrap().test;
    let predicted = model.predict(test.images().view()).unwrap();
    assert!(predicted.iter().zip(test.labels()).filter(|(a, b)| a == b).count() > 85);
}

#[test]
fn presets_stand_beside_the_baseline() {
    let subset = Subset::new(3000, 300);
    let other = Subset::made([28, 28], &[0, 10, 200]);
    let ood = other.path("mnist/t10k-images-idx3-ubyte");
    let args = [
        "compare",
        "--clusters",
        "3",
        "--n-init",
        "1",
        "--preset",
        "small,tiny",
        "--seeds",
        "2",
        "--json",
        "--ood",
    ];
    let digits = subset.path("mnist/train-images-idx3-ubyte");
    let output = subset.handful().args(args).args([&ood, &digits]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = json(&output);
    let models = found["models"].as_array().unwrap();
    let names: Vec<&str> = models.iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["knn-all", "kmeans-knn", "random-knn", "tiny", "small"]);
    for model in &models[3..] {
        assert_eq!(model["preset"], model["name"]);
        assert!(model["model_bytes"].as_u64().unwrap() > 10_000);
        assert!(model["accuracy"].as_f64().unwrap() > 0.9);
        let errors = model["seed_errors"].as_array().unwrap();
        assert_eq!((errors.len(), &errors[0]), (2, &model["error_percent"]));
        let confidence = &model["confidence"];
        let outliers = &confidence["outliers"][0];
        assert_eq!((&outliers["name"], &outliers["n_images"]), (&"t10k-images".into(), &3.into()));
        assert_eq!(outliers["refused"], 1.0, "images without a stroke are no digits");
        let digits = &confidence["outliers"][1];
        assert!(digits["refused"].as_f64().unwrap() < 0.2 && digits["auroc"].as_f64().unwrap() < 0.6);
        let of_all = confidence["risk_coverage"][0][1].as_f64().unwrap();
        assert!((of_all - model["error_percent"].as_f64().unwrap()).abs() < 1e-9);
    }
    assert!(models[0]["model_bytes"].is_null() && models[0].get("confidence").is_none());
    let page = fs::read_to_string(subset.path("handful-report.html")).unwrap();
    let page = Html::parse_document(&page);
    for section in ["presets", "confidence"] {
        let charts = Selector::parse(&format!("section#{section} svg.plot")).unwrap();
        assert_eq!(page.select(&charts).count(), 2);
    }
}

#[test]
fn what_cannot_work_with_presets_is_told_at_once() {
    let (subset, other) = (Subset::new(300, 30), Subset::made([14, 56], &[0, 10, 200]));
    let run = |args: &[&str]| {
        let output = subset.handful().arg("compare").args(args).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    let wide = other.path("mnist/t10k-images-idx3-ubyte");
    let (code, told) = run(&["--preset", "tiny", "--ood", wide.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(told.contains("expected images of 28 x 28 pixels") && told.contains("found 14 x 56"), "{told}");
    for args in [["--ood", "mnist"].as_slice(), &["--pretrained"], &["--seeds", "3"]] {
        assert_eq!(run(args).0, Some(2), "{args:?} without a preset");
    }
    assert_eq!(subset.files(), [subset.path("mnist")], "no report");
}

#[test]
fn presets_learn_from_few_images() {
    let subset = Subset::new(300, 30);
    let args = ["compare", "--clusters", "2", "--n-init", "1", "--preset", "notebook,pixels,tiny", "--json"];
    let found = json(&subset.handful().args(args).output().unwrap());
    let models = found["models"].as_array().unwrap();
    let n_prototypes = |name: &str| {
        models.iter().find(|model| model["name"] == name).unwrap()["n_prototypes"].as_u64().unwrap()
    };
    // All images: no class has 200, as the preset says.
    assert_eq!(n_prototypes("pixels"), 300);
    assert_eq!(n_prototypes("tiny"), 50);
}

#[test]
fn classes_that_presets_have_not_seen_are_told_at_once() {
    for (subset, args) in [
        (Subset::new(3000, 30), ["--preset", "tiny"].as_slice()),
        (Subset::whole(), &["--preset", "tiny", "--pretrained"]),
    ] {
        subset.test_on(&[0, 11]);
        let output = subset.handful().arg("compare").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = stderr(&output);
        assert!(told.contains("expected training images of class \"11\", found none"), "{told}");
        assert_eq!(subset.files(), [subset.path("mnist")], "no report");
    }
}

#[test]
fn what_was_refused_stands_on_the_terminal() {
    let (subset, other) = (Subset::new(3000, 100), Subset::made([28, 28], &[0, 10, 200]));
    let args = ["compare", "--n-init", "1", "--preset", "tiny", "--ood"];
    let output =
        subset.handful().args(args).arg(other.path("mnist/t10k-images-idx3-ubyte")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    let line = told.lines().find(|line| line.starts_with("tiny refuses")).unwrap_or_else(|| panic!("{told}"));
    assert!(line.starts_with("tiny refuses 100.00 % of t10k-images (3) and "), "{line}");
    assert!(line.ends_with(" of the test images; AUROC 1.0000"), "{line}");
}

#[test]
fn pretrained_presets_are_for_the_images_that_they_were_trained_on() {
    let args = ["compare", "--preset", "tiny", "--pretrained", "--n-init", "1", "--json"];
    let output = Subset::new(3000, 100).handful().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("leave out --pretrained"), "{}", stderr(&output));

    let found = json(&Subset::whole().handful().args(args).output().unwrap());
    assert!(found["models"][3]["error_percent"].as_f64().unwrap() < 2.0);
}

#[test]
fn an_unknown_preset_is_wrong_usage() {
    let output =
        Subset::made([2, 2], &[0, 1]).handful().args(["compare", "--preset", "huge"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("notebook, pixels, tiny, small, fast, best, neighbors, everyday"),
        "{}",
        stderr(&output)
    );
}
