//! `POST /api/teach`: a taught model answers as that of the library, nobody else's changes, and it can be saved.

#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::{fmt::Write, fs, slice, thread};

use handful::{
    Dataset,
    classifier::{Model, Preset},
};
use ndarray::Array2;
use serde_json::{Value, json};

use super::{
    Served,
    client::{Answer, request, shown},
    metrics::Metrics,
    pixels, seven,
};
use crate::subset::{Subset, handful, json};

/// Number of taught models that the server keeps.
const KEPT: usize = 16;

/// A bar at some height, which no digit resembles.
pub(super) fn bar(top: usize) -> Vec<u8> {
    (0..784).map(|pixel| if (top..top + 3).contains(&(pixel / 28)) { 255 } else { 0 }).collect()
}

/// A board with fields of this size. The vectors of models differ from those of bars, wherever these are.
fn board(field: usize) -> Vec<u8> {
    (0..784)
        .map(|pixel| if (pixel / 28 / field + pixel % 28 / field).is_multiple_of(2) { 255 } else { 0 })
        .collect()
}

pub(super) fn lesson(images: &[Vec<u8>], labels: &[&str]) -> Vec<u8> {
    json!({ "images": images, "labels": labels }).to_string().into_bytes()
}

#[track_caller]
pub(super) fn teach(served: &Served, query: &str, body: &[u8]) -> Answer {
    let path = format!("/api/teach?{query}");
    served.send(&request("POST", &path, &[("Content-Type", "application/json")], body)).unwrap()
}

/// The name of a taught model.
#[track_caller]
pub(super) fn name(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["model"].as_str().unwrap().to_owned()
}

pub(super) fn ask(served: &Served, query: &str, image: &[u8]) -> Answer {
    let headers = [("Content-Type", "application/json")];
    served.send(&request("POST", &format!("/api/predict?{query}"), &headers, &pixels(image))).unwrap()
}

fn dataset(images: &[Vec<u8>], labels: &[u32], model: &Model) -> Dataset {
    let all = Array2::from_shape_vec((images.len(), 784), images.concat()).unwrap();
    Dataset::new(all, [28, 28], labels.to_vec(), model.classes().to_vec()).unwrap()
}

#[test]
fn a_taught_model_answers_as_that_of_the_library() {
    let served = Served::start(&["--model", "tiny"]);
    let images = [bar(4), board(7), board(4)];
    for preset in [Preset::Tiny, Preset::Fast, Preset::Neighbors, Preset::Everyday] {
        let answer = teach(&served, &format!("model={preset}"), &lesson(&images, &["1", "7", "1"]));
        let model = preset.trained().unwrap();
        let taught = model.taught(&dataset(&images, &[1, 7, 1], &model)).unwrap();
        let told = answer.json();
        assert_eq!((&told["n_taught"], &told["left_out"]), (&3.into(), &0.into()));
        assert_eq!(told["n_prototypes"], taught.prototypes().n_samples());
        for image in [bar(4), bar(13), board(7), board(3)] {
            let view = Array2::from_shape_vec((1, 784), image.clone()).unwrap();
            let expected = taught.explain(view.view()).unwrap().remove(0);
            let found = ask(&served, &format!("model={}", name(&answer)), &image).json();
            assert_eq!(found["label"], taught.classes()[expected.label as usize]);
            assert_eq!(found["confidence"], expected.confidence);
            let neighbors = found["neighbors"].as_array().unwrap();
            assert_eq!(neighbors.len(), expected.neighbors.len());
            for (found, expected) in neighbors.iter().zip(&expected.neighbors) {
                assert_eq!(found["medoid"], expected.medoid);
                assert_eq!(found["distance"], expected.distance);
            }
        }
    }
}

#[test]
fn neighbours_that_were_taught_have_their_number_and_their_picture() {
    let served = Served::start(&["--model", "fast"]);
    let taught = name(&teach(&served, "", &lesson(&[bar(4), board(7)], &["1", "7"])));
    let found = ask(&served, &format!("model={taught}&n_neighbors=4&true_label=1"), &board(7)).json();
    assert_eq!(found["label"], "7");
    let neighbors = found["neighbors"].as_array().unwrap();
    assert_eq!(neighbors.iter().filter(|neighbor| neighbor["taught"] == 1).count(), 3, "{found}");
    assert_eq!(shown(&neighbors[0]["image"]), board(7));
    assert!(found["true_label_neighbors"][0]["image"].is_string());
    let untaught = ask(&served, "", &board(7)).json();
    assert!(
        untaught["neighbors"].as_array().unwrap().iter().all(|neighbor| neighbor.get("taught").is_none())
    );
    assert_eq!(found["position"], untaught["position"], "the map is that of the model");
}

