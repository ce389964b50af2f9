//! Random scripts against the model, the room that there must be, and the most that was used.

use std::vec::IntoIter;

use knhk_pool::{Arena, ArenaOverflow, Scope, ScratchBuffer};
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

    #[test]
    fn high_water_is_the_most_that_was_ever_in_use_at_once(
        capacity in 0_usize..300,
        steps in vec(any::<u8>(), 0..60),
        wipes in any::<bool>(),
    ) {
        let arena = Arena::with_capacity(capacity).with_overflow(ArenaOverflow::Heap);
        let scratch = ScratchBuffer::from(arena.with_zero(wipes));
        let mut steps = steps.into_iter();
        let mut most = 0;
        while steps.len() > 0 {
            scratch.with(|scope| fill_and_rewind(scope, &scratch, &mut steps, &mut most));
            prop_assert_eq!(scratch.stats().high_water, most);
        }
    }
}

/// Allocates, in scopes inside of scopes; `most` is what was ever in use, looked at after every step.
fn fill_and_rewind(
    scope: &mut Scope<'_>,
    scratch: &ScratchBuffer,
    steps: &mut IntoIter<u8>,
    most: &mut usize,
) {
    while let Some(step) = steps.next() {
        match step {
            0..40 => break,
            40..100 => scope.scope(|inner| fill_and_rewind(inner, scratch, steps, most)),
            100.. => {
                scope.alloc_slice_uninit::<u8>(usize::from(step - 99));
                let stats = scratch.stats();
                *most = (*most).max(stats.in_use + stats.heap_bytes);
            }
        }
    }
}
