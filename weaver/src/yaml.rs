//! The registry's files as they are written: `definition/2`, and of it what this registry uses.

use serde::{Deserialize, Serialize};

use crate::registry::{Instrument, ValueType};

/// `manifest.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) schema_url: String,
    pub(crate) stability: String,
}

/// Any other file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) file_format: String,
    #[serde(default)]
    pub(crate) attributes: Vec<Attribute>,
    #[serde(default)]
    pub(crate) metrics: Vec<Metric>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
    #[serde(default)]
    pub(crate) spans: Vec<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    pub(crate) key: String,
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    pub(crate) stability: String,
    pub(crate) brief: String,
    pub(crate) note: Option<String>,
    #[serde(default)]
    pub(crate) annotations: Annotations,
    #[serde(default)]
    pub(crate) examples: Vec<Example>,
}

/// What an attribute may hold.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Type {
    /// One of these.
    Enum {
        /// In the order of the file.
        members: Vec<Member>,
    },
    /// `string`, `int`, `double` or `boolean`.
    Plain(Plain),
}

/// A type that is not an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Plain {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A floating point number.
    Double,
    /// True or false.
    Boolean,
}

/// One value of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name in code.
    pub id: String,
    /// Its text on the wire.
    pub value: String,
    /// Its maturity.
    pub stability: String,
    /// What it means.
    pub brief: String,
}

/// An example of an attribute's value.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Example {
    /// Of a `boolean`.
    Boolean(bool),
    /// Of an `int`.
    Int(i64),
    /// Of a `double`.
    Double(f64),
    /// Of a `string`.
    String(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) instrument: Instrument,
    pub(crate) unit: String,
    pub(crate) stability: String,
    pub(crate) requirement_level: String,
    pub(crate) brief: String,
    pub(crate) note: Option<String>,
    pub(crate) annotations: Annotations,
    #[serde(default)]
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) stability: String,
    pub(crate) requirement_level: String,
    pub(crate) brief: String,
    pub(crate) note: Option<String>,
    pub(crate) annotations: Annotations,
    #[serde(default)]
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    #[serde(rename = "type")]
    pub(crate) kind_of_span: String,
    pub(crate) kind: String,
    pub(crate) stability: String,
    pub(crate) requirement_level: String,
    pub(crate) brief: String,
    pub(crate) name: SpanName,
    pub(crate) note: Option<String>,
    #[serde(default)]
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpanName {
    pub(crate) note: String,
}

/// An attribute that a signal has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    #[serde(rename = "ref")]
    pub(crate) key: String,
    pub(crate) requirement_level: String,
}

/// What the schema has no field for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Annotations {
    /// For code generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_generation: Option<CodeGeneration>,
    /// For checks of this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knhk: Option<Own>,
}

/// For code generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CodeGeneration {
    /// Kind of a metric's values.
    pub metric_value_type: ValueType,
}

/// For checks of this project.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// Values lie inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// Severity of an event, as OpenTelemetry numbers them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_number: Option<i32>,
}

/// Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Lower end.
    pub min: f64,
    /// Upper end.
    pub max: f64,
}
