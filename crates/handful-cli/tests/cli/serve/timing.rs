//! `Server-Timing`: which phases a prediction has reached, and how long each took.

use super::{
    Served, blank,
    client::{Answer, FORM, form},
    pixels, seven,
};

const ALL: [&str; 4] = ["body", "frame", "queue", "predict"];

/// The phases that an answer names, and their milliseconds.
#[track_caller]
fn phases(answer: &Answer) -> Vec<(&str, f64)> {
    let Some(header) = answer.headers.get("server-timing") else { return Vec::new() };
    let phase = |text| -> Option<(&str, f64)> {
        let (name, duration) = str::split_once(text, ";dur=")?;
        Some((name, duration.parse().ok()?))
    };
    header.split(", ").map(|text| phase(text).unwrap_or_else(|| panic!("{header}"))).collect()
}

#[track_caller]
fn names(answer: &Answer) -> Vec<&str> {
    phases(answer).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_prediction_tells_how_long_its_phases_took() {
    let served = Served::start(&["--model", "tiny"]);
    for answer in [
        served.post("image/png", &seven()),
        served.post("application/json", &pixels(&[0; 784])),
        served.post(FORM, &form(&[(None, &seven()), (None, &seven())])),
    ] {
        assert_eq!(names(&answer), ALL);
        // The time from the whole body to the prediction, which includes all phases but the first.
        let answered = answer.json();
        let total = answered.get("microseconds").unwrap_or(&answered["predictions"][0]["microseconds"]);
        let after_body: f64 = phases(&answer)[1..].iter().map(|(_, duration)| duration).sum();
        assert!(1000.0 * after_body <= total.as_f64().unwrap() + 10.0, "{answer:?}");
    }
    let frame = |side| phases(&served.post("image/png", &blank(side)))[1].1;
    // A pause of the machine may fall into the shorter time.
    assert!((0..20).any(|_| frame(30) < frame(2000)), "more pixels take no longer");
}

#[test]
fn a_refusal_tells_of_the_phases_that_were_reached() {
    let served = Served::start(&["--model", "tiny"]);
    assert_eq!(names(&served.post("text/plain", &seven())), [""; 0]);
    assert_eq!(names(&served.post("application/json", b"{")), ["body", "frame"]);
    assert_eq!(names(&served.post("image/png", b"seven")), ["body", "frame"]);
    assert_eq!(names(&served.post("image/png", &seven()[..100]))[..2], ["body", "frame"]);
    assert_eq!(names(&served.post("image/png", &vec![0; 9 << 20])), ["body"]);
    assert!(names(&served.get("/healthz")).is_empty(), "only predictions have phases");
}
