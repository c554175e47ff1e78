//! `POST /api/teach` refuses what it cannot learn, with what was expected.

use serde_json::json;

use super::{
    Served,
    client::{FORM, form, request},
    seven,
    teach::{ask, bar, lesson, name, teach},
};

/// Images that a model can be taught.
const MOST: usize = 256;

#[test]
fn a_lesson_that_is_none_is_refused_with_what_was_expected() {
    let served = Served::start(&["--model", "tiny"]);
    let images = vec![bar(4); 2];
    for (status, body, expected) in [
        (400, "{".to_owned(), "Expected {\"images\": [[784 numbers from 0 to 255], ...], \"labels\": "),
        (422, "[]".to_owned(), "Expected {\"images\""),
        (422, json!({ "images": images }).to_string(), "missing field `labels`"),
        (422, json!({ "images": images, "labels": [1, 2] }).to_string(), "expected a string"),
        (422, json!({ "images": images, "labels": [], "k": 3 }).to_string(), "unknown field `k`"),
        (422, json!({ "images": images, "labels": ["1"] }).to_string(), "found 2 images and 1 labels."),
        (
            422,
            json!({ "images": [[1, 2]], "labels": ["1"] }).to_string(),
            "Image 0: expected 784 pixels (28 x 28), found 2.",
        ),
        (
            422,
            json!({ "images": [bar(4), vec![256; 784]], "labels": ["1", "2"] }).to_string(),
            "Image 1: pixel 0: expected a number",
        ),
    ] {
        let why = teach(&served, "", body.as_bytes()).refusal(status);
        assert!(why.contains(expected), "{body:.40}: {why}");
    }
    for (query, expected) in [
        ("model=huge", "Parameter model: expected one of tiny, "),
        ("format=pickle", "unknown variant `pickle`, expected `json` or `safetensors`"),
        ("n_neighbors=3", "unknown field `n_neighbors`"),
    ] {
        let why = teach(&served, query, &lesson(&images, &["1", "2"])).refusal(400);
        assert!(why.contains(expected), "{query}: {why}");
    }
    for (media_type, body) in
        [("image/png", seven()), (FORM, form(&[(None, &seven())])), ("text/plain", seven())]
    {
        let sent = request("POST", "/api/teach", &[("Content-Type", media_type)], &body);
        let why = served.send(&sent).unwrap().refusal(415);
        assert!(why.contains("expected application/json"), "{why}");
    }
    served.get("/api/teach").refusal(405);
}

#[test]
fn as_many_images_are_learned_as_the_server_says_and_no_more() {
    let served = Served::start(&["--model", "tiny"]);
    assert_eq!(served.get("/api/model").json()["most_taught"], MOST);
    let images: Vec<Vec<u8>> = (0..=MOST).map(|i| bar(i % 26)).collect();
    let labels = vec!["1"; MOST + 1];
    let answer = teach(&served, "", &lesson(&images[..MOST], &labels[..MOST]));
    assert_eq!(answer.json()["n_taught"], MOST);
    assert_eq!(ask(&served, &format!("model={}", name(&answer)), &bar(4)).json()["label"], "1");
    let why = teach(&served, "", &lesson(&images, &labels)).refusal(413);
    assert_eq!(why, format!("Expected at most {MOST} images to learn from, found more."));
    let why = teach(&served, "", &vec![b' '; 9 << 20]).refusal(413);
    assert!(why.contains("a body of at most"), "{why}");
}

#[test]
fn a_taught_model_has_no_map_and_is_not_taught_again() {
    let served = Served::start(&["--model", "tiny"]);
    let taught = name(&teach(&served, "", &lesson(&[bar(4)], &["1"])));
    for path in ["/api/model", "/api/map", "/api/gallery", "/api/gallery/images"] {
        let why = served.get(&format!("{path}?model={taught}")).refusal(400);
        assert!(why.contains("expected one of tiny, "), "{why}");
    }
    teach(&served, &format!("model={taught}"), &lesson(&[bar(4)], &["1"])).refusal(400);
    let unknown = format!("huge~{}", "0".repeat(64));
    assert!(ask(&served, &format!("model={unknown}"), &bar(4)).refusal(400).contains("expected one of tiny"));
}

#[test]
fn a_lesson_tells_how_long_its_phases_took() {
    let served = Served::start(&["--model", "tiny"]);
    let phases = |label| {
        let header = teach(&served, "", &lesson(&[bar(4)], &[label])).headers["server-timing"].clone();
        header.split(", ").map(|phase| phase.split(';').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(phases("1"), ["body", "frame", "queue", "teach"]);
    assert_eq!(phases("1"), ["body", "frame"], "it is known already");
}
