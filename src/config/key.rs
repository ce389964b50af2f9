//! The keys: their names, what each may hold, and how text becomes a value.

use super::{ArenaConfig, ArenaOverflow, ConfigErrorKind, PoolConfig};
use crate::workload::Workload;

/// A key of the TOML file: of the top and of `[pools.NAME]` alike, or of `[arena]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Workload,
    PoolSize,
    BufferSize,
    ZeroOnRelease,
    HitRateWarning,
    Record,
    ArenaSize,
    ArenaOverflow,
    ArenaZero,
    ArenaHugePages,
}

impl Key {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::PoolSize => "pool_size",
            Self::BufferSize => "buffer_size",
            Self::ZeroOnRelease => "zero_on_release",
            Self::HitRateWarning => "hit_rate_warning",
            Self::Record => "record",
            Self::ArenaSize => "size",
            Self::ArenaOverflow => "overflow",
            Self::ArenaZero => "zero",
            Self::ArenaHugePages => "huge_pages",
        }
    }

    /// With its table, where there is only one that can hold it.
    pub(super) const fn full_name(self) -> &'static str {
        match self {
            Self::ArenaSize => "arena.size",
            Self::ArenaOverflow => "arena.overflow",
            Self::ArenaZero => "arena.zero",
            Self::ArenaHugePages => "arena.huge_pages",
            _ => self.name(),
        }
    }

    /// What may stand behind it, for a person to read.
    pub(super) fn allowed(self) -> String {
        match self {
            Self::Workload => "one of low, medium, high, extreme".into(),
            Self::PoolSize => format!("an integer from 0 to {}", PoolConfig::POOL_SIZE_MAX),
            Self::BufferSize => format!(
                "bytes from {} to {}, as an integer or like 8KiB or 1MiB",
                PoolConfig::BUFFER_SIZE_MIN,
                PoolConfig::BUFFER_SIZE_MAX
            ),
            Self::ZeroOnRelease => "true or false".into(),
            Self::Record | Self::ArenaZero => "true or false, in a variable also 1 or 0".into(),
            Self::HitRateWarning => "a ratio from 0 to 1, such as 0.9 for 90 %".into(),
            Self::ArenaSize => format!(
                "bytes from {} to {}, as an integer or like 512KiB or 8MiB",
                ArenaConfig::SIZE_MIN,
                ArenaConfig::SIZE_MAX
            ),
            Self::ArenaOverflow => "one of error, heap, panic".into(),
            Self::ArenaHugePages if cfg!(all(feature = "huge-pages", target_os = "linux")) => {
                "true or false".into()
            }
            Self::ArenaHugePages => {
                "false, in a build without the feature `huge-pages` or not for Linux".into()
            }
        }
    }

    /// The decision that the key's default and range follow from.
    pub(super) const fn adr(self) -> &'static str {
        match self {
            Self::Workload | Self::PoolSize | Self::BufferSize | Self::ZeroOnRelease => "ADR-001",
            Self::HitRateWarning => "ADR-007",
            Self::Record => "ADR-015",
            Self::ArenaSize | Self::ArenaOverflow | Self::ArenaZero | Self::ArenaHugePages => {
                "ADR-010"
            }
        }
    }
}

/// An unsigned decimal number: ASCII digits, nothing else.
pub(super) fn integer(text: &str) -> Result<usize, ConfigErrorKind> {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let digits = !magnitude.is_empty() && magnitude.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(ConfigErrorKind::Invalid);
    }
    text.parse().map_err(|_| ConfigErrorKind::OutOfRange)
}

/// Bytes: an [`integer`], on its own or with `KiB` (1024) or `MiB` (1024²) directly behind it.
pub(super) fn bytes(text: &str) -> Result<usize, ConfigErrorKind> {
    let (digits, unit) = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
        (Some(digits), _) => (digits, 1 << 10),
        (_, Some(digits)) => (digits, 1 << 20),
        _ => (text, 1),
    };
    integer(digits)?
        .checked_mul(unit)
        .ok_or(ConfigErrorKind::OutOfRange)
}

/// A workload's name, in lower case.
pub(super) fn workload(text: &str) -> Result<Workload, ConfigErrorKind> {
    text.parse().map_err(|_| ConfigErrorKind::Invalid)
}

/// `buffers`, if a pool may have so many.
pub(super) fn pool_size(buffers: usize) -> Result<usize, ConfigErrorKind> {
    within(buffers, buffers <= PoolConfig::POOL_SIZE_MAX)
}

/// `bytes`, if a buffer may have so many.
pub(super) fn buffer_size(bytes: usize) -> Result<usize, ConfigErrorKind> {
    within(
        bytes,
        (PoolConfig::BUFFER_SIZE_MIN..=PoolConfig::BUFFER_SIZE_MAX).contains(&bytes),
    )
}

/// `bytes`, if a configured arena may have so many.
pub(super) fn arena_size(bytes: usize) -> Result<usize, ConfigErrorKind> {
    within(
        bytes,
        (ArenaConfig::SIZE_MIN..=ArenaConfig::SIZE_MAX).contains(&bytes),
    )
}

/// Whether huge pages are asked for, if this build can ask for them.
pub(super) fn huge_pages(asked: bool) -> Result<bool, ConfigErrorKind> {
    if asked && !cfg!(all(feature = "huge-pages", target_os = "linux")) {
        return Err(ConfigErrorKind::Unsupported);
    }
    Ok(asked)
}

/// An overflow rule's name, in lower case.
pub(super) fn overflow(text: &str) -> Result<ArenaOverflow, ConfigErrorKind> {
    ArenaOverflow::ALL
        .into_iter()
        .find(|overflow| overflow.as_str() == text)
        .ok_or(ConfigErrorKind::Invalid)
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Result<bool, ConfigErrorKind> {
    text.parse().map_err(|_| ConfigErrorKind::Invalid)
}

/// As [`flag`], or `1` or `0`.
pub(super) fn switch(text: &str) -> Result<bool, ConfigErrorKind> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => flag(text),
    }
}

/// `rate`, if it is a ratio; not a number is none.
pub(super) fn hit_rate(rate: f64) -> Result<f64, ConfigErrorKind> {
    within(rate, (0.0..=1.0).contains(&rate))
}

fn within<T>(value: T, fits: bool) -> Result<T, ConfigErrorKind> {
    fits.then_some(value).ok_or(ConfigErrorKind::OutOfRange)
}

/// What `unknown` was most likely meant to be: the first of `known` with the fewest edits.
pub(super) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> &'a str {
    // Longer than any known name, and short enough for the edit table.
    let unknown: Vec<char> = unknown.chars().take(64).collect();
    let edits = |name: &&&str| edit_distance(&unknown, name);
    known.iter().min_by_key(edits).copied().unwrap_or_default()
}

/// Levenshtein's distance: insertions, deletions and replacements from `a` to `b`.
fn edit_distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, b) in b.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, a) in a.iter().enumerate() {
            let replaced = diagonal + usize::from(*a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[a.len()]
}
