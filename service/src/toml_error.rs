//! What is wrong with a TOML file of the service's, and where.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::shown;

/// A TOML file says something that it must not. Displayed as `file:line:column: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", shown::path(path))]
pub struct TomlError {
    /// The file.
    pub path: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong, on one line.
    pub message: String,
}

/// The text of a TOML file and the name that errors call it.
#[derive(Clone, Copy, Debug)]
pub struct TomlText<'a> {
    /// The file.
    pub path: &'a Path,
    /// What it holds.
    pub text: &'a str,
}

impl TomlText<'_> {
    /// Reads it as a `T`.
    ///
    /// # Errors
    ///
    /// [`TomlError`] with the place of the first thing that is no TOML, or no `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, TomlError> {
        toml::from_str(self.text)
            .map_err(|error| self.error(error.span().unwrap_or(0..0), error.message()))
    }

    /// The error that says that `message`, escaped and shortened, is wrong at `span`.
    pub fn error(&self, span: Range<usize>, message: &str) -> TomlError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        TomlError {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: shown::line(message),
        }
    }
}
