//! The named sizes: ADR-001's table of workload profiles, as plain data.

use std::fmt;
use std::str::FromStr;

/// A named set of sizes, chosen by the rate at which requests come in.
///
/// | workload | buffers | buffer size | memory a thread | meant for |
/// |---|---|---|---|---|
/// | low | 8 | 2 KiB | 16 KiB | < 10 req/s |
/// | medium (default) | 16 | 4 KiB | 64 KiB | 10–100 req/s |
/// | high | 32 | 8 KiB | 256 KiB | 100–1000 req/s |
/// | extreme | 64 | 16 KiB | 1 MiB | > 1000 req/s |
///
/// The table is ADR-001's; a test compares the two. *Memory a thread* is buffers × buffer size, to
/// which each buffer adds 64 to 128 bytes of padding.
///
/// # Examples
///
/// ```
/// use knhk_pool::Workload;
///
/// assert_eq!("high".parse(), Ok(Workload::High));
/// assert_eq!(Workload::High.pool_size() * Workload::High.buffer_size(), 256 * 1024);
/// assert_eq!(Workload::default(), Workload::Medium);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Workload {
    /// Fewer than 10 requests per second.
    Low,
    /// 10 to 100 requests per second.
    #[default]
    Medium,
    /// 100 to 1000 requests per second.
    High,
    /// More than 1000 requests per second.
    Extreme,
}

impl Workload {
    /// Every workload, smallest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Extreme];

    /// Buffers a thread.
    pub const fn pool_size(self) -> usize {
        match self {
            Self::Low => 8,
            Self::Medium => 16,
            Self::High => 32,
            Self::Extreme => 64,
        }
    }

    /// Bytes a buffer.
    pub const fn buffer_size(self) -> usize {
        match self {
            Self::Low => 2 << 10,
            Self::Medium => 4 << 10,
            Self::High => 8 << 10,
            Self::Extreme => 16 << 10,
        }
    }

    /// The name used in configuration: lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Extreme => "extreme",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was none of `low`, `medium`, `high`, `extreme`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownWorkload;

impl fmt::Display for UnknownWorkload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown workload: expected low, medium, high or extreme")
    }
}

impl std::error::Error for UnknownWorkload {}

impl FromStr for Workload {
    type Err = UnknownWorkload;

    fn from_str(text: &str) -> Result<Self, UnknownWorkload> {
        let named = |workload: &Self| workload.as_str() == text;
        Self::ALL.into_iter().find(named).ok_or(UnknownWorkload)
    }
}
