//! Several images in one request: each gets the answer that it gets alone, or says what is wrong with it.

use std::{fs, thread};

use serde_json::{Value, json};

use super::{
    PICTURES, Served, blank,
    client::{Connection, FORM, form, request},
    limits::BUSY,
    metrics::Metrics,
    picture, pixels,
    predictions::lasting,
    seven,
};
use crate::patience::wait_for;

/// Images in a request, and predictions in the queue.
const MOST: usize = 64;
const QUEUE: usize = 256;

fn predictions(answer: &Value) -> Vec<Value> {
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    answer["predictions"].as_array().unwrap().clone()
}

fn images(images: &[Vec<u8>]) -> Vec<u8> {
    json!({ "images": images }).to_string().into_bytes()
}

/// Images of the model's size that differ.
fn strokes(n: usize) -> Vec<Vec<u8>> {
    let stroke = |i: usize| (0..784).map(|pixel| if pixel % 28 == 4 + i % 20 { 255 } else { 0 }).collect();
    (0..n).map(stroke).collect()
}

#[test]
fn every_image_of_a_list_gets_the_answer_that_it_gets_alone() {
    let served = Served::start(&[]);
    let images_sent = strokes(MOST);
    let answer = served.post("application/json", &images(&images_sent));
    assert_eq!(answer.status, 200);
    let found = predictions(&answer.json());
    assert_eq!(found.len(), MOST);
    for (found, image) in found.into_iter().zip(&images_sent).step_by(7) {
        assert_eq!(lasting(found), lasting(served.post("application/json", &pixels(image)).json()));
    }
    let one = predictions(&served.post("application/json", &images(&images_sent[..1])).json());
    assert_eq!(one.len(), 1, "a list of one is a list");
}

#[test]
fn every_picture_of_a_form_gets_the_answer_that_it_gets_alone_and_its_name() {
    let served = Served::start(&[]);
    let pictures = PICTURES.map(|(name, _)| (name, fs::read(picture(name)).unwrap()));
    let mut parts: Vec<(Option<&str>, &[u8])> =
        pictures.iter().map(|(name, bytes)| (Some(*name), bytes.as_slice())).collect();
    let long = "ä".repeat(300);
    let first = parts[0].1;
    parts.extend([(None, first), (Some("7 \u{1F600}.png"), first), (Some(&*long), first)]);
    let found = predictions(&served.post(FORM, &form(&parts)).json());
    assert_eq!(found.len(), parts.len());
    for (mut found, (name, bytes)) in found.into_iter().zip(parts) {
        let expected = name.map(|name| name.chars().take(255).collect::<String>());
        assert_eq!(found.as_object_mut().unwrap().remove("filename"), Some(expected.into()));
        assert_eq!(lasting(found), lasting(served.post("image/png", bytes).json()), "{name:?}");
    }
}

#[test]
fn the_parameters_hold_for_all_images() {
    let served = Served::start(&[]);
    let path = "/api/predict?model=tiny&n_neighbors=2&true_label=4";
    let ask = |media_type: &str, body: &[u8]| {
        served.send(&request("POST", path, &[("Content-Type", media_type)], body)).unwrap().json()
    };
    let alone = ask("image/png", &seven());
    for mut found in predictions(&ask(FORM, &form(&[(Some("a"), &seven()), (Some("b"), &seven())]))) {
        assert_eq!(found["neighbors"].as_array().unwrap().len(), 2);
        assert_eq!(found["true_label_neighbors"][0]["label"], "4");
        found.as_object_mut().unwrap().remove("filename");
        assert_eq!(lasting(found), lasting(alone.clone()));
    }
}

#[test]
fn an_image_that_cannot_be_read_does_not_lose_the_others() {
    let served = Served::start(&["--model", "tiny"]);
    let cut = &seven()[..100];
    let large = blank(5001);
    let parts =
        [(Some("note.txt"), &b"note"[..]), (Some("7.png"), &seven()), (None, cut), (Some("large"), &large)];
    let found = predictions(&served.post(FORM, &form(&parts)).json());
    let errors: Vec<Option<&str>> = found.iter().map(|entry| entry["error"].as_str()).collect();
    assert!(errors[0].unwrap().starts_with("Expected a picture"), "{errors:?}");
    assert!(errors[2].is_some() && errors[3].unwrap().contains("25,000,000 pixels"), "{errors:?}");
    assert_eq!((errors[1], &found[1]["label"]), (None, &"7".into()));
    assert_eq!(found[0], json!({ "filename": "note.txt", "error": errors[0] }));
    for (entry, (name, bytes)) in found.iter().zip(parts) {
        assert_eq!(entry["filename"], json!(name));
        if let Some(error) = entry["error"].as_str() {
            assert_eq!(served.post("image/png", bytes).refusal(422), error, "as it is refused alone");
        }
    }

    let body = json!({ "images": [[1, 2, 3], vec![0; 784], vec![256; 784], []] }).to_string();
    let found = predictions(&served.post("application/json", body.as_bytes()).json());
    let errors: Vec<Option<&str>> = found.iter().map(|entry| entry["error"].as_str()).collect();
    let expected = [
        Some("Expected 784 pixels (28 x 28), found 3."),
        None,
        Some("Pixel 0: expected a number from 0 to 255, found 256.0."),
        Some("Expected 784 pixels (28 x 28), found 0."),
    ];
    assert_eq!(errors, expected);
}

