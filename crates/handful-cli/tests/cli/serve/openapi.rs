//! `/openapi.json` tells the truth: its own examples are answered as it says.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::{Value, json};

use super::{
    Served,
    client::{Answer, FORM, form, request},
    limits::Crowd,
    seven,
    teach::{ask, teach},
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
            let value = &answer.headers[&name.to_ascii_lowercase()];
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            self.conforms(&value, &self.resolved(header)["schema"], name);
        }
    }

    /// Panics unless a value is as a schema says.
    #[track_caller]
    fn conforms(&self, value: &Value, schema: &Value, at: &str) {
        if let Err(why) = self.fits(value, schema, at) {
            panic!("{why}");
        }
    }

    /// What is not as a schema says, as far as this document uses JSON Schema.
    fn fits(&self, value: &Value, schema: &Value, at: &str) -> Result<(), String> {
        let schema = self.resolved(schema);
        if *schema == json!(true) {
            return Ok(());
        }
        let check = |is_right: bool, why: &str| {
            if is_right { Ok(()) } else { Err(format!("{at}: {value:.100} {why}")) }
        };
        check(schema.is_object(), "is not documented")?;
        if let Some(alternatives) = schema["oneOf"].as_array() {
            let wrong: Vec<String> =
                alternatives.iter().filter_map(|schema| self.fits(value, schema, at).err()).collect();
            return check(wrong.len() + 1 == alternatives.len(), &format!("is not one of these: {wrong:?}"));
        }
        if let Some(of) = schema.get("type") {
            let of = of.as_array().map_or_else(|| vec![of], |several| several.iter().collect());
            check(of.iter().any(|name| is_of(value, name.as_str().unwrap())), &format!("is no {of:?}"))?;
        }
        if let Some(values) = schema["enum"].as_array() {
            check(values.contains(value), "is another value")?;
        }
        let bound = |name: &str| schema[name].as_f64();
        if let Some(number) = value.as_f64() {
            check(bound("minimum").is_none_or(|least| least <= number), "is too small")?;
            check(bound("maximum").is_none_or(|most| number <= most), "is too large")?;
        }
        if let (Some(text), Some(pattern)) = (value.as_str(), schema["pattern"].as_str()) {
            check(text.starts_with(pattern.strip_prefix('^').unwrap()), "begins in another way")?;
        }
        if let Some(items) = value.as_array() {
            check(bound("minItems").is_none_or(|least| least <= items.len() as f64), "is too short")?;
            check(bound("maxItems").is_none_or(|most| items.len() as f64 <= most), "is too long")?;
            let first = schema["prefixItems"].as_array().map_or(&[][..], Vec::as_slice);
            for (i, item) in items.iter().enumerate() {
                self.fits(item, first.get(i).unwrap_or(&schema["items"]), &format!("{at}[{i}]"))?;
            }
        }
        if let Some(fields) = value.as_object() {
            for name in schema["required"].as_array().into_iter().flatten() {
                check(fields.contains_key(name.as_str().unwrap()), &format!("has no {name}"))?;
            }
            for (name, field) in fields {
                let documented = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                self.fits(field, documented, &format!("{at}.{name}"))?;
            }
        }
        Ok(())
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

/// Requests about an image, and about one that cannot be read.
fn batches() -> [(&'static str, Vec<u8>); 2] {
    let form = form(&[(Some("seven.png"), &seven()), (None, b"no picture")]);
    let document = json!({ "images": [vec![0; 28 * 28], [1, 2, 3]] });
    [(FORM, form), ("application/json", document.to_string().into_bytes())]
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
        for (media_type, body) in batches() {
            let answer = served.post(media_type, &body);
            assert_eq!(answer.json()["predictions"].as_array().unwrap().len(), 2, "one of them is an error");
            document.check(("/api/predict", "post"), &answer);
        }
    }
}

#[test]
fn every_route_refuses_as_documented() {
    let served = Served::start(&["--model", "tiny"]);
    let document = Document::of(&served);
    let predict = ("/api/predict", "post");
    let (lesson, images) = (("/api/teach", "post"), ("/api/gallery/images", "get"));
    for (route, status, answer) in [
        (predict, 400, served.post("application/json", b"{")),
        (predict, 413, served.post("image/png", &vec![0; 9 << 20])),
        (predict, 413, served.post(FORM, &form(&vec![(None, &b""[..]); 65]))),
        (predict, 415, served.post("text/plain", b"seven")),
        (predict, 422, served.post("application/json", b"{\"pixels\": [1, 2, 3]}")),
        (predict, 422, served.post("image/png", b"seven")),
        (predict, 410, ask(&served, &format!("model=tiny~{}", "0".repeat(64)), &[0; 784])),
        (lesson, 400, teach(&served, "format=pickle", b"{}")),
        (lesson, 413, teach(&served, "", &vec![b' '; 9 << 20])),
        (lesson, 415, served.send(&request("POST", "/api/teach", &[], b"{}")).unwrap()),
        (lesson, 422, teach(&served, "", b"{}")),
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
