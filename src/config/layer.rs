//! What one source says, and which source wins.

use super::error::quoted;
use super::{ConfigError, ConfigErrorKind, ConfigSource, Key, PoolConfig};
use crate::workload::Workload;

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) source: ConfigSource,
}

impl<T: Copy + ToString> Setting<T> {
    /// Set by a call in the program.
    pub(super) const fn built(value: T) -> Self {
        Self {
            value,
            source: ConfigSource::Builder,
        }
    }

    /// Refuses a value that `range` refuses.
    pub(super) fn check(
        &self,
        key: Key,
        range: impl FnOnce(T) -> Result<T, ConfigErrorKind>,
    ) -> Result<(), ConfigError> {
        // Words are made for a refusal alone: a value in range is checked without memory.
        range(self.value).map(drop).or_else(|kind| {
            let shown = self.value.to_string();
            let given = Given::new(key, key.full_name(), shown, self.source.clone());
            given.settle(Err(kind)).map(|_: Setting<T>| ())
        })
    }
}

/// A value as it was found, not yet known to be one.
#[derive(Debug)]
pub(super) struct Given<'a> {
    key: Key,
    /// The key with its table, for the message.
    name: &'a str,
    /// The value as it stands there.
    shown: String,
    source: ConfigSource,
}

impl<'a> Given<'a> {
    pub(super) const fn new(key: Key, name: &'a str, shown: String, source: ConfigSource) -> Self {
        Self {
            key,
            name,
            shown,
            source,
        }
    }

    /// The value of a variable.
    pub(super) fn in_variable(key: Key, variable: &'static str, text: &str) -> Self {
        Self::new(
            key,
            key.full_name(),
            quoted(text),
            ConfigSource::Variable(variable.into()),
        )
    }

    /// The setting, or the error that says why it is none.
    pub(super) fn settle<T>(
        self,
        read: Result<T, ConfigErrorKind>,
    ) -> Result<Setting<T>, ConfigError> {
        match read {
            Ok(value) => Ok(Setting {
                value,
                source: self.source,
            }),
            Err(kind) => {
                let allowed = self.key.allowed();
                Err(ConfigError::new(
                    kind,
                    self.name,
                    self.shown,
                    allowed,
                    self.source,
                ))
            }
        }
    }
}

/// What a builder call has set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overrides {
    pub(crate) workload: Option<Workload>,
    pub(crate) pool_size: Option<usize>,
    pub(crate) buffer_size: Option<usize>,
    pub(crate) zero_on_release: Option<bool>,
    pub(crate) hit_rate_warning: Option<f64>,
    pub(crate) recording: Option<bool>,
}

impl Overrides {
    /// Nothing set, for a `static`.
    pub(crate) const NONE: Self = Self {
        workload: None,
        pool_size: None,
        buffer_size: None,
        zero_on_release: None,
        hit_rate_warning: None,
        recording: None,
    };

    pub(super) fn layer(&self) -> Layer {
        Layer {
            workload: self.workload.map(Setting::built),
            pool_size: self.pool_size.map(Setting::built),
            buffer_size: self.buffer_size.map(Setting::built),
            zero_on_release: self.zero_on_release.map(Setting::built),
            hit_rate_warning: self.hit_rate_warning.map(Setting::built),
            recording: self.recording.map(Setting::built),
        }
    }
}

/// What one source says; `None` where it says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) workload: Option<Setting<Workload>>,
    pub(super) pool_size: Option<Setting<usize>>,
    pub(super) buffer_size: Option<Setting<usize>>,
    pub(super) zero_on_release: Option<Setting<bool>>,
    pub(super) hit_rate_warning: Option<Setting<f64>>,
    pub(super) recording: Option<Setting<bool>>,
}

impl Layer {
    /// This layer, and `weaker` where it says nothing: for each key alone.
    pub(super) fn or(self, weaker: Self) -> Self {
        Self {
            workload: self.workload.or(weaker.workload),
            pool_size: self.pool_size.or(weaker.pool_size),
            buffer_size: self.buffer_size.or(weaker.buffer_size),
            zero_on_release: self.zero_on_release.or(weaker.zero_on_release),
            hit_rate_warning: self.hit_rate_warning.or(weaker.hit_rate_warning),
            recording: self.recording.or(weaker.recording),
        }
    }

    /// Fills what is left from the profile of the workload, and from the defaults.
    pub(super) fn settle(self) -> PoolConfig {
        let workload = self.workload.unwrap_or_else(|| unset(Workload::default()));
        let profile = workload.value;
        let from_profile = |value| Setting {
            value,
            source: ConfigSource::Profile(profile),
        };
        PoolConfig {
            pool_size: self
                .pool_size
                .unwrap_or_else(|| from_profile(profile.pool_size())),
            buffer_size: self
                .buffer_size
                .unwrap_or_else(|| from_profile(profile.buffer_size())),
            zero_on_release: self.zero_on_release.unwrap_or_else(|| unset(false)),
            hit_rate_warning: self
                .hit_rate_warning
                .unwrap_or_else(|| unset(PoolConfig::HIT_RATE_WARNING_DEFAULT)),
            recording: self.recording.unwrap_or_else(|| unset(false)),
            workload,
        }
    }
}

pub(super) const fn unset<T>(value: T) -> Setting<T> {
    Setting {
        value,
        source: ConfigSource::Default,
    }
}
