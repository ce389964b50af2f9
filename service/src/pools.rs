//! The service's pools, and where their sizes come from.
//!
//! | pool | holds | size |
//! |---|---|---|
//! | `emit` | output buffers, a part for each worker | configured: command line, environment, TOML, profile |
//! | `knhk.soa`, `knhk.receipts` | 16 `SoaTriples`, 1,024 receipts for each worker | fixed, as in KNHK |

use std::path::PathBuf;

use knhk_pool::{BufferPool, ConfigError, PoolConfig, Workload, snapshot};
use serde::Serialize;

/// The pool of output buffers.
pub const EMIT: &str = "emit";

/// The prefix of the names of a worker's two object pools.
pub const KNHK: &str = "knhk";

/// The configurable pools: the service's own, and the library's default pool, which the service does
/// not use but anything linked with it may.
pub const CONFIGURABLE: [&str; 2] = [EMIT, "default"];

/// What the command line says about pools; it wins over environment, TOML and profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolChoice {
    /// The TOML file, in place of the one that `KNHK_POOL_CONFIG` names.
    pub config: Option<PathBuf>,
    /// The profile for what is not set otherwise.
    pub workload: Option<Workload>,
    /// Whether pools note what they are asked for, whatever else is set.
    pub recording: bool,
}

impl PoolChoice {
    /// The file that settings are read from, if any; an empty variable counts as unset.
    pub fn file(&self) -> Option<PathBuf> {
        let named = || std::env::var_os("KNHK_POOL_CONFIG").filter(|path| !path.is_empty());
        self.config.clone().or_else(|| named().map(PathBuf::from))
    }

    /// The pool named `pool`; no thread's part of it is made yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first setting that is unknown, impossible or unreadable.
    pub fn build(&self, pool: &'static str) -> Result<BufferPool, ConfigError> {
        let mut builder = BufferPool::builder(pool);
        if let Some(path) = &self.config {
            builder = builder.config_file(path);
        }
        if let Some(workload) = self.workload {
            builder = builder.workload(workload);
        }
        if self.recording {
            builder = builder.recording(true);
        }
        builder.build()
    }

    /// One line for each `[pools.NAME]` of the file that no pool of the service asks for.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file cannot be read.
    pub fn unused_tables(&self) -> Result<Vec<String>, ConfigError> {
        let tables = PoolConfig::pool_tables(self.config.as_deref())?;
        let unused = tables
            .into_iter()
            .filter(|table| !CONFIGURABLE.contains(&table.name.as_str()));
        Ok(unused
            .map(|table| {
                let (source, name) = (table.source, table.name);
                format!(
                    "{source}: no pool is named {name:?}; there are {}",
                    CONFIGURABLE.join(", ")
                )
            })
            .collect())
    }
}

/// What one pool did during a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolLine {
    /// The pool's name.
    pub name: &'static str,
    /// Acquires in all.
    pub acquires: u64,
    /// Of these, served from the pool.
    pub hits: u64,
    /// Served by the heap, or refused.
    pub misses: u64,
    /// Hits a share of acquires; none before the first.
    pub hit_rate: Option<f64>,
    /// The most that one thread had out at once.
    pub high_water: usize,
}

/// What the service's pools have done in this process.
pub fn pool_lines() -> Vec<PoolLine> {
    let ours = |name: &str| name == EMIT || name.starts_with(KNHK);
    let pools = snapshot().pools.into_iter().filter(|pool| ours(pool.name));
    pools
        .map(|pool| PoolLine {
            name: pool.name,
            acquires: pool.stats.acquires(),
            hits: pool.stats.hits,
            misses: pool.stats.misses + pool.stats.exhausted,
            hit_rate: pool.stats.hit_rate(),
            high_water: pool.stats.high_water,
        })
        .collect()
}
