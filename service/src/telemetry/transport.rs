//! OTLP requests over HTTP, each on the thread that exports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use knhk_pool::telemetry::semconv::KnhkTelemetrySignal as Signal;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::Agent;

use super::deliveries::Deliveries;

/// The most that is read of an answer, in bytes: what the specification recommends.
const ANSWER_MAX: u64 = 4 << 20;

/// A client that blocks its thread: one of the SDK's own, which does nothing else.
#[derive(Debug)]
pub(super) struct Transport {
    agent: Agent,
    signal: Signal,
    deliveries: Arc<Deliveries>,
}

impl Transport {
    /// A request, its answer's body included, takes at most `timeout`.
    pub(super) fn new(signal: Signal, timeout: Duration, deliveries: &Arc<Deliveries>) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // A collector does not send one elsewhere, and a redirect would leak headers.
            .max_redirects(0)
            .build();
        Self {
            agent: config.into(),
            signal,
            deliveries: Arc::clone(deliveries),
        }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, &body[..]);
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let bytes = body.with_config().limit(ANSWER_MAX).read_to_vec()?;
        Ok(Response::from_parts(parts, bytes.into()))
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request);
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => {
                let reason = format!("it answers {}", answer.status());
                self.deliveries.explain(self.signal, reason);
            }
            Err(error) => self.deliveries.explain(self.signal, error.to_string()),
        }
        Ok(answer?)
    }
}
