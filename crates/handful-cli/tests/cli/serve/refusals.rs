//! What is not answered, and the one sentence that says why.

use serde_json::json;

use super::{Served, blank, client::request, pixels, seven};

/// The limit of a body.
const MOST: usize = 8 << 20;

#[test]
fn a_body_has_to_say_what_it_is() {
    let served = Served::start(&["--model", "tiny"]);
    let long = "x".repeat(10_000);
    // What curl says when it is not told what it sends.
    let form = "application/x-www-form-urlencoded";
    for media_type in [form, "text/plain", "image/svg+xml", "image", "", "multipart/mixed; boundary=x", &long]
    {
        let why = served.post(media_type, &seven()).refusal(415);
        assert!(why.contains("-H 'Content-Type: image/png'"), "{why}");
    }
    let untold = served.send(&request("POST", "/api/predict", &[], &seven())).unwrap();
    assert!(untold.refusal(415).ends_with("found none."));
    assert_eq!(served.post("application/octet-stream", &seven()).json()["label"], "7");
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let served = Served::start(&["--model", "tiny"]);
    let length = (MOST + 1).to_string();
    let headers = [("Content-Type", "image/png"), ("Content-Length", length.as_str())];
    let why = served.send(&request("POST", "/api/predict", &headers, b"")).unwrap().refusal(413);
    assert!(why.contains("8,388,608 bytes"), "{why}");
}

#[test]
fn a_client_that_sends_too_much_still_gets_its_answer() {
    let served = Served::start(&["--model", "tiny"]);
    let body = vec![0; 2 * MOST];
    let chunk = [b"800000\r\n", &body[..MOST], b"\r\n"].concat();
    let head = "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n";
    let chunked =
        [head.as_bytes(), b"Transfer-Encoding: chunked\r\n\r\n", &chunk, &chunk, b"0\r\n\r\n"].concat();
    for _ in 0..10 {
        served.post("image/png", &body).refusal(413);
        served.send(&chunked).unwrap().refusal(413);
        served.post("text/plain", &body).refusal(415);
    }
}

#[test]
fn json_has_to_be_json_and_pixels_to_be_pixels() {
    let served = Served::start(&["--model", "tiny"]);
    let post = |body: &str| served.post("application/json", body.as_bytes());
    let one = |value: &str| format!("{{\"pixels\": [{value}{}]}}", ",0".repeat(783));
    let deep = format!("{{\"pixels\": {}", "[".repeat(10_000));
    for malformed in
        ["{", "{\"pixels\": [1,", "{\"pixels\": [1]} {}", &one("NaN"), &one("1e999"), &one("01"), &one("")]
    {
        let why = post(malformed).refusal(400);
        assert!(why.starts_with("Expected {\"pixels\": [784 numbers from 0 to 255]}"), "{why}");
    }
    for wrong in [
        "{}",
        "[]",
        "null",
        "{\"pixels\": null}",
        "{\"pixels\": []}",
        "{\"pixels\": [0], \"colour\": 1}",
        "{\"pixels\": [0], \"pixels\": [0]}",
        &deep,
        &one("-0.1"),
        &one("255.1"),
        &one("256"),
        &one("null"),
        &one("\"1\""),
        &one("1e300"),
        &one("0,0"),
        &String::from_utf8(pixels(&[0; 783])).unwrap(),
    ] {
        post(wrong).refusal(422);
    }
    assert_eq!(post(&one("254.9")).status, 200);
    served.post("application/json", b"\xff\xfe{}").refusal(400);
    // Enough for as many images as a request may have.
    let why = post(&" ".repeat(64 * 26_112 + 1)).refusal(413);
    assert!(why.contains("1,671,168 bytes"), "{why}");
}

#[test]
fn a_refusal_is_short_whatever_was_sent() {
    let served = Served::start(&["--model", "tiny"]);
    let long = "long\u{1b}[31m\n".repeat(1000);
    for body in [json!({ &long: 1 }), json!({ "pixels": long }), json!(long)] {
        served.post("application/json", body.to_string().as_bytes()).refusal(422);
    }
    served.get(&format!("/api/gallery/images?{}=1", "x".repeat(10_000))).refusal(400);
    served.get(&format!("/api/gallery/images?limit={}", "9".repeat(10_000))).refusal(400);
}

