//! A pool's sizes, set in the program.

use std::borrow::Cow;
use std::path::PathBuf;

use super::BufferPool;
use crate::config::{ConfigError, Overrides};
use crate::registry;
use crate::workload::Workload;

/// Sets what the program decides; the rest comes from the environment, the file, and the profile.
///
/// From [`BufferPool::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct BufferPoolBuilder {
    name: Cow<'static, str>,
    overrides: Overrides,
    file: Option<PathBuf>,
}

impl BufferPool {
    /// Begins a pool whose sizes the program sets. What is not set comes from the environment, the
    /// file and the profile, as for a `static` pool.
    ///
    /// A name that is made at run time is kept as long as the process lives: give pools of one purpose one
    /// name; they are summed.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::{BufferPool, Workload};
    ///
    /// let pool = BufferPool::builder("ingest").workload(Workload::High).pool_size(48).build()?;
    /// assert_eq!(pool.config().pool_size(), 48);
    /// assert_eq!(pool.config().buffer_size(), 8192);
    /// # Ok::<(), knhk_pool::ConfigError>(())
    /// ```
    pub fn builder(name: impl Into<Cow<'static, str>>) -> BufferPoolBuilder {
        BufferPoolBuilder {
            name: name.into(),
            overrides: Overrides::NONE,
            file: None,
        }
    }
}

impl BufferPoolBuilder {
    /// The profile that values not set otherwise come from.
    pub fn workload(mut self, workload: Workload) -> Self {
        self.overrides.workload = Some(workload);
        self
    }

    /// Buffers a thread; 0 sends every acquire to the heap.
    pub fn pool_size(mut self, buffers: usize) -> Self {
        self.overrides.pool_size = Some(buffers);
        self
    }

    /// Bytes a buffer.
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.overrides.buffer_size = Some(bytes);
        self
    }

    /// Whether a released buffer, all of it, is overwritten with zeros.
    pub fn zero_on_release(mut self, zero: bool) -> Self {
        self.overrides.zero_on_release = Some(zero);
        self
    }

    /// The hit rate below which the pool's operator is warned, from 0 to 1.
    pub fn hit_rate_warning(mut self, rate: f64) -> Self {
        self.overrides.hit_rate_warning = Some(rate);
        self
    }

    /// Whether the pool notes what it is asked for, so that [`demand`](BufferPool::demand) tells
    /// which size would do. Every acquire and release then takes the cold path, and the pool's drop, which
    /// adds what was noted to that of the pools of its name, asks the allocator for memory.
    pub fn recording(mut self, record: bool) -> Self {
        self.overrides.recording = Some(record);
        self
    }

    /// The TOML file to read, in place of the one that `KNHK_POOL_CONFIG` names.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Makes the pool. No thread's part is made yet.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with a value set here, the environment or the file.
    pub fn build(self) -> Result<BufferPool, ConfigError> {
        let config = crate::config::resolve(&self.name, &self.overrides, self.file.as_deref())?;
        let name = match self.name {
            Cow::Borrowed(name) => name,
            Cow::Owned(name) => registry::intern(&name),
        };
        let pool = BufferPool::unset(name, self.overrides);
        pool.set_up(|| (config, None));
        Ok(pool)
    }
}
