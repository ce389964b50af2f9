//! The rings' counts, beside those of the peers that they are to match.

use crate::rings::{
    Inside, RingCase, event_ring, heapless_channel, heapless_deque, rtrb_channel, spsc_channel,
};

use super::PAIRS_COUNTED;

/// What is counted of rings: a `u64` in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedRing {
    /// `EventRingBuffer`, 1 in, 1 out.
    EventOne,
    /// `EventRingBuffer`, 16 in, 16 out.
    EventBurst,
    /// `heapless::Deque`, 1 in, 1 out: a peer.
    DequeOne,
    /// `heapless::Deque`, 16 in, 16 out: a peer.
    DequeBurst,
    /// `spsc` on one thread, 1 in, 1 out.
    SpscOne,
    /// `spsc` on one thread, 16 in, 16 out.
    SpscBurst,
    /// `rtrb` on one thread, 1 in, 1 out: a peer.
    RtrbOne,
    /// `rtrb` on one thread, 16 in, 16 out: a peer.
    RtrbBurst,
    /// `heapless`' channel on one thread, 1 in, 1 out: a peer.
    HeaplessOne,
    /// `heapless`' channel on one thread, 16 in, 16 out: a peer.
    HeaplessBurst,
}

impl CountedRing {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::EventOne,
        Self::EventBurst,
        Self::DequeOne,
        Self::DequeBurst,
        Self::SpscOne,
        Self::SpscBurst,
        Self::RtrbOne,
        Self::RtrbBurst,
        Self::HeaplessOne,
        Self::HeaplessBurst,
    ];

    /// Instructions for [`PAIRS_COUNTED`] pairs, as counted when this was last renewed.
    pub const fn recorded(self) -> u64 {
        match self {
            Self::EventOne => 512_037,
            Self::EventBurst => 505_035,
            Self::DequeOne => 576_037,
            Self::DequeBurst => 568_035,
            Self::SpscOne => 675_322,
            Self::SpscBurst => 582_162,
            Self::RtrbOne => 896_213,
            Self::RtrbBurst => 846_209,
            Self::HeaplessOne => 672_041,
            Self::HeaplessBurst => 665_038,
        }
    }

    /// What the check allows: 2 % above what is on record.
    pub const fn limit(self) -> u64 {
        self.recorded() + self.recorded() / 50
    }

    /// The ring, with every slot touched once.
    pub fn prepare(self) -> WarmRing {
        crate::assert_proved();
        let (mut case, inside) = match self {
            Self::EventOne => (RingCase::new("event", event_ring()), Inside::One),
            Self::EventBurst => (RingCase::new("event", event_ring()), Inside::Burst),
            Self::DequeOne => (RingCase::new("deque", heapless_deque()), Inside::One),
            Self::DequeBurst => (RingCase::new("deque", heapless_deque()), Inside::Burst),
            Self::SpscOne => (RingCase::new("spsc", spsc_channel()), Inside::One),
            Self::SpscBurst => (RingCase::new("spsc", spsc_channel()), Inside::Burst),
            Self::RtrbOne => (RingCase::new("rtrb", rtrb_channel()), Inside::One),
            Self::RtrbBurst => (RingCase::new("rtrb", rtrb_channel()), Inside::Burst),
            Self::HeaplessOne => (RingCase::new("heapless", heapless_channel()), Inside::One),
            Self::HeaplessBurst => (RingCase::new("heapless", heapless_channel()), Inside::Burst),
        };
        case.run(inside, 2 * crate::rings::RING_CAPACITY as u64);
        WarmRing { case, inside }
    }
}

/// A ring that is ready to be counted.
#[derive(Debug)]
pub struct WarmRing {
    case: RingCase,
    inside: Inside,
}

impl WarmRing {
    /// Runs [`PAIRS_COUNTED`] pairs; returns how many it was.
    pub fn run(&mut self) -> u64 {
        self.case.run(self.inside, PAIRS_COUNTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counted_ring_is_in_the_bench() {
        let bench = include_str!("../../instructions.rs");
        for counted in CountedRing::ALL {
            let line = format!("limited_ring(CountedRing::{counted:?})");
            assert!(bench.contains(&line), "no {counted:?} in instructions.rs");
        }
    }

    #[test]
    fn each_counted_ring_runs_the_pairs_that_it_is_counted_for() {
        for counted in CountedRing::ALL {
            assert_eq!(counted.prepare().run(), PAIRS_COUNTED, "{counted:?}");
        }
    }

    #[test]
    fn limits_are_two_percent_above_what_is_recorded() {
        for counted in CountedRing::ALL {
            let over = counted.limit() as f64 / counted.recorded() as f64;
            assert!((1.019..=1.02).contains(&over), "{counted:?}: {over}");
        }
    }
}
