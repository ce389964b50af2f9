//! The service's own settings: the table `[poold]` of the pools' TOML file.
//!
//! ```toml
//! [poold]
//! workers = 4   # threads; the cores if not set
//! delta = 8     # triples a delta
//! monitor_interval_s = 10   # seconds between two looks at the pools' hit rates
//! ```
//!
//! The rest are the limits of `serve`: see [`KEYS`]. The command line wins over them.

use std::fs;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::pools::PoolChoice;
use crate::shown;
use crate::toml_error::{TomlError, TomlText};

/// Threads that may be asked for.
pub const WORKERS: RangeInclusive<u32> = 1..=1024;

/// Triples a delta that may be asked for.
pub const DELTA: RangeInclusive<u32> = 1..=u32::MAX;

/// Seconds between two looks at the pools that may be asked for.
pub const MONITOR_INTERVAL_S: RangeInclusive<u32> = 1..=3600;

/// Batches that may wait.
pub const QUEUE_LEN: RangeInclusive<u32> = 1..=65_536;

/// Connections at once.
pub const CONNECTIONS: RangeInclusive<u32> = 1..=65_536;

/// Bytes of a request's head; the HTTP library keeps at least 8 KiB.
pub const HEAD_BYTES: RangeInclusive<u32> = 8192..=1 << 20;

/// Bytes of a request's body, as sent.
pub const BODY_BYTES: RangeInclusive<u32> = 1..=1 << 30;

/// Bytes of a request's text, decompressed; and bytes of all bodies in memory.
pub const BYTES: RangeInclusive<u32> = 1..=u32::MAX;

/// Milliseconds of any deadline.
pub const TIME_MS: RangeInclusive<u32> = 100..=3_600_000;

/// The keys of `[poold]`, each with the values it may have and its default.
pub const KEYS: [(&str, RangeInclusive<u32>, u32); 12] = [
    // As many as the machine has cores.
    ("workers", WORKERS, 0),
    ("delta", DELTA, 8),
    ("monitor_interval_s", MONITOR_INTERVAL_S, 10),
    ("queue_len", QUEUE_LEN, 256),
    ("connections_max", CONNECTIONS, 1024),
    ("head_bytes_max", HEAD_BYTES, 16 << 10),
    ("body_bytes_max", BODY_BYTES, 16 << 20),
    ("text_bytes_max", BYTES, 128 << 20),
    ("held_bytes_max", BYTES, 256 << 20),
    ("head_time_ms", TIME_MS, 5000),
    ("body_time_ms", TIME_MS, 10_000),
    ("queue_time_ms", TIME_MS, 10_000),
];

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What holds.
    pub value: usize,
    /// `default`, or a place in a file.
    pub source: String,
}

/// The service's own settings, each with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Threads.
    pub workers: Setting,
    /// Triples a delta.
    pub delta: Setting,
    /// Seconds between two looks at the pools' hit rates.
    pub monitor_interval_s: Setting,
    /// Batches that may wait for a worker.
    pub queue_len: Setting,
    /// Connections at once.
    pub connections_max: Setting,
    /// Bytes of a request's head.
    pub head_bytes_max: Setting,
    /// Bytes of a request's body, as sent.
    pub body_bytes_max: Setting,
    /// Bytes of a request's text, decompressed if it was not sent plain.
    pub text_bytes_max: Setting,
    /// Bytes of all bodies that are in memory together.
    pub held_bytes_max: Setting,
    /// Milliseconds for a request's head; also between two requests, and for a TLS handshake.
    pub head_time_ms: Setting,
    /// Milliseconds for a request's body, and for each write of an answer.
    pub body_time_ms: Setting,
    /// Milliseconds that a batch may wait for a worker.
    pub queue_time_ms: Setting,
}

/// What the command line gives, in the order of [`KEYS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub [Option<u32>; KEYS.len()]);

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    poold: Table,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    workers: Option<Spanned<u32>>,
    delta: Option<Spanned<u32>>,
    monitor_interval_s: Option<Spanned<u32>>,
    queue_len: Option<Spanned<u32>>,
    connections_max: Option<Spanned<u32>>,
    head_bytes_max: Option<Spanned<u32>>,
    body_bytes_max: Option<Spanned<u32>>,
    text_bytes_max: Option<Spanned<u32>>,
    held_bytes_max: Option<Spanned<u32>>,
    head_time_ms: Option<Spanned<u32>>,
    body_time_ms: Option<Spanned<u32>>,
    queue_time_ms: Option<Spanned<u32>>,
}

