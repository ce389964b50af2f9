//! The configuration file: who named it, and its bytes.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
#[cfg(feature = "toml")]
use std::{
    fs::{self, File},
    io::{self, Read},
};

use super::{ArenaLayer, Layer, PoolTable};
#[cfg(feature = "toml")]
use crate::config::document::Document;
use crate::config::{ConfigError, ConfigErrorKind, ConfigSource};

/// The most bytes that a configuration file may have.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file that was named, and who named it.
#[derive(Clone, Debug)]
pub(super) struct ConfigFile {
    path: Arc<Path>,
    named_by: ConfigSource,
}

impl ConfigFile {
    /// Named by a call.
    pub(super) fn given(path: &Path) -> Self {
        let path: Arc<Path> = path.into();
        Self {
            named_by: ConfigSource::File {
                path: Arc::clone(&path),
            },
            path,
        }
    }

    /// Named by a variable.
    pub(super) fn in_variable(variable: &'static str, value: &OsStr) -> Result<Self, ConfigError> {
        let named_by = ConfigSource::Variable(variable.into());
        let file = Self {
            path: Path::new(value).into(),
            named_by,
        };
        if value.to_string_lossy().trim().is_empty() {
            return Err(file.refusal(ConfigErrorKind::Invalid, "blank"));
        }
        Ok(file)
    }

    fn refusal(&self, kind: ConfigErrorKind, reason: &str) -> ConfigError {
        let shown = format!("{:?}", self.path.to_string_lossy());
        let allowed = format!("a readable TOML file of at most {FILE_BYTES_MAX} bytes");
        let source = self.named_by.clone();
        ConfigError::new(kind, "file", shown, allowed, source).with_note(reason)
    }
}

#[cfg(feature = "toml")]
impl ConfigFile {
    /// What the file says about `pool`: its own table before the top.
    pub(super) fn layer_of(&self, pool: &str) -> Result<Layer, ConfigError> {
        Ok(self.read()?.layer_of(pool))
    }

    pub(super) fn pool_tables(&self) -> Result<Vec<PoolTable>, ConfigError> {
        Ok(self.read()?.pool_tables())
    }

    /// What the file says about arenas.
    pub(super) fn arena_layer(&self) -> Result<ArenaLayer, ConfigError> {
        Ok(self.read()?.arena_layer())
    }

    fn read(&self) -> Result<Document, ConfigError> {
        let unreadable = |reason: &str| self.refusal(ConfigErrorKind::Unreadable, reason);
        let bytes = self.bytes().map_err(|error| unreadable(&reason(&error)))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(unreadable("too large"));
        }
        Document::parse(Arc::clone(&self.path), &bytes)
    }

    /// The file's bytes, one more than allowed at the most.
    fn bytes(&self) -> io::Result<Vec<u8>> {
        // Asked before opening: to open a pipe is to wait for its writer.
        let kind = fs::metadata(&self.path)?.file_type();
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !kind.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(&self.path)?
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// In lower case and without the system's number, unlike the error's own text.
#[cfg(feature = "toml")]
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::Other | io::ErrorKind::InvalidInput => error.to_string(),
        kind => kind.to_string(),
    }
}

#[cfg(not(feature = "toml"))]
impl ConfigFile {
    pub(super) fn layer_of(&self, _pool: &str) -> Result<Layer, ConfigError> {
        Err(self.unsupported())
    }

    pub(super) fn pool_tables(&self) -> Result<Vec<PoolTable>, ConfigError> {
        Err(self.unsupported())
    }

    pub(super) fn arena_layer(&self) -> Result<ArenaLayer, ConfigError> {
        Err(self.unsupported())
    }

    fn unsupported(&self) -> ConfigError {
        self.refusal(
            ConfigErrorKind::Unsupported,
            "this build lacks the feature `toml`",
        )
    }
}
