//! A configuration file: TOML, walked by hand so that every error has its line and column.

mod text;

use std::path::Path;
use std::str;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::arena::ArenaLayer;
use super::error::{escaped, printable, quoted};
use super::key::nearest;
use super::layer::{Given, Layer};
use super::{ConfigError, ConfigErrorKind, Key, PoolTable, key};
use text::Text;

/// `[poold]` is the service's; its content is checked there.
const SERVICE_TABLE: &str = "poold";
const POOLS_TABLE: &str = "pools";
const ARENA_TABLE: &str = "arena";

const KEYS: [Key; 6] = [
    Key::Workload,
    Key::PoolSize,
    Key::BufferSize,
    Key::ZeroOnRelease,
    Key::HitRateWarning,
    Key::Record,
];

const ARENA_KEYS: [Key; 4] = [
    Key::ArenaSize,
    Key::ArenaOverflow,
    Key::ArenaZero,
    Key::ArenaHugePages,
];

/// What a file says.
#[derive(Debug)]
pub(super) struct Document {
    top: Layer,
    arena: ArenaLayer,
    pools: Vec<(PoolTable, Layer)>,
}

impl Document {
    /// Reads the whole file: a slip in another pool's table is an error too.
    pub(super) fn parse(path: Arc<Path>, bytes: &[u8]) -> Result<Self, ConfigError> {
        let text = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Err(not_utf8(path, bytes, error)),
        };
        let reader = Reader {
            text: Text::new(path, text),
        };
        let table = DeTable::parse(text).map_err(|error| reader.not_toml(&error))?;
        reader.document(table.get_ref())
    }

    /// The pool's own table before the top.
    pub(super) fn layer_of(mut self, pool: &str) -> Layer {
        match self.pools.iter().position(|(table, _)| table.name == pool) {
            Some(index) => self.pools.swap_remove(index).1.or(self.top),
            None => self.top,
        }
    }

    pub(super) fn arena_layer(self) -> ArenaLayer {
        self.arena
    }

    pub(super) fn pool_tables(self) -> Vec<PoolTable> {
        self.pools.into_iter().map(|(table, _)| table).collect()
    }
}

fn not_utf8(path: Arc<Path>, bytes: &[u8], error: str::Utf8Error) -> ConfigError {
    let (valid, rest) = bytes.split_at(error.valid_up_to());
    let valid = str::from_utf8(valid).unwrap_or_default();
    let source = Text::new(path, valid).place(valid.len());
    let value = format!(
        "the byte 0x{:02x}",
        rest.first().copied().unwrap_or_default()
    );
    ConfigError::new(
        ConfigErrorKind::Unreadable,
        "text",
        value,
        "UTF-8".into(),
        source,
    )
}

type Entry<'t, 'i> = (
    &'t Spanned<toml::de::DeString<'i>>,
    &'t Spanned<DeValue<'i>>,
);

/// The entries in the order of the file; the table itself is in the order of the alphabet.
fn entries<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Entry<'t, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Walks a parsed file; the text says where each thing stands.
#[derive(Debug)]
struct Reader<'i> {
    text: Text<'i>,
}

