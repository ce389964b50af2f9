//! What was wrong with a setting, where it stands, and what would have been right.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::workload::Workload;

/// Where a value comes from. Displayed as a person would look for it: `variable KNHK_POOL_SIZE`,
/// `pools.toml:3:13`, `profile medium`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigSource {
    /// A call in the program.
    Builder,
    /// The environment variable of this name.
    Variable(Cow<'static, str>),
    /// A file as a whole.
    File {
        /// The path as it was given.
        path: Arc<Path>,
    },
    /// A place in a file.
    Line {
        /// The path as it was given.
        path: Arc<Path>,
        /// From 1.
        line: u32,
        /// From 1, in characters.
        column: u32,
    },
    /// The profile of this workload.
    Profile(Workload),
    /// What holds when nobody says otherwise.
    Default,
}

impl fmt::Display for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder => f.write_str("builder"),
            Self::Variable(name) => write!(f, "variable {}", printable(name)),
            Self::File { path } => write!(f, "file {}", escaped(&path.to_string_lossy())),
            Self::Line { path, line, column } => {
                write!(f, "{}:{line}:{column}", escaped(&path.to_string_lossy()))
            }
            Self::Profile(workload) => write!(f, "profile {workload}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What kind of thing was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// A key or variable of this crate's namespace that it does not know.
    UnknownKey,
    /// Not a value of that key at all: another type, other text.
    Invalid,
    /// Of the right type, outside the range.
    OutOfRange,
    /// Pool size × buffer size is above the ceiling.
    TooMuchMemory,
    /// The file is not TOML.
    Syntax,
    /// The file is missing, not a regular file, too large, not UTF-8, or may not be read.
    Unreadable,
    /// The build lacks the feature that would read it.
    Unsupported,
}

/// A setting that is unknown, impossible or unreadable.
///
/// Displayed as one line that names the source, the key, the value, and what was expected:
/// `variable KNHK_POOL_SIZE: pool_size is "many", expected an integer from 0 to 65536`. Text from
/// outside is escaped and shortened.
///
/// # Examples
///
/// ```
/// use knhk_pool::{ConfigErrorKind, ConfigSource, PoolConfig, Workload};
///
/// let error = PoolConfig::from(Workload::Low).with_buffer_size(1).validate().unwrap_err();
/// assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
/// assert_eq!((error.key(), error.value()), ("buffer_size", "1"));
/// assert_eq!(error.source_of(), &ConfigSource::Builder);
/// assert!(error.allowed().contains("64 to 16777216"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigError(Box<Refusal>);

/// Boxed, so that a `Result` stays two words.
#[derive(Clone, Debug, PartialEq)]
struct Refusal {
    kind: ConfigErrorKind,
    key: String,
    value: String,
    allowed: String,
    note: Option<String>,
    source: ConfigSource,
}

impl ConfigError {
    /// `key` may be text from outside; `value` is shown as it is.
    pub(super) fn new(
        kind: ConfigErrorKind,
        key: &str,
        value: String,
        allowed: String,
        source: ConfigSource,
    ) -> Self {
        let key = shortened(key, KEY_CHARS_MAX);
        Self(Box::new(Refusal {
            kind,
            key,
            value,
            allowed,
            note: None,
            source,
        }))
    }

    /// Adds what else there is to say.
    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.0.note = Some(note.into());
        self
    }

    /// What kind of thing was wrong.
    pub fn kind(&self) -> ConfigErrorKind {
        self.0.kind
    }

    /// The key, with its table: `pools.ingest.pool_size`.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// The value as it stands there, escaped and shortened.
    pub fn value(&self) -> &str {
        &self.0.value
    }

    /// What would have been right.
    pub fn allowed(&self) -> &str {
        &self.0.allowed
    }

    /// What else there is to say: the nearest known key, the reason why a file cannot be read.
    pub fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Where the value stands.
    pub fn source_of(&self) -> &ConfigSource {
        &self.0.source
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal {
            key,
            value,
            allowed,
            note,
            source,
            ..
        } = &*self.0;
        write!(f, "{source}: {key} is {value}")?;
        if let Some(note) = note {
            write!(f, " ({note})")?;
        }
        write!(f, ", expected {allowed}")
    }
}

impl Error for ConfigError {}

/// More of a value, or of a part of a key, than this is not shown.
const SHOWN_CHARS_MAX: usize = 64;

/// More of a key with its table than this is not shown.
const KEY_CHARS_MAX: usize = 3 * SHOWN_CHARS_MAX;

/// `text` in quotes, escaped and shortened.
pub(super) fn quoted(text: &str) -> String {
    let (shown, cut) = clipped(text, SHOWN_CHARS_MAX);
    if cut {
        format!("{shown:?}…")
    } else {
        format!("{shown:?}")
    }
}

/// `text` on one line, escaped and shortened, its quotes left as they are.
pub(super) fn printable(text: &str) -> String {
    shortened(text, SHOWN_CHARS_MAX)
}

fn shortened(text: &str, chars_max: usize) -> String {
    let (shown, cut) = clipped(text, chars_max);
    let mut line = escaped(shown);
    if cut {
        line.push('…');
    }
    line
}

/// `text` on one line, its quotes and backslashes left as they are.
pub(super) fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => line.push(c),
            _ => line.extend(c.escape_debug()),
        }
    }
    line
}

fn clipped(text: &str, chars_max: usize) -> (&str, bool) {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}
