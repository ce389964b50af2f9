//! `POST /v1/triples`: a body of N-Triples in, what became of them out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body as Incoming;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, ORIGIN,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::batch::{Batch, Claim, Reply};
use super::held::Body;
use super::limits::Limits;
use super::refusal::Refusal;
use super::service::Service;

/// What N-Triples may call themselves.
const TYPES: [&str; 2] = ["application/n-triples", "text/plain"];

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What may stand behind `?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    hooks: Option<String>,
}

pub(super) async fn post(
    State(service): State<Arc<Service>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    incoming: Incoming,
) -> Result<Response, Refusal> {
    let Query(Parameters { hooks }) =
        parameters.map_err(|error| Refusal::Query(error.body_text()))?;
    check_origin(&headers)?;
    check_type(&headers)?;
    let is_gzip = is_gzip(&headers)?;
    service.check()?;
    let current = service.current();
    let hooks = current.hooks.named(hooks.as_deref())?;
    let body = collect(&service, &current.limits, &headers, incoming).await?;
    let (reply, answer) = oneshot::channel();
    let claim = Claim::default();
    service.queue.push(Batch {
        body,
        is_gzip,
        text_bytes_max: current.limits.text_bytes_max,
        hooks,
        reply,
        since: Instant::now(),
        claim: claim.clone(),
    })?;
    let answer = wait(answer, &claim, current.limits.queue_time).await?;
    // A whole line, for who looks at it in a terminal.
    Ok(([(CONTENT_TYPE, JSON)], format!("{answer}\n")).into_response())
}

/// For a worker so long, and for what it makes of the batch as long as that takes.
async fn wait(mut answer: oneshot::Receiver<Reply>, claim: &Claim, queue_time: Duration) -> Reply {
    let answered = match timeout(queue_time, &mut answer).await {
        Ok(answered) => answered,
        Err(_) if claim.take() => return Err(Refusal::Expired(queue_time)),
        Err(_) => answer.await,
    };
    // Without a reply the queue was dropped with the batch in it: the service has stopped.
    answered.unwrap_or(Err(Refusal::Stopping))
}

/// A page of another site may send a body of plain text without asking first.
fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = text(headers, ORIGIN) else {
        return Ok(());
    };
    let site = origin.split_once("://").map(|(_, site)| site);
    if site.is_some() && site == text(headers, HOST) {
        Ok(())
    } else {
        Err(Refusal::CrossOrigin(origin.to_owned()))
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let given = value.to_str().unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err(Refusal::ContentType(printable(value)))
    }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    let Some(value) = headers.get(CONTENT_ENCODING) else {
        return Ok(false);
    };
    let encoding = value.to_str().unwrap_or_default().trim();
    if encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip") {
        Ok(true)
    } else if encoding.eq_ignore_ascii_case("identity") {
        Ok(false)
    } else {
        Err(Refusal::ContentEncoding(printable(value)))
    }
}

fn printable(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|it| it.to_str().unwrap_or("?"))
}

/// The whole body, within its size and its time.
async fn collect(
    service: &Service,
    limits: &Limits,
    headers: &HeaderMap,
    incoming: Incoming,
) -> Result<Body, Refusal> {
    let length = text(headers, CONTENT_LENGTH).and_then(|it| it.parse::<u64>().ok());
    if length.is_some_and(|length| length > limits.body_bytes_max as u64) {
        return Err(Refusal::BodyTooLarge(limits.body_bytes_max));
    }
    tokio::select! {
        body = timeout(limits.body_time, read(service, limits, incoming)) => {
            body.unwrap_or(Err(Refusal::BodyTooSlow(limits.body_time)))
        }
        () = service.stopping.clone().said() => Err(Refusal::Stopping),
    }
}

async fn read(service: &Service, limits: &Limits, mut incoming: Incoming) -> Result<Body, Refusal> {
    let mut body = Body::new(&service.held);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| Refusal::Body(error.to_string()))?;
        // Trailers say nothing that we ask for.
        let Some(part) = frame.data_ref() else {
            continue;
        };
        if body.bytes().len() + part.len() > limits.body_bytes_max {
            return Err(Refusal::BodyTooLarge(limits.body_bytes_max));
        }
        body.append(part, limits.held_bytes_max)?;
    }
    Ok(body)
}