impl Reader<'_> {
    fn document(&self, table: &DeTable<'_>) -> Result<Document, ConfigError> {
        let mut document = Document {
            top: Layer::default(),
            arena: ArenaLayer::default(),
            pools: Vec::new(),
        };
        for (name, value) in entries(table) {
            match name.get_ref().as_ref() {
                POOLS_TABLE => document.pools = self.pools(self.table(POOLS_TABLE, value)?)?,
                ARENA_TABLE => document.arena = self.arena(self.table(ARENA_TABLE, value)?)?,
                SERVICE_TABLE => drop(self.table(SERVICE_TABLE, value)?),
                _ => self.setting(&mut document.top, None, (name, value))?,
            }
        }
        Ok(document)
    }

    fn pools(&self, tables: &DeTable<'_>) -> Result<Vec<(PoolTable, Layer)>, ConfigError> {
        let pool = |(name, value): Entry<'_, '_>| {
            let table = in_table(POOLS_TABLE, name.get_ref());
            let layer = self.pool(&table, self.table(&table, value)?)?;
            let source = self.text.place(name.span().start);
            let name = name.get_ref().to_string();
            Ok((PoolTable { name, source }, layer))
        };
        entries(tables).into_iter().map(pool).collect()
    }

    fn pool(&self, name: &str, table: &DeTable<'_>) -> Result<Layer, ConfigError> {
        let mut layer = Layer::default();
        for (key, value) in entries(table) {
            self.setting(&mut layer, Some(name), (key, value))?;
        }
        Ok(layer)
    }

    fn arena(&self, table: &DeTable<'_>) -> Result<ArenaLayer, ConfigError> {
        let mut layer = ArenaLayer::default();
        for (name, value) in entries(table) {
            let full = in_table(ARENA_TABLE, name.get_ref());
            let known = ARENA_KEYS.map(Key::name);
            let Some(key) = known.iter().position(|key| *key == name.get_ref()) else {
                return Err(self.unknown(&full, (name, value), &known));
            };
            let given = self.given(ARENA_KEYS[key], &full, (name, value));
            let value = value.get_ref();
            match ARENA_KEYS[key] {
                Key::ArenaSize => layer.size = Some(given.settle(arena_size(value))?),
                Key::ArenaOverflow => layer.overflow = Some(given.settle(overflow(value))?),
                Key::ArenaZero => layer.zero = Some(given.settle(flag(value))?),
                _ => layer.huge_pages = Some(given.settle(huge_pages(value))?),
            }
        }
        Ok(layer)
    }

    /// The value of an entry as it stands there.
    fn given<'a>(&self, key: Key, full: &'a str, entry: Entry<'_, '_>) -> Given<'a> {
        let place = self.text.place(entry.1.span().start);
        Given::new(key, full, self.shown(entry), place)
    }

    /// The value of an entry, for a message. A table that a longer key implies stands where its name does.
    fn shown(&self, (name, value): Entry<'_, '_>) -> String {
        if value.span() == name.span() {
            "a table".into()
        } else {
            self.text.shown(value.span())
        }
    }

    /// Reads one key of `table`, or of the file's top, into `layer`.
    fn setting(
        &self,
        layer: &mut Layer,
        table: Option<&str>,
        (name, value): Entry<'_, '_>,
    ) -> Result<(), ConfigError> {
        let full = match table {
            Some(table) => in_table(table, name.get_ref()),
            None => as_key(name.get_ref()),
        };
        let Some(key) = KEYS.into_iter().find(|key| key.name() == name.get_ref()) else {
            let mut known: Vec<&str> = KEYS.into_iter().map(Key::name).collect();
            if table.is_none() {
                known.extend([POOLS_TABLE, ARENA_TABLE, SERVICE_TABLE]);
            }
            return Err(self.unknown(&full, (name, value), &known));
        };
        let given = self.given(key, &full, (name, value));
        let value = value.get_ref();
        match key {
            Key::Workload => layer.workload = Some(given.settle(workload(value))?),
            Key::PoolSize => layer.pool_size = Some(given.settle(pool_size(value))?),
            Key::BufferSize => layer.buffer_size = Some(given.settle(buffer_size(value))?),
            Key::ZeroOnRelease => layer.zero_on_release = Some(given.settle(flag(value))?),
            Key::Record => layer.recording = Some(given.settle(flag(value))?),
            _ => layer.hit_rate_warning = Some(given.settle(hit_rate(value))?),
        }
        Ok(())
    }

    fn unknown(&self, full: &str, (name, value): Entry<'_, '_>, known: &[&str]) -> ConfigError {
        let note = format!(
            "an unknown key; the nearest known is {}",
            nearest(name.get_ref(), known)
        );
        ConfigError::new(
            ConfigErrorKind::UnknownKey,
            full,
            self.shown((name, value)),
            format!("one of {}", known.join(", ")),
            self.text.place(name.span().start),
        )
        .with_note(note)
    }

    fn table<'t, 'i>(
        &self,
        name: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Result<&'t DeTable<'i>, ConfigError> {
        value.get_ref().as_table().ok_or_else(|| {
            let shown = self.text.shown(value.span());
            let source = self.text.place(value.span().start);
            let allowed = format!("a table, written [{}]", printable(name));
            ConfigError::new(ConfigErrorKind::Invalid, name, shown, allowed, source)
        })
    }

    /// The parser's complaint, with the line that it is about as key and value.
    fn not_toml(&self, error: &toml::de::Error) -> ConfigError {
        let offset = error.span().map_or(0, |span| span.start);
        let line = self.text.line(offset);
        let (key, value) = match split_at_equals(line) {
            Some((key, value)) if !key.trim().is_empty() => (key.trim(), value.trim()),
            _ => ("text", line.trim()),
        };
        let value = if value.is_empty() { "empty" } else { value };
        let (value, source) = (printable(value), self.text.place(offset));
        ConfigError::new(
            ConfigErrorKind::Syntax,
            key,
            value,
            "valid TOML".into(),
            source,
        )
        .with_note(escaped(error.message()))
    }
}

