//! The effective configuration: every setting of the service and its pools, each with its source.

use std::fmt::Write as _;

use knhk_pool::{ArenaConfig, ConfigError, Explanation};
use serde_json::{Value, json};

use crate::pools::{CONFIGURABLE, PoolChoice};
use crate::settings::{Setting, Settings};

/// What holds, and why.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    settings: Settings,
    pools: Vec<(&'static str, Explanation)>,
    /// Of threads' arenas, which the service does not use, but anything linked with it may.
    arena: Explanation,
}

impl Effective {
    /// With pools as `choice` has them.
    pub(crate) fn of(settings: Settings, choice: &PoolChoice) -> Result<Self, ConfigError> {
        let explain = |pool: &&'static str| {
            let explanation = choice.build(pool)?.config().explain();
            Ok((*pool, explanation))
        };
        let pools = CONFIGURABLE.iter().map(explain).collect::<Result<_, _>>()?;
        let arena = match &choice.config {
            Some(path) => ArenaConfig::load_file(path)?,
            None => ArenaConfig::load()?,
        };
        Ok(Self {
            settings,
            pools,
            arena: arena.explain(),
        })
    }

    /// A TOML file that would give the same settings.
    pub(crate) fn as_toml(&self) -> String {
        let Self {
            settings,
            pools,
            arena,
        } = self;
        let mut text = "[poold]\n".to_owned();
        for (key, Setting { value, source }) in settings.rows() {
            writeln!(text, "{key:<18} = {value:<8}  # {source}").expect("a String takes all");
        }
        for (pool, explanation) in pools {
            write!(text, "\n[pools.{pool}]\n{explanation}").expect("a String takes all");
        }
        write!(text, "\n{arena}").expect("a String takes all");
        text
    }

    pub(crate) fn as_json(&self) -> String {
        let Self {
            settings,
            pools,
            arena,
        } = self;
        let poold = settings.rows().map(
        |(key, setting)| json!({ "key": key, "value": setting.value, "source": setting.source }),
    );
        let pools: Vec<Value> = pools
            .iter()
            .map(|(pool, explanation)| pool_json(pool, explanation))
            .collect();
        format!(
            "{:#}\n",
            json!({ "poold": poold, "pools": pools, "arena": entries(arena) })
        )
    }
}

fn pool_json(pool: &str, explanation: &Explanation) -> Value {
    json!({ "name": pool, "settings": entries(explanation) })
}

fn entries(explanation: &Explanation) -> Vec<Value> {
    let settings = explanation.entries().iter().map(|entry| {
        // The value is a literal that is the same in TOML and in JSON.
        let value = serde_json::from_str(&entry.value).unwrap_or(Value::Null);
        json!({ "key": entry.key, "value": value, "source": entry.source.to_string(), "adr": entry.adr })
    });
    settings.collect()
}
