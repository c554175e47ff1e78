//! `/openapi.json` tells the truth: its own examples are answered as it says.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::{Value, json};

use super::{
    Served,
    client::{Answer, request},
    limits::Crowd,
    seven,
};

/// The document of the server that is running.
struct Document(Value);

/// A path and a method.
type Route<'a> = (&'a str, &'a str);

impl Document {
    fn of(served: &Served) -> Self {
        Self(served.get("/openapi.json").json())
    }

    /// What `$ref` leads to, as often as it leads on.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        let pointer = reference.strip_prefix('#').unwrap();
        self.resolved(self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")))
    }

    fn routes(&self) -> BTreeSet<Route<'_>> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        paths
            .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |m| (&**path, &**m)))
            .collect()
    }

    fn operation(&self, (path, method): Route) -> &Value {
        &self.0["paths"][path][method]
    }

    /// The request that its examples make.
    fn example(&self, route: Route) -> Vec<u8> {
        let operation = self.operation(route);
        let mut path = route.0.to_owned();
        for (i, parameter) in operation["parameters"].as_array().into_iter().flatten().enumerate() {
            let value = &parameter["example"];
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let separator = if i == 0 { '?' } else { '&' };
            write!(path, "{separator}{}={value}", parameter["name"].as_str().unwrap()).unwrap();
        }
        let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
        let example = examples.as_object().and_then(|examples| examples.values().next());
        let body = example.map(|example| self.resolved(example)["value"].to_string()).unwrap_or_default();
        let headers = [("Content-Type", "application/json")];
        request(&route.1.to_uppercase(), &path, &headers, body.as_bytes())
    }

    /// Panics unless the answer is what is documented for its status.
    #[track_caller]
    fn check(&self, route: Route, answer: &Answer) {
        let responses = &self.operation(route)["responses"];
        let response = responses.get(answer.status.to_string());
        let response = self.resolved(response.unwrap_or_else(|| panic!("{route:?} {}", answer.status)));
        let media_type = &answer.headers["content-type"];
        let content = &response["content"][media_type];
        assert!(content.is_object(), "{route:?} {} {media_type}", answer.status);
        if media_type == "application/json" {
            self.conforms(&answer.json(), &content["schema"], &format!("{route:?}"));
        }
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let value = serde_json::from_str(&answer.headers[&name.to_ascii_lowercase()]).unwrap();
            self.conforms(&value, &header["schema"], name);
        }
    }

    /// Panics unless a value is as a schema says, as far as this document uses JSON Schema.
    #[track_caller]
    fn conforms(&self, value: &Value, schema: &Value, at: &str) {
        let schema = self.resolved(schema);
        if *schema == json!(true) {
            return;
        }
        assert!(schema.is_object(), "{at} is not documented");
        if let Some(of) = schema.get("type") {
            let of = of.as_array().map_or_else(|| vec![of], |several| several.iter().collect());
            assert!(of.iter().any(|name| is_of(value, name.as_str().unwrap())), "{at}: {value} is no {of:?}");
        }
        if let Some(values) = schema["enum"].as_array() {
            assert!(values.contains(value), "{at}: {value}");
        }
        let bound = |name: &str| schema[name].as_f64();
        if let Some(number) = value.as_f64() {
            assert!(bound("minimum").is_none_or(|least| least <= number), "{at}: {value}");
            assert!(bound("maximum").is_none_or(|most| number <= most), "{at}: {value}");
        }
        if let (Some(text), Some(pattern)) = (value.as_str(), schema["pattern"].as_str()) {
            assert!(text.starts_with(pattern.strip_prefix('^').unwrap()), "{at}: {value}");
        }
        if let Some(items) = value.as_array() {
            assert!(bound("minItems").is_none_or(|least| least <= items.len() as f64), "{at}: {value}");
            assert!(bound("maxItems").is_none_or(|most| items.len() as f64 <= most), "{at}: {value}");
            let first = schema["prefixItems"].as_array().map_or(&[][..], Vec::as_slice);
            for (i, item) in items.iter().enumerate() {
                self.conforms(item, first.get(i).unwrap_or(&schema["items"]), &format!("{at}[{i}]"));
            }
        }
        if let Some(fields) = value.as_object() {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(fields.contains_key(name.as_str().unwrap()), "{at}: {name} is missing");
            }
            for (name, field) in fields {
                let documented = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                self.conforms(field, documented, &format!("{at}.{name}"));
            }
        }
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

