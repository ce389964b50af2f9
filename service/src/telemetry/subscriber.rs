//! The process's `tracing` subscriber: who sees which span and event.
//!
//! | from | standard error | OTLP | live page |
//! |---|---|---|---|
//! | our events that the registry declares | from INFO on | yes | yes |
//! | our other events | from INFO on | no | no |
//! | our spans | no | yes | no |
//! | the SDK (`opentelemetry…`) | as `OTEL_LOG_LEVEL` says, else no | no | no |
//! | anything else: HTTP, gRPC, runtime | no | no | no |
//!
//! So an exporter's own spans and events are never exported, and an outage does not flood the screen.
//! A span that no exporter wants is disabled at its call site.

use std::io::{self, IsTerminal as _};

use knhk_pool::telemetry::semconv::event;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::notices::Notices;
use super::providers::Providers;
use crate::instruments;

/// The library's target, and the beginning of the service's.
const OURS: &str = "knhk_pool";

/// Events that may leave the process.
const DECLARED: [&str; 7] = [
    event::KNHK_ARENA_BAD_CONFIG,
    event::KNHK_BUFFER_POOL_BAD_CONFIG,
    event::KNHK_BUFFER_POOL_HIT_RATE_RECOVERED,
    event::KNHK_BUFFER_POOL_LOW_HIT_RATE,
    event::KNHK_HOT_PATH_VIOLATION,
    event::KNHK_OBJECT_POOL_HIT_RATE_RECOVERED,
    event::KNHK_OBJECT_POOL_LOW_HIT_RATE,
];

/// Our events on standard error, and nothing else: for a command that has no telemetry.
pub fn warnings_only() {
    tracing_subscriber::registry()
        .with(on_stderr(LevelFilter::OFF))
        .init();
}

/// What `providers` export, our declared events in `notices`, and our events on standard error; the
/// SDK's from `sdk` on.
pub(super) fn install(providers: &Providers, sdk: LevelFilter, notices: Notices) {
    tracing_subscriber::registry()
        .with(providers.traces.as_ref().map(spans))
        .with(providers.logs.as_ref().map(events))
        .with(notices.with_filter(filter_fn(is_declared)))
        .with(on_stderr(sdk))
        .init();
}

/// Our spans, to `provider`, with the attributes that the registry lists and no others.
pub fn spans<S>(provider: &SdkTracerProvider) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer_with_scope(instruments::scope()))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_level(false)
        .with_filter(filter_fn(is_our_span))
}

/// Our declared events, to `provider`.
pub fn events<S>(provider: &SdkLoggerProvider) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    OpenTelemetryTracingBridge::new(provider).with_filter(filter_fn(is_declared))
}

fn on_stderr<S>(sdk: LevelFilter) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(crate::cli::may_colour(io::stderr().is_terminal()))
        .without_time()
        .with_target(false)
        // It would panic where standard error is closed.
        .log_internal_errors(false)
        .with_filter(filter_fn(move |metadata| is_shown(metadata, sdk)))
}

fn is_our_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with(OURS)
}

fn is_declared(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
        && metadata.target().starts_with(OURS)
        && DECLARED.contains(&metadata.name())
}

fn is_shown(metadata: &Metadata<'_>, sdk: LevelFilter) -> bool {
    let from = |prefix| metadata.target().starts_with(prefix);
    let is_wanted = if from(OURS) {
        *metadata.level() <= Level::INFO
    } else {
        from("opentelemetry") && *metadata.level() <= sdk
    };
    metadata.is_event() && is_wanted
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::Context;

    use super::*;

    /// Notes the names of what it sees.
    #[derive(Clone, Default)]
    struct Names(Arc<Mutex<Vec<&'static str>>>);

    impl<S: Subscriber> Layer<S> for Names {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            self.note(event.metadata().name());
        }

        fn on_new_span(
            &self,
            attributes: &tracing::span::Attributes<'_>,
            _: &tracing::span::Id,
            _: Context<'_, S>,
        ) {
            self.note(attributes.metadata().name());
        }
    }

    impl Names {
        fn note(&self, name: &'static str) {
            self.0.lock().expect("no test panics here").push(name);
        }
    }

    /// What passes `filter` of everything that may happen in the process.
    fn seen(filter: impl Fn(&Metadata<'_>) -> bool + Send + Sync + 'static) -> Vec<&'static str> {
        let names = Names::default();
        let layer = names.clone().with_filter(filter_fn(filter));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(name: event::KNHK_BUFFER_POOL_BAD_CONFIG, target: "knhk_pool", "");
            tracing::warn!(name: "undeclared", target: "knhk_poold", "");
            tracing::debug!(name: "detail", target: "knhk_poold", "");
            tracing::warn!(name: event::KNHK_BUFFER_POOL_LOW_HIT_RATE, target: "other", "");
            tracing::warn!(name: "sdk", target: "opentelemetry_sdk", "");
            tracing::info_span!(target: "knhk_poold", "ours").in_scope(|| ());
            tracing::error_span!(target: "hyper", "theirs").in_scope(|| ());
        });
        let names = names.0.lock().expect("no test panics here");
        names.clone()
    }

    #[test]
    fn each_side_sees_its_own_and_nothing_of_the_exporters() {
        assert_eq!(seen(is_declared), ["knhk.buffer_pool.bad_config"]);
        assert_eq!(seen(is_our_span), ["ours"]);
        let quiet = ["knhk.buffer_pool.bad_config", "undeclared"];
        assert_eq!(seen(|it| is_shown(it, LevelFilter::OFF)), quiet);
        let asked = seen(|it| is_shown(it, LevelFilter::WARN));
        assert_eq!(asked, [&quiet[..], &["sdk"]].concat());
    }

    #[test]
    fn exactly_the_events_of_the_registry_may_leave() {
        let registry = knhk_semconv::Registry::of_this_project().expect("it can be read");
        let mut named: Vec<&str> = registry.events.iter().map(|event| &*event.name).collect();
        named.sort_unstable();
        assert_eq!(named, DECLARED);
    }
}
