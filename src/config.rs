//! Settings: how many buffers of what size a pool has, how large an arena is, each value with the
//! place it comes from.
//!
//! ```text
//!   builder call > environment > [pools.NAME] > top of the TOML file > profile of the workload
//! ```
//!
//! Precedence is for each key alone: `KNHK_POOL_SIZE` beats the file's `pool_size` and leaves its
//! `buffer_size` as it is. A value that does not win is checked all the same; nothing is silently
//! ignored. [`load`] is the only module that reads the environment or a file.

mod arena;
#[cfg(feature = "toml")]
mod document;
mod error;
mod explain;
mod key;
mod layer;
mod load;

use std::path::Path;

use crate::workload::Workload;

pub use arena::{ArenaConfig, ArenaOverflow};
pub use error::{ConfigError, ConfigErrorKind, ConfigSource};
pub use explain::{ConfigEntry, Explanation};
pub use load::PoolTable;

pub(crate) use layer::Overrides;

use key::Key;
use layer::Setting;

/// The settings of one pool, each with the place it comes from.
///
/// `PoolConfig::from(workload)` holds the profile's sizes and reads nothing; [`PoolConfig::load`]
/// reads the environment and the file that it names. The `with_` setters check nothing;
/// [`validate`](Self::validate) does, and everything that builds a pool calls it.
///
/// Two configurations are equal when their values are, wherever these come from.
///
/// # Cost
///
/// Made once for each pool, off the hot path. Reading one allocates nothing.
///
/// # Examples
///
/// ```
/// use knhk_pool::{PoolConfig, Workload};
///
/// let config = PoolConfig::from(Workload::High).with_pool_size(48);
/// assert_eq!((config.pool_size(), config.buffer_size()), (48, 8192));
/// assert_eq!(config.bytes_per_thread(), 48 * 8192);
/// assert_eq!(config.validate(), Ok(()));
/// ```
#[derive(Clone, Debug)]
pub struct PoolConfig {
    workload: Setting<Workload>,
    pool_size: Setting<usize>,
    buffer_size: Setting<usize>,
    zero_on_release: Setting<bool>,
    hit_rate_warning: Setting<f64>,
    recording: Setting<bool>,
}

impl PoolConfig {
    /// The most buffers a thread; the fewest are 0, which sends every acquire to the heap.
    pub const POOL_SIZE_MAX: usize = 65_536;

    /// The fewest bytes a buffer: one cache line.
    pub const BUFFER_SIZE_MIN: usize = 64;

    /// The most bytes a buffer: 16 MiB.
    pub const BUFFER_SIZE_MAX: usize = 16 << 20;

    /// The most bytes a thread, as pool size × buffer size: 1 GiB.
    pub const BYTES_PER_THREAD_MAX: usize = 1 << 30;

    /// Warn below this hit rate unless told otherwise (ADR-007).
    pub const HIT_RATE_WARNING_DEFAULT: f64 = 0.90;

    /// The settings of the pool named `pool`, from the environment, the file that
    /// `KNHK_POOL_CONFIG` names, and the profile. With neither variable nor file that is the
    /// profile `medium`.
    ///
    /// | variable | holds |
    /// |---|---|
    /// | `KNHK_POOL_WORKLOAD` | `low`, `medium`, `high` or `extreme` |
    /// | `KNHK_POOL_SIZE` | buffers a thread: `0` to `65536` |
    /// | `KNHK_BUFFER_SIZE` | bytes a buffer: `64` to `16777216`, or like `8KiB` or `1MiB` |
    /// | `KNHK_POOL_CONFIG` | path of a TOML file; `config/example.toml` explains each key |
    /// | `KNHK_POOL_RECORD` | `1` or `true`: note what is asked for; `0` or `false` |
    ///
    /// Numbers are ASCII digits, without sign, space or separator. An empty variable counts as
    /// unset. Any other variable that begins with `KNHK_POOL_`, `KNHK_BUFFER_` or `KNHK_ARENA_` is
    /// refused, but for those of [`ArenaConfig::load`], and those that Kubernetes sets for a service
    /// of such a name.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for the first setting that is unknown, impossible or unreadable, whether
    /// or not a stronger one would have won over it.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::PoolConfig;
    ///
    /// let config = PoolConfig::load("ingest")?;
    /// assert!(config.bytes_per_thread() <= PoolConfig::BYTES_PER_THREAD_MAX);
    /// # Ok::<(), knhk_pool::ConfigError>(())
    /// ```
    pub fn load(pool: &str) -> Result<Self, ConfigError> {
        resolve(pool, &Overrides::NONE, None)
    }

