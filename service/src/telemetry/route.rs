//! The way of one signal to the collector: over which protocol, to which URL, with how much patience.

use std::time::Duration;

use http::Uri;
use knhk_pool::telemetry::semconv::KnhkTelemetrySignal as Signal;

use super::TelemetryError;
use super::environment::Variables;
use super::exports::{MS_MAX, TelemetryChoice};
use crate::userinfo;

/// How OTLP is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    #[cfg(feature = "grpc")]
    Grpc,
}

/// The way of one signal to the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) signal: Signal,
    pub(super) protocol: Protocol,
    /// The whole URL.
    pub(super) endpoint: String,
    /// For an export with all its tries.
    pub(super) timeout: Duration,
}

impl Route {
    /// As asked for.
    pub(super) fn of(
        signal: Signal,
        choice: &TelemetryChoice,
        variables: &Variables<'_>,
    ) -> Result<Self, TelemetryError> {
        let asked = Asked {
            signal,
            choice,
            variables,
        };
        let protocol = asked.protocol()?;
        Ok(Self {
            signal,
            protocol,
            endpoint: asked.endpoint(protocol)?,
            timeout: asked.timeout(),
        })
    }

    /// Whether a URL is given, and so a wish to export.
    pub(super) fn is_given(
        signal: Signal,
        choice: &TelemetryChoice,
        variables: &Variables<'_>,
    ) -> bool {
        let asked = Asked {
            signal,
            choice,
            variables,
        };
        let mut names = asked.names("ENDPOINT").into_iter();
        choice.otlp_endpoint.is_some() || names.any(|name| variables.holds(&name))
    }

    /// The URL as it may be shown: without a user's name and password, and without a query.
    pub(super) fn shown(&self) -> String {
        let Ok(url) = self.endpoint.parse::<Uri>() else {
            return self.signal.as_str().to_owned();
        };
        let authority = url.authority().map_or("", |it| it.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("http://{host}{}", url.path())
    }
}

/// What is asked of one signal.
#[derive(Clone, Copy)]
struct Asked<'a> {
    signal: Signal,
    choice: &'a TelemetryChoice,
    variables: &'a Variables<'a>,
}

impl Asked<'_> {
    fn protocol(&self) -> Result<Protocol, TelemetryError> {
        let flag = self.choice.otlp_protocol.clone();
        let flag = flag.map(|value| ("--otlp-protocol".to_owned(), value));
        let given = flag.or_else(|| self.variables.first(self.names("PROTOCOL")));
        let Some((name, value)) = given else {
            return Ok(Protocol::Http);
        };
        let refused = |expected| TelemetryError::Value {
            name: name.clone(),
            value: value.clone(),
            expected,
        };
        match value.trim() {
            "http/protobuf" => Ok(Protocol::Http),
            #[cfg(feature = "grpc")]
            "grpc" => Ok(Protocol::Grpc),
            #[cfg(not(feature = "grpc"))]
            "grpc" => Err(refused(
                "http/protobuf: this program was built without the feature `grpc`",
            )),
            "http/json" => Err(refused("http/protobuf or grpc: JSON is not supported")),
            _ if name.starts_with("--") => Err(refused("http/protobuf or grpc")),
            _ => {
                self.variables
                    .ignore(&name, &value, "http/protobuf or grpc");
                Ok(Protocol::Http)
            }
        }
    }

    /// Over HTTP a signal's path is added to the base URL, but not to the URL of that signal alone.
    fn endpoint(&self, protocol: Protocol) -> Result<String, TelemetryError> {
        let path = match protocol {
            Protocol::Http => format!("v1/{}", self.signal.as_str()),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => String::new(),
        };
        if let Some(base) = &self.choice.otlp_endpoint {
            return below("--otlp-endpoint", base, &path);
        }
        let [own, general] = self.names("ENDPOINT");
        if let Some(whole) = self.variables.url(&own)? {
            return below(&own, &self.with_scheme(protocol, whole), "");
        }
        if let Some(base) = self.variables.url(&general)? {
            return below(&general, &self.with_scheme(protocol, base), &path);
        }
        let port = if path.is_empty() { 4317 } else { 4318 };
        Ok(format!("http://localhost:{port}/{path}"))
    }

    /// Over gRPC a URL may lack its scheme, which `…_INSECURE` then stands for.
    fn with_scheme(&self, protocol: Protocol, url: String) -> String {
        let insecure = || {
            let given = self.variables.first(self.names("INSECURE"));
            given.is_some_and(|(name, _)| self.variables.is_true(&name))
        };
        if protocol != Protocol::Http && !url.contains("://") && insecure() {
            return format!("http://{url}");
        }
        url
    }

    /// The shorter of the export's and the processor's or reader's.
    fn timeout(&self) -> Duration {
        let [own, general] = self.names("TIMEOUT");
        let of = |name: &str| self.variables.number(name, 1..=MS_MAX);
        let export = of(&own).or_else(|| of(&general)).unwrap_or(10_000);
        let reader = match self.signal {
            Signal::Metrics => "OTEL_METRIC_EXPORT_TIMEOUT",
            Signal::Traces => "OTEL_BSP_EXPORT_TIMEOUT",
            Signal::Logs => "OTEL_BLRP_EXPORT_TIMEOUT",
        };
        Duration::from_millis(export.min(of(reader).unwrap_or(30_000)))
    }

    /// The variables of one setting: the signal's own, and the one for all.
    fn names(&self, what: &str) -> [String; 2] {
        let own = self.signal.as_str().to_ascii_uppercase();
        let own = format!("OTEL_EXPORTER_OTLP_{own}_{what}");
        [own, format!("OTEL_EXPORTER_OTLP_{what}")]
    }
}

/// `path` below the URL `base`.
fn below(name: &str, base: &str, path: &str) -> Result<String, TelemetryError> {
    let refused = |expected| TelemetryError::Value {
        name: name.to_owned(),
        value: userinfo::removed(base),
        expected,
    };
    let plain = "a URL: http://HOST[:PORT][/PATH]";
    let url: Uri = base.trim().parse().map_err(|_| refused(plain))?;
    match (url.scheme_str(), url.authority()) {
        (Some("http"), Some(_)) => {}
        (Some("https"), Some(_)) => {
            return Err(refused(
                "a URL with http://: this program was built without TLS",
            ));
        }
        _ => return Err(refused(plain)),
    }
    if path.is_empty() {
        return Ok(base.trim().to_owned());
    }
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let (folder, query) = (url.path().trim_end_matches('/'), url.query());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!("http://{authority}{folder}/{path}{query}"))
}
