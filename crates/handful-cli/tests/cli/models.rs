//! `handful train`, `evaluate` and `info`: models as files.

use std::fs;

use handful::classifier::{Model, Preset};

use crate::subset::{Subset, handful, json, stderr, stdout};

#[test]
fn training_can_differ_from_the_preset() {
    let subset = Subset::new(2000, 100);
    let args = [
        "train",
        "--preset",
        "tiny",
        "--prototypes",
        "7",
        "--n-neighbors",
        "4",
        "--data",
        "mnist",
        "-o",
        "m",
    ];
    let output = subset.handful().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let model = Model::load(&subset.path("m")).unwrap();
    assert_eq!(model.prototypes().n_samples(), 70);
    assert_eq!(model.params().decision.n_neighbors(), 4);
    assert_eq!(model.provenance().preset, None, "it is no preset any more");
    let all = ["train", "--preset", "tiny", "--prototypes", "all", "--data", "mnist", "-o", "m"];
    assert_eq!(subset.handful().args(all).output().unwrap().status.code(), Some(0));
    assert_eq!(Model::load(&subset.path("m")).unwrap().prototypes().n_samples(), 2000);
    let wrong = ["train", "--prototypes", "0", "-o", "m"];
    assert_eq!(subset.handful().args(wrong).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_trained_model_is_taught_pictures_and_shows_them() {
    let subset = Subset::new(10, 10);
    // A lying bar, which no digit resembles, is somebody's 1.
    fs::create_dir_all(subset.path("mine/1")).unwrap();
    let mut bar = b"P5 28 28 255\n".to_vec();
    bar.extend((0..784).map(|pixel| if (12..15).contains(&(pixel / 28)) { 255 } else { 0 }));
    fs::write(subset.path("mine/1/bar.pgm"), bar).unwrap();
    let args = ["train", "--from", "fast", "--data", "mine", "-o", "mine.safetensors"];
    let output = subset.handful().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.starts_with("fast: 203 prototypes after it was taught 1 image in "), "{told}");

    let args = ["predict", "--model", "mine.safetensors", "--explain", "mine/1/bar.pgm"];
    let told = stdout(&subset.handful().args(args).output().unwrap());
    assert!(told.contains("bar.pgm: 1 ("), "{told}");
    assert!(told.contains("1 at 0.0, like image 0 of those that the model was taught"), "{told}");
    let told = stdout(&subset.handful().args(["info", "mine.safetensors"]).output().unwrap());
    assert!(told.contains("taught        1 image afterwards"), "{told}");

    let without_data = ["train", "--from", "fast", "-o", "m"];
    assert_eq!(subset.handful().args(without_data).output().unwrap().status.code(), Some(2));
    let both = ["train", "--from", "fast", "--preset", "tiny", "--data", "mine", "-o", "m"];
    assert_eq!(subset.handful().args(both).output().unwrap().status.code(), Some(2));
}

#[test]
fn info_says_why_there_are_fewer_prototypes() {
    let subset = Subset::new(30, 10);
    let args = ["train", "--preset", "tiny", "--data", "mnist", "-o", "few.safetensors"];
    assert_eq!(subset.handful().args(args).output().unwrap().status.code(), Some(0));
    let args = ["info", "few.safetensors", "--report", "few.html"];
    let told = stdout(&subset.handful().args(args).output().unwrap());
    let expected =
        "some classes have fewer prototypes than the recipe's 5, because they had fewer distinct images";
    assert!(told.contains(expected), "{told}");
    let page = fs::read_to_string(subset.path("few.html")).unwrap();
    assert!(page.contains(expected));
}

#[test]
fn models_of_words_learn_from_folders_of_pictures() {
    let subset = Subset::new(10, 10);
    let words = concat!(env!("CARGO_MANIFEST_DIR"), "/../handful/tests/formats/fixtures/words");
    let args = [
        "train",
        "--preset",
        "notebook",
        "--prototypes",
        "2",
        "--framing",
        "never",
        "-o",
        "words.safetensors",
    ];
    let output = subset.handful().args(args).args(["--data", words]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let args = ["evaluate", "--model", "words.safetensors", "--framing", "never", "--json", "--data", words];
    let found = json(&subset.handful().args(args).output().unwrap());
    assert_eq!(found["classes"], serde_json::json!(["cat", "dog"]));
    assert_eq!((&found["accuracy"], &found["n_test"]), (&1.0.into(), &8.into()));
    let picture = format!("{words}/dog/0.png");
    let args = ["predict", "--model", "words.safetensors", "--framing", "never", &picture];
    let told = stdout(&subset.handful().args(args).output().unwrap());
    assert!(told.contains("dog/0.png: dog ("), "{told}");
}

#[test]
fn evaluate_tells_how_right_and_how_sure() {
    let subset = Subset::new(100, 300);
    let args = ["evaluate", "--model", "small", "--data", "mnist", "--report", "report.html"];
    let output = subset.handful().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("small: 300 of 300 right"), "{}", stdout(&output));
    let page = fs::read_to_string(subset.path("report.html")).unwrap();
    for expected in [
        "Errors",
        "The neighbours behind the mistakes",
        "Confusion matrix of small",
        "Figures of each class, for small",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    let found = json(&subset.handful().args(["evaluate", "--json"]).output().unwrap());
    assert_eq!((&found["model"], &found["n_test"]), (&"everyday".into(), &300.into()));
    assert_eq!(found["per_class"].as_array().unwrap().len(), 10);
    for figure in
        ["accuracy", "expected_calibration_error", "brier_score", "log_loss", "refused", "images_per_second"]
    {
        assert!(found[figure].as_f64().unwrap() >= 0.0, "{figure}");
    }
    let garments = Subset::made([14, 14], &[1, 2]);
    let output = garments.handful().args(["evaluate", "--model", "fast"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("expected images of 28 x 28"), "{}", stderr(&output));
}

#[test]
fn info_shows_what_a_model_is() {
    let found = json(&handful().args(["info", "small", "--json"]).output().unwrap());
    let bytes: u64 =
        found["bytes_by_part"].as_array().unwrap().iter().map(|part| part["bytes"].as_u64().unwrap()).sum();
    assert_eq!(found["bytes"], bytes);
    assert_eq!(found["bytes"], Preset::Small.trained_bytes().len());
    assert_eq!((&found["preset"], &found["n_prototypes"]), (&"small".into(), &50.into()));
    assert_eq!(found["provenance"]["n_samples"], 60_000);
    assert!(found["provenance"]["validation_error"].as_f64().unwrap() < 1.0);
    let text = stdout(&handful().args(["info", "small"]).output().unwrap());
    for expected in ["(MNIST)", "bytes by part", "prototypes    50", "0.83 % errors"] {
        assert!(text.contains(expected), "{text}");
    }
    let subset = Subset::new(20, 10);
    let output = subset.handful().args(["info", "notebook", "--report", "notebook.html"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = fs::read_to_string(subset.path("notebook.html")).unwrap();
    assert_eq!(page.matches("<img").count(), 90, "prototypes of pixels are pictures themselves");
}

#[test]
fn info_shows_data_and_what_there_is_to_begin_with() {
    let subset = Subset::new(20, 10);
    let text = stdout(&subset.handful().args(["info", "mnist"]).output().unwrap());
    assert!(
        text.contains("mnist: images of 28 x 28 pixels, 10 classes") && text.contains("train: 20 images"),
        "{text}"
    );
    let text = stdout(&subset.handful().arg("info").output().unwrap());
    for preset in Preset::ALL {
        assert!(text.contains(preset.name()), "{text}");
    }
    let output = handful().args(["info", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("expected a model file or one of notebook"), "{}", stderr(&output));
}

#[test]
fn a_model_may_search_its_prototypes_by_an_inverted_index() {
    let subset = Subset::new(3000, 200);
    let train = |name: &str, more: &[&str]| {
        let args =
            [&["train", "--preset", "pixels", "--prototypes", "all", "--json", "-o", name], more].concat();
        json(&subset.handful().args(args).output().unwrap())
    };
    assert!(train("exact", &[]).get("recall").is_none());
    let few = train("few", &["--index", "inverted", "--n-lists", "40", "--n-probe", "1"]);
    assert!((0.3..1.0).contains(&few["recall"].as_f64().unwrap()), "{few}");
    let all = train("all", &["--index", "inverted", "--n-lists", "40", "--n-probe", "40"]);
    assert_eq!(all["recall"], 1.0);
    let predict = |name: &str| {
        let args = ["predict", "--model", name, "--format", "csv", "mnist/t10k-images-idx3-ubyte"];
        stdout(&subset.handful().args(args).output().unwrap())
    };
    assert_eq!(predict("./all"), predict("./exact"));
    assert_eq!(predict("./few"), predict("./few"));
    assert_ne!(predict("./few"), predict("./exact"), "some neighbours are missed");
    for wrong in [&["--n-lists", "9"][..], &["--index", "inverted", "--n-lists", "9", "--n-probe", "10"]] {
        let args = [&["train", "-o", "x"], wrong].concat();
        assert_eq!(subset.handful().args(args).output().unwrap().status.code(), Some(2), "{wrong:?}");
    }
}