    /// As [`load`](Self::load), with the TOML file at `path` in place of the one that
    /// `KNHK_POOL_CONFIG` names.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and when `path` is not a readable file of TOML in UTF-8 of at most
    /// 1 MiB. Always, in a build without the feature `toml`.
    pub fn load_file(pool: &str, path: &Path) -> Result<Self, ConfigError> {
        resolve(pool, &Overrides::NONE, Some(path))
    }

    /// The `[pools.NAME]` tables of the file at `path`, or without one of the file that
    /// `KNHK_POOL_CONFIG` names, in the order of the file; none when there is no file.
    ///
    /// A program that knows all its pools warns of a table that none of them asks for.
    ///
    /// # Errors
    ///
    /// As [`load_file`](Self::load_file).
    pub fn pool_tables(path: Option<&Path>) -> Result<Vec<PoolTable>, ConfigError> {
        load::pool_tables(path, std::env::vars_os())
    }

    /// The workload whose profile stands behind what is not set otherwise.
    pub const fn workload(&self) -> Workload {
        self.workload.value
    }

    /// Buffers a thread, 0 to [`POOL_SIZE_MAX`](Self::POOL_SIZE_MAX).
    pub const fn pool_size(&self) -> usize {
        self.pool_size.value
    }

    /// Bytes a buffer, [`BUFFER_SIZE_MIN`](Self::BUFFER_SIZE_MIN) to
    /// [`BUFFER_SIZE_MAX`](Self::BUFFER_SIZE_MAX).
    pub const fn buffer_size(&self) -> usize {
        self.buffer_size.value
    }

    /// Whether a buffer's bytes are wiped when it is released; `false` unless set.
    pub const fn zero_on_release(&self) -> bool {
        self.zero_on_release.value
    }

    /// The hit rate, 0 to 1, below which the pool warns; 0 never warns.
    pub const fn hit_rate_warning(&self) -> f64 {
        self.hit_rate_warning.value
    }

    /// Whether the pool notes what it is asked for, at the price of its speed: see
    /// [`Demand`](crate::Demand); `false` unless set.
    pub const fn recording(&self) -> bool {
        self.recording.value
    }

    /// Pool size × buffer size, at most [`BYTES_PER_THREAD_MAX`](Self::BYTES_PER_THREAD_MAX) once
    /// [`validate`](Self::validate) has passed; before that the product saturates.
    pub const fn bytes_per_thread(&self) -> usize {
        self.pool_size().saturating_mul(self.buffer_size())
    }

    /// Sets the buffers a thread.
    #[must_use]
    pub fn with_pool_size(mut self, buffers: usize) -> Self {
        self.pool_size = Setting::built(buffers);
        self
    }

    /// Sets the bytes a buffer.
    #[must_use]
    pub fn with_buffer_size(mut self, bytes: usize) -> Self {
        self.buffer_size = Setting::built(bytes);
        self
    }

    /// Sets whether a released buffer is wiped.
    #[must_use]
    pub fn with_zero_on_release(mut self, wipe: bool) -> Self {
        self.zero_on_release = Setting::built(wipe);
        self
    }

    /// Sets the hit rate, 0 to 1, below which the pool warns.
    #[must_use]
    pub fn with_hit_rate_warning(mut self, rate: f64) -> Self {
        self.hit_rate_warning = Setting::built(rate);
        self
    }

    /// Sets whether the pool notes what it is asked for; what that costs stands at
    /// [`BufferPoolBuilder::recording`](crate::BufferPoolBuilder::recording).
    #[must_use]
    pub fn with_recording(mut self, record: bool) -> Self {
        self.recording = Setting::built(record);
        self
    }

