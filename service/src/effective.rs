//! The effective configuration: every setting of the service and its pools, each with its source.

use std::fmt::Write as _;

use knhk_pool::{ConfigError, Explanation};
use serde_json::{Value, json};

use crate::pools::{CONFIGURABLE, PoolChoice};
use crate::settings::{Setting, Settings};

/// What holds, and why.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    settings: Settings,
    pools: Vec<(&'static str, Explanation)>,
}

impl Effective {
    /// With pools as `choice` has them.
    pub(crate) fn of(settings: Settings, choice: &PoolChoice) -> Result<Self, ConfigError> {
        let explain = |pool: &&'static str| {
            let explanation = choice.build(pool)?.config().explain();
            Ok((*pool, explanation))
        };
        let pools = CONFIGURABLE.iter().map(explain).collect::<Result<_, _>>()?;
        Ok(Self { settings, pools })
    }

    /// A TOML file that would give the same settings.
    pub(crate) fn as_toml(&self) -> String {
        let Self { settings, pools } = self;
        let mut text = "[poold]\n".to_owned();
        for (key, Setting { value, source }) in settings.rows() {
            writeln!(text, "{key:<18} = {value:<8}  # {source}").expect("a String takes all");
        }
        for (pool, explanation) in pools {
            write!(text, "\n[pools.{pool}]\n{explanation}").expect("a String takes all");
        }
        text
    }

    pub(crate) fn as_json(&self) -> String {
        let Self { settings, pools } = self;
        let poold = settings.rows().map(
        |(key, setting)| json!({ "key": key, "value": setting.value, "source": setting.source }),
    );
        let pools: Vec<Value> = pools
            .iter()
            .map(|(pool, explanation)| pool_json(pool, explanation))
            .collect();
        format!("{:#}\n", json!({ "poold": poold, "pools": pools }))
    }
}

fn pool_json(pool: &str, explanation: &Explanation) -> Value {
    let settings = explanation.entries().iter().map(|entry| {
        // The value is a literal that is the same in TOML and in JSON.
        let value = serde_json::from_str(&entry.value).unwrap_or(Value::Null);
        json!({ "key": entry.key, "value": value, "source": entry.source.to_string(), "adr": entry.adr })
    });
    json!({ "name": pool, "settings": settings.collect::<Vec<_>>() })
}
