//! The size that was asked for, as a TOML file that the pools load.

use knhk_pool::{ConfigError, PoolConfig, Workload};

use super::{Forecast, Tuning};

/// The file's text; `None` if no size reaches the rate that was asked for.
pub fn toml(tuning: &Tuning) -> Option<String> {
    let Forecast {
        pool_size,
        hit_rate,
        bytes_per_thread,
        ..
    } = tuning.wanted()?;
    Some(format!(
        "# By knhk-poold tune, from {} acquires recorded from {}.\n\
         # Foretold: {} hits, {} % asked for; {bytes_per_thread} bytes a thread.\n\
         [pools.{}]\n\
         pool_size = {pool_size}\n\
         buffer_size = {}\n",
        tuning.demand.acquires(),
        comment(&tuning.source),
        tuning.target.beside(hit_rate),
        tuning.target.0,
        key(&tuning.pool),
        tuning.demand.buffer_size,
    ))
}

/// Whether the pools take the size that was asked for.
///
/// # Errors
///
/// Why not.
pub fn check(tuning: &Tuning) -> Result<(), ConfigError> {
    let Some(Forecast { pool_size, .. }) = tuning.wanted() else {
        return Ok(());
    };
    PoolConfig::from(Workload::default())
        .with_pool_size(pool_size)
        .with_buffer_size(tuning.demand.buffer_size)
        .validate()
}

/// On one line, and without what TOML forbids in a comment.
fn comment(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// A TOML key, quoted where it must be.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_bare) {
        return name.to_owned();
    }
    let escaped = name.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", c as u32),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use knhk_pool::Demand;

    use super::*;
    use crate::tune::Percent;

    #[test]
    fn a_name_with_anything_in_it_is_a_key_that_reads_back() {
        for name in ["emit", "a.b", "", "quo\"te\\", "line\nbreak", "ü", "\u{7f}"] {
            let mut demand = Demand::default();
            (demand.buffer_size, demand.needed) = (64, vec![1]);
            let tuning = Tuning {
                source: "two\nlines\u{0}".to_owned(),
                pool: name.to_owned(),
                demand,
                target: Percent(99.0),
            };
            let text = toml(&tuning).expect("one buffer serves it");
            let read: toml::Table = text
                .parse()
                .unwrap_or_else(|error| panic!("{error}: {text}"));
            let pools = read["pools"].as_table().expect("a table");
            assert_eq!(pools.keys().collect::<Vec<_>>(), [name]);
            assert_eq!(pools[name]["pool_size"].as_integer(), Some(1));
        }
    }
}