#[test]
fn what_one_client_teaches_changes_no_answer_of_another() {
    let served = Served::start(&["--model", "tiny"]);
    let labels = ["1", "4", "7"];
    let models = labels.map(|label| name(&teach(&served, "", &lesson(&[bar(12)], &[label]))));
    assert_eq!(
        name(&teach(&served, "", &lesson(&[bar(12)], &["1"]))),
        models[0],
        "the same has the same name"
    );
    let untaught = ask(&served, "", &bar(12)).json()["label"].clone();
    thread::scope(|scope| {
        for client in 0..4 {
            let (served, models, untaught) = (&served, &models, &untaught);
            scope.spawn(move || {
                for i in 0..30 {
                    let i = (i + client) % 4;
                    let (query, expected) = match models.get(i) {
                        Some(model) => (format!("model={model}"), Value::from(labels[i])),
                        None => (String::new(), untaught.clone()),
                    };
                    assert_eq!(ask(served, &query, &bar(12)).json()["label"], expected);
                }
            });
        }
        // Others learn something at the same time.
        for top in 0..8 {
            name(&teach(&served, "", &lesson(&[bar(top)], &["0"])));
        }
    });
    assert_eq!(served.post("image/png", &seven()).json()["label"], "7");
}

#[test]
fn the_server_forgets_who_was_asked_longest_ago_and_says_so() {
    let served = Served::start(&["--model", "tiny"]);
    let models: Vec<String> =
        (0..KEPT).map(|top| name(&teach(&served, "", &lesson(&[bar(top)], &["1"])))).collect();
    let status = |model: &str| ask(&served, &format!("model={model}"), &bar(3)).status;
    assert!(models.iter().all(|model| status(model) == 200));
    assert_eq!(status(&models[0]), 200, "it is the last that was asked");
    name(&teach(&served, "", &lesson(&[bar(KEPT)], &["1"])));
    assert_eq!((status(&models[0]), status(&models[2])), (200, 200));
    let refused = ask(&served, &format!("model={}", models[1]), &bar(3));
    assert!(refused.refusal(410).contains("/api/teach?model=tiny again"));
    assert_eq!(Metrics::of(&served).rejections("forgotten"), 1.0);
    assert_eq!(name(&teach(&served, "", &lesson(&[bar(1)], &["1"]))), models[1]);
    assert_eq!(status(&models[1]), 200);
    assert_eq!(Metrics::of(&served).gauge("handful_taught_models"), KEPT as f64);
    let other = Served::start(&["--model", "tiny"]);
    assert_eq!(ask(&other, &format!("model={}", models[1]), &bar(3)).status, 410, "it was never taught this");
}

#[test]
fn of_large_models_the_server_keeps_fewer() {
    let served = Served::start(&["--model", "best"]);
    let models: Vec<String> =
        (0..9).map(|top| name(&teach(&served, "", &lesson(&[bar(top)], &["1"])))).collect();
    let kept = Metrics::of(&served).gauge("handful_taught_models");
    assert!((2.0..9.0).contains(&kept), "{kept}");
    assert_eq!(ask(&served, &format!("model={}", models[0]), &bar(0)).status, 410);
    assert_eq!(ask(&served, &format!("model={}", models[8]), &bar(8)).json()["label"], "1");
}

#[test]
fn images_whose_label_the_model_does_not_know_are_left_out() {
    let served = Served::start(&["--model", "tiny"]);
    let answer = teach(&served, "", &lesson(&[bar(4), bar(12), bar(20)], &["cat", "7", "10"])).json();
    assert_eq!((&answer["n_taught"], &answer["left_out"]), (&1.into(), &2.into()));
    let alone = teach(&served, "", &lesson(&[bar(12)], &["7"])).json();
    assert_eq!(answer["model"], alone["model"]);
    let nothing = teach(&served, "", &lesson(&[bar(4)], &["cat"])).json();
    assert_eq!(nothing, json!({ "model": "tiny", "n_taught": 0, "left_out": 1, "n_prototypes": 50 }));
    assert_eq!(teach(&served, "", &lesson(&[], &[])).json()["model"], "tiny");
}