#[test]
fn a_damaged_picture_is_refused() {
    let served = Served::start(&["--model", "tiny"]);
    let whole = seven();
    let cut = &whole[..whole.len() / 2];
    let photo = std::fs::read(super::picture("photo.jpg")).unwrap();
    let cut_photo = &photo[..photo.len() / 2];
    for damaged in [&b""[..], b"\x89PNG\r\n\x1a\n", b"seven", cut, cut_photo, &vec![0; 100_000]] {
        let why = served.post("image/png", damaged).refusal(422);
        let is_cut = damaged == cut_photo;
        let expected = if is_cut { "Expected a whole picture" } else { "Expected a picture" };
        assert!(why.starts_with(expected), "{why}");
    }
    // Some kilobytes that would be some ten megabytes.
    let why = served.post("image/png", &blank(5001)).refusal(422);
    assert!(why.contains("25,000,000 pixels") && why.contains("5001 x 5001"), "{why}");
}

#[test]
fn there_is_nothing_but_what_is_documented() {
    let served = Served::start(&["--model", "tiny"]);
    let long = format!("/{}", "x".repeat(20_000));
    for path in [
        "/nowhere",
        "/api",
        "/api/",
        "/api/predict/",
        "/API/PREDICT",
        "/index.html",
        "/../etc/passwd",
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2fetc%2fpasswd",
        "/api/../healthz",
        "/./healthz",
        "//",
        "//healthz",
        "/healthz/",
        "/healthz%00",
        "/app.js%20",
        "/\\healthz",
        "/page/openapi.json",
        &long,
    ] {
        let why = served.get(path).refusal(404);
        assert!(why.contains("/openapi.json"), "{why}");
    }
}

#[test]
fn a_wrong_method_is_told_the_right_one() {
    let served = Served::start(&["--model", "tiny"]);
    for (method, path, allowed) in [
        ("GET", "/api/predict", "POST"),
        ("PUT", "/api/predict", "POST"),
        ("OPTIONS", "/api/predict", "POST"),
        ("POST", "/healthz", "GET,HEAD"),
        ("DELETE", "/api/gallery", "GET,HEAD"),
        ("BREW", "/", "GET,HEAD"),
    ] {
        let answer = served.send(&request(method, path, &[], b"")).unwrap();
        answer.refusal(405);
        assert_eq!(answer.headers["allow"], allowed, "{method} {path}");
    }
}

#[test]
fn a_page_from_elsewhere_cannot_read_along() {
    let served = Served::start(&["--model", "tiny"]);
    let ask = |host: &str| served.send(format!("GET /api/model HTTP/1.1\r\n{host}\r\n").as_bytes()).unwrap();
    for host in
        ["Host: example.org\r\n", "Host: 127.0.0.1.example.org\r\n", "Host: 192.168.0.1\r\n", "Host:\r\n", ""]
    {
        ask(host).refusal(421);
    }
    for host in
        ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:7878", "[::1]:7878", "[::1]", "127.1.2.3"]
    {
        assert_eq!(ask(&format!("Host: {host}\r\n")).status, 200, "{host}");
    }
}

#[test]
fn malformed_http_is_a_bad_request() {
    let served = Served::start(&["--model", "tiny"]);
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(40 << 10));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: x\r\n".repeat(1000));
    for (status, malformed) in [
        (400, "nonsense\r\n\r\n"),
        (400, "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"),
        (400, "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost localhost\r\n\r\n"),
        (400, "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
        (
            400,
            "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ),
        (400, "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n"),
        (431, &long),
        (431, &many),
    ] {
        assert_eq!(served.send(malformed.as_bytes()).unwrap().status, status, "{malformed:.100}");
    }
}

#[test]
fn half_a_body_is_none() {
    let served = Served::start(&["--model", "tiny"]);
    let whole = request("POST", "/api/predict", &[("Content-Type", "image/png")], &seven());
    let chunked = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n\
        Transfer-Encoding: chunked\r\n\r\n10\r\nhalf";
    let mangled = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n\
        Transfer-Encoding: chunked\r\n\r\nmany\r\nhalf";
    for half in [&whole[..whole.len() - 1], &chunked[..], &mangled[..]] {
        let mut connection = served.connect();
        connection.send(half).unwrap();
        connection.finish().unwrap();
        let why = connection.answer().unwrap().refusal(400);
        assert!(why.starts_with("Expected the whole body, received only a part"), "{why}");
    }
    // Who has sent everything and no more can still read the answer.
    let mut connection = served.connect();
    connection.send(&whole).unwrap();
    connection.finish().unwrap();
    assert_eq!(connection.answer().unwrap().json()["label"], "7");
}