/// The key `name` of `table`, as TOML writes it.
fn in_table(table: &str, name: &str) -> String {
    format!("{table}.{}", as_key(name))
}

/// `name` as TOML writes a key: in quotes, unless it is a bare one. Shortened.
fn as_key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.is_empty() && name.bytes().all(is_bare) {
        printable(name)
    } else {
        quoted(name)
    }
}

/// What stands before and behind the first `=` that is in no quotes.
fn split_at_equals(line: &str) -> Option<(&str, &str)> {
    let mut open = None;
    let equals = line.char_indices().find(|&(_, c)| {
        match (open, c) {
            (None, '"' | '\'') => open = Some(c),
            (Some(quote), c) if c == quote => open = None,
            _ => {}
        }
        open.is_none() && c == '='
    });
    equals.map(|(at, _)| (&line[..at], &line[at + 1..]))
}

fn workload(value: &DeValue<'_>) -> Result<crate::workload::Workload, ConfigErrorKind> {
    value
        .as_str()
        .ok_or(ConfigErrorKind::Invalid)
        .and_then(key::workload)
}

fn pool_size(value: &DeValue<'_>) -> Result<usize, ConfigErrorKind> {
    integer(value).and_then(key::pool_size)
}

fn buffer_size(value: &DeValue<'_>) -> Result<usize, ConfigErrorKind> {
    bytes(value).and_then(key::buffer_size)
}

fn flag(value: &DeValue<'_>) -> Result<bool, ConfigErrorKind> {
    value.as_bool().ok_or(ConfigErrorKind::Invalid)
}

fn bytes(value: &DeValue<'_>) -> Result<usize, ConfigErrorKind> {
    match value.as_str() {
        Some(text) => key::bytes(text),
        None => integer(value),
    }
}

fn arena_size(value: &DeValue<'_>) -> Result<usize, ConfigErrorKind> {
    bytes(value).and_then(key::arena_size)
}

fn huge_pages(value: &DeValue<'_>) -> Result<bool, ConfigErrorKind> {
    flag(value).and_then(key::huge_pages)
}

fn overflow(value: &DeValue<'_>) -> Result<super::ArenaOverflow, ConfigErrorKind> {
    value
        .as_str()
        .ok_or(ConfigErrorKind::Invalid)
        .and_then(key::overflow)
}

/// A float; an integer too, since 0 and 1 are ratios.
fn hit_rate(value: &DeValue<'_>) -> Result<f64, ConfigErrorKind> {
    let rate = match value {
        DeValue::Float(float) => float.as_str().parse().map_err(|_| ConfigErrorKind::Invalid),
        _ => integer(value).map(|rate| rate as f64),
    };
    rate.and_then(key::hit_rate)
}

fn integer(value: &DeValue<'_>) -> Result<usize, ConfigErrorKind> {
    let integer = value.as_integer().ok_or(ConfigErrorKind::Invalid)?;
    let signed = i128::from_str_radix(integer.as_str(), integer.radix());
    signed
        .ok()
        .and_then(|n| usize::try_from(n).ok())
        .ok_or(ConfigErrorKind::OutOfRange)
}