#[test]
fn the_saved_file_is_that_of_the_command_line() {
    let subset = Subset::new(10, 10);
    let images = [bar(4), bar(12)];
    let mut table =
        format!("label,{}\n", (0..784).map(|i| format!("pixel{i}")).collect::<Vec<_>>().join(","));
    for (label, image) in [1, 7].iter().zip(&images) {
        let values: Vec<String> = image.iter().map(ToString::to_string).collect();
        writeln!(table, "{label},{}", values.join(",")).unwrap();
    }
    fs::write(subset.path("mine.csv"), table).unwrap();
    let served = Served::start(&["--model", "tiny"]);
    for model in ["everyday", "neighbors"] {
        let answer =
            teach(&served, &format!("model={model}&format=safetensors"), &lesson(&images, &["1", "7"]));
        assert_eq!((answer.status, &*answer.headers["content-type"]), (200, "application/octet-stream"));
        assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"taught.safetensors\"");
        let args =
            ["train", "--from", model, "--data", "mine.csv", "--framing", "never", "-o", "mine.safetensors"];
        assert!(subset.handful().args(args).output().unwrap().status.success());
        assert!(answer.body == fs::read(subset.path("mine.safetensors")).unwrap(), "{model}");
    }
    let untaught = teach(&served, "format=safetensors", &lesson(&[], &[]));
    assert_eq!(untaught.body, Preset::Tiny.trained().unwrap().to_bytes().unwrap());
}

#[test]
fn a_saved_model_is_served_and_taught_again() {
    let subset = Subset::new(10, 10);
    let file = subset.path("mine.safetensors");
    let first = Served::start(&["--model", "tiny"]);
    let saved = teach(&first, "format=safetensors", &lesson(&[bar(4)], &["1"])).body;
    fs::write(&file, saved).unwrap();
    let second = Served::start(&["--model", file.to_str().unwrap()]);
    let taught = name(&teach(&second, "", &lesson(&[board(7)], &["7"])));
    let found = ask(&second, &format!("model={taught}"), &board(7)).json();
    assert_eq!((&found["label"], &found["neighbors"][0]["taught"]), (&"7".into(), &0.into()));
    let found = ask(&second, &format!("model={taught}"), &bar(4)).json();
    assert_eq!((&found["label"], found["neighbors"][0].get("taught")), (&"1".into(), None));
}

#[test]
fn a_model_of_other_images_and_classes_is_taught_too() {
    let subset = Subset::new(10, 10);
    let words = concat!(env!("CARGO_MANIFEST_DIR"), "/../handful/tests/formats/fixtures/words");
    let args = ["train", "--preset", "notebook", "--prototypes", "2", "--framing", "never", "--pictures"];
    let args = [&args[..], &["-o", "words.safetensors", "--data", words]].concat();
    assert!(subset.handful().args(args).output().unwrap().status.success());
    let file = subset.path("words.safetensors");
    let served = Served::start(&["--model", file.to_str().unwrap(), "--data", words]);
    let shape = served.get("/api/model").json()["image_shape"].clone();
    let n = shape[0].as_u64().unwrap() * shape[1].as_u64().unwrap();
    let image: Vec<u8> = (0..n).map(|i| if i % 5 < 2 { 255 } else { 0 }).collect();
    for label in ["cat", "dog"] {
        let body = lesson(slice::from_ref(&image), &[label]);
        let taught = name(&teach(&served, "", &body));
        let found = ask(&served, &format!("model={taught}"), &image).json();
        assert_eq!((&found["label"], &found["neighbors"][0]["taught"]), (&label.into(), &0.into()));
        assert_eq!(shown(&found["neighbors"][0]["image"]), image);
        fs::write(&file, teach(&served, "format=safetensors", &body).body).unwrap();
        let pictures = Model::load(&file).unwrap().pictures().unwrap().to_owned();
        assert_eq!(pictures.row(pictures.nrows() - 1).to_vec(), image, "its picture is kept");
    }
    let left = teach(&served, "", &lesson(&[image], &["7"])).json();
    assert_eq!(left["left_out"], 1);
    let info = json(&handful().args(["info", file.to_str().unwrap(), "--json"]).output().unwrap());
    assert_eq!(info["provenance"]["n_taught"], 1);
}
