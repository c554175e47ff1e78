//! The report: whole, well-formed, and on its own.

use std::fs;

use scraper::{Html, Selector};

use crate::subset::{Subset, stderr};

fn report(args: &[&str]) -> Html {
    let subset = Subset::new(2000, 300);
    let output = subset.handful().args(["compare", "--report", "report.html"]).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = Html::parse_document(&fs::read_to_string(subset.path("report.html")).unwrap());
    assert_eq!(page.errors, Vec::<String>::new(), "well-formed");
    page
}

fn select<'a>(page: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

#[test]
fn the_report_holds_every_section() {
    let page = report(&["--sweep", "--n-neighbors", "3"]);
    let text = |selector: &str| {
        select(&page, selector).iter().flat_map(scraper::ElementRef::text).collect::<Vec<_>>().join(" ")
    };
    assert!(text("h1").contains("90 K-Means prototypes answer"), "{}", text("h1"));
    for section in ["result", "prototypes", "sizes", "errors", "mistakes", "data", "about"] {
        assert_eq!(select(&page, &format!("section#{section} > h2")).len(), 1, "{section}");
        assert_eq!(select(&page, &format!("nav a[href='#{section}']")).len(), 1, "{section}");
    }
    assert_eq!(select(&page, "#result .scoreboard tbody tr").len(), 3);
    assert_eq!(select(&page, "#result svg .whisker").len(), 3);
    assert_eq!(select(&page, "#prototypes figure").len(), 10);
    assert_eq!(select(&page, "#prototypes figure img").len(), 90);
    assert_eq!(select(&page, "#prototypes figure small").len(), 90);
    assert_eq!(select(&page, "#sizes svg polyline").len(), 2);
    assert_eq!(select(&page, "#sizes svg .dot").len(), 2 * 5);
    assert_eq!(select(&page, "#errors table.matrix").len(), 3);
    assert_eq!(select(&page, "#errors table.matrix tbody td").len(), 3 * 100);
    assert_eq!(select(&page, "#errors table.plain tbody tr").len(), 3 * 10);
    let mistakes = select(&page, "#mistakes figure");
    assert!(!mistakes.is_empty());
    assert_eq!(select(&page, "#mistakes figure .neighbors img").len(), 3 * mistakes.len());
    assert_eq!(select(&page, "#data svg .bar").len(), 2 * 10);
    assert_eq!(select(&page, "#data .samples img").len(), 10 * 12);
    assert!(
        text("#about pre").contains("handful compare --clusters 9 --n-neighbors 3"),
        "{}",
        text("#about pre")
    );
    assert!(text("#about").contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn without_a_sweep_the_report_says_how_to_get_one() {
    let page = report(&["--clusters", "2"]);
    assert_eq!(select(&page, "#sizes svg").len(), 0);
    assert_eq!(select(&page, "#sizes code").len(), 1);
}

/// Digits are the default, not an assumption.
#[test]
fn other_shapes_and_classes_are_shown_as_they_are() {
    let many: Vec<u8> = (0..47).flat_map(|class| [5 * class; 3]).collect();
    for (shape, labels, n_classes) in [
        ([3, 17], &[1, 1, 7, 7, 3, 3][..], 3),
        ([1, 1], &[9, 200, 9], 2),
        ([4, 4], &[0, 255, 0, 255], 2),
        ([8, 8], &many, 47),
    ] {
        let subset = Subset::made(shape, labels);
        let args = ["compare", "--clusters", "1", "--sweep", "--report", "report.html"];
        let output = subset.handful().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{labels:?}: {}", stderr(&output));
        let page = Html::parse_document(&fs::read_to_string(subset.path("report.html")).unwrap());
        assert_eq!(select(&page, "#prototypes figure").len(), n_classes, "{labels:?}");
        assert_eq!(
            select(&page, "#prototypes figure img").len(),
            n_classes,
            "equal images need one prototype"
        );
        assert_eq!(select(&page, "#data svg .bar").len(), 2 * n_classes);
        assert_eq!(select(&page, "#mistakes figure").len(), 0, "all are right");
        let picture = select(&page, "#prototypes img")[0];
        assert_eq!(picture.attr("height").unwrap(), shape[0].to_string());
        assert_eq!(picture.attr("width").unwrap(), shape[1].to_string());
    }
}

#[test]
fn a_sweep_without_a_size_that_fits_says_so() {
    let subset = Subset::made([2, 2], &[7, 8].repeat(40));
    let args = ["compare", "--clusters", "60", "--n-neighbors", "50", "--sweep"];
    let output = subset.handful().args(args).output().unwrap();
    // All images of a class are equal: there are two prototypes, fewer than the neighbours asked for.
    assert_eq!(output.status.code(), Some(1));
    let subset = Subset::new(900, 20);
    let args = ["compare", "--clusters", "70", "--n-neighbors", "650", "--sweep", "--report", "report.html"];
    let output = subset.handful().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = Html::parse_document(&fs::read_to_string(subset.path("report.html")).unwrap());
    assert_eq!(select(&page, "#sizes p").len(), 1);
    assert_eq!(select(&page, "#sizes code").len(), 0);
}

#[test]
fn the_report_fetches_nothing() {
    let page = report(&["--sweep"]);
    for element in select(&page, "*") {
        for (name, value) in element.value().attrs() {
            match name {
                "src" => assert!(value.starts_with("data:image/png;base64,"), "{value}"),
                "href" => assert!(value.starts_with('#'), "{value}"),
                "srcset" | "data" | "poster" | "action" | "background" => panic!("{name}={value}"),
                "style" => assert!(!value.contains("url("), "{value}"),
                _ => assert!(!name.starts_with("on"), "{name}"),
            }
        }
    }
    for forbidden in ["script", "link", "iframe", "object", "embed", "base"] {
        assert!(select(&page, forbidden).is_empty(), "{forbidden}");
    }
    let css: String = select(&page, "style").iter().flat_map(scraper::ElementRef::text).collect();
    assert!(!css.contains("url(") && !css.contains("@import"), "styles stand on their own");
    assert!(css.contains("prefers-color-scheme: dark") && css.contains("@media print"));
    let policy = select(&page, "meta[http-equiv=Content-Security-Policy]");
    assert!(policy[0].attr("content").unwrap().starts_with("default-src 'none'"));
}
