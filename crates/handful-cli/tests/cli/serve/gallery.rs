//! `/api/gallery`: the test images, and what the model makes of them.

use std::collections::HashSet;

use handful::dataset::{self, TrainTest};
use serde_json::Value;

use super::{Served, client::shown};
use crate::subset::{Subset, handful, json, mnist};

fn images(served: &Served, query: &str) -> (u64, Vec<Value>) {
    let found = served.get(&format!("/api/gallery/images{query}")).json();
    (found["n_images"].as_u64().unwrap(), found["images"].as_array().unwrap().clone())
}

fn is_right(image: &Value) -> bool {
    image["label"] == image["predicted"]
}

#[test]
fn the_gallery_counts_what_evaluate_counts() {
    for model in ["everyday", "tiny"] {
        let served = Served::start(&["--model", model]);
        let found = served.get("/api/gallery").json();
        let evaluated = json(&handful().args(["evaluate", "--json", "--model", model]).output().unwrap());
        for figure in ["accuracy", "confusion_matrix"] {
            assert_eq!(found[figure], evaluated[figure], "{model}");
        }
        assert_eq!((&found["n_images"], &found["name"]), (&evaluated["n_test"], &"mnist".into()));
        let matrix = found["confusion_matrix"].as_array().unwrap();
        let count = |at: &Value| at.as_u64().unwrap();
        let all: u64 = matrix.iter().flat_map(|row| row.as_array().unwrap()).map(count).sum();
        let right: u64 = (0..matrix.len()).map(|class| count(&matrix[class][class])).sum();
        assert_eq!(found["n_mistakes"], all - right);
    }
}

#[test]
fn mistakes_come_first_and_the_surest_before_all() {
    let served = Served::start(&[]);
    let TrainTest { test, .. } = dataset::load(&mnist()).unwrap();
    let n_mistakes = served.get("/api/gallery").json()["n_mistakes"].as_u64().unwrap();
    let (n, found) = images(&served, "");
    assert_eq!((n, found.len()), (10_000, 60));
    let (wrong, right) = found.split_at(usize::try_from(n_mistakes).unwrap());
    assert!(wrong.iter().all(|image| !is_right(image)) && right.iter().all(is_right));
    let sure = |image: &Value| image["confidence"].as_f64().unwrap();
    assert!(wrong.is_sorted_by(|a, b| sure(a) >= sure(b)), "the surest mistakes first");
    assert!(right.is_sorted_by(|a, b| sure(a) <= sure(b)), "then the least sure");
    for image in &found {
        let index = usize::try_from(image["index"].as_u64().unwrap()).unwrap();
        assert_eq!(shown(&image["image"]), test.images().row(index).to_vec());
        assert_eq!(test.classes()[test.labels()[index] as usize], image["label"]);
    }
}

#[test]
fn images_are_found_by_class_and_verdict_page_by_page() {
    let served = Served::start(&[]);
    let matrix = served.get("/api/gallery").json()["confusion_matrix"].clone();
    let count = |row: usize, column: usize| matrix[row][column].as_u64().unwrap();
    let (n, found) = images(&served, "?label=4&predicted=9");
    assert_eq!((n, found.len() as u64), (count(4, 9), count(4, 9)));
    assert!(n > 0 && found.iter().all(|image| image["label"] == "4" && image["predicted"] == "9"));
    let (n, found) = images(&served, "?predicted=9");
    assert_eq!(n, (0..10).map(|row| count(row, 9)).sum::<u64>());
    assert!(found.iter().all(|image| image["predicted"] == "9"));
    let (n, found) = images(&served, "?label=1&limit=1000000");
    assert_eq!((n, found.len()), ((0..10).map(|column| count(1, column)).sum(), 200), "no more than 200");
    assert!(found.iter().all(|image| image["label"] == "1"));
    let pages = [0, 50, 100].map(|offset| images(&served, &format!("?offset={offset}&limit=50")).1).concat();
    let at_once = images(&served, "?limit=150").1;
    assert_eq!(pages, at_once);
    let indices: HashSet<u64> = pages.iter().map(|image| image["index"].as_u64().unwrap()).collect();
    assert_eq!(indices.len(), 150, "each once");
    for nothing in ["?label=ten", "?label=", "?label=%F0%9F%98%80"] {
        assert_eq!(images(&served, nothing), (0, Vec::new()), "{nothing}");
    }
    for end in ["?offset=10000", "?offset=18446744073709551615", "?limit=0"] {
        assert_eq!(images(&served, end), (10_000, Vec::new()), "{end}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let served = Served::start(&["--model", "tiny"]);
    for query in
        ["?limit=-1", "?offset=x", "?limit=1e3", "?color=red", "?limit=1&limit=2", "?label=%FF&limit=-"]
    {
        served.get(&format!("/api/gallery/images{query}")).refusal(400);
    }
}

#[test]
fn without_test_images_of_its_kind_a_model_has_no_gallery() {
    let nothing = tempfile::tempdir().unwrap();
    let small = Subset::made([14, 14], &[1, 2]);
    for data in [nothing.path(), &small.path("mnist")] {
        let served = Served::start(&["--model", "fast", "--data", data.to_str().unwrap()]);
        let summary = served.get("/api/gallery");
        assert_eq!((summary.status, summary.json()), (200, Value::Null));
        let why = served.get("/api/gallery/images").refusal(404);
        assert!(why.starts_with("There are no test images for this model: "), "{why}");
        assert_eq!(served.get("/healthz").status, 200);
    }
}

#[test]
fn any_data_of_the_models_kind_make_a_gallery() {
    let subset = Subset::new(100, 50);
    let served = Served::start(&["--data", subset.path("mnist").to_str().unwrap()]);
    let found = served.get("/api/gallery").json();
    assert_eq!((&found["n_images"], &found["n_mistakes"]), (&50.into(), &0.into()));
    assert_eq!(images(&served, "?limit=200").1.len(), 50);
}
