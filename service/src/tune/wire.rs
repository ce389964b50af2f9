//! A demand as JSON: the field `demand` of a pool in `/v1/pools`.

use knhk_pool::Demand;
use serde::{Deserialize, Serialize};

/// What [`Demand`] has, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemandFigures {
    buffer_size: usize,
    needed: Vec<u64>,
    beyond: u64,
    depths: Vec<u64>,
    deeper: u64,
    lengths: Vec<u64>,
}

/// Figures that no recording pool can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FiguresError {
    /// A list is longer than there are sizes.
    #[error("{list} has {len} entries, expected at most {max}")]
    TooLong {
        /// Which.
        list: &'static str,
        /// Its entries.
        len: usize,
        /// The most it may have.
        max: usize,
    },
    /// A sum does not fit.
    #[error("the sum of {list} is above {}", u64::MAX)]
    TooLarge {
        /// Of which list.
        list: &'static str,
    },
    /// A buffer cannot be so large.
    #[error("buffer_size is {0}, expected bytes from {min} to {max}", min = knhk_pool::PoolConfig::BUFFER_SIZE_MIN, max = knhk_pool::PoolConfig::BUFFER_SIZE_MAX)]
    BufferSize(usize),
}

impl DemandFigures {
    /// Whether anything was acquired.
    pub(super) fn has_acquires(&self) -> bool {
        self.beyond != 0 || self.needed.iter().any(|acquires| *acquires != 0)
    }
}

impl From<&Demand> for DemandFigures {
    fn from(demand: &Demand) -> Self {
        Self {
            buffer_size: demand.buffer_size,
            needed: demand.needed.clone(),
            beyond: demand.beyond,
            depths: demand.depths.clone(),
            deeper: demand.deeper,
            lengths: demand.lengths.clone(),
        }
    }
}

impl TryFrom<DemandFigures> for Demand {
    type Error = FiguresError;

    fn try_from(figures: DemandFigures) -> Result<Self, FiguresError> {
        let sizes = knhk_pool::PoolConfig::BUFFER_SIZE_MIN..=knhk_pool::PoolConfig::BUFFER_SIZE_MAX;
        if !sizes.contains(&figures.buffer_size) {
            return Err(FiguresError::BufferSize(figures.buffer_size));
        }
        let powers = usize::BITS as usize + 1;
        check("needed", &figures.needed, figures.beyond, Self::SIZE_MAX)?;
        check("depths", &figures.depths, figures.deeper, Self::SIZE_MAX)?;
        check("lengths", &figures.lengths, 0, powers)?;
        let mut demand = Self::default();
        demand.buffer_size = figures.buffer_size;
        demand.needed = figures.needed;
        demand.beyond = figures.beyond;
        demand.depths = figures.depths;
        demand.deeper = figures.deeper;
        demand.lengths = figures.lengths;
        Ok(demand)
    }
}

fn check(list: &'static str, counts: &[u64], more: u64, max: usize) -> Result<(), FiguresError> {
    let len = counts.len();
    if len > max {
        return Err(FiguresError::TooLong { list, len, max });
    }
    let sum = counts
        .iter()
        .try_fold(more, |sum, count| sum.checked_add(*count));
    sum.map(drop).ok_or(FiguresError::TooLarge { list })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_pool_can_have_recorded_is_refused() {
        let good = DemandFigures {
            buffer_size: 4096,
            needed: vec![1, 2],
            ..DemandFigures::default()
        };
        let demand = Demand::try_from(good.clone()).expect("it is fine");
        assert_eq!(DemandFigures::from(&demand), good);
        let refused = |figures: DemandFigures| {
            Demand::try_from(figures)
                .expect_err("it is refused")
                .to_string()
        };
        let long = DemandFigures {
            depths: vec![0; 1025],
            ..good.clone()
        };
        assert_eq!(
            refused(long),
            "depths has 1025 entries, expected at most 1024"
        );
        let large = DemandFigures {
            beyond: u64::MAX,
            ..good.clone()
        };
        assert!(refused(large).starts_with("the sum of needed is above"));
        let none = DemandFigures {
            buffer_size: 0,
            ..good
        };
        assert!(refused(none).starts_with("buffer_size is 0, expected bytes from 64"));
    }
}
