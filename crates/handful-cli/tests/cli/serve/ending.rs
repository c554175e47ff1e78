//! The end: what was asked is answered, and nothing else is.

use std::{
    process::ExitStatus,
    time::{Duration, Instant},
};

use super::{
    Served,
    client::{Connection, FORM, form, request},
    seven,
};
use crate::patience::{self, wait_for};

/// What the server says when it waits no longer.
const CUT_OFF: &str = "cut off the requests that were still in progress";

/// Waits until no connection is accepted any more.
fn closed(served: &Served) {
    wait_for("connections to be refused", || Connection::open(served.address).err());
}

/// A connection that has sent 100 bytes of seven's picture, which the server waits for more of.
fn half_asked(served: &Served) -> Connection {
    half_sent(served, "image/png", &seven())
}

/// A connection that has sent 100 bytes of a body.
fn half_sent(served: &Served, media_type: &str, body: &[u8]) -> Connection {
    let headers = [("Content-Type", media_type), ("Expect", "100-continue")];
    let whole = request("POST", "/api/predict", &headers, body);
    let (head, body) = whole.split_at(whole.len() - body.len());
    let mut connection = served.connect();
    connection.send(head).unwrap();
    assert_eq!(connection.head().unwrap().status, 100);
    connection.send(&body[..100]).unwrap();
    connection
}

fn ended(mut served: Served) -> (ExitStatus, String) {
    let status = patience::ended(&mut served.child);
    (status, served.stderr())
}

#[test]
fn what_is_half_asked_is_answered_before_the_end() {
    for signal in ["TERM", "INT"] {
        let served = Served::start(&[]);
        let mut connection = half_asked(&served);
        served.signal(signal);
        closed(&served);
        connection.send(&seven()[100..]).unwrap();
        let answer = connection.answer().unwrap();
        assert_eq!((answer.status, &answer.json()["label"]), (200, &"7".into()));
        assert_eq!(answer.headers["connection"], "close");
        assert_eq!(connection.rest().unwrap(), b"");
        let (status, stderr) = ended(served);
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{signal}");
    }
}

#[test]
fn a_form_that_is_half_sent_is_answered_before_the_end() {
    let served = Served::start(&[]);
    let body = form(&[(None, seven().as_slice()); 64]);
    let mut connection = half_sent(&served, FORM, &body);
    served.signal("TERM");
    closed(&served);
    connection.send(&body[100..]).unwrap();
    let answer = connection.answer().unwrap();
    assert_eq!((answer.status, answer.json()["predictions"].as_array().unwrap().len()), (200, 64));
    let (status, stderr) = ended(served);
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn whoever_asks_nothing_does_not_delay_the_end() {
    let served = Served::start(&["-v"]);
    let mut idle = served.connect();
    idle.send(&request("GET", "/healthz", &[], b"")).unwrap();
    assert_eq!(idle.answer().unwrap().status, 200);
    let mut silent = served.connect();
    // Accepted, since the one after it was.
    assert_eq!(served.get("/healthz").status, 200);
    served.signal("TERM");
    assert_eq!(idle.rest().unwrap(), b"");
    let _ = silent.rest();
    let (status, stderr) = ended(served);
    assert_eq!(status.code(), Some(0));
    assert!(!stderr.contains(CUT_OFF), "{stderr}");
}

#[test]
fn whoever_never_ends_is_cut_off() {
    let served = Served::start(&["--model", "tiny", "-v"]);
    let _connection = half_asked(&served);
    let start = Instant::now();
    served.signal("TERM");
    let (status, stderr) = ended(served);
    assert_eq!(status.code(), Some(0));
    assert!(stderr.contains(CUT_OFF), "{stderr}");
    assert!(start.elapsed() > Duration::from_secs(5), "it was given time");
}

#[test]
fn the_impatient_interrupt_twice() {
    let served = Served::start(&["--model", "tiny"]);
    let _connection = half_asked(&served);
    served.signal("INT");
    closed(&served);
    served.signal("INT");
    assert_eq!(ended(served).0.code(), Some(130));
}
