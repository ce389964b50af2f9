//! The registry with its references resolved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::yaml;
pub use crate::yaml::{Annotations, Example, Member, Own, Plain, Range, Type};

/// Everything that may be emitted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Registry {
    /// Of the project.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Maturity of the whole.
    pub stability: String,
    /// Ends in a version.
    pub schema_url: String,
    /// By key.
    pub attributes: Vec<Attribute>,
    /// By name.
    pub metrics: Vec<Metric>,
    /// By name.
    pub events: Vec<Event>,
    /// By type.
    pub spans: Vec<Span>,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attribute {
    /// Key on the wire.
    pub key: String,
    /// What it may hold.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Maturity.
    pub stability: String,
    /// One sentence.
    pub brief: String,
    /// More.
    pub note: Option<String>,
    /// Its range, if it has one.
    pub annotations: Annotations,
    /// Values that it may have.
    pub examples: Vec<Example>,
}

/// An attribute as a signal has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Used {
    /// The attribute.
    #[serde(flatten)]
    pub attribute: Attribute,
    /// `required` or `recommended`.
    pub requirement_level: String,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Name on the wire.
    pub name: String,
    /// Its kind.
    pub instrument: Instrument,
    /// In UCUM.
    pub unit: String,
    /// Maturity.
    pub stability: String,
    /// Whether it is always emitted: `recommended` is the schema's word for by default.
    pub requirement_level: String,
    /// One sentence.
    pub brief: String,
    /// More.
    pub note: Option<String>,
    /// Kind and range of its values.
    pub annotations: Annotations,
    /// What its points are split by.
    pub attributes: Vec<Used>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Name on the wire.
    pub name: String,
    /// Maturity.
    pub stability: String,
    /// Whether it is always emitted: `recommended` is the schema's word for by default.
    pub requirement_level: String,
    /// One sentence.
    pub brief: String,
    /// More.
    pub note: Option<String>,
    /// Its severity.
    pub annotations: Annotations,
    /// What it tells.
    pub attributes: Vec<Used>,
}

/// A span.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    /// Its name on the wire.
    #[serde(rename = "type")]
    pub name: String,
    /// How it is named: its type, as a constant.
    pub naming: String,
    /// `internal`, `server`, …
    pub kind: String,
    /// Maturity.
    pub stability: String,
    /// Whether it is always emitted: `recommended` is the schema's word for by default.
    pub requirement_level: String,
    /// One sentence.
    pub brief: String,
    /// More.
    pub note: Option<String>,
    /// What it tells.
    pub attributes: Vec<Used>,
}

/// Kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Instrument {
    /// A sum that only rises.
    Counter,
    /// A sum that rises and falls.
    UpDownCounter,
    /// The last value.
    Gauge,
    /// A distribution.
    Histogram,
}

/// Kind of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// Whole numbers.
    Int,
    /// Floating point.
    Double,
}

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is not in the schema, or uses a part of it that this crate does not know.
    #[error("{}: {error}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: serde_yaml_ng::Error,
    },
    /// A file of another format.
    #[error("{}: file_format is {found:?}, expected \"definition/2\"", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// A signal refers to an attribute that is not there.
    #[error("{signal} refers to the attribute {key}, which is not defined")]
    UnknownAttribute {
        /// The signal's name.
        signal: String,
        /// The attribute's key.
        key: String,
    },
    /// One name or key is given twice.
    #[error("{0} is defined twice")]
    Twice(String),
}

impl Registry {
    /// This project's own, `weaver/registry`.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn of_this_project() -> Result<Self, RegistryError> {
        Self::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("registry"))
    }

    /// The registry in `folder`: `manifest.yaml`, and every other `.yaml` beside it.
    ///
    /// # Errors
    ///
    /// [`RegistryError`] for the first file that cannot be read or is wrong.
    pub fn load(folder: &Path) -> Result<Self, RegistryError> {
        let manifest: yaml::Manifest = parse(&folder.join("manifest.yaml"))?;
        let mut files = Vec::new();
        for path in yaml_files(folder)? {
            let file: yaml::File = parse(&path)?;
            if file.file_format != "definition/2" {
                let found = file.file_format;
                return Err(RegistryError::Format { path, found });
            }
            files.push(file);
        }
        Self::resolve(manifest, files)
    }

    /// The metric of that name.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The event of that name.
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }

    /// The span of that name.
    pub fn span(&self, name: &str) -> Option<&Span> {
        self.spans.iter().find(|span| span.name == name)
    }

    fn resolve(manifest: yaml::Manifest, files: Vec<yaml::File>) -> Result<Self, RegistryError> {
        let mut keys = BTreeMap::new();
        let (mut metrics, mut events, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            for attribute in file.attributes.into_iter().map(Attribute::from) {
                let key = attribute.key.clone();
                if keys.insert(key.clone(), attribute).is_some() {
                    return Err(RegistryError::Twice(key));
                }
            }
            metrics.extend(file.metrics);
            events.extend(file.events);
            spans.extend(file.spans);
        }
        let keys = &keys;
        Ok(Self {
            name: manifest.name,
            description: manifest.description,
            stability: manifest.stability,
            schema_url: manifest.schema_url,
            metrics: sorted(metrics, |metric| Metric::of(metric, keys), |it| &it.name)?,
            events: sorted(events, |event| Event::of(event, keys), |it| &it.name)?,
            spans: sorted(spans, |span| Span::of(span, keys), |it| &it.name)?,
            attributes: keys.values().cloned().collect(),
        })
    }
}

