//! Which path is answered by what.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::{get, post};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::watch;

use super::live::{self, Live};
use super::refusal::Refusal;
use super::seats::Seats;
use super::service::Service;
use super::{host, instruments, page, triples};
use crate::telemetry;

/// The description of all paths, for programs.
pub const OPENAPI: &str = include_str!("../../openapi.yaml");

/// All paths. Whoever knows no token is told whether the service lives, and nothing else.
pub(super) fn router(service: Arc<Service>, live: Live) -> Router {
    let metrics = get(telemetry::metrics).with_state(service.registry.clone());
    let receipts = get(receipts).with_state((Arc::clone(&service), live.seats().clone()));
    let guarded = Router::new()
        .route("/v1/triples", post(triples::post))
        .route("/v1/config", get(config))
        .route("/v1/receipts", receipts)
        .route("/metrics", metrics)
        .route("/openapi.yaml", get(openapi))
        .with_state(Arc::clone(&service))
        .merge(live::router(live))
        .merge(page::router())
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(from_fn_with_state(Arc::clone(&service), known_only));
    let open = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .with_state(service);
    guarded.merge(open).layer(from_fn(counted))
}

async fn known_only(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    // Before the token is looked at: of any later one this is told.
    let changes = service.token_changes();
    let headers = request.headers();
    let refusal = match &service.current().token {
        Some(token) => (!token.is_known(headers)).then_some(Refusal::Unauthorized),
        None => host::foreign(headers).map(Refusal::ForeignHost),
    };
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    let is_read = request.method() == Method::GET;
    let response = next.run(request).await;
    Ok(if is_read && is_stream(&response) {
        response.map(|body| until(body, changes))
    } else {
        response
    })
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
}

/// Whoever knew a token that holds no more has to know the next one to go on.
fn until(body: Body, mut changes: watch::Receiver<()>) -> Body {
    let changed = Box::pin(async move {
        // An error: the service has gone.
        let _ = changes.changed().await;
    });
    Body::from_stream(body.into_data_stream().take_until(changed))
}

async fn counted(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    instruments::count_answer(response.status().as_u16());
    response
}

async fn ready(State(service): State<Arc<Service>>) -> Result<&'static str, Refusal> {
    service.check().map(|()| "ready\n")
}

async fn config(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "application/json")];
    (headers, service.current().json.clone())
}

async fn receipts(
    State((service, seats)): State<(Arc<Service>, Seats)>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let seat = seats.take()?;
    let (stopping, pending) = (service.stopping.clone(), service.pending.clone());
    let over = Box::pin(async {
        stopping.said().await;
        pending.none().await;
    });
    Ok(service.outlets.receipts.events(seat, over))
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/yaml")], OPENAPI)
}
