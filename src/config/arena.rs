//! The settings of arenas: how large, and what happens when one is full.

use std::fmt;
use std::path::Path;

use super::explain::{Explanation, entry};
use super::key::{self, Key};
use super::layer::{Setting, unset};
use super::{ConfigError, load};

/// What an arena does when its chunk has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArenaOverflow {
    /// An error from the `try_` forms, a panic from the others.
    #[default]
    Error,
    /// The heap serves, until the scope ends or the arena is reset; counted.
    Heap,
    /// A panic, from the `try_` forms too: for programs in which it is a mistake.
    Panic,
}

impl ArenaOverflow {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Error, Self::Heap, Self::Panic];

    /// As in `KNHK_ARENA_OVERFLOW` and in the TOML file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Heap => "heap",
            Self::Panic => "panic",
        }
    }
}

impl fmt::Display for ArenaOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The settings of an arena, each with the place it comes from.
///
/// `ArenaConfig::default()` reads nothing; [`load`](Self::load) reads the environment and the `[arena]`
/// table of the file that `KNHK_POOL_CONFIG` names. The `with_` setters check nothing;
/// [`validate`](Self::validate) does, and so does everything that builds an arena from this.
///
/// Two configurations are equal when their values are, wherever these come from.
///
/// # Cost
///
/// Made off the hot path; threads' arenas read theirs once a process.
///
/// # Examples
///
/// ```
/// use knhk_pool::{ArenaConfig, ArenaOverflow};
///
/// let config = ArenaConfig::default();
/// assert_eq!((config.size(), config.overflow(), config.zero()), (1 << 20, ArenaOverflow::Error, false));
/// let error = config.with_size(1000).validate().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "builder: arena.size is 1000, expected bytes from 65536 to 1073741824, as an integer or like \
///      512KiB or 8MiB",
/// );
/// ```
#[derive(Clone, Debug)]
pub struct ArenaConfig {
    size: Setting<usize>,
    overflow: Setting<ArenaOverflow>,
    zero: Setting<bool>,
    huge_pages: Setting<bool>,
}

impl ArenaConfig {
    /// The fewest bytes of a configured arena: 64 KiB.
    pub const SIZE_MIN: usize = 64 << 10;

    /// The most bytes of a configured arena: 1 GiB.
    pub const SIZE_MAX: usize = 1 << 30;

    /// Bytes of an arena unless told otherwise: 1 MiB.
    pub const SIZE_DEFAULT: usize = 1 << 20;

    /// The settings of threads' arenas and scratch, from the environment and the file that
    /// `KNHK_POOL_CONFIG` names.
    ///
    /// | variable | key in `[arena]` | holds |
    /// |---|---|---|
    /// | `KNHK_ARENA_SIZE` | `size` | bytes: `65536` to `1073741824`, or like `512KiB` or `8MiB` |
    /// | `KNHK_ARENA_OVERFLOW` | `overflow` | `error`, `heap` or `panic` |
    /// | `KNHK_ARENA_ZERO` | `zero` | `true` or `false` (the variable also `1` or `0`): whether what is given back is wiped |
    /// | | `huge_pages` | `true` or `false` (feature `huge-pages`, Linux) |
    ///
    /// The environment wins over the file, for each key alone. An empty variable counts as unset; any
    /// other variable that begins with `KNHK_ARENA_` is refused.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for the first setting that is unknown, impossible or unreadable, whether or
    /// not a stronger one would have won over it: those of pools included, which stand in the same
    /// environment and file.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::ArenaConfig;
    ///
    /// let config = ArenaConfig::load()?;
    /// assert!(config.size() >= ArenaConfig::SIZE_MIN);
    /// # Ok::<(), knhk_pool::ConfigError>(())
    /// ```
    pub fn load() -> Result<Self, ConfigError> {
        super::resolve_arena(None)
    }

    /// As [`load`](Self::load), with the TOML file at `path` in place of the one that
    /// `KNHK_POOL_CONFIG` names.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and when `path` is not a readable file of TOML in UTF-8 of at most
    /// 1 MiB. Always, in a build without the feature `toml`.
    pub fn load_file(path: &Path) -> Result<Self, ConfigError> {
        load::resolve_arena(Some(path), std::env::vars_os())
    }

    /// Bytes of the chunk, [`SIZE_MIN`](Self::SIZE_MIN) to [`SIZE_MAX`](Self::SIZE_MAX).
    pub const fn size(&self) -> usize {
        self.size.value
    }

