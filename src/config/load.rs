//! The only reader of the environment and of files.
//!
//! | variable | holds |
//! |---|---|
//! | `KNHK_POOL_WORKLOAD` | `low`, `medium`, `high` or `extreme` |
//! | `KNHK_POOL_SIZE` | buffers a thread |
//! | `KNHK_BUFFER_SIZE` | bytes a buffer: `8192` or `8KiB` or `1MiB` |
//! | `KNHK_POOL_CONFIG` | path of a TOML file |
//! | `KNHK_POOL_RECORD` | `1` or `true`: pools note what they are asked for; `0` or `false` |
//! | `KNHK_ARENA_SIZE` | bytes of a thread's arena: `1048576` or `512KiB` or `8MiB` |
//! | `KNHK_ARENA_OVERFLOW` | `error`, `heap` or `panic` |
//! | `KNHK_ARENA_ZERO` | `1` or `true`: what is given back is overwritten with zeros; `0` or `false` |
//! | `KNHK_HOT_PATH` | what `hot_path` asks for: a mode |
//!
//! An empty variable counts as unset, a blank one as an error. A variable with one of this crate's
//! prefixes that is not in the table is refused, so that a slip of the pen is not a silent default;
//! other variables of KNHK are none of its business.

mod file;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::arena::ArenaLayer;
use super::error::quoted;
use super::key::{self, Key, nearest};
use super::layer::{Given, Layer, Overrides, Setting};
use super::{ArenaConfig, ConfigError, ConfigErrorKind, ConfigSource, PoolConfig};
use file::ConfigFile;

const WORKLOAD: &str = "KNHK_POOL_WORKLOAD";
const POOL_SIZE: &str = "KNHK_POOL_SIZE";
const BUFFER_SIZE: &str = "KNHK_BUFFER_SIZE";
const CONFIG: &str = "KNHK_POOL_CONFIG";
const RECORD: &str = "KNHK_POOL_RECORD";

const ARENA_SIZE: &str = "KNHK_ARENA_SIZE";
const ARENA_OVERFLOW: &str = "KNHK_ARENA_OVERFLOW";
const ARENA_ZERO: &str = "KNHK_ARENA_ZERO";

const VARIABLES: [&str; 8] = [
    WORKLOAD,
    POOL_SIZE,
    BUFFER_SIZE,
    CONFIG,
    RECORD,
    ARENA_SIZE,
    ARENA_OVERFLOW,
    ARENA_ZERO,
];
const PREFIXES: [&str; 3] = ["KNHK_POOL_", "KNHK_BUFFER_", "KNHK_ARENA_"];

/// A `[pools.NAME]` table of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolTable {
    /// The pool's name.
    pub name: String,
    /// Where the table stands.
    pub source: ConfigSource,
}

/// The settings of `pool`; `file` stands in for what `KNHK_POOL_CONFIG` names.
pub(super) fn resolve(
    pool: &str,
    overrides: &Overrides,
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<PoolConfig, ConfigError> {
    let environment = Environment::read(variables)?;
    let from_file = match environment.file_or(file) {
        Some(file) => file.layer_of(pool)?,
        None => Layer::default(),
    };
    let config = overrides
        .layer()
        .or(environment.layer)
        .or(from_file)
        .settle();
    config.validate()?;
    Ok(config)
}

/// The settings of threads' arenas; `file` stands in for what `KNHK_POOL_CONFIG` names.
pub(super) fn resolve_arena(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<ArenaConfig, ConfigError> {
    let environment = Environment::read(variables)?;
    let from_file = match environment.file_or(file) {
        Some(file) => file.arena_layer()?,
        None => ArenaLayer::default(),
    };
    let config = environment.arena.or(from_file).settle();
    config.validate()?;
    Ok(config)
}

/// The pool tables of `file`, or of what `KNHK_POOL_CONFIG` names.
pub(super) fn pool_tables(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<PoolTable>, ConfigError> {
    match Environment::read(variables)?.file_or(file) {
        Some(file) => file.pool_tables(),
        None => Ok(Vec::new()),
    }
}

/// What the value of `variable` chooses among `choices`.
pub(super) fn choice<T: Copy>(
    variable: &'static str,
    value: Option<OsString>,
    choices: &[(&str, T)],
) -> Result<Option<T>, ConfigError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let chosen = choices.iter().find(|(name, _)| *name == value);
    chosen.map(|(_, choice)| Some(*choice)).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        ConfigError::new(
            ConfigErrorKind::Invalid,
            "mode",
            quoted(&value.to_string_lossy()),
            format!("one of {}", names.join(", ")),
            ConfigSource::Variable(variable.into()),
        )
    })
}

