//! What was emitted, in the form of the wire.

use opentelemetry::Value;
use opentelemetry::logs::AnyValue;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{self as otlp, metric, number_data_point};
use opentelemetry_sdk::logs::in_memory_exporter::LogDataWithResource;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::SpanData;

use knhk_semconv::registry::{Instrument, ValueType};

/// Everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) metrics: Vec<SeenMetric>,
    pub(crate) spans: Vec<SeenSpan>,
    pub(crate) events: Vec<SeenEvent>,
}

/// A metric with its points.
#[derive(Clone, Debug)]
pub(crate) struct SeenMetric {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) description: String,
    pub(crate) instrument: Instrument,
    pub(crate) scope: Scope,
    pub(crate) points: Vec<Point>,
}

#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) attributes: Attributes,
    pub(crate) value: f64,
    pub(crate) value_type: ValueType,
}

#[derive(Clone, Debug)]
pub(crate) struct SeenSpan {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) scope: Scope,
    pub(crate) attributes: Attributes,
    pub(crate) trace: String,
    pub(crate) parent: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SeenEvent {
    pub(crate) name: String,
    pub(crate) severity_number: i32,
    pub(crate) attributes: Attributes,
}

pub(crate) type Attributes = Vec<(String, Held)>;

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Held {
    Text(String),
    Int(i64),
    Double(f64),
    Boolean(bool),
    Other,
}

/// Who emitted a metric or a span: name, version, schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) schema_url: String,
}

impl Seen {
    pub(crate) fn metric(&self, name: &str) -> Option<&SeenMetric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The value of the point that has `owner` among its attributes.
    pub(crate) fn value(&self, metric: &str, owner: &str) -> Option<f64> {
        let owner = Held::Text(owner.to_owned());
        let points = &self.metric(metric)?.points;
        let has_it = |point: &&Point| point.attributes.iter().any(|(_, held)| *held == owner);
        points.iter().find(has_it).map(|point| point.value)
    }

    /// One export of all metrics.
    pub(crate) fn add_metrics(&mut self, exported: &ResourceMetrics) {
        let request = ExportMetricsServiceRequest::from(exported);
        for resource in request.resource_metrics {
            for scope in resource.scope_metrics {
                let of = Scope::of(scope.scope.unwrap_or_default(), scope.schema_url);
                let metrics = scope.metrics.into_iter();
                self.metrics
                    .extend(metrics.map(|metric| SeenMetric::of(metric, &of)));
            }
        }
    }

    pub(crate) fn add_span(&mut self, span: &SpanData) {
        let text = |value: &Value| match value {
            Value::String(text) => Held::Text(text.to_string()),
            Value::I64(int) => Held::Int(*int),
            Value::F64(double) => Held::Double(*double),
            Value::Bool(boolean) => Held::Boolean(*boolean),
            _ => Held::Other,
        };
        let attributes = span.attributes.iter();
        let parent = span.parent_span_id;
        let scope = &span.instrumentation_scope;
        self.spans.push(SeenSpan {
            name: span.name.to_string(),
            kind: format!("{:?}", span.span_kind).to_lowercase(),
            scope: Scope {
                name: scope.name().to_owned(),
                version: scope.version().unwrap_or_default().to_owned(),
                schema_url: scope.schema_url().unwrap_or_default().to_owned(),
            },
            attributes: attributes
                .map(|pair| (pair.key.to_string(), text(&pair.value)))
                .collect(),
            trace: span.span_context.trace_id().to_string(),
            parent: (parent != opentelemetry::SpanId::INVALID).then(|| parent.to_string()),
        });
    }

    pub(crate) fn add_event(&mut self, log: &LogDataWithResource) {
        let text = |value: &AnyValue| match value {
            AnyValue::String(text) => Held::Text(text.to_string()),
            AnyValue::Int(int) => Held::Int(*int),
            AnyValue::Double(double) => Held::Double(*double),
            AnyValue::Boolean(boolean) => Held::Boolean(*boolean),
            _ => Held::Other,
        };
        let record = &log.record;
        let attributes = record.attributes_iter();
        self.events.push(SeenEvent {
            name: record.event_name().unwrap_or_default().to_owned(),
            severity_number: record
                .severity_number()
                .map_or(0, |severity| severity as i32),
            attributes: attributes
                .map(|(key, value)| (key.to_string(), text(value)))
                .collect(),
        });
    }
}

impl Scope {
    fn of(scope: InstrumentationScope, schema_url: String) -> Self {
        let (name, version) = (scope.name, scope.version);
        Self {
            name,
            version,
            schema_url,
        }
    }
}

impl SeenMetric {
    fn of(exported: otlp::Metric, scope: &Scope) -> Self {
        let data = exported.data.expect("a metric has data");
        let (instrument, points) = match data {
            metric::Data::Sum(sum) if sum.is_monotonic => {
                (Instrument::Counter, numbers(sum.data_points))
            }
            metric::Data::Sum(sum) => (Instrument::UpDownCounter, numbers(sum.data_points)),
            metric::Data::Gauge(gauge) => (Instrument::Gauge, numbers(gauge.data_points)),
            metric::Data::Histogram(histogram) => {
                let points = histogram.data_points.into_iter();
                (Instrument::Histogram, points.map(histogram_point).collect())
            }
            other => panic!(
                "{}: not a kind of metric that we have: {other:?}",
                exported.name
            ),
        };
        Self {
            name: exported.name,
            unit: exported.unit,
            description: exported.description,
            instrument,
            scope: scope.clone(),
            points,
        }
    }
}

fn numbers(points: Vec<otlp::NumberDataPoint>) -> Vec<Point> {
    let number = |point: otlp::NumberDataPoint| {
        let (value, value_type) = match point.value.expect("a point has a value") {
            number_data_point::Value::AsInt(int) => (int as f64, ValueType::Int),
            number_data_point::Value::AsDouble(double) => (double, ValueType::Double),
        };
        Point {
            attributes: held(point.attributes),
            value,
            value_type,
        }
    };
    points.into_iter().map(number).collect()
}

/// Its value is the sum; a histogram's numbers are doubles on the wire, whatever was recorded.
fn histogram_point(point: otlp::HistogramDataPoint) -> Point {
    Point {
        attributes: held(point.attributes),
        value: point.sum.unwrap_or_default(),
        value_type: ValueType::Double,
    }
}

fn held(attributes: Vec<KeyValue>) -> Attributes {
    let held = |pair: KeyValue| {
        let value = pair.value.and_then(|value| value.value);
        let held = match value {
            Some(any_value::Value::StringValue(text)) => Held::Text(text),
            Some(any_value::Value::IntValue(int)) => Held::Int(int),
            Some(any_value::Value::DoubleValue(double)) => Held::Double(double),
            Some(any_value::Value::BoolValue(boolean)) => Held::Boolean(boolean),
            _ => Held::Other,
        };
        (pair.key, held)
    };
    attributes.into_iter().map(held).collect()
}