    /// Checks every range, and the memory a thread.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::OutOfRange`] for a value outside its range,
    /// [`ConfigErrorKind::TooMuchMemory`] for a product above
    /// [`BYTES_PER_THREAD_MAX`](Self::BYTES_PER_THREAD_MAX).
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::{PoolConfig, Workload};
    ///
    /// let error = PoolConfig::from(Workload::Low).with_pool_size(70_000).validate().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "builder: pool_size is 70000, expected an integer from 0 to 65536",
    /// );
    /// ```
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.pool_size.check(Key::PoolSize, key::pool_size)?;
        self.buffer_size.check(Key::BufferSize, key::buffer_size)?;
        self.hit_rate_warning
            .check(Key::HitRateWarning, key::hit_rate)?;
        self.check_memory()
    }

    /// Every value with its source and the decision that it follows from.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::{PoolConfig, Workload};
    ///
    /// let explanation = PoolConfig::from(Workload::Low).with_pool_size(12).explain();
    /// let size = &explanation.entries()[1];
    /// assert_eq!((size.key, size.value.as_str(), size.adr), ("pool_size", "12", "ADR-001"));
    /// assert_eq!(size.source.to_string(), "builder");
    /// ```
    pub fn explain(&self) -> Explanation {
        Explanation::of(self)
    }

    fn check_memory(&self) -> Result<(), ConfigError> {
        let (buffers, bytes) = (self.pool_size.value, self.buffer_size.value);
        let product = buffers.checked_mul(bytes);
        if product.is_some_and(|product| product <= Self::BYTES_PER_THREAD_MAX) {
            return Ok(());
        }
        let product = buffers as u128 * bytes as u128;
        let error = ConfigError::new(
            ConfigErrorKind::TooMuchMemory,
            "pool_size * buffer_size",
            format!("{buffers} * {bytes} = {product} bytes a thread"),
            format!("at most {} (1 GiB)", Self::BYTES_PER_THREAD_MAX),
            self.pool_size.source.clone(),
        );
        Err(error.with_note(format!("buffer_size from {}", self.buffer_size.source)))
    }
}

// Beside a profile's value any other in its range fits: both must be set to pass the ceiling, so
// the error has two places to name and no profile to blame.
const _: () = {
    let profile = Workload::Extreme;
    assert!(profile.pool_size() * PoolConfig::BUFFER_SIZE_MAX <= PoolConfig::BYTES_PER_THREAD_MAX);
    assert!(profile.buffer_size() * PoolConfig::POOL_SIZE_MAX <= PoolConfig::BYTES_PER_THREAD_MAX);
};

impl From<Workload> for PoolConfig {
    fn from(workload: Workload) -> Self {
        Overrides {
            workload: Some(workload),
            ..Overrides::NONE
        }
        .layer()
        .settle()
    }
}

/// The profile `medium`.
impl Default for PoolConfig {
    fn default() -> Self {
        Overrides::NONE.layer().settle()
    }
}

impl PartialEq for PoolConfig {
    fn eq(&self, other: &Self) -> bool {
        self.workload() == other.workload()
            && self.pool_size() == other.pool_size()
            && self.buffer_size() == other.buffer_size()
            && self.zero_on_release() == other.zero_on_release()
            && self.hit_rate_warning() == other.hit_rate_warning()
            && self.recording() == other.recording()
    }
}

/// The settings of the pool named `pool`, where a builder has set `overrides`, and `file` in place
/// of what `KNHK_POOL_CONFIG` names.
pub(crate) fn resolve(
    pool: &str,
    overrides: &Overrides,
    file: Option<&Path>,
) -> Result<PoolConfig, ConfigError> {
    load::resolve(pool, overrides, file, std::env::vars_os())
}

/// The settings of threads' arenas, with `file` in place of what `KNHK_POOL_CONFIG` names.
pub(crate) fn resolve_arena(file: Option<&Path>) -> Result<ArenaConfig, ConfigError> {
    load::resolve_arena(file, std::env::vars_os())
}

/// What `variable` chooses among `choices`; `None` if it is unset or empty.
pub(crate) fn choice<T: Copy>(
    variable: &'static str,
    choices: &[(&str, T)],
) -> Result<Option<T>, ConfigError> {
    load::choice(variable, std::env::var_os(variable), choices)
}

#[cfg(test)]
mod tests;