/// All values of a document, with the names of their fields.
fn walk<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a str, &'a Value)) {
    for (name, field) in value.as_object().into_iter().flatten() {
        visit(name, field);
        walk(field, visit);
    }
    value.as_array().into_iter().flatten().for_each(|item| walk(item, visit));
}

#[test]
fn the_document_is_of_this_version_and_leads_nowhere_else() {
    let served = Served::start(&["--model", "tiny"]);
    let document = Document::of(&served);
    let info = &document.0["info"];
    assert_eq!((&document.0["openapi"], &info["title"]), (&"3.1.0".into(), &"handful".into()));
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    let mut used = BTreeSet::new();
    walk(&document.0, &mut |name, value| {
        if name == "$ref" {
            let pointer = value.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.0.pointer(pointer).is_some(), "{pointer} leads nowhere");
            used.insert(pointer.to_owned());
        }
    });
    for (kind, components) in document.0["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys() {
            assert!(used.contains(&format!("/components/{kind}/{name}")), "{name} is not used");
        }
    }
}

#[test]
fn every_route_answers_its_example_as_documented() {
    for args in [&[][..], &["--model", "notebook"], &["--data", "/nowhere"]] {
        let served = Served::start(args);
        let document = Document::of(&served);
        for route in document.routes() {
            let answer = served.send(&document.example(route)).unwrap();
            let is_without_data = args.contains(&"/nowhere") && route.0 == "/api/gallery/images";
            assert_eq!(answer.status, if is_without_data { 404 } else { 200 }, "{route:?}");
            document.check(route, &answer);
        }
        let example = served.send(&document.example(("/api/predict", "post"))).unwrap().json();
        assert_eq!(example["label"], "7");
        document.check(("/api/predict", "post"), &served.post("image/png", &seven()));
    }
}

#[test]
fn every_route_refuses_as_documented() {
    let served = Served::start(&["--model", "tiny"]);
    let document = Document::of(&served);
    let predict = ("/api/predict", "post");
    let images = ("/api/gallery/images", "get");
    for (route, status, answer) in [
        (predict, 400, served.post("application/json", b"{")),
        (predict, 413, served.post("image/png", &vec![0; 9 << 20])),
        (predict, 415, served.post("text/plain", b"seven")),
        (predict, 422, served.post("application/json", b"{\"pixels\": [1, 2, 3]}")),
        (predict, 422, served.post("image/png", b"seven")),
        (images, 400, served.get("/api/gallery/images?limit=few")),
    ] {
        assert_eq!(answer.status, status, "{route:?}");
        document.check(route, &answer);
    }
    for (path, method) in document.routes() {
        let foreign = request(&method.to_uppercase(), path, &[], b"");
        let foreign = String::from_utf8(foreign).unwrap().replace("localhost", "example.org");
        let answer = served.send(foreign.as_bytes()).unwrap();
        assert_eq!(answer.status, 421, "{path}");
        document.check((path, method), &answer);
    }
    let mut crowd = Crowd::of(&served);
    for route in document.routes() {
        let answer = crowd.one_more(&document.example(route));
        assert_eq!(answer.status, 503, "{route:?}");
        document.check(route, &answer);
    }
}

#[test]
fn every_operation_says_what_may_go_wrong() {
    let served = Served::start(&["--model", "tiny"]);
    let document = Document::of(&served);
    for route in document.routes() {
        let operation = document.operation(route);
        assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{route:?}");
        let statuses: BTreeSet<&str> =
            operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(statuses.is_superset(&["200", "421", "503"].into()), "{route:?}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            document.conforms(&parameter["example"], &parameter["schema"], &parameter["name"].to_string());
        }
    }
}
