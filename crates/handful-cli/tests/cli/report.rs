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

#[test]
fn the_report_fetches_nothing() {
    let page = report(&["--sweep"]);
    for element in select(&page, "*") {
        for (name, value) in element.value().attrs() {
            match name {
                "src" => assert!(value.starts_with("data:image/png;base64,"), "{value}"),
                "href" | "srcset" | "data" | "poster" | "action" | "background" => panic!("{name}={value}"),
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
