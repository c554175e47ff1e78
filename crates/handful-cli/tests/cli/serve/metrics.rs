//! `GET /metrics`: what Prometheus reads is in its format, and true.

#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    Served,
    client::{FORM, form, request},
    limits::Crowd,
    seven,
};

/// A sample's labels, sorted.
type Labels = BTreeMap<String, String>;

/// Its name, labels and value.
type Sample = (String, Labels, f64);

/// The metrics of a document, by name: their type and samples.
#[derive(Debug)]
pub(super) struct Metrics(BTreeMap<String, (String, Vec<Sample>)>);

impl Metrics {
    #[track_caller]
    pub(super) fn of(served: &Served) -> Self {
        let answer = served.get("/metrics");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Self::parse(&String::from_utf8(answer.body).unwrap())
    }

    /// Reads the text format of Prometheus, and panics where it is not followed to the letter.
    #[track_caller]
    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n') && !text.contains("\n\n") && !text.contains('\r'));
        let mut all = BTreeMap::new();
        let mut current = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(is_name(name) && !help.is_empty(), "{line}");
                let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{kind}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
                assert!(
                    all.insert(name.to_owned(), (kind.to_owned(), Vec::new())).is_none(),
                    "{name} comes twice"
                );
                name.clone_into(&mut current);
                continue;
            }
            let (name, labels, value) = sample(line);
            let (kind, samples) = all.get_mut(&current).unwrap();
            let suffix = name.strip_prefix(&current).unwrap_or_else(|| panic!("{line} is not of {current}"));
            let suffixes = if kind == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""] };
            assert!(suffixes.contains(&suffix), "{line}");
            assert!(kind == "gauge" || value >= 0.0, "{line}");
            samples.push((name, labels, value));
        }
        for (name, (kind, samples)) in &all {
            let unlike: BTreeSet<_> = samples.iter().map(|(name, labels, _)| (name, labels)).collect();
            assert_eq!(unlike.len(), samples.len(), "{name} has the same sample twice");
            if kind == "histogram" {
                check_histogram(name, samples);
            }
        }
        Self(all)
    }

    /// The sample with these labels; 0 if there is none.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels: Labels =
            labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let metric = name.trim_end_matches("_count");
        let samples = &self.0.get(metric).unwrap_or_else(|| panic!("{name} is missing")).1;
        samples.iter().find(|found| found.0 == name && found.1 == labels).map_or(0.0, |found| found.2)
    }

    fn requests(&self, route: &str, method: &str, status: &str) -> f64 {
        let labels = [("route", route), ("method", method), ("status", status)];
        self.value("handful_http_requests_total", &labels)
    }

    pub(super) fn gauge(&self, name: &str) -> f64 {
        self.value(name, &[])
    }

    pub(super) fn rejections(&self, reason: &str) -> f64 {
        self.value("handful_rejections_total", &[("reason", reason)])
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

/// A line such as `name{label="value"} 1`.
fn sample(line: &str) -> Sample {
    let (key, value) = line.rsplit_once(' ').unwrap();
    let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
    let (name, mut rest) = key.split_once('{').unwrap_or((key, "}"));
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    while rest != "}" {
        let (label, after) = rest.split_once("=\"").unwrap();
        // No value here needs an escape.
        let (content, after) = after.split_once('"').unwrap();
        assert!(is_name(label) && !content.contains('\\'), "{line}");
        assert!(labels.insert(label.to_owned(), content.to_owned()).is_none(), "{line}");
        rest = after.strip_prefix(',').unwrap_or(after);
        assert_eq!(after.starts_with(','), rest != "}", "{line}");
    }
    (name.to_owned(), labels, value)
}

/// Every bucket has all that the one before it has, the last has all, and there are a sum and a count.
fn check_histogram(name: &str, samples: &[Sample]) {
    let routes: BTreeSet<&String> = samples.iter().map(|(_, labels, _)| &labels["route"]).collect();
    for route in routes {
        let of_route = samples.iter().filter(|(_, labels, _)| labels["route"] == *route);
        let (buckets, totals): (Vec<_>, Vec<_>) =
            of_route.partition(|(_, labels, _)| labels.contains_key("le"));
        let bounds: Vec<f64> = buckets.iter().map(|(_, labels, _)| labels["le"].parse().unwrap()).collect();
        assert!(bounds.is_sorted_by(|a, b| a < b) && bounds.last() == Some(&f64::INFINITY), "{bounds:?}");
        assert_eq!(buckets.last().unwrap().1["le"], "+Inf");
        assert!(buckets.is_sorted_by_key(|bucket| bucket.2), "{buckets:?}");
        let names: Vec<&str> = totals.iter().map(|total| total.0.strip_prefix(name).unwrap()).collect();
        assert_eq!(names, ["_sum", "_count"]);
        assert_eq!(totals[1].2, buckets.last().unwrap().2);
    }
}

#[test]
fn every_answer_is_counted_by_route_method_and_status() {
    let served = Served::start(&["--model", "tiny"]);
    let before = Metrics::of(&served);
    assert!(before.0["handful_http_requests_total"].1.is_empty());
    for _ in 0..3 {
        served.post("image/png", &seven());
    }
    served.post("image/png", b"seven").refusal(422);
    served.post("text/plain", b"seven").refusal(415);
    served.get("/api/predict").refusal(405);
    served.get("/api/model?model=tiny");
    served.get("/api/gallery/images?limit=few").refusal(400);
    served.send(b"GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n").unwrap().refusal(421);
    for path in ["/nowhere", "/elsewhere", "/api/\"}\\"] {
        served.get(path).refusal(404);
    }
    served.send(&request("BREW", "/healthz", &[], b"")).unwrap().refusal(405);
    let found = Metrics::of(&served);
    for (route, method, status, n) in [
        ("/api/predict", "POST", "200", 3.0),
        ("/api/predict", "POST", "422", 1.0),
        ("/api/predict", "POST", "415", 1.0),
        ("/api/predict", "GET", "405", 1.0),
        ("/api/model", "GET", "200", 1.0),
        ("/api/gallery/images", "GET", "400", 1.0),
        ("/healthz", "GET", "421", 1.0),
        ("/healthz", "other", "405", 1.0),
        ("/metrics", "GET", "200", 1.0),
        ("other", "GET", "404", 3.0),
    ] {
        assert_eq!(found.requests(route, method, status), n, "{route} {method} {status}");
    }
    assert_eq!(found.value("handful_http_request_duration_seconds_count", &[("route", "/api/predict")]), 6.0);
    let total: f64 = found.0["handful_http_requests_total"].1.iter().map(|sample| sample.2).sum();
    assert_eq!(total, 14.0, "nothing else is counted");
    for (reason, n) in [
        ("unreadable", 1.0),
        ("media_type", 1.0),
        ("method", 2.0),
        ("malformed", 1.0),
        ("host", 1.0),
        ("not_found", 3.0),
        ("predictions", 0.0),
    ] {
        assert_eq!(found.rejections(reason), n, "{reason}");
    }
}

#[test]
fn images_are_counted_whether_they_are_read_or_not() {
    let served = Served::start(&["--model", "tiny"]);
    served.post("image/png", &seven());
    served.post(FORM, &form(&[(None, &seven()), (None, b"seven"), (None, &seven())]));
    let body = json!({ "images": [[1], [2]] }).to_string();
    served.post("application/json", body.as_bytes()).refusal(422);
    let found = Metrics::of(&served);
    let images = |result| found.value("handful_images_total", &[("result", result)]);
    assert_eq!((images("predicted"), images("refused")), (3.0, 3.0));
    assert_eq!(found.value("handful_predictions_in_flight", &[]), 0.0);
    assert_eq!(found.value("handful_predictions_waiting", &[]), 0.0);
}

#[test]
fn the_server_tells_its_version_its_start_and_its_memory() {
    let served = Served::start(&["--model", "tiny"]);
    let found = Metrics::of(&served);
    assert_eq!(found.value("handful_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert!(found.value("process_start_time_seconds", &[]) > 1.7e9);
    assert_eq!(found.value("handful_connections", &[]), 1.0);
    #[cfg(target_os = "linux")]
    {
        let bytes = found.value("process_resident_memory_bytes", &[]);
        let kilobytes = super::hostile::status(&served, "VmRSS") as f64;
        assert!((0.5..2.0).contains(&(bytes / 1024.0 / kilobytes)), "{bytes} bytes, {kilobytes} kB");
    }
    let head = request("HEAD", "/metrics", &[], b"");
    let mut connection = served.connect();
    connection.send(&head).unwrap();
    let answer = connection.head().unwrap();
    assert_eq!((answer.status, answer.headers["content-type"].split(';').next()), (200, Some("text/plain")));
    served.send(b"GET /metrics HTTP/1.1\r\nHost: example.org\r\n\r\n").unwrap().refusal(421);
}

#[test]
fn connections_that_are_refused_are_counted() {
    let served = Served::start(&["--model", "tiny"]);
    let mut crowd = Crowd::of(&served);
    crowd.one_more(&request("GET", "/healthz", &[], b"")).refusal(503);
    let scrape = request("GET", "/metrics", &[], b"");
    let inside = crowd.ask(&scrape).pop().unwrap();
    let found = Metrics::parse(&String::from_utf8(inside.body).unwrap());
    assert!(found.rejections("connections") >= 1.0);
    assert!(found.value("handful_connections", &[]) > 500.0);
}
