//! `knhk-poold config`: every setting of the service and its pools, each with its source.

use std::fmt::Write as _;

use knhk_pool::{ConfigError, Explanation};
use serde_json::{Value, json};

use super::arguments::ConfigArguments;
use super::{DONE, Failure, print, settings};
use crate::pools::CONFIGURABLE;
use crate::run::RunError;
use crate::settings::{Setting, Settings};

type Explained = [(&'static str, Explanation)];

pub(super) fn command(arguments: &ConfigArguments) -> Result<u8, Failure> {
    let choice = arguments.choice();
    let settings = settings(&choice)?;
    let explain = |pool: &&'static str| {
        let explanation = choice.build(pool)?.config().explain();
        Ok((*pool, explanation))
    };
    let explained: Result<Vec<_>, ConfigError> = CONFIGURABLE.iter().map(explain).collect();
    let explained = explained.map_err(RunError::from)?;
    let text = if arguments.json {
        as_json(&settings, &explained)
    } else {
        as_toml(&settings, &explained)
    };
    print(&text)?;
    Ok(DONE)
}

/// A TOML file that would give the same settings.
fn as_toml(settings: &Settings, pools: &Explained) -> String {
    let mut text = "[poold]\n".to_owned();
    for (key, Setting { value, source }) in rows(settings) {
        writeln!(text, "{key:<18} = {value:<8}  # {source}").expect("a String takes all");
    }
    for (pool, explanation) in pools {
        write!(text, "\n[pools.{pool}]\n{explanation}").expect("a String takes all");
    }
    text
}

fn as_json(settings: &Settings, pools: &Explained) -> String {
    let poold = rows(settings).map(
        |(key, setting)| json!({ "key": key, "value": setting.value, "source": setting.source }),
    );
    let pools: Vec<Value> = pools
        .iter()
        .map(|(pool, explanation)| pool_json(pool, explanation))
        .collect();
    format!("{:#}\n", json!({ "poold": poold, "pools": pools }))
}

fn pool_json(pool: &str, explanation: &Explanation) -> Value {
    let settings = explanation.entries().iter().map(|entry| {
        // The value is a literal that is the same in TOML and in JSON.
        let value = serde_json::from_str(&entry.value).unwrap_or(Value::Null);
        json!({ "key": entry.key, "value": value, "source": entry.source.to_string(), "adr": entry.adr })
    });
    json!({ "name": pool, "settings": settings.collect::<Vec<_>>() })
}

fn rows(settings: &Settings) -> [(&'static str, &Setting); 3] {
    [
        ("workers", &settings.workers),
        ("delta", &settings.delta),
        ("monitor_interval_s", &settings.monitor_interval_s),
    ]
}
