//! Every setting of a pool or an arena with the place it comes from and the decision behind it.

use std::fmt;

use super::{ConfigSource, Key, PoolConfig, Setting};

/// One setting, explained.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConfigEntry {
    /// The key, as in the TOML file.
    pub key: &'static str,
    /// The value as a literal, the same in TOML and in JSON: `"medium"`, `16`, `false`, `0.9`.
    pub value: String,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// The decision that the key's default and range follow from: `ADR-001`.
    pub adr: &'static str,
}

/// What [`PoolConfig::explain`] and [`ArenaConfig::explain`](super::ArenaConfig::explain) have to say.
///
/// Displayed it is a table, a line a setting, which is itself a valid configuration file:
///
/// ```
/// use knhk_pool::{PoolConfig, Workload};
///
/// let explanation = PoolConfig::from(Workload::Low).with_zero_on_release(true).explain();
/// assert_eq!(explanation.to_string(), "\
/// workload         = \"low\"  # builder, ADR-001
/// pool_size        = 8      # profile low, ADR-001
/// buffer_size      = 2048   # profile low, ADR-001
/// zero_on_release  = true   # builder, ADR-001
/// hit_rate_warning = 0.9    # default, ADR-007
/// record           = false  # default, ADR-015
/// ");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The table that the settings stand in; `None` for the file's top.
    table: Option<&'static str>,
    entries: Vec<ConfigEntry>,
}

impl Explanation {
    pub(super) fn of(config: &PoolConfig) -> Self {
        let workload = format!("{:?}", config.workload().as_str());
        let entries = vec![
            entry(Key::Workload, workload, &config.workload),
            entry(
                Key::PoolSize,
                config.pool_size().to_string(),
                &config.pool_size,
            ),
            entry(
                Key::BufferSize,
                config.buffer_size().to_string(),
                &config.buffer_size,
            ),
            entry(
                Key::ZeroOnRelease,
                config.zero_on_release().to_string(),
                &config.zero_on_release,
            ),
            // Debug keeps the point that makes 1.0 a float in TOML.
            entry(
                Key::HitRateWarning,
                format!("{:?}", config.hit_rate_warning()),
                &config.hit_rate_warning,
            ),
            entry(
                Key::Record,
                config.recording().to_string(),
                &config.recording,
            ),
        ];
        Self {
            table: None,
            entries,
        }
    }

    pub(super) const fn in_table(table: &'static str, entries: Vec<ConfigEntry>) -> Self {
        Self {
            table: Some(table),
            entries,
        }
    }

    /// The settings, in the order of the table.
    pub fn entries(&self) -> &[ConfigEntry] {
        &self.entries
    }
}

pub(super) fn entry<T>(key: Key, value: String, setting: &Setting<T>) -> ConfigEntry {
    ConfigEntry {
        key: key.name(),
        value,
        source: setting.source.clone(),
        adr: key.adr(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key_chars = self
            .entries
            .iter()
            .map(|entry| entry.key.len())
            .max()
            .unwrap_or(0);
        let value_chars = self
            .entries
            .iter()
            .map(|entry| entry.value.len())
            .max()
            .unwrap_or(0);
        if let Some(table) = self.table {
            writeln!(f, "[{table}]")?;
        }
        for ConfigEntry {
            key,
            value,
            source,
            adr,
        } in &self.entries
        {
            writeln!(
                f,
                "{key:key_chars$} = {value:value_chars$}  # {source}, {adr}"
            )?;
        }
        Ok(())
    }
}
