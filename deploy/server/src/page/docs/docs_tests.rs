//! The guide as a browser gets it, without signing in, and the HTML that its Markdown may produce.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;

use super::markdown::render;
use super::{PAGES, SOURCES, letter_pair_similarity, nearest, page_url};
use crate::http::RouteAccess;
use crate::router::routes::table;
use crate::tests::{Answered, Scene, scene, scene_with};

async fn get(scene: &Scene, path: &str) -> Answered {
    let request = Request::builder().uri(path).header("accept", "text/html");
    scene.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_page_is_served_to_anyone_with_one_first_heading_and_the_table_of_contents() {
    let scene = scene_with(|settings| settings.limits.requests_per_minute = 100_000).await;
    for (name, _) in SOURCES {
        let answer = get(&scene, &page_url(name).unwrap()).await;
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.text.matches("<h1").count(), 1, "{name}");
        for page in &*PAGES {
            assert!(
                answer.text.contains(&format!("<a href=\"{}\"", page.url())),
                "{name} lacks {}",
                page.name
            );
        }
        assert!(answer.text.contains("aria-current=\"page\""), "{name}");
        for forbidden in ["<style", " style=", "<script>", "onclick"] {
            assert!(!answer.text.contains(forbidden), "{name} has {forbidden}");
        }
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("style-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn every_file_of_the_guide_is_a_page() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../guide");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, SOURCES.iter().map(|(name, _)| format!("{name}.md")).collect());
}

/// Files of the source folder are not served. A link to one becomes plain text, so the text has to name the file.
#[test]
fn links_out_of_the_guide_name_their_file() {
    for (name, source) in SOURCES {
        for (before, after) in
            source.split("](").collect::<Vec<_>>().windows(2).map(|pair| (pair[0], pair[1]))
        {
            let target = after.split(')').next().unwrap();
            if target.starts_with("../") {
                let text = before.rsplit('[').next().unwrap();
                let path = target.trim_start_matches("../").split('#').next().unwrap();
                assert!(text.ends_with(path), "{name}: [{text}]({target})");
            }
        }
    }
}

#[tokio::test]
async fn pages_link_to_the_guide() {
    let scene = scene().await;
    let sign_in = get(&scene, "/sign-in").await;
    assert!(sign_in.text.contains("href=\"/docs\""), "{}", sign_in.text);
}

#[tokio::test]
async fn an_unknown_page_is_told_with_the_nearest_one() {
    let scene = scene().await;
    for (asked, url) in [
        ("operation", "/docs/operations"),
        ("SLACK.md", "/docs/slack"),
        ("investigation", "/docs/investigate"),
        ("backup", "/docs/operations#backup-and-restore"),
    ] {
        let answer = get(&scene, &format!("/docs/{asked}")).await;
        assert_eq!(answer.status, 404, "{asked}");
        assert!(answer.text.contains(&format!("Did you mean <a href=\"{url}\"")), "{asked}: {}", answer.text);
    }
    let other = get(&scene, "/docs/%3Cscript%3Ezzqx").await;
    assert_eq!(other.status, 404);
    assert!(!other.text.contains("<script>") && !other.text.contains("Did you mean"), "{}", other.text);
    assert!(other.text.contains("href=\"/docs\""));
}

#[test]
fn similarity_counts_pairs_of_letters() {
    assert_eq!(letter_pair_similarity("slack", "slack"), 1.0);
    assert_eq!(letter_pair_similarity("", "slack"), 0.0);
    assert_eq!(letter_pair_similarity("abc", "abd"), 0.5);
    assert!(nearest("").is_none());
}

#[test]
fn raw_html_images_and_strange_links_are_not_passed_through() {
    let source = "# T\n\n<script>alert(1)</script>\n\na <b onclick=x>b</b> ![alt](http://evil.example/x.png)\n\n\
                  [x](javascript:alert(1)) [y](../secret.md) [z](http://a.example/\"><i>) [s](slack.md#the-app)\n";
    let html = render(source, page_url).html;
    for raw in ["<script", "<b ", "<img", "javascript", "<i>", "secret.md"] {
        assert!(!html.contains(raw), "{raw}: {html}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    assert!(html.contains("<a href=\"/docs/slack#the-app\">s</a>"), "{html}");
}

#[test]
fn blocks_become_what_they_are() {
    let source = "# A `b` & c\n\n## Two\n\n## Two\n\n1. x\n\n| h | i |\n|---|---|\n| **1** | `2` |\n\n```sh\na < b\n```\n";
    let rendered = render(source, page_url);
    let anchors: Vec<&str> = rendered.headings.iter().map(|heading| heading.anchor.as_str()).collect();
    assert_eq!(anchors, ["a-b--c", "two", "two-1"]);
    for part in [
        "<h1 id=\"a-b--c\">A <code>b</code> &amp; c</h1>",
        "<h2 id=\"two-1\">Two <a class=\"anchor\" href=\"#two-1\" aria-label=\"Link to “Two”\">#</a></h2>",
        "<ol><li>x</li>",
        "<thead><tr><th scope=\"col\">h</th>",
        "<td><strong>1</strong></td>",
        "<pre tabindex=\"0\"><code>a &lt; b\n</code></pre>",
    ] {
        assert!(rendered.html.contains(part), "{part}\n{}", rendered.html);
    }
}

/// The page of the API lists every route for programs with who may call it, and no other route.
#[test]
fn the_page_of_the_api_has_every_route() {
    let (_, page) = SOURCES.iter().find(|(name, _)| *name == "api").unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `GET /") || line.starts_with("| `POST /"));
    let told: BTreeSet<String> =
        rows.map(|row| row.split('|').skip(1).take(2).map(str::trim).collect::<Vec<_>>().join(" ")).collect();
    let expected = table().into_iter().filter_map(|route| {
        let who = match route.access {
            RouteAccess::Open => "open".to_owned(),
            RouteAccess::Signed => "signed".to_owned(),
            RouteAccess::Role(role) => role.to_string(),
            RouteAccess::Page(_) | RouteAccess::Visitor => return None,
        };
        Some(format!("`{} {}` {who}", route.method.to_uppercase(), route.path))
    });
    assert_eq!(told, expected.collect());
}