impl Table {
    /// What it holds, in the order of [`KEYS`].
    fn values(self) -> [Option<Spanned<u32>>; KEYS.len()] {
        [
            self.workers,
            self.delta,
            self.monitor_interval_s,
            self.queue_len,
            self.connections_max,
            self.head_bytes_max,
            self.body_bytes_max,
            self.text_bytes_max,
            self.held_bytes_max,
            self.head_time_ms,
            self.body_time_ms,
            self.queue_time_ms,
        ]
    }
}

impl Settings {
    /// What cannot change under open sockets is as in `started_with`.
    pub(crate) fn keep_what_waits(&mut self, started_with: &Self) {
        self.queue_len = started_with.queue_len.clone();
        self.connections_max = started_with.connections_max.clone();
        self.monitor_interval_s = started_with.monitor_interval_s.clone();
    }

    /// The settings in the file that `choice` or `KNHK_POOL_CONFIG` names, and defaults.
    ///
    /// # Errors
    ///
    /// [`TomlError`] for a key that `[poold]` does not have, or a value outside its range.
    pub fn load(choice: &PoolChoice) -> Result<Self, TomlError> {
        Self::load_with(choice, &Flags::default())
    }

    /// The same; what `flags` give holds instead.
    ///
    /// # Errors
    ///
    /// As those of [`load`](Self::load).
    pub fn load_with(choice: &PoolChoice, flags: &Flags) -> Result<Self, TomlError> {
        let Some(path) = choice.file() else {
            let nothing = TomlText {
                path: "".as_ref(),
                text: "",
            };
            return Self::of(nothing, flags);
        };
        let refuse = |error| {
            TomlText {
                path: &path,
                text: "",
            }
            .error(0..0, &format!("cannot read it: {error}"))
        };
        let text = fs::read_to_string(&path).map_err(refuse)?;
        let file = TomlText {
            path: &path,
            text: &text,
        };
        Self::of(file, flags)
    }

    fn of(file: TomlText<'_>, flags: &Flags) -> Result<Self, TomlError> {
        let File { poold } = file.read()?;
        let mut settings = Vec::with_capacity(KEYS.len());
        let given = poold.values().into_iter().zip(flags.0);
        for ((key, range, default), (given, flag)) in KEYS.into_iter().zip(given) {
            // The file's value is checked even if the flag's holds.
            let setting = setting(file, key, given, range, default as usize)?;
            settings.push(flag.map_or(setting, |value| Setting::of_flag(key, value)));
        }
        let [
            mut workers,
            delta,
            monitor_interval_s,
            queue_len,
            connections_max,
            head_bytes_max,
            body_bytes_max,
            text_bytes_max,
            held_bytes_max,
            head_time_ms,
            body_time_ms,
            queue_time_ms,
        ] = <[Setting; KEYS.len()]>::try_from(settings).expect("one for each key");
        if workers.value == 0 {
            workers.value = std::thread::available_parallelism().map_or(1, usize::from);
        }
        Ok(Self {
            workers,
            delta,
            monitor_interval_s,
            queue_len,
            connections_max,
            head_bytes_max,
            body_bytes_max,
            text_bytes_max,
            held_bytes_max,
            head_time_ms,
            body_time_ms,
            queue_time_ms,
        })
    }

    /// Each key and what holds for it, in the order of [`KEYS`].
    pub fn rows(&self) -> [(&'static str, &Setting); KEYS.len()] {
        let settings = [
            &self.workers,
            &self.delta,
            &self.monitor_interval_s,
            &self.queue_len,
            &self.connections_max,
            &self.head_bytes_max,
            &self.body_bytes_max,
            &self.text_bytes_max,
            &self.held_bytes_max,
            &self.head_time_ms,
            &self.body_time_ms,
            &self.queue_time_ms,
        ];
        std::array::from_fn(|index| (KEYS[index].0, settings[index]))
    }
}

impl Setting {
    fn of_flag(key: &str, value: u32) -> Self {
        Self {
            value: value as usize,
            source: format!("flag --{}", key.replace('_', "-")),
        }
    }

    /// Of a setting in milliseconds.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.value as u64)
    }
}

fn setting(
    file: TomlText<'_>,
    key: &str,
    given: Option<Spanned<u32>>,
    range: RangeInclusive<u32>,
    default: usize,
) -> Result<Setting, TomlError> {
    let Some(given) = given else {
        return Ok(Setting {
            value: default,
            source: "default".to_owned(),
        });
    };
    let (value, place) = (*given.get_ref(), file.error(given.span(), ""));
    if !range.contains(&value) {
        let message = format!(
            "poold.{key} is {value}, expected {} to {}",
            range.start(),
            range.end()
        );
        return Err(TomlError { message, ..place });
    }
    let source = format!(
        "{}:{}:{}",
        shown::path(&place.path),
        place.line,
        place.column
    );
    Ok(Setting {
        value: value as usize,
        source,
    })
}
