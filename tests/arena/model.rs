//! Random scripts against the model, and the room that there must be.

use knhk_pool::Arena;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{arena_model, layout};

const CASES: u32 = if cfg!(miri) { 4 } else { 10_000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn live_allocations_are_apart_aligned_and_keep_what_they_hold(
        script in vec(any::<u8>(), 0..if cfg!(miri) { 30 } else { 300 })
    ) {
        arena_model::check(&script);
    }

    #[test]
    fn request_is_refused_exactly_when_it_does_not_fit(
        capacity in 0_usize..3000,
        requests in vec((0_usize..600, 0_u32..13), 0..30),
    ) {
        let arena = Arena::with_capacity(capacity);
        let mut left = capacity;
        for (bytes, power) in requests {
            let align = 1_usize << power;
            let fits = bytes <= left;
            prop_assert_eq!(arena.try_alloc_layout(layout(bytes, align)).is_ok(), fits);
            if fits && bytes > 0 {
                left = (left - bytes) / align * align;
            }
            prop_assert_eq!(arena.remaining(), left);
        }
    }
}
