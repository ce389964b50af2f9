//! Why a request was not answered with a result, as a status and a JSON object.

use std::time::Duration;

use axum::Json;
use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use knhk_pool::telemetry::semconv::KnhkServiceReason as Reason;
use serde::Serialize;

use super::instruments;

/// When a client that was turned away may come back.
const RETRY_AFTER_S: &str = "1";

/// Why there is no result. What the client sent is not processed, or not acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("this path is not here; /openapi.yaml says which are")]
    NotFound,
    #[error("this path does not take this method")]
    MethodNotAllowed,
    #[error("a token is needed: `Authorization: Bearer TOKEN`, or Basic with it as the password")]
    Unauthorized,
    #[error("the request comes from a page of {0}")]
    CrossOrigin(String),
    #[error(
        "host is {0:?}; without a token it has to be an address, localhost or a name without a dot"
    )]
    ForeignHost(String),
    #[error("no hooks are named {name:?}; there are {known}")]
    UnknownHooks { name: String, known: String },
    #[error("cannot read the query: {0}")]
    Query(String),
    #[error("content-type is {0:?}, expected application/n-triples or text/plain, in UTF-8")]
    ContentType(String),
    #[error("content-encoding is {0:?}, expected gzip or identity")]
    ContentEncoding(String),
    #[error("cannot read the body: {0}")]
    Body(String),
    #[error("the body has more than {0} bytes")]
    BodyTooLarge(usize),
    #[error("the body's text has more than {0} bytes")]
    TextTooLarge(usize),
    #[error("what the hooks make of the batch has more than {0} bytes")]
    OutputTooLarge(usize),
    #[error("the body did not arrive within {} ms", .0.as_millis())]
    BodyTooSlow(Duration),
    #[error("{0}")]
    Collision(String),
    #[error("all {0} places of the queue are taken")]
    QueueFull(usize),
    #[error("requests in memory have {0} bytes already")]
    HeldFull(usize),
    #[error("all {0} seats for viewers and readers of receipts are taken")]
    ViewersFull(usize),
    #[error(
        "there are no seats for viewers and readers of receipts: there is one connection alone"
    )]
    NoSeats,
    #[error("no worker was free within {} ms", .0.as_millis())]
    Expired(Duration),
    #[error("the service is stopping")]
    Stopping,
    #[error("a worker failed; nothing of this request was kept")]
    Worker,
    #[error("cannot write the journal: {0}")]
    Journal(String),
    #[error(
        "the journal cannot be trusted: {0}; it is opened anew on SIGHUP and at the next start"
    )]
    JournalLost(String),
}

/// The body of an answer that is no result.
#[derive(Serialize)]
struct Body {
    error: &'static str,
    message: String,
}

impl Refusal {
    /// The status, and the name that programs go by.
    fn kind(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::NotFound => (S::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized"),
            Self::CrossOrigin(_) | Self::ForeignHost(_) => (S::FORBIDDEN, "cross_origin"),
            Self::UnknownHooks { .. } => (S::BAD_REQUEST, "unknown_hooks"),
            Self::Query(_) => (S::BAD_REQUEST, "bad_query"),
            Self::ContentType(_) => (S::UNSUPPORTED_MEDIA_TYPE, "content_type"),
            Self::ContentEncoding(_) => (S::UNSUPPORTED_MEDIA_TYPE, "content_encoding"),
            Self::Body(_) => (S::BAD_REQUEST, "bad_body"),
            Self::BodyTooLarge(_) => (S::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::TextTooLarge(_) => (S::PAYLOAD_TOO_LARGE, "text_too_large"),
            Self::OutputTooLarge(_) => (S::PAYLOAD_TOO_LARGE, "output_too_large"),
            Self::BodyTooSlow(_) => (S::REQUEST_TIMEOUT, "body_too_slow"),
            Self::Collision(_) => (S::UNPROCESSABLE_ENTITY, "collision"),
            Self::QueueFull(_) => (S::SERVICE_UNAVAILABLE, "queue_full"),
            Self::HeldFull(_) => (S::SERVICE_UNAVAILABLE, "memory_full"),
            Self::ViewersFull(_) | Self::NoSeats => (S::SERVICE_UNAVAILABLE, "viewers_full"),
            Self::Expired(_) => (S::SERVICE_UNAVAILABLE, "expired"),
            Self::Stopping => (S::SERVICE_UNAVAILABLE, "stopping"),
            Self::JournalLost(_) => (S::SERVICE_UNAVAILABLE, "journal_lost"),
            Self::Worker => (S::INTERNAL_SERVER_ERROR, "worker"),
            Self::Journal(_) => (S::INSUFFICIENT_STORAGE, "journal"),
        }
    }

    /// What the service could not do, as metrics call it; nothing where the client was wrong.
    fn reason(&self) -> Option<Reason> {
        match self {
            Self::QueueFull(_) => Some(Reason::QueueFull),
            Self::HeldFull(_) => Some(Reason::MemoryFull),
            Self::ViewersFull(_) | Self::NoSeats => Some(Reason::ViewersFull),
            Self::Expired(_) => Some(Reason::Expired),
            Self::Stopping => Some(Reason::Stopping),
            Self::Journal(_) | Self::JournalLost(_) => Some(Reason::Journal),
            Self::Worker => Some(Reason::Worker),
            _ => None,
        }
    }

    /// What becomes of what the client has not sent yet is not ours to read.
    fn closes(&self) -> bool {
        matches!(
            self,
            Self::BodyTooLarge(_) | Self::BodyTooSlow(_) | Self::HeldFull(_) | Self::Stopping
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = self.kind();
        if let Some(reason) = self.reason() {
            instruments::count_rejected(reason);
        }
        let message = self.to_string();
        let mut response = (status, Json(Body { error, message })).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE && !matches!(self, Self::NoSeats) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = "Basic realm=\"knhk-poold\", charset=\"UTF-8\"";
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if self.closes() {
            let close = HeaderValue::from_static("close");
            headers.insert(CONNECTION, close);
        }
        response
    }
}
