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

const ASSETS: [Asset; 5] = assets! {
    "/" HTML "index.html"
    "/page/favicon.svg" PICTURE "favicon.svg"
    "/page/page.css" STYLE "page.css"
    "/page/vendor/uplot.js" SCRIPT "vendor/uplot.js"
    "/page/vendor/uplot.LICENSE" TEXT "vendor/uplot.LICENSE"
};

/// `GET /` and what the page asks for next. None of it tells anything about the process: it may be
/// given to anybody.
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
    let known = |known: &str| known.trim() == tag || known.trim() == "*";
    tags.flat_map(|tags| tags.to_str().unwrap_or_default().split(','))
        .any(known)
}
