//! The live page at `/`, embedded in the program.
//!
//! Everything that it needs comes from here: the policy below lets a browser load nothing from
//! elsewhere, and run no script and apply no style that stands in the page itself, so that a pool's
//! name cannot become either.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use xxhash_rust::xxh3::xxh3_128;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// One file of the page.
#[derive(Clone, Copy, Debug)]
struct Asset {
    path: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($path:literal $media_type:ident $file:literal)*) => {
        [$(Asset {
            path: $path,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../../page/", $file)),
        }),*]
    };
}

const ASSETS: [Asset; 32] = assets! {
    "/" HTML "index.html"
    "/page/arenas.js" SCRIPT "arenas.js"
    "/page/bar.js" SCRIPT "bar.js"
    "/page/chart.css" STYLE "chart.css"
    "/page/chart.js" SCRIPT "chart.js"
    "/page/configuration.js" SCRIPT "configuration.js"
    "/page/connection.js" SCRIPT "connection.js"
    "/page/controls.css" STYLE "controls.css"
    "/page/demand.js" SCRIPT "demand.js"
    "/page/element.js" SCRIPT "element.js"
    "/page/favicon.svg" PICTURE "favicon.svg"
    "/page/format.js" SCRIPT "format.js"
    "/page/history.js" SCRIPT "history.js"
    "/page/hit_rate.js" SCRIPT "hit_rate.js"
    "/page/main.js" SCRIPT "main.js"
    "/page/misses.js" SCRIPT "misses.js"
    "/page/notice.css" STYLE "notice.css"
    "/page/notices.js" SCRIPT "notices.js"
    "/page/page.css" STYLE "page.css"
    "/page/pool.css" STYLE "pool.css"
    "/page/pools.js" SCRIPT "pools.js"
    "/page/stream.js" SCRIPT "stream.js"
    "/page/table.css" STYLE "table.css"
    "/page/table.js" SCRIPT "table.js"
    "/page/theme.css" STYLE "theme.css"
    "/page/theme.js" SCRIPT "theme.js"
    "/page/throughput.js" SCRIPT "throughput.js"
    "/page/tiles.js" SCRIPT "tiles.js"
    "/page/workers.js" SCRIPT "workers.js"
    "/page/vendor/uplot.LICENSE" TEXT "vendor/uplot.LICENSE"
    "/page/vendor/uplot.css" STYLE "vendor/uplot.css"
    "/page/vendor/uplot.js" SCRIPT "vendor/uplot.js"
};

/// `GET /` and what the page asks for next. None of it tells anything about the process.
pub fn router() -> Router {
    ASSETS.into_iter().fold(Router::new(), |router, asset| {
        let tag = format!("\"{:032x}\"", xxh3_128(asset.bytes));
        let answer = async move |headers: HeaderMap| asset.answer(&tag, &headers);
        router.route(asset.path, get(answer))
    })
}

impl Asset {
    /// `no-cache`: a browser asks each time, so that after an update it shows no old page with a new
    /// script; with the tag it is answered in one line.
    fn answer(self, tag: &str, asked: &HeaderMap) -> Response {
        let always = [(ETAG, tag), (CACHE_CONTROL, "no-cache")];
        if is_known(tag, asked) {
            return (StatusCode::NOT_MODIFIED, always).into_response();
        }
        let headers = [
            (CONTENT_TYPE, self.media_type),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
        ];
        (always, headers, self.bytes).into_response()
    }
}

fn is_known(tag: &str, asked: &HeaderMap) -> bool {
    let tags = asked.get_all(IF_NONE_MATCH).iter();
    let known = |known: &str| known.trim().trim_start_matches("W/") == tag || known.trim() == "*";
    tags.flat_map(|tags| tags.to_str().unwrap_or_default().split(','))
        .any(known)
}
