//! What a running service has recorded, asked for over HTTP.

use std::time::Duration;

use knhk_pool::Demand;
use serde::Deserialize;
use ureq::Agent;

use super::wire::{DemandFigures, FiguresError};
use crate::{shown, userinfo};

/// For the whole exchange.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most that is read of an answer, in bytes.
const ANSWER_MAX: u64 = 16 << 20;

/// Why a service's record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It cannot be reached, or does not answer in time.
    #[error("cannot ask {url}: {source}")]
    Unreachable {
        /// Which address, without a user's name and password.
        url: String,
        /// Why not.
        source: ureq::Error,
    },
    /// It answers with something else than success.
    #[error("cannot ask {url}: it answers {status}")]
    Refused {
        /// Which address, without a user's name and password.
        url: String,
        /// The answer's status.
        status: u16,
    },
    /// The answer is not that of `/v1/pools`.
    #[error("{url} does not answer as /v1/pools does: {reason}")]
    NotPools {
        /// Which address, without a user's name and password.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The service has not recorded.
    #[error(
        "no pool at {url} records: start the service with KNHK_POOL_RECORD=1 (it has {})",
        list(pools)
    )]
    NotRecording {
        /// Which address, without a user's name and password.
        url: String,
        /// What pools it has.
        pools: Vec<String>,
    },
    /// The pool that was asked for has not recorded.
    #[error("no pool {pool:?} at {url} records, but {}", list(recording))]
    NoSuchPool {
        /// Which address, without a user's name and password.
        url: String,
        /// What was asked for.
        pool: String,
        /// Those that do.
        recording: Vec<String>,
    },
    /// Several have.
    #[error(
        "several pools at {url} record, choose one with --pool: {}",
        list(recording)
    )]
    Ambiguous {
        /// Which address, without a user's name and password.
        url: String,
        /// Those that do.
        recording: Vec<String>,
    },
    /// Its figures cannot be.
    #[error("pool {pool:?} at {url}: {source}")]
    Figures {
        /// Which address, without a user's name and password.
        url: String,
        /// Of which pool.
        pool: String,
        /// What is wrong.
        source: FiguresError,
    },
}

/// Without a user's name and password, on one line.
pub(crate) fn url_shown(url: &str) -> String {
    shown::line(&userinfo::removed(url))
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => {
            let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
            quoted.join(", ")
        }
    }
}

/// Of the whole answer, what is needed here.
#[derive(Debug, Deserialize)]
struct Answer {
    pools: Vec<Pool>,
}

#[derive(Debug, Deserialize)]
struct Pool {
    name: String,
    demand: Option<DemandFigures>,
}

/// The name and the demand of the pool `wanted`, or of the only one that was acquired from while it
/// recorded, at `url`.
///
/// # Errors
///
/// [`RemoteError`].
pub fn ask(url: &str, wanted: Option<&str>) -> Result<(String, Demand), RemoteError> {
    let answer = get(url)?;
    let url = &*url_shown(url);
    let not_pools = |reason: serde_json::Error| RemoteError::NotPools {
        url: url.to_owned(),
        reason: reason.to_string(),
    };
    let Answer { pools } = serde_json::from_slice(&answer).map_err(not_pools)?;
    let (pool, figures) = choose(url, pools, wanted)?;
    let demand = Demand::try_from(figures).map_err(|source| RemoteError::Figures {
        url: url.to_owned(),
        pool: pool.clone(),
        source,
    })?;
    Ok((pool, demand))
}

fn choose(
    url: &str,
    pools: Vec<Pool>,
    wanted: Option<&str>,
) -> Result<(String, DemandFigures), RemoteError> {
    let url = url.to_owned();
    let names = pools.iter().map(|pool| pool.name.clone()).collect();
    let mut recording: Vec<_> = pools
        .into_iter()
        .filter_map(|pool| Some((pool.name, pool.demand?)))
        .collect();
    if recording.is_empty() {
        return Err(RemoteError::NotRecording { url, pools: names });
    }
    let names = recording.iter().map(|(name, _)| name.clone()).collect();
    let index = match wanted {
        Some(wanted) => recording.iter().position(|(name, _)| name == wanted),
        None => only_used(&recording),
    };
    match (index, wanted) {
        (Some(index), _) => Ok(recording.swap_remove(index)),
        (None, Some(pool)) => Err(RemoteError::NoSuchPool {
            url,
            pool: pool.to_owned(),
            recording: names,
        }),
        (None, None) => Err(RemoteError::Ambiguous {
            url,
            recording: names,
        }),
    }
}

/// Where the only pool stands that was acquired from, or the only one at all.
fn only_used(recording: &[(String, DemandFigures)]) -> Option<usize> {
    let is_used = |(_, figures): &(String, DemandFigures)| figures.has_acquires();
    match recording.iter().filter(|pool| is_used(pool)).count() {
        0 => (recording.len() == 1).then_some(0),
        1 => recording.iter().position(is_used),
        _ => None,
    }
}

fn get(url: &str) -> Result<Vec<u8>, RemoteError> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .build()
        .into();
    let unreachable = |source| RemoteError::Unreachable {
        url: url_shown(url),
        source: match source {
            // It quotes the URL.
            ureq::Error::BadUri(_) => {
                ureq::Error::BadUri("expected http://HOST[:PORT]/PATH".into())
            }
            source => source,
        },
    };
    let mut answer = agent.get(url).call().map_err(unreachable)?;
    if !answer.status().is_success() {
        return Err(RemoteError::Refused {
            url: url_shown(url),
            status: answer.status().as_u16(),
        });
    }
    let body = answer.body_mut().with_config().limit(ANSWER_MAX);
    body.read_to_vec().map_err(unreachable)
}
