//! Everything that is read from files, at the start and again on SIGHUP: whole, or not at all.

use std::path::PathBuf;

use knhk_pool::BufferPool;
use tokio_rustls::TlsAcceptor;

use super::ServeError;
use super::hook_sets::{HookFile, HookSets};
use super::limits::Limits;
use super::tls::{TlsChoice, acceptor};
use super::token::Token;
use crate::effective::Effective;
use crate::pools::{EMIT, PoolChoice};
use crate::settings::{Flags, Settings};

/// What the output buffers of all workers may have together, in bytes.
const POOL_BYTES_MAX: usize = 16 << 30;

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The pools' and the service's settings.
    pub pools: PoolChoice,
    /// What the command line gives.
    pub flags: Flags,
    /// Hooks, by name.
    pub hooks: Vec<HookFile>,
    /// The file of the token that clients must know.
    pub token_file: Option<PathBuf>,
    /// The files for TLS.
    pub tls: Option<TlsChoice>,
}

/// What requests are served by.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) limits: Limits,
    pub(super) hooks: HookSets,
    pub(super) token: Option<Token>,
    /// What `knhk-poold config --json` prints of what holds.
    pub(super) json: String,
}

/// All of it, read and checked.
pub(super) struct Configuration {
    pub(super) settings: Settings,
    pub(super) buffers: BufferPool,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) current: Current,
}

impl Configuration {
    /// At a reload what cannot change meanwhile stays as it is in `started_with`.
    pub(super) fn load(
        sources: &Sources,
        started_with: Option<&Settings>,
    ) -> Result<Self, ServeError> {
        let settings = Settings::load_with(&sources.pools, &sources.flags)?;
        let buffers = sources.pools.build(EMIT)?;
        check_sum(&settings, &buffers)?;
        let token = sources.token_file.as_deref().map(Token::load);
        let mut in_force = settings.clone();
        if let Some(started_with) = started_with {
            in_force.keep_what_waits(started_with);
        }
        let json = Effective::of(in_force, &sources.pools)?.as_json();
        let current = Current {
            limits: Limits::of(&settings),
            hooks: HookSets::load(&sources.hooks)?,
            token: token.transpose()?,
            json,
        };
        Ok(Self {
            tls: sources.tls.as_ref().map(acceptor).transpose()?,
            settings,
            buffers,
            current,
        })
    }
}

/// Each size is in its range; all together they may still be more than anyone means.
pub(crate) fn check_sum(settings: &Settings, buffers: &BufferPool) -> Result<(), ServeError> {
    let config = buffers.config();
    let (workers, pool_size, buffer_size) = (
        settings.workers.value,
        config.pool_size(),
        config.buffer_size(),
    );
    let sum = pool_size
        .checked_mul(buffer_size)
        .and_then(|thread| thread.checked_mul(workers));
    match sum {
        Some(bytes) if bytes <= POOL_BYTES_MAX => Ok(()),
        _ => Err(ServeError::PoolBytes {
            workers,
            pool_size,
            buffer_size,
        }),
    }
}
