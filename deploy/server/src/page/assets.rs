/*!
The assets that pages load, all of them from this binary: one style sheet, two libraries, an icon. The URL of each
contains its hash, so that browsers cache it indefinitely and an upgrade takes effect at once.

The libraries are unchanged copies of the published files; check them against the hashes below. htmx 2.0.11 (Zero-Clause
BSD) swaps parts of a page; htmx-ext-sse 2.2.4 (Zero-Clause BSD) lets events of the server start a swap.
*/

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

const HTMX: &str = include_str!("assets/htmx.min.js");
const SSE: &str = include_str!("assets/sse.min.js");
const ICON: &str = include_str!("assets/icon.svg");

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

pub(super) struct PageAsset {
    name: String,
    media_type: &'static str,
    text: String,
}

impl PageAsset {
    fn new(name: &str, ending: &str, media_type: &'static str, text: String) -> Self {
        let hash: String = hex::encode(Sha256::digest(text.as_bytes())).chars().take(16).collect();
        Self { name: format!("{name}-{hash}.{ending}"), media_type, text }
    }

    pub(super) fn url(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

pub(super) static STYLE: LazyLock<PageAsset> = LazyLock::new(|| {
    // Reports look the same here as in an exported file.
    let text = format!("{}{}", millwright_agent::report::STYLE, include_str!("assets/page.css"));
    PageAsset::new("page", "css", "text/css; charset=utf-8", text)
});
pub(super) static SCRIPTS: LazyLock<[PageAsset; 2]> = LazyLock::new(|| {
    [
        PageAsset::new("htmx", "js", JAVASCRIPT, HTMX.to_owned()),
        PageAsset::new("sse", "js", JAVASCRIPT, SSE.to_owned()),
    ]
});
pub(super) static MARK: LazyLock<PageAsset> =
    LazyLock::new(|| PageAsset::new("icon", "svg", "image/svg+xml", ICON.to_owned()));

pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let all = SCRIPTS.iter().chain([&*STYLE, &*MARK]);
    let Some(asset) = all.into_iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.text.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_are_the_published_ones() {
        let hash = |text: &str| hex::encode(Sha256::digest(text.as_bytes()));
        assert_eq!(hash(HTMX), "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717");
        assert_eq!(hash(SSE), "98a46496de0c3605fbffdce9167ba427bdd9553184f83f149c261891a92c0136");
    }
}
