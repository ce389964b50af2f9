//! The promises of the columns, runs and receipts, and of the pool that lends them.

#[path = "../armed/mod.rs"]
mod armed;
mod knhk_pool;
mod load;
mod merge;
#[path = "../reuse/mod.rs"]
mod reuse;
mod rings;

use ::knhk_pool::{PredicateRun, RUN_LEN_MAX, Receipt, Reset, SoaTriples, TriplesError};
use std::mem::{align_of, offset_of, size_of};

#[test]
fn layouts_are_those_of_knhks_c_structs() {
    assert_eq!(
        (size_of::<SoaTriples>(), align_of::<SoaTriples>()),
        (192, 64)
    );
    let columns = [
        offset_of!(SoaTriples, s),
        offset_of!(SoaTriples, p),
        offset_of!(SoaTriples, o),
    ];
    assert_eq!(columns, [0, 64, 128]);
    assert_eq!(
        (size_of::<PredicateRun>(), align_of::<PredicateRun>()),
        (24, 8)
    );
    assert_eq!((size_of::<Receipt>(), align_of::<Receipt>()), (56, 8));
    let fields = [
        offset_of!(Receipt, cycle),
        offset_of!(Receipt, shard),
        offset_of!(Receipt, hook),
        offset_of!(Receipt, ticks),
        offset_of!(Receipt, actual_ticks),
        offset_of!(Receipt, lanes),
        offset_of!(Receipt, span_id),
        offset_of!(Receipt, hash),
    ];
    assert_eq!(fields, [0, 8, 16, 24, 28, 32, 40, 48]);
}

#[test]
fn run_covers_its_own_lanes_and_never_one_behind_the_last() {
    for offset in 0..=RUN_LEN_MAX + 2 {
        for len in 0..=RUN_LEN_MAX + 2 {
            let run = PredicateRun::new(5, offset, len);
            if offset + len > RUN_LEN_MAX {
                assert_eq!(run, Err(TriplesError::RunOutOfBounds { offset, len }));
                continue;
            }
            let run = run.unwrap();
            assert_eq!((run.predicate(), run.offset(), run.len()), (5, offset, len));
            assert_eq!(run.is_empty(), len == 0);
            for lane in 0..RUN_LEN_MAX {
                let counts = (offset..offset + len).contains(&lane);
                assert_eq!(
                    run.lanes() >> lane & 1 == 1,
                    counts,
                    "lane {lane} of {run:?}"
                );
            }
        }
    }
    for (offset, len) in [
        (usize::MAX, 1),
        (1, usize::MAX),
        (usize::MAX, usize::MAX),
        (1 << (usize::BITS / 2), 0),
    ] {
        let refused = Err(TriplesError::RunOutOfBounds { offset, len });
        assert_eq!(PredicateRun::new(5, offset, len), refused);
    }
}

#[test]
fn reset_leaves_nothing_of_the_former_owner() {
    let mut soa = SoaTriples {
        s: [1; 8],
        p: [2; 8],
        o: [3; 8],
    };
    soa.reset();
    assert_eq!(
        soa,
        SoaTriples {
            s: [0; 8],
            p: [0; 8],
            o: [0; 8]
        }
    );
    let mut receipt = Receipt {
        cycle: 1,
        shard: 2,
        hook: 3,
        ticks: 4,
        actual_ticks: 5,
        lanes: 6,
        span_id: 7,
        hash: 8,
    };
    receipt.reset();
    assert_eq!(receipt, Receipt::default());
}

#[test]
fn messages_name_value_and_bound() {
    let messages = [
        (
            TriplesError::InvalidSize { size: 9, max: 8 },
            "9 triples in one run: there must be 1 to 8",
        ),
        (
            TriplesError::RunOutOfBounds { offset: 3, len: 6 },
            "a run of 6 from lane 3 on ends after the 8 lanes",
        ),
        (
            TriplesError::NoRoom { len: 3, room: 2 },
            "a run of 3 triples does not fit in the 2 lanes that are left",
        ),
        (
            TriplesError::MixedRun {
                predicate: 7,
                other: 9,
            },
            "predicates 7 and 9 in one run",
        ),
        (
            TriplesError::Exhausted {
                pool: "etl.soa",
                capacity: 16,
            },
            "pool \"etl.soa\" is exhausted: none of its 16 is idle",
        ),
    ];
    for (error, message) in messages {
        assert_eq!(error.to_string(), message);
    }
}
