//! Clients choose the model, and how many neighbours vote.

use std::thread;

use handful::classifier::Preset;
use serde_json::{Value, json};

use super::{
    Served,
    client::{Answer, request},
    pixels, seven,
};
use crate::subset::{Subset, handful, json};

fn ask(served: &Served, query: &str) -> Answer {
    let headers = [("Content-Type", "image/png")];
    served.send(&request("POST", &format!("/api/predict?{query}"), &headers, &seven())).unwrap()
}

/// An answer without the time that it took.
fn lasting(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let mut document = answer.json();
    document.as_object_mut().unwrap().remove("microseconds").unwrap();
    document
}

fn names(served: &Served) -> Vec<String> {
    let names = served.get("/api/model").json()["models"].as_array().unwrap().clone();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_model_that_is_asked_by_name_answers_like_a_server_of_its_own() {
    let served = Served::start(&["--model", "tiny"]);
    for name in ["tiny", "notebook", "neighbors"] {
        let own = Served::start(&["--model", name]);
        assert_eq!(
            lasting(&ask(&served, &format!("model={name}"))),
            lasting(&own.post("image/png", &seven()))
        );
        for path in ["/api/map", "/api/gallery"] {
            let found = served.get(&format!("{path}?model={name}"));
            assert_eq!(found.json(), own.get(path).json(), "{path} of {name}");
        }
        let images = format!("/api/gallery/images?model={name}&limit=3");
        assert_eq!(served.get(&images).json(), own.get("/api/gallery/images?limit=3").json());
        let (mut found, mut expected) =
            (served.get(&format!("/api/model?model={name}")).json(), own.get("/api/model").json());
        for document in [&mut found, &mut expected] {
            document.as_object_mut().unwrap().remove("models").unwrap();
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn the_own_model_comes_first_then_the_presets() {
    let served = Served::start(&["--model", "small"]);
    let found = names(&served);
    assert_eq!((found.len(), found[0].as_str()), (Preset::ALL.len(), "small"));
    assert!(Preset::ALL.iter().all(|preset| found.contains(&preset.name().to_owned())), "{found:?}");

    let subset = Subset::new(100, 10);
    let args = ["train", "--preset", "notebook", "--prototypes", "2", "-o", "own.safetensors"];
    let output = subset.handful().args(args).args(["--data", "mnist"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let path = subset.path("own.safetensors").to_str().unwrap().to_owned();
    let served = Served::start(&["--model", &path]);
    let found = names(&served);
    assert_eq!((found.len(), &found[0]), (Preset::ALL.len() + 1, &path));
    assert_eq!(lasting(&ask(&served, "model=tiny"))["label"], "7");
    assert_eq!(served.get("/api/model").json()["most_neighbors"], 20, "all prototypes");
    assert_eq!(lasting(&ask(&served, "n_neighbors=20"))["neighbors"].as_array().unwrap().len(), 20);
    ask(&served, "n_neighbors=21").refusal(400);
}

#[test]
fn as_many_neighbours_vote_as_are_asked() {
    let served = Served::start(&["--model", "fast"]);
    let own = lasting(&ask(&served, ""));
    assert_eq!(lasting(&ask(&served, "n_neighbors=5")), own, "as in the recipe");
    let voters = |answer: &Value| answer["neighbors"].as_array().unwrap().clone();
    let many = lasting(&ask(&served, "n_neighbors=100"));
    assert_eq!(voters(&many).len(), 100);
    for n in [1, 2, 9] {
        let found = lasting(&ask(&served, &format!("n_neighbors={n}")));
        assert_eq!(voters(&found), voters(&many)[..n]);
        assert_eq!((&found["position"], &found["input"]), (&own["position"], &own["input"]));
    }
    assert_eq!(served.get("/api/model").json()["most_neighbors"], 100);
    assert_eq!(served.get("/api/model?model=tiny").json()["most_neighbors"], 50);
    assert_eq!(served.get("/api/model?model=neighbors").json()["most_neighbors"], Value::Null);
}

#[test]
fn the_nearest_prototypes_of_the_true_class_are_given() {
    let served = Served::start(&["--model", "fast"]);
    assert_eq!(lasting(&ask(&served, ""))["true_label_neighbors"], Value::Null);
    let all = lasting(&ask(&served, "n_neighbors=100"));
    for label in ["7", "9", "2"] {
        let found = lasting(&ask(&served, &format!("true_label={label}")));
        let nearest = found["true_label_neighbors"].as_array().unwrap();
        assert_eq!(nearest.len(), 5);
        assert!(nearest.iter().all(|neighbor| neighbor["label"] == label));
        let distances: Vec<u64> = nearest.iter().map(|near| near["distance"].as_u64().unwrap()).collect();
        assert!(distances.is_sorted());
        // Those of them that are among the nearest of all are the same.
        let among = all["neighbors"].as_array().unwrap().iter().filter(|near| near["label"] == label);
        assert!(among.zip(nearest).all(|(a, b)| a == b), "{label}");
    }
    let by_hyperplanes = lasting(&ask(&served, "model=neighbors&true_label=1"));
    assert_eq!(by_hyperplanes["true_label_neighbors"].as_array().unwrap().len(), 5);
}

#[test]
fn a_choice_that_is_none_is_refused_with_what_there_is() {
    let served = Served::start(&["--model", "tiny"]);
    for (query, expected) in [
        ("model=huge", "Parameter model: expected one of tiny, notebook, "),
        ("model=", "Parameter model: expected one of tiny"),
        ("model=../../etc/passwd", "found \"../../etc/passwd\"."),
        ("n_neighbors=0", "Parameter n_neighbors: expected a whole number from 1 to 50, found \"0\"."),
        ("n_neighbors=51", "from 1 to 50, found \"51\"."),
        ("n_neighbors=-1", "from 1 to 50, found \"-1\"."),
        ("n_neighbors=2.5", "from 1 to 50, found \"2.5\"."),
        ("n_neighbors=", "from 1 to 50, found \"\"."),
        ("n_neighbors=99999999999999999999999", "from 1 to 50"),
        ("model=neighbors&n_neighbors=3", "hyperplanes decide in the model neighbors"),
        ("true_label=x", "Parameter true_label: expected one of the classes 0, 1, 2, "),
        ("k=3", "unknown field `k`, expected one of `model`, `n_neighbors`, `true_label`"),
        ("model=tiny&model=tiny", "duplicate field `model`"),
    ] {
        let why = ask(&served, query).refusal(400);
        assert!(why.contains(expected), "{query}: {why}");
    }
    for path in ["/api/model", "/api/map", "/api/gallery", "/api/gallery/images"] {
        let why = served.get(&format!("{path}?model=huge")).refusal(400);
        assert!(why.contains("expected one of tiny, "), "{why}");
        let why = served.get(&format!("{path}?modle=tiny")).refusal(400);
        assert!(why.contains("unknown field `modle`"), "{why}");
    }
    let why = ask(&served, &format!("model={}", "x".repeat(10_000))).refusal(400);
    assert!(why.len() < 300);
}

#[test]
fn many_clients_may_ask_several_models_at_once() {
    let served = Served::start(&["--model", "tiny"]);
    let queries =
        ["", "model=notebook", "model=small", "n_neighbors=7", "model=small&n_neighbors=1&true_label=4"];
    let bodies = [pixels(&[0; 784]), seven()];
    let ask = |i: usize| {
        let headers = [("Content-Type", ["application/json", "image/png"][i % 2])];
        let path = format!("/api/predict?{}", queries[i % queries.len()]);
        lasting(&served.send(&request("POST", &path, &headers, &bodies[i % 2])).unwrap())
    };
    // Their first questions load the models.
    let answers: Vec<Value> = thread::scope(|scope| {
        let asked: Vec<_> = (0..10).map(|i| scope.spawn(move || ask(i))).collect();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect()
    });
    thread::scope(|scope| {
        for client in 0..8 {
            let answers = &answers;
            scope.spawn(move || {
                for i in 0..40 {
                    let i = (i * 7 + client * 3) % 10;
                    assert_eq!(ask(i), answers[i], "client {client}, question {i}");
                }
            });
        }
    });
}

#[test]
fn predictions_of_the_gallery_are_those_of_its_model() {
    let served = Served::start(&["--model", "tiny"]);
    let evaluated = json(&handful().args(["evaluate", "--json", "--model", "small"]).output().unwrap());
    let found = served.get("/api/gallery?model=small").json();
    assert_eq!(found["accuracy"], evaluated["accuracy"]);
    assert_ne!(found["accuracy"], served.get("/api/gallery").json()["accuracy"]);
    let other = Served::start(&["--model", "tiny", "--data", "/nowhere"]);
    assert_eq!(other.get("/api/gallery?model=small").json(), json!(null));
}
