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
use tokio::time::{sleep, timeout};

use super::batch::{Batch, Claim, Reply};
use super::held::Body;
use super::limits::Limits;
use super::queue::Queue;
use super::refusal::Refusal;
use super::service::Service;
use super::stop::Stopping;

/// What N-Triples may call themselves.
const TYPES: [&str; 2] = ["application/n-triples", "text/plain"];

/// How their text may be written: US-ASCII is UTF-8, too.
const CHARSETS: [&str; 3] = ["utf-8", "utf8", "us-ascii"];

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
    // Before it is asked whether the service stops: then a stop waits for it.
    let pending = service.pending.one();
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
        pending,
    })?;
    let waiting = Waiting {
        queue: &service.queue,
        claim,
    };
    let stopping = service.stopping.clone();
    let answer = waiting.wait(answer, current.limits.queue_time, stopping);
    let answer = answer.await?;
    // A whole line, for who looks at it in a terminal.
    Ok(([(CONTENT_TYPE, JSON)], format!("{answer}\n")).into_response())
}

/// Who waits for an answer. If it is dropped, because the client has gone, no worker begins with the batch.
struct Waiting<'q> {
    queue: &'q Queue,
    claim: Claim,
}

impl Waiting<'_> {
    /// For a worker so long, or as long as a stop has time for, and for what it makes of the batch as
    /// long as that takes.
    async fn wait(
        &self,
        mut answer: oneshot::Receiver<Reply>,
        queue_time: Duration,
        stopping: Stopping,
    ) -> Reply {
        let (answered, refusal) = tokio::select! {
            biased;
            answered = &mut answer => (Some(answered), Refusal::Stopping),
            () = sleep(queue_time) => (None, Refusal::Expired(queue_time)),
            () = stopping.overdue() => (None, Refusal::Stopping),
        };
        let answered = match answered {
            Some(answered) => answered,
            None if self.give_up() => return Err(refusal),
            None => answer.await,
        };
        // Without a reply the queue was dropped with the batch in it: the service has stopped.
        answered.unwrap_or(Err(Refusal::Stopping))
    }

    /// Whether no worker has begun, and none will.
    fn give_up(&self) -> bool {
        let is_mine = self.claim.take();
        if is_mine {
            self.queue.give_up();
        }
        is_mine
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// A page of another site may send a body of plain text without asking first.
fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = whole(headers, ORIGIN) else {
        return Ok(());
    };
    let site = origin.split_once("://").map(|(_, site)| site);
    if site.is_some() && site == text(headers, HOST) {
        Ok(())
    } else {
        Err(Refusal::CrossOrigin(origin))
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(given) = whole(headers, CONTENT_TYPE) else {
        return Ok(());
    };
    let mut parts = given.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let is_known = TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known));
    if is_known && parts.filter_map(charset).all(is_read) {
        Ok(())
    } else {
        Err(Refusal::ContentType(given))
    }
}

/// The value of a parameter of that name.
fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    let is_it = name.trim().eq_ignore_ascii_case("charset");
    is_it.then(|| value.trim().trim_matches('"'))
}

/// Whether text in `charset` is read as what it is.
fn is_read(charset: &str) -> bool {
    CHARSETS.iter().any(|it| it.eq_ignore_ascii_case(charset))
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    let Some(encoding) = whole(headers, CONTENT_ENCODING) else {
        return Ok(false);
    };
    if encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip") {
        Ok(true)
    } else if encoding.eq_ignore_ascii_case("identity") {
        Ok(false)
    } else {
        Err(Refusal::ContentEncoding(encoding))
    }
}

/// All lines of that name as the one that they stand for.
fn whole(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines = headers.get_all(name).iter();
    let lines: Vec<_> = lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect();
    (!lines.is_empty()).then(|| lines.join(", ").trim().to_owned())
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
    // One that all memory for bodies could not hold never fits, whatever else is held.
    let most = limits.body_bytes_max.min(limits.held_bytes_max);
    if length.is_some_and(|length| length > most as u64) {
        return Err(Refusal::BodyTooLarge(most));
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
        let most = limits.body_bytes_max.min(limits.held_bytes_max);
        if body.bytes().len() + part.len() > most {
            return Err(Refusal::BodyTooLarge(most));
        }
        let appended = body.append(part, limits.held_bytes_max);
        appended.or_else(|refusal| match service.queue.sweep() {
            true => body.append(part, limits.held_bytes_max),
            false => Err(refusal),
        })?;
    }
    Ok(body)
}
