//! How the server begins, and what it says.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::{
    Served,
    client::{Connection, request},
    seven,
};
use crate::subset::{handful, stderr};

#[test]
fn the_address_is_told_to_people() {
    let served = Served::start(&[]);
    assert_eq!(served.told, format!("listening on http://{}/\n", served.address));
    assert_eq!(served.get("/healthz").status, 200);
    assert_eq!(served.get("/api/model").json()["model"], "everyday");
    assert_eq!(served.stderr(), "");
}

#[test]
fn the_address_is_told_to_scripts() {
    let served = Served::start(&["--json", "--model", "tiny"]);
    let told: Value = serde_json::from_str(&served.told).unwrap();
    assert_eq!(told, json!({ "url": format!("http://{}/", served.address), "model": "tiny" }));
}

#[test]
fn a_port_in_use_is_said_in_a_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = handful().args(["serve", "--addr", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with(&format!("error: cannot listen on {address}")), "{told}");
}

#[test]
fn nonsense_is_no_address() {
    for address in ["nonsense", "", "127.0.0.1", "127.0.0.1:65536", ":80", "-1"] {
        let output = handful().args(["serve", &format!("--addr={address}")]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{address}");
        assert!(stderr(&output).contains("expected HOST:PORT or PORT"), "{address}: {}", stderr(&output));
    }
}

#[test]
fn who_serves_everybody_is_warned() {
    let served = Served::listening_on("0.0.0.0:0", &[]);
    let told = served.stderr();
    assert!(told.starts_with("note: ") && told.contains("no password"), "{told}");
    assert_eq!(told.lines().count(), 1);
    // Whatever name others know it by.
    let mut connection = Connection::open(served.address).unwrap();
    connection.send(b"GET /healthz HTTP/1.1\r\nHost: digits.example.org\r\n\r\n").unwrap();
    assert_eq!(connection.answer().unwrap().status, 200);
}

#[test]
fn each_request_is_a_line_for_whoever_wants_to_see() {
    let served = Served::start(&["-v", "--model", "tiny"]);
    served.get("/api/model?model=tiny");
    served.post("image/png", &seven());
    served.get("/nowhere/%1b%0a[31m");
    served.send(&request("GET", "/\u{9b}31m", &[], b"")).unwrap();
    let told = served.stderr();
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("127.0.0.1:")).collect();
    let expected = [
        "GET /api/model 200 ",
        "POST /api/predict 200 ",
        "GET /nowhere/%1b%0a[31m 404 ",
        "GET /\\u{9b}31m 404 ",
    ];
    assert_eq!(lines.len(), expected.len(), "{told}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected) && line.ends_with(" ms"), "{line}");
    }
    assert!(!told.replace('\n', "").contains(char::is_control), "{told:?}");
    let quiet = Served::start(&["--model", "tiny"]);
    quiet.get("/healthz");
    assert_eq!(quiet.stderr(), "");
}