type Keys = BTreeMap<String, Attribute>;

fn sorted<A, B>(
    read: Vec<A>,
    resolve: impl Fn(A) -> Result<B, RegistryError>,
    name: impl Fn(&B) -> &String,
) -> Result<Vec<B>, RegistryError> {
    let all: Result<Vec<B>, _> = read.into_iter().map(resolve).collect();
    let mut all = all?;
    all.sort_by(|a, b| name(a).cmp(name(b)));
    match all.windows(2).find(|two| name(&two[0]) == name(&two[1])) {
        Some(two) => Err(RegistryError::Twice(name(&two[0]).clone())),
        None => Ok(all),
    }
}

fn used(
    signal: &str,
    references: Vec<yaml::Reference>,
    keys: &Keys,
) -> Result<Vec<Used>, RegistryError> {
    let resolve = |reference: yaml::Reference| {
        let Some(attribute) = keys.get(&reference.key) else {
            let (signal, key) = (signal.to_owned(), reference.key);
            return Err(RegistryError::UnknownAttribute { signal, key });
        };
        Ok(Used {
            attribute: attribute.clone(),
            requirement_level: reference.requirement_level,
        })
    };
    references.into_iter().map(resolve).collect()
}

impl From<yaml::Attribute> for Attribute {
    fn from(read: yaml::Attribute) -> Self {
        Self {
            key: read.key,
            kind: read.kind,
            stability: read.stability,
            brief: read.brief,
            note: trimmed(read.note),
            annotations: read.annotations,
            examples: read.examples,
        }
    }
}

impl Metric {
    fn of(read: yaml::Metric, keys: &Keys) -> Result<Self, RegistryError> {
        Ok(Self {
            attributes: used(&read.name, read.attributes, keys)?,
            name: read.name,
            instrument: read.instrument,
            unit: read.unit,
            stability: read.stability,
            requirement_level: read.requirement_level,
            brief: read.brief,
            note: trimmed(read.note),
            annotations: read.annotations,
        })
    }

    /// Kind of its values.
    pub fn value_type(&self) -> Option<ValueType> {
        let generation = self.annotations.code_generation.as_ref()?;
        Some(generation.metric_value_type)
    }
}

impl Event {
    fn of(read: yaml::Event, keys: &Keys) -> Result<Self, RegistryError> {
        Ok(Self {
            attributes: used(&read.name, read.attributes, keys)?,
            name: read.name,
            stability: read.stability,
            requirement_level: read.requirement_level,
            brief: read.brief,
            note: trimmed(read.note),
            annotations: read.annotations,
        })
    }
}

impl Span {
    fn of(read: yaml::Span, keys: &Keys) -> Result<Self, RegistryError> {
        Ok(Self {
            attributes: used(&read.kind_of_span, read.attributes, keys)?,
            name: read.kind_of_span,
            naming: read.name.note,
            kind: read.kind,
            stability: read.stability,
            requirement_level: read.requirement_level,
            brief: read.brief,
            note: trimmed(read.note),
        })
    }
}

fn trimmed(note: Option<String>) -> Option<String> {
    note.map(|note| note.trim().to_owned())
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, RegistryError> {
    let text = fs::read_to_string(path).map_err(|error| RegistryError::Read {
        path: path.to_owned(),
        error,
    })?;
    serde_yaml_ng::from_str(&text).map_err(|error| RegistryError::Parse {
        path: path.to_owned(),
        error,
    })
}

/// The definitions, in the order of their names.
fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, RegistryError> {
    let refuse = |error| RegistryError::Read {
        path: folder.to_owned(),
        error,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml");
        if is_yaml && path.file_name().is_some_and(|name| name != "manifest.yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