/// What the variables say.
#[derive(Debug, Default)]
struct Environment {
    layer: Layer,
    arena: ArenaLayer,
    config: Option<ConfigFile>,
}

impl Environment {
    fn read(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut ours: Vec<(OsString, OsString)> = variables
            .into_iter()
            .filter(|(name, value)| is_ours(name, value))
            .collect();
        // The order of the environment is no one's choice; which error comes first should be.
        ours.sort();
        let mut environment = Self::default();
        for (name, value) in &ours {
            environment.take(&name.to_string_lossy(), value)?;
        }
        Ok(environment)
    }

    fn take(&mut self, name: &str, value: &OsStr) -> Result<(), ConfigError> {
        let (layer, arena) = (&mut self.layer, &mut self.arena);
        match name {
            WORKLOAD => {
                layer.workload = Some(variable(Key::Workload, WORKLOAD, value, key::workload)?)
            }
            POOL_SIZE => {
                let read = |text: &str| key::integer(text).and_then(key::pool_size);
                layer.pool_size = Some(variable(Key::PoolSize, POOL_SIZE, value, read)?);
            }
            BUFFER_SIZE => {
                let read = |text: &str| key::bytes(text).and_then(key::buffer_size);
                layer.buffer_size = Some(variable(Key::BufferSize, BUFFER_SIZE, value, read)?);
            }
            RECORD => {
                layer.recording = Some(variable(Key::Record, RECORD, value, key::switch)?);
            }
            ARENA_SIZE => {
                let read = |text: &str| key::bytes(text).and_then(key::arena_size);
                arena.size = Some(variable(Key::ArenaSize, ARENA_SIZE, value, read)?);
            }
            ARENA_OVERFLOW => {
                let rule = variable(Key::ArenaOverflow, ARENA_OVERFLOW, value, key::overflow)?;
                arena.overflow = Some(rule);
            }
            ARENA_ZERO => {
                arena.zero = Some(variable(Key::ArenaZero, ARENA_ZERO, value, key::switch)?);
            }
            CONFIG => self.config = Some(ConfigFile::in_variable(CONFIG, value)?),
            _ => return Err(unknown_variable(name, value)),
        }
        Ok(())
    }

    /// The file of the call before the file of the environment.
    fn file_or(&self, path: Option<&Path>) -> Option<ConfigFile> {
        path.map(ConfigFile::given).or_else(|| self.config.clone())
    }
}

/// Set, with one of our prefixes, and put there by a person.
fn is_ours(name: &OsStr, value: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let prefixed = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    prefixed && !value.is_empty() && !is_service_link(&name, &value.to_string_lossy())
}

/// Whether Kubernetes has set it for a service that is named `knhk-pool` or the like: it puts these
/// into every pod of the namespace, unasked.
fn is_service_link(name: &str, value: &str) -> bool {
    let after_port = name.rsplit_once("_PORT_").map_or("", |(_, rest)| rest);
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && value.contains("://"))
        || after_port.starts_with(|c: char| c.is_ascii_digit())
}

fn unknown_variable(name: &str, value: &OsStr) -> ConfigError {
    ConfigError::new(
        ConfigErrorKind::UnknownKey,
        name,
        quoted(&value.to_string_lossy()),
        format!("one of {}", VARIABLES.join(", ")),
        ConfigSource::Variable(name.to_owned().into()),
    )
    .with_note(format!(
        "an unknown variable; the nearest known is {}",
        nearest(name, &VARIABLES)
    ))
}

fn variable<T>(
    key: Key,
    name: &'static str,
    value: &OsStr,
    read: impl FnOnce(&str) -> Result<T, ConfigErrorKind>,
) -> Result<Setting<T>, ConfigError> {
    match value.to_str() {
        Some(text) => Given::in_variable(key, name, text).settle(read(text)),
        None => Given::in_variable(key, name, &value.to_string_lossy())
            .settle(Err(ConfigErrorKind::Invalid))
            .map_err(|error| error.with_note("not UTF-8")),
    }
}
