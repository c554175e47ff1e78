//! All there is besides predictions and the gallery, and what holds for every answer.

use serde_json::json;

use super::{
    Served,
    client::{request, shown},
    seven,
};
use crate::subset::{handful, json};

/// Nothing from elsewhere, no scripts or styles within the page, and no page around it.
fn is_confined(policy: &str) -> bool {
    let rules: Vec<&str> = policy.split(';').map(str::trim).collect();
    let needed = ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"];
    needed.iter().all(|rule| rules.contains(rule)) && !policy.contains("unsafe") && !policy.contains("http")
}

#[test]
fn every_answer_is_confined_to_this_server_and_has_its_type() {
    let served = Served::start(&[]);
    for (path, status, media_type) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/style.css", 200, "text/css; charset=utf-8"),
        ("/app.js", 200, "text/javascript; charset=utf-8"),
        ("/icon.svg", 200, "image/svg+xml"),
        ("/openapi.json", 200, "application/json"),
        ("/healthz", 200, "application/json"),
        ("/api/model", 200, "application/json"),
        ("/api/map", 200, "application/json"),
        ("/api/gallery", 200, "application/json"),
        ("/api/gallery/images?limit=1", 200, "application/json"),
        ("/api/gallery/images?limit=one", 400, "application/json"),
        ("/api/predict", 405, "application/json"),
        ("/nowhere", 404, "application/json"),
    ] {
        let answer = served.get(path);
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (status, media_type), "{path}");
        assert!(is_confined(&answer.headers["content-security-policy"]), "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    let foreign = served.send(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n").unwrap();
    for answer in [foreign, served.post("text/plain", b"seven"), served.post("image/png", &seven())] {
        assert!(is_confined(&answer.headers["content-security-policy"]), "{}", answer.status);
    }
}

#[test]
fn one_connection_serves_for_many_requests() {
    let served = Served::start(&[]);
    let mut connection = served.connect();
    for _ in 0..100 {
        connection.send(&request("GET", "/healthz", &[], b"")).unwrap();
        assert_eq!(connection.answer().unwrap().json(), json!({ "status": "ok" }));
        let predict = request("POST", "/api/predict", &[("Content-Type", "image/png")], &seven());
        connection.send(&predict).unwrap();
        assert_eq!(connection.answer().unwrap().json()["label"], "7");
    }
    // Two at once are answered in turn.
    connection.send(&request("GET", "/healthz", &[], b"").repeat(2)).unwrap();
    assert_eq!([200; 2].map(|_| connection.answer().unwrap().status), [200; 2]);
    connection.send(&request("GET", "/healthz", &[("Connection", "close")], b"")).unwrap();
    assert_eq!(connection.answer().unwrap().status, 200);
    assert_eq!(connection.rest().unwrap(), b"");
}

#[test]
fn head_gets_the_head_alone() {
    let served = Served::start(&[]);
    for path in ["/", "/healthz", "/api/model", "/nowhere"] {
        let whole = served.get(path);
        let mut connection = served.connect();
        connection.send(&request("HEAD", path, &[("Connection", "close")], b"")).unwrap();
        let head = connection.head().unwrap();
        assert_eq!(head.status, whole.status, "{path}");
        assert_eq!(head.headers["content-length"], whole.body.len().to_string(), "{path}");
        assert_eq!(connection.rest().unwrap(), b"", "{path}");
    }
}

#[test]
fn the_model_is_the_one_that_info_shows() {
    for name in ["everyday", "notebook"] {
        let served = Served::start(&["--model", name]);
        let found = served.get("/api/model").json();
        let info = json(&handful().args(["info", name, "--json"]).output().unwrap());
        assert_eq!((&found["model"], &found["version"]), (&name.into(), &env!("CARGO_PKG_VERSION").into()));
        assert_eq!((&found["bytes"], &found["n_prototypes"]), (&info["bytes"], &info["n_prototypes"]));
        assert_eq!(found["n_samples"], info["provenance"]["n_samples"]);
        let voters = served.post("image/png", &seven()).json()["neighbors"].as_array().unwrap().len();
        assert_eq!(found["n_neighbors"], voters);
    }
}

#[test]
fn the_map_is_of_prototypes_at_their_places() {
    let served = Served::start(&["--model", "tiny"]);
    let model = served.get("/api/model").json();
    let map = served.get("/api/map").json();
    let points = map["points"].as_array().unwrap();
    assert_eq!(model["n_prototypes"], points.len());
    for point in points {
        assert_eq!(shown(&point["image"]).len(), 28 * 28);
        for axis in point["position"].as_array().unwrap() {
            assert!((0.0..=1.0).contains(&axis.as_f64().unwrap()));
        }
    }
    // A neighbour looks the same on the map, and the image lies beside it.
    let found = served.post("image/png", &seven()).json();
    let neighbor = &found["neighbors"][0];
    let point = points.iter().find(|point| point["prototype"] == neighbor["prototype"]).unwrap();
    assert_eq!((&point["label"], &point["image"]), (&neighbor["label"], &neighbor["image"]));
    let apart = |axis: usize| {
        (point["position"][axis].as_f64().unwrap() - found["position"][axis].as_f64().unwrap()).abs()
    };
    assert!(apart(0) < 0.2 && apart(1) < 0.2, "a seven lies by its nearest prototype: {found}");
}
