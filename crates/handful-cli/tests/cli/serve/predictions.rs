//! `POST /api/predict`: the verdict is the one that `handful predict` gives, for whoever asks.

use std::{fs, thread};

use handful::{
    Dataset,
    dataset::{self, TrainTest},
};
use serde_json::{Value, json};

use super::{PICTURES, Served, blank, client::shown, picture, pixels, seven};
use crate::subset::{Subset, handful, json, mnist};

/// What the command line says of all pictures.
fn told(model: &str) -> Vec<Value> {
    let mut command = handful();
    command.args(["predict", "--explain", "--json", "--model", model]);
    command.args(PICTURES.map(|(name, _)| picture(name)));
    json(&command.output().unwrap())["predictions"].as_array().unwrap().clone()
}

/// An answer without what only the server tells, and what only the command line does.
fn common(answer: &Value) -> Value {
    let mut common = answer.clone();
    let fields = common.as_object_mut().unwrap();
    fields.retain(|name, _| {
        ["label", "confidence", "is_digit", "probabilities", "neighbors"].contains(&name.as_str())
    });
    for neighbor in fields["neighbors"].as_array_mut().unwrap() {
        neighbor.as_object_mut().unwrap().remove("image");
    }
    common
}

/// An answer without the time that it took.
pub(super) fn lasting(mut answer: Value) -> Value {
    assert!(answer.as_object_mut().unwrap().remove("microseconds").unwrap().is_u64());
    answer
}

fn train() -> Dataset {
    dataset::load_train(&mnist()).unwrap()
}

#[test]
fn the_answer_is_that_of_the_command_line() {
    let train = train();
    for model in ["fast", "tiny", "best"] {
        let served = Served::start(&["--model", model]);
        for ((name, media_type), expected) in PICTURES.iter().zip(told(model)) {
            let answer = served.post(media_type, &fs::read(picture(name)).unwrap());
            assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/json"));
            let found = answer.json();
            assert_eq!(common(&found), common(&expected), "{model} {name}");
            let sum: f64 =
                found["probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{sum}");
            for neighbor in found["neighbors"].as_array().unwrap() {
                let medoid = usize::try_from(neighbor["medoid"].as_u64().unwrap()).unwrap();
                assert_eq!(shown(&neighbor["image"]), train.images().row(medoid).to_vec());
                assert_eq!(train.classes()[train.labels()[medoid] as usize], neighbor["label"]);
            }
        }
    }
}

#[test]
fn the_image_that_the_model_saw_gets_the_same_answer() {
    let served = Served::start(&[]);
    for (name, media_type) in PICTURES {
        let found = served.post(media_type, &fs::read(picture(name)).unwrap()).json();
        let saw = shown(&found["input"]);
        let again = served.post("application/json", &pixels(&saw)).json();
        assert_eq!(lasting(again), lasting(found), "{name}");
    }
    let TrainTest { test, .. } = dataset::load(&mnist()).unwrap();
    let image = test.images().row(0).to_vec();
    let found = served.post("application/json; charset=utf-8", &pixels(&image)).json();
    assert_eq!((&found["label"], shown(&found["input"])), (&"7".into(), image.clone()), "as it was sent");
    for axis in found["position"].as_array().unwrap() {
        assert!((0.0..=1.0).contains(&axis.as_f64().unwrap()));
    }
    let fractions: Vec<f64> = image.iter().map(|&value| (f64::from(value) - 0.4).max(0.0)).collect();
    let body = json!({ "pixels": fractions }).to_string();
    let rounded = served.post("Application/JSON", body.as_bytes()).json();
    assert_eq!(lasting(rounded), lasting(found), "fractions are rounded");
}

#[test]
fn any_picture_is_taken_for_what_it_is() {
    let served = Served::start(&[]);
    let found = lasting(served.post("image/png", &seven()).json());
    for media_type in ["image/jpeg", "image/x-unheard-of", "IMAGE/PNG; name=seven"] {
        assert_eq!(lasting(served.post(media_type, &seven()).json()), found, "{media_type}");
    }
}

#[test]
fn without_the_training_images_there_are_no_pictures_of_neighbours() {
    let other = Subset::new(100, 10);
    let served = Served::start(&["--model", "tiny", "--data", other.path("mnist").to_str().unwrap()]);
    let found = served.post("image/png", &seven()).json();
    assert_eq!(found["label"], "7");
    assert!(found["neighbors"].as_array().unwrap().iter().all(|neighbor| neighbor["image"].is_null()));
    let map = served.get("/api/map").json();
    assert!(map["points"].as_array().unwrap().iter().all(|point| point["image"].is_null()));
}

#[test]
fn a_picture_without_ink_has_no_label() {
    let served = Served::start(&[]);
    for found in [
        served.post("image/png", &blank(60)).json(),
        served.post("application/json", &pixels(&[200; 28 * 28])).json(),
    ] {
        assert_eq!((&found["label"], &found["is_digit"]), (&Value::Null, &Value::Bool(false)));
        assert_eq!(found["confidence"], 0.0);
    }
}

#[test]
fn each_of_many_clients_gets_its_own_answer() {
    let served = Served::start(&[]);
    let TrainTest { test, .. } = dataset::load(&mnist()).unwrap();
    let bodies: Vec<Vec<u8>> =
        test.images().outer_iter().take(60).map(|image| pixels(&image.to_vec())).collect();
    let ask = |body: &Vec<u8>| lasting(served.post("application/json", body).json());
    let alone: Vec<Value> = bodies.iter().map(ask).collect();
    thread::scope(|scope| {
        for client in 0..16 {
            let (bodies, alone, ask) = (&bodies, &alone, &ask);
            scope.spawn(move || {
                for i in (0..bodies.len()).map(|i| (i * 7 + client * 11) % bodies.len()) {
                    assert_eq!(ask(&bodies[i]), alone[i], "client {client}, image {i}");
                }
            });
        }
    });
}
