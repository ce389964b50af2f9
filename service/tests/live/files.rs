//! `GET /` and what the page is made of.

use std::fs;
use std::path::{Path, PathBuf};

use knhk_poold::serve::page::router;

use crate::client::{Client, get, run};

const POLICY: &str = "content-security-policy: default-src 'none'; script-src 'self'; \
                      style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("page")
}

/// Every file of the page, below its folder; what tests it is beside it, without an ending or in `checks`.
fn files() -> Vec<String> {
    let in_folder = |sub: &str| {
        let entries = fs::read_dir(folder().join(sub)).expect("the folder is there");
        let names = entries.map(|entry| entry.expect("it can be read").file_name());
        let names = names.map(|name| format!("{sub}{}", name.to_string_lossy()));
        names.filter(|name| name.contains('.')).collect::<Vec<_>>()
    };
    [in_folder(""), in_folder("vendor/")].concat()
}

fn path(file: &str) -> String {
    match file {
        "index.html" => "/".to_owned(),
        other => format!("/page/{other}"),
    }
}

fn media_type(file: &str) -> &'static str {
    match file.rsplit_once('.').expect("it has an ending").1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "license" | "LICENSE" => "text/plain; charset=utf-8",
        other => panic!("no type for .{other}"),
    }
}

#[test]
fn every_file_is_served_as_what_it_is_under_the_policy() {
    run(async {
        let app = router();
        for file in files() {
            let (head, body) = get(&app, &path(&file), "").await;
            assert!(head.starts_with("http/1.1 200 "), "{file}: {head}");
            let kind = format!("content-type: {}\r\n", media_type(&file));
            assert!(head.contains(&kind), "{file}: {head}");
            assert!(head.contains(POLICY), "{file}: {head}");
            assert!(
                head.contains("x-content-type-options: nosniff"),
                "{file}: {head}"
            );
            let text = fs::read_to_string(folder().join(&file)).expect("it is text");
            assert_eq!(body, text, "{file}");
        }
    });
}

#[test]
fn what_a_browser_has_is_asked_for_each_time_and_not_sent_again() {
    run(async {
        let app = router();
        let (head, _) = get(&app, "/page/main.js", "").await;
        assert!(head.contains("cache-control: no-cache"), "{head}");
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: "));
        let tag = tag.expect("it has a tag").to_owned();
        for known in [
            tag.clone(),
            format!("\"other\", W/{tag}"),
            format!("\"other\", {tag}"),
        ] {
            let (head, body) = get(
                &app,
                "/page/main.js",
                &format!("if-none-match: {known}\r\n"),
            )
            .await;
            assert!(head.starts_with("http/1.1 304 "), "{known}: {head}");
            assert!(
                head.contains(&tag) && body.is_empty(),
                "{known}: {head}{body}"
            );
        }
        let (head, _) = get(
            &app,
            "/page/element.js",
            &format!("if-none-match: {tag}\r\n"),
        )
        .await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        let asked = Client::ask(&app, "HEAD", "/", "connection: close\r\n").await;
        let (head, body) = asked.answer().await;
        assert!(
            head.starts_with("http/1.1 200 ") && body.is_empty(),
            "{head}{body}"
        );
    });
}

#[test]
fn the_page_asks_for_nothing_that_is_not_bundled_and_has_no_script_or_style_of_its_own() {
    let page = fs::read_to_string(folder().join("index.html")).expect("it is text");
    let bundled: Vec<String> = files().iter().map(|file| path(file)).collect();
    let attributes = ["src=\"", "href=\""].map(|attribute| page.split(attribute).skip(1));
    let asked: Vec<&str> = attributes
        .into_iter()
        .flatten()
        .map(|rest| rest.split('"').next().unwrap_or_default())
        .collect();
    assert!(asked.len() > 10, "{asked:?}");
    for place in asked {
        let is_endpoint = ["v1/pools", "v1/config", "metrics"].contains(&place);
        let is_known = bundled.contains(&format!("/{place}")) || place.starts_with('#');
        assert!(is_endpoint || is_known, "{place}");
    }
    for own in [
        "<style",
        "style=",
        "<script>",
        " onclick",
        " onload",
        "javascript:",
    ] {
        assert!(!page.contains(own), "{own}");
    }
}
