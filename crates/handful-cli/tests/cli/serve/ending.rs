//! The end: what was asked is answered, and nothing else is.

use std::{
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use super::{
    Served,
    client::{Connection, request},
    seven,
};

/// Waits until no connection is accepted any more.
fn closed(served: &Served) {
    let start = Instant::now();
    while Connection::open(served.address).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(5), "it still accepts connections");
        thread::sleep(Duration::from_millis(10));
    }
}

fn ended(mut served: Served) -> (ExitStatus, String) {
    let status = served.child.wait().unwrap();
    (status, served.stderr())
}

#[test]
fn what_is_half_asked_is_answered_before_the_end() {
    for signal in ["-TERM", "-INT"] {
        let served = Served::start(&[]);
        let predict = request("POST", "/api/predict", &[("Content-Type", "image/png")], &seven());
        let (first, second) = predict.split_at(predict.len() - 100);
        let mut connection = served.connect();
        connection.send(first).unwrap();
        // Without an answer, so that the server has surely seen the connection.
        thread::sleep(Duration::from_millis(300));
        served.signal(signal);
        closed(&served);
        connection.send(second).unwrap();
        let answer = connection.answer().unwrap();
        assert_eq!((answer.status, &answer.json()["label"]), (200, &"7".into()));
        assert_eq!(answer.headers["connection"], "close");
        assert_eq!(connection.rest().unwrap(), b"");
        let (status, stderr) = ended(served);
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{signal}");
    }
}

#[test]
fn whoever_asks_nothing_does_not_delay_the_end() {
    let served = Served::start(&[]);
    let mut idle = served.connect();
    idle.send(&request("GET", "/healthz", &[], b"")).unwrap();
    assert_eq!(idle.answer().unwrap().status, 200);
    let mut silent = served.connect();
    // Accepted, since the one after it was.
    assert_eq!(served.get("/healthz").status, 200);
    let start = Instant::now();
    served.signal("-TERM");
    assert_eq!(idle.rest().unwrap(), b"");
    let _ = silent.rest();
    assert_eq!(ended(served).0.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn whoever_never_ends_is_cut_off() {
    let served = Served::start(&["--model", "tiny"]);
    let mut connection = served.connect();
    connection.send(b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\n").unwrap();
    thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    served.signal("-TERM");
    assert_eq!(ended(served).0.code(), Some(0));
    let grace = Duration::from_secs(10);
    assert!((grace / 2..grace * 2).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[test]
fn the_impatient_interrupt_twice() {
    let served = Served::start(&["--model", "tiny"]);
    let mut connection = served.connect();
    connection.send(b"GET / HTTP/1.1\r\n").unwrap();
    thread::sleep(Duration::from_millis(300));
    served.signal("-INT");
    closed(&served);
    served.signal("-INT");
    assert_eq!(ended(served).0.code(), Some(130));
}
