//! `handful compare`: its figures and its JSON.

use serde_json::{Value, json};

use crate::subset::{Subset, json, stderr};

/// Removes what may differ between two runs: times and the number of threads.
fn without_timings(mut value: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| {
                    !(key.ends_with("seconds") || key.ends_with("per_second") || key == "threads")
                });
                map.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut value);
    value
}

#[test]
fn every_level_gives_the_same_figures() {
    let subset = Subset::new(6000, 500);
    let run = |level: &str| {
        let args = ["compare", "--clusters", "5", "--n-init", "2", "--n-neighbors", "3", "--json"];
        let output = subset.handful().args(args).env("HANDFUL_LEVEL", level).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let mut found = without_timings(json(&output));
        (found["machine"]["level"].take(), found)
    };
    let (level, scalar) = run("scalar");
    assert_eq!(level, "scalar");
    for level in handful::distance::Level::ALL.iter().filter(|level| level.is_available()) {
        assert_eq!(run(level.name()), (level.name().into(), scalar.clone()));
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn the_default_run_is_the_original_experiment() {
    let subset = Subset::whole();
    let output = subset.handful().args(["compare", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = json(&output);

    assert_eq!(
        keys(&found),
        ["comparisons", "dataset", "machine", "models", "seed", "total_seconds", "version"]
    );
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    let dataset = &found["dataset"];
    assert_eq!(dataset["name"], "mnist");
    assert_eq!([&dataset["n_train"], &dataset["n_test"], &dataset["n_features"]], [60_000, 10_000, 784]);
    assert_eq!(dataset["classes"], json!(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]));
    assert_eq!(dataset["test_counts"], json!([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]));
    assert_eq!(keys(&found["machine"]), ["cpu", "level", "threads"]);

    let [all, kmeans, random] = [0, 1, 2].map(|i| &found["models"][i]);
    assert_eq!([&all["name"], &kmeans["name"], &random["name"]], ["knn-all", "kmeans-knn", "random-knn"]);
    for model in [all, kmeans, random] {
        assert_eq!(
            keys(model),
            [
                "accuracy",
                "accuracy_interval",
                "confusion_matrix",
                "error_percent",
                "fit_seconds",
                "images_per_second",
                "inertia",
                "model_bytes",
                "n_iter",
                "n_neighbors",
                "n_prototypes",
                "name",
                "parameters",
                "per_class",
                "predict_seconds",
                "preset"
            ]
        );
        assert_eq!(keys(&model["per_class"][0]), ["class", "f1", "precision", "recall", "support"]);
        let diagonal: u64 = (0..10).map(|i| model["confusion_matrix"][i][i].as_u64().unwrap()).sum();
        assert_eq!(model["accuracy"], diagonal as f64 / 10_000.0);
        assert_eq!(model["n_neighbors"], 1);
        assert_eq!(model["model_bytes"], Value::Null);
    }
    assert_eq!(all["accuracy"], 0.9691);
    assert_eq!(all["error_percent"], 3.09);
    assert_eq!([&all["n_prototypes"], &kmeans["n_prototypes"], &random["n_prototypes"]], [60_000, 90, 90]);
    let accuracy = kmeans["accuracy"].as_f64().unwrap();
    assert!((0.918..=0.928).contains(&accuracy), "{accuracy}");
    assert!(random["accuracy"].as_f64().unwrap() < accuracy - 0.05, "K-Means beats chance by far");
    assert_eq!(kmeans["parameters"]["n_clusters"], 9);
    assert_eq!(kmeans["parameters"]["n_init"], 10);
    assert!(kmeans["inertia"].is_f64() && kmeans["n_iter"].is_u64() && all["inertia"].is_null());
    assert_eq!(found["comparisons"].as_array().unwrap().len(), 3);
    assert_eq!(keys(&found["comparisons"][0]), ["a", "b", "mcnemar_p"]);
}

#[test]
fn the_same_seed_gives_the_same_json_for_any_number_of_threads() {
    let subset = Subset::new(3000, 500);
    let run = |threads: &str, seed: &str| {
        let args = ["compare", "--clusters", "5", "--n-init", "3", "--n-neighbors", "3", "--sweep", "--json"];
        let output =
            subset.handful().args(args).args(["--threads", threads, "--seed", seed]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        without_timings(json(&output))
    };
    let one = run("1", "4");
    assert_eq!(one, run("2", "4"));
    assert_eq!(one, run("7", "4"));
    assert_ne!(one, run("2", "5"));
    let sizes: Vec<_> =
        one["sweep"].as_array().unwrap().iter().map(|point| &point["prototypes_per_class"]).collect();
    assert_eq!(sizes, [1, 3, 9, 30, 100]);
}

#[test]
fn the_default_run_is_the_same_for_one_thread_and_two() {
    let subset = Subset::whole();
    let run = |threads: &str| {
        let output = subset.handful().args(["compare", "--json", "--threads", threads]).output().unwrap();
        without_timings(json(&output))
    };
    assert_eq!(run("1"), run("2"));
}
