//! The service's own settings: the table `[poold]` of the pools' TOML file.
//!
//! ```toml
//! [poold]
//! workers = 4   # threads; the cores if not set
//! delta = 8     # triples a delta
//! monitor_interval_s = 10   # seconds between two looks at the pools' hit rates
//! ```
//!
//! The command line wins over them.

use std::ffi::OsString;
use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::pools::PoolChoice;
use crate::toml_error::{TomlError, TomlText};

/// Threads that may be asked for.
pub const WORKERS: RangeInclusive<u32> = 1..=1024;

/// Triples a delta that may be asked for.
pub const DELTA: RangeInclusive<u32> = 1..=u32::MAX;

/// Seconds between two looks at the pools that may be asked for.
pub const MONITOR_INTERVAL_S: RangeInclusive<u32> = 1..=3600;

const DELTA_DEFAULT: u32 = 8;
const MONITOR_INTERVAL_S_DEFAULT: u32 = 10;

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What holds.
    pub value: usize,
    /// `default`, or a place in a file.
    pub source: String,
}

/// The service's own settings, each with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Threads.
    pub workers: Setting,
    /// Triples a delta.
    pub delta: Setting,
    /// Seconds between two looks at the pools' hit rates.
    pub monitor_interval_s: Setting,
}

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    poold: Table,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    workers: Option<Spanned<u32>>,
    delta: Option<Spanned<u32>>,
    monitor_interval_s: Option<Spanned<u32>>,
}

impl Settings {
    /// The settings in the file that `choice` or `KNHK_POOL_CONFIG` names, and defaults.
    ///
    /// # Errors
    ///
    /// [`TomlError`] for a key that `[poold]` does not have, or a value outside its range.
    pub fn load(choice: &PoolChoice) -> Result<Self, TomlError> {
        let Some(path) = choice
            .config
            .clone()
            .or_else(|| named(std::env::var_os("KNHK_POOL_CONFIG")))
        else {
            return Self::of(TomlText {
                path: "".as_ref(),
                text: "",
            });
        };
        let refuse = |error| {
            TomlText {
                path: &path,
                text: "",
            }
            .error(0..0, format!("cannot read it: {error}"))
        };
        let text = fs::read_to_string(&path).map_err(refuse)?;
        Self::of(TomlText {
            path: &path,
            text: &text,
        })
    }

    fn of(file: TomlText<'_>) -> Result<Self, TomlError> {
        let File { poold } = file.read()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            workers: setting(file, "workers", poold.workers, WORKERS, cores)?,
            delta: setting(file, "delta", poold.delta, DELTA, DELTA_DEFAULT as usize)?,
            monitor_interval_s: setting(
                file,
                "monitor_interval_s",
                poold.monitor_interval_s,
                MONITOR_INTERVAL_S,
                MONITOR_INTERVAL_S_DEFAULT as usize,
            )?,
        })
    }
}

/// An empty variable counts as unset.
fn named(variable: Option<OsString>) -> Option<PathBuf> {
    variable.filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn setting(
    file: TomlText<'_>,
    key: &str,
    given: Option<Spanned<u32>>,
    range: RangeInclusive<u32>,
    default: usize,
) -> Result<Setting, TomlError> {
    let Some(given) = given else {
        return Ok(Setting {
            value: default,
            source: "default".to_owned(),
        });
    };
    let (value, place) = (*given.get_ref(), file.error(given.span(), ""));
    if !range.contains(&value) {
        let message = format!(
            "poold.{key} is {value}, expected {} to {}",
            range.start(),
            range.end()
        );
        return Err(TomlError { message, ..place });
    }
    let source = format!("{}:{}:{}", place.path.display(), place.line, place.column);
    Ok(Setting {
        value: value as usize,
        source,
    })
}