    /// What happens when there is no room.
    pub const fn overflow(&self) -> ArenaOverflow {
        self.overflow.value
    }

    /// Whether bytes that are given back are overwritten with zeros; `false` unless set.
    pub const fn zero(&self) -> bool {
        self.zero.value
    }

    /// Whether the kernel is asked to back the chunk by huge pages; `false` unless set.
    pub const fn huge_pages(&self) -> bool {
        self.huge_pages.value
    }

    /// Sets the bytes of the chunk.
    #[must_use]
    pub fn with_size(mut self, bytes: usize) -> Self {
        self.size = Setting::built(bytes);
        self
    }

    /// Sets what happens when there is no room.
    #[must_use]
    pub fn with_overflow(mut self, overflow: ArenaOverflow) -> Self {
        self.overflow = Setting::built(overflow);
        self
    }

    /// Sets whether bytes that are given back are overwritten with zeros.
    #[must_use]
    pub fn with_zero(mut self, zero: bool) -> Self {
        self.zero = Setting::built(zero);
        self
    }

    /// Sets whether the kernel is asked to back the chunk by huge pages, as `madvise` does. It is
    /// advice: [`Arena::has_huge_pages`](crate::Arena::has_huge_pages) tells whether it was taken.
    #[must_use]
    pub fn with_huge_pages(mut self, huge_pages: bool) -> Self {
        self.huge_pages = Setting::built(huge_pages);
        self
    }

    /// Checks the range of the size, and that this build can do what it is asked for.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) for the size,
    /// [`Unsupported`](crate::ConfigErrorKind::Unsupported) for huge pages in a build without the feature
    /// `huge-pages` or for another system than Linux.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.size.check(Key::ArenaSize, key::arena_size)?;
        self.huge_pages.check(Key::ArenaHugePages, key::huge_pages)
    }

    /// Every value with its source and the decision that it follows from.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::ArenaConfig;
    ///
    /// let explanation = ArenaConfig::default().with_zero(true).explain();
    /// assert_eq!(explanation.to_string(), "\
    /// [arena]
    /// size       = 1048576  # default, ADR-010
    /// overflow   = \"error\"  # default, ADR-010
    /// zero       = true     # builder, ADR-010
    /// huge_pages = false    # default, ADR-010
    /// ");
    /// ```
    pub fn explain(&self) -> Explanation {
        let overflow = format!("{:?}", self.overflow().as_str());
        let entries = vec![
            entry(Key::ArenaSize, self.size().to_string(), &self.size),
            entry(Key::ArenaOverflow, overflow, &self.overflow),
            entry(Key::ArenaZero, self.zero().to_string(), &self.zero),
            entry(
                Key::ArenaHugePages,
                self.huge_pages().to_string(),
                &self.huge_pages,
            ),
        ];
        Explanation::in_table("arena", entries)
    }
}

/// What [`ArenaConfig::load`] gives without environment and file.
impl Default for ArenaConfig {
    fn default() -> Self {
        ArenaLayer::default().settle()
    }
}

impl PartialEq for ArenaConfig {
    fn eq(&self, other: &Self) -> bool {
        self.size() == other.size()
            && self.overflow() == other.overflow()
            && self.zero() == other.zero()
            && self.huge_pages() == other.huge_pages()
    }
}

/// What one source says of arenas; `None` where it says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct ArenaLayer {
    pub(super) size: Option<Setting<usize>>,
    pub(super) overflow: Option<Setting<ArenaOverflow>>,
    pub(super) zero: Option<Setting<bool>>,
    pub(super) huge_pages: Option<Setting<bool>>,
}

impl ArenaLayer {
    /// This layer, and `weaker` where it says nothing: for each key alone.
    pub(super) fn or(self, weaker: Self) -> Self {
        Self {
            size: self.size.or(weaker.size),
            overflow: self.overflow.or(weaker.overflow),
            zero: self.zero.or(weaker.zero),
            huge_pages: self.huge_pages.or(weaker.huge_pages),
        }
    }

    /// Fills what is left from the defaults.
    pub(super) fn settle(self) -> ArenaConfig {
        ArenaConfig {
            size: self
                .size
                .unwrap_or_else(|| unset(ArenaConfig::SIZE_DEFAULT)),
            overflow: self
                .overflow
                .unwrap_or_else(|| unset(ArenaOverflow::default())),
            zero: self.zero.unwrap_or_else(|| unset(false)),
            huge_pages: self.huge_pages.unwrap_or_else(|| unset(false)),
        }
    }
}
