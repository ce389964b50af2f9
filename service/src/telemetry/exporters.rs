//! The three OTLP exporters, over HTTP or gRPC.

use std::sync::Arc;

use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig,
};

use super::deliveries::{Deliveries, Noted};
use super::route::{Protocol, Route};
use super::transport::Transport;

/// Builds exporters whose results go to `deliveries`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workshop<'a> {
    pub(super) deliveries: &'a Arc<Deliveries>,
}

impl Workshop<'_> {
    pub(super) fn metrics(
        self,
        route: &Route,
    ) -> Result<Noted<MetricExporter>, ExporterBuildError> {
        let builder = MetricExporter::builder();
        let exporter = match route.protocol {
            Protocol::Http => self.over_http(builder.with_http(), route).build(),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => configured(builder.with_tonic(), route).build(),
        };
        Ok(self.noted(exporter?, route))
    }

    pub(super) fn spans(self, route: &Route) -> Result<Noted<SpanExporter>, ExporterBuildError> {
        let builder = SpanExporter::builder();
        let exporter = match route.protocol {
            Protocol::Http => self.over_http(builder.with_http(), route).build(),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => configured(builder.with_tonic(), route).build(),
        };
        Ok(self.noted(exporter?, route))
    }

    pub(super) fn logs(self, route: &Route) -> Result<Noted<LogExporter>, ExporterBuildError> {
        let builder = LogExporter::builder();
        let exporter = match route.protocol {
            Protocol::Http => self.over_http(builder.with_http(), route).build(),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => configured(builder.with_tonic(), route).build(),
        };
        Ok(self.noted(exporter?, route))
    }

    fn over_http<B: WithExportConfig + WithHttpConfig>(self, builder: B, route: &Route) -> B {
        let transport = Transport::new(route.signal, route.timeout, self.deliveries);
        configured(builder, route).with_http_client(transport)
    }

    fn noted<E>(self, exporter: E, route: &Route) -> Noted<E> {
        Noted {
            exporter,
            signal: route.signal,
            endpoint: route.shown(),
            deliveries: Arc::clone(self.deliveries),
        }
    }
}

/// Headers, compression and temporality are left to the environment.
fn configured<B: WithExportConfig>(builder: B, route: &Route) -> B {
    let protocol = match route.protocol {
        Protocol::Http => opentelemetry_otlp::Protocol::HttpBinary,
        #[cfg(feature = "grpc")]
        Protocol::Grpc => opentelemetry_otlp::Protocol::Grpc,
    };
    builder
        .with_protocol(protocol)
        .with_endpoint(&route.endpoint)
        .with_timeout(route.timeout)
}