#[test]
fn if_no_image_can_be_read_the_answer_is_that_about_the_first() {
    let served = Served::start(&["--model", "tiny"]);
    let alone = served.post("image/png", b"seven").refusal(422);
    assert_eq!(served.post(FORM, &form(&[(None, b"seven"), (None, b"four")])).refusal(422), alone);
    let why = served.post("application/json", b"{\"images\": [[1], [2, 3]]}").refusal(422);
    assert_eq!(why, "Expected 784 pixels (28 x 28), found 1.");
}

#[test]
fn too_much_at_once_is_refused_as_a_whole() {
    let served = Served::start(&["--model", "tiny"]);
    let picture = seven();
    let many = |n: usize| form(&vec![(None, picture.as_slice()); n]);
    assert_eq!(predictions(&served.post(FORM, &many(MOST)).json()).len(), MOST);
    for answer in [
        served.post(FORM, &many(MOST + 1)),
        served.post("application/json", &images(&strokes(MOST + 1))),
        served.post("application/json", format!("{{\"images\": [[]{}]}}", ",[]".repeat(100_000)).as_bytes()),
    ] {
        let why = answer.refusal(413);
        assert!(why.contains("at most 64 images"), "{why}");
    }
    // Each would be accepted alone.
    let why = served.post(FORM, &form(&[(None, &blank(4000)), (None, &blank(4000))])).refusal(413);
    assert!(why.contains("25,000,000 pixels in all"), "{why}");
    let padding = vec![0; 3 << 20];
    let why = served.post(FORM, &form(&[(None, padding.as_slice()); 3])).refusal(413);
    assert!(why.contains("8,388,608 bytes"), "{why}");
    let path = "/api/predict?n_neighbors=50";
    let whole = request("POST", path, &[("Content-Type", FORM)], &many(33));
    let why = served.send(&whole).unwrap().refusal(400);
    assert!(why.contains("at most 1,600 neighbours; found 33 images"), "{why}");
}

#[test]
fn a_form_and_a_list_have_to_be_whole() {
    let served = Served::start(&["--model", "tiny"]);
    let whole = form(&[(Some("7.png"), &seven()), (None, &seven())]);
    for broken in [&b""[..], b"seven", &whole[..whole.len() / 2], &whole[..whole.len() - 20]] {
        let why = served.post(FORM, broken).refusal(400);
        assert!(why.starts_with("Expected a form with one picture in each part"), "{why}");
    }
    served.post("multipart/form-data", &whole).refusal(400);
    served.post("multipart/form-data; boundary=other", &whole).refusal(400);
    assert_eq!(
        served.post(FORM, b"--Between-Parts--\r\n").refusal(422),
        "Expected at least one image, found none."
    );
    for (status, body) in [
        (422, "{\"images\": []}"),
        (422, "{\"images\": null}"),
        (422, "{\"images\": 7}"),
        (422, "{\"images\": [7]}"),
        (422, "{\"images\": [[\"7\"]]}"),
        (422, "{\"images\": [[1]], \"pixels\": [1]}"),
        (422, "{\"images\": [[1]], \"names\": []}"),
        (400, "{\"images\": [[1]"),
    ] {
        served.post("application/json", body.as_bytes()).refusal(status);
    }
}

#[test]
fn lists_neither_overflow_the_queue_nor_keep_others_out() {
    let served = Served::start(&[]);
    // So many pixels that the queue is full for a while.
    let busy = blank(600);
    let list = request(
        "POST",
        "/api/predict",
        &[("Content-Type", FORM)],
        &form(&vec![(None, busy.as_slice()); MOST]),
    );
    let mut waiting: Vec<Connection> = (0..2 * QUEUE / MOST).map(|_| served.connect()).collect();
    for connection in &mut waiting {
        connection.send(&list).unwrap();
    }
    // Between the pictures of a list, those of others have their turn.
    let (mut n_answered, mut n_refused) = (0, 0);
    wait_for("one of the others to get in", || {
        let answer = served.post("image/png", &seven());
        n_refused += usize::from(answer.status == 503);
        (answer.status == 200).then_some(())
    });
    for connection in &mut waiting {
        let answer = connection.answer().unwrap();
        if answer.status == 200 {
            assert_eq!(predictions(&answer.json()).len(), MOST, "all or none");
            n_answered += 1;
        } else {
            assert_eq!((answer.refusal(503).as_str(), &*answer.headers["retry-after"]), (BUSY, "1"));
            n_refused += 1;
        }
    }
    assert!(n_answered > 0);
    let metrics = Metrics::of(&served);
    let counted: f64 =
        ["bodies", "decoding", "predictions"].map(|reason| metrics.rejections(reason)).iter().sum();
    assert!((counted - n_refused as f64).abs() < 0.5, "{counted} of {n_refused} refusals were counted");
    // All places are free again.
    let free = || served.post("application/json", &images(&strokes(MOST))).status == 200;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..QUEUE / MOST).map(|_| scope.spawn(free)).collect();
        assert!(clients.into_iter().all(|client| client.join().unwrap()));
    });
}
