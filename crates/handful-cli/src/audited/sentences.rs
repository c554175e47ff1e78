//! What an audit found, in sentences.

use handful::audit::Audit;

use super::{
    findings::{Finding, Kind},
    images::Images,
};
use crate::text;

/// The findings of an audit in one sentence.
pub(crate) fn verdict(audit: &Audit, images: &Images) -> String {
    let n = audit.label_issues.len();
    format!(
        "{} of {} {} wrong.",
        text::count(n as u64),
        text::plural(images.n_images(), "label"),
        if n == 1 { "looks" } else { "look" }
    )
}

/// What is audited, in one sentence.
pub(crate) fn summary(images: &Images) -> String {
    let parts: Vec<String> =
        images.parts().map(|(part, images)| text::plural(images.n_samples(), part.noun())).collect();
    let [height, width] = images.first.image_shape();
    let classes = text::plural(images.classes().len(), "class");
    format!("{}: {}; {width} x {height} pixels, {classes}", images.name, parts.join(", "))
}

/// The number of duplicates in one sentence.
pub(crate) fn duplicates(all: &[Finding]) -> String {
    let count = |is: fn(&Finding) -> bool| all.iter().filter(|finding| is(finding)).count();
    let n = count(|finding| finding.duplicate.is_some());
    if n == 0 {
        return "No duplicates.".to_owned();
    }
    let exact = count(|finding| finding.duplicate.is_some_and(|(_, duplicate)| duplicate.is_exact));
    let leaks = count(|finding| finding.kind == Kind::Leak);
    format!(
        "{} of duplicates: {} equal, {} in both parts, {} with different labels.",
        text::plural(n, "pair"),
        text::count(exact as u64),
        text::count(leaks as u64),
        text::count(all.iter().filter(|finding| finding.is_contradiction()).count() as u64),
    )
}

/// The rare classes in one sentence.
pub(crate) fn rare(audit: &Audit) -> String {
    let rare: Vec<String> = audit
        .classes
        .iter()
        .filter(|class| class.is_rare)
        .map(|class| format!("{} ({})", class.name, text::plural(class.n_train + class.n_test, "image")))
        .collect();
    if rare.is_empty() {
        "No rare classes.".to_owned()
    } else {
        format!("Rare classes: {}.", rare.join(", "))
    }
}

/// A finding in one line.
pub(crate) fn line(finding: &Finding) -> String {
    let Finding { place, suggested, score, duplicate, .. } = finding;
    let label = place.label();
    match (suggested, score, duplicate) {
        (Some(suggested), Some(score), _) => {
            format!("{place}: labelled {label}, looks like {suggested} ({score:.3})")
        }
        (_, _, Some((other, duplicate))) => {
            let how = if duplicate.is_exact {
                "equal".to_owned()
            } else {
                format!("they differ by {:.1} grey levels{}", duplicate.distance, moved(duplicate.shift))
            };
            format!("{place}, labelled {label}, and {other}, labelled {}: {how}", other.label())
        }
        (_, Some(score), _) if score.is_infinite() => format!("{place}, labelled {label}: no ink"),
        (_, score, _) => {
            format!("{place}, labelled {label}: {:.1} times as strange as usual", score.unwrap_or_default())
        }
    }
}

fn moved([down, right]: [isize; 2]) -> String {
    if [down, right] == [0, 0] { String::new() } else { " after a shift by a pixel".to_owned() }
}
