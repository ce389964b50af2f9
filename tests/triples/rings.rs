//! The pooled rings of deltas and assertions.

use knhk_pool::{
    Assertion, Delta, KnhkRings, PredicateRun, RunPacker, SoaTriples, TriplesError, snapshot,
};

/// A delta of one run: `count` triples whose ids tell the cycle and the place.
fn delta(cycle: u64, count: u64) -> Delta {
    let triples: Vec<[u64; 3]> = (0..count).map(|i| [cycle * 10 + i, 7, i]).collect();
    let mut packer = RunPacker::new(Box::new(SoaTriples::default()));
    packer
        .push_run(&triples)
        .expect("up to eight of one predicate");
    let run = packer.runs()[0];
    let mut soa = SoaTriples::default();
    for (lane, [s, p, o]) in triples.into_iter().enumerate() {
        (soa.s[lane], soa.p[lane], soa.o[lane]) = (s, p, o);
    }
    Delta { soa, run, cycle }
}

#[test]
fn no_tick_overwrites_another() {
    let rings: KnhkRings<8> = KnhkRings::default();
    let mut ring = rings.get_delta_ring().unwrap();
    // All eight ticks of a beat are in the ring at once.
    for cycle in 8..16 {
        assert!(ring.push(delta(cycle, 3)).is_ok());
    }
    assert!(ring.push(delta(16, 3)).is_err());
    for cycle in 8..16 {
        let tick = (cycle % 8) as u8;
        let first = ring.pop_if(|delta| delta.tick() == tick);
        assert_eq!(first, Some(delta(cycle, 3)));
        assert_eq!(ring.pop_if(|delta| delta.tick() == tick), None);
    }
}

#[test]
fn far_more_deltas_than_slots_pass_in_order() {
    let rings: KnhkRings<4> = KnhkRings::new();
    let mut ring = rings.get_delta_ring().unwrap();
    for cycle in 0..100 {
        assert!(ring.push(delta(cycle, 1 + cycle % 8)).is_ok());
        if cycle >= 3 {
            assert_eq!(ring.pop(), Some(delta(cycle - 3, 1 + (cycle - 3) % 8)));
        }
    }
    assert_eq!(ring.len(), 3);
}

#[test]
fn four_rings_of_each_kind_are_lent_and_the_fifth_is_refused_by_name() {
    let rings: KnhkRings<2> = KnhkRings::named("rings-refused");
    let mut deltas: Vec<_> = (0..4).map(|_| rings.get_delta_ring().unwrap()).collect();
    let refused = TriplesError::Exhausted {
        pool: "rings-refused.delta_rings",
        capacity: 4,
    };
    assert_eq!(rings.get_delta_ring().map(drop), Err(refused));
    let assertions: Vec<_> = (0..4)
        .map(|_| rings.get_assertion_ring().unwrap())
        .collect();
    let refused = TriplesError::Exhausted {
        pool: "rings-refused.assertion_rings",
        capacity: 4,
    };
    assert_eq!(rings.get_assertion_ring().map(drop), Err(refused));
    assert_eq!(
        (rings.deltas().in_use(), rings.assertions().in_use()),
        (4, 4)
    );
    deltas.pop();
    assert!(rings.get_delta_ring().is_ok());
    drop(assertions);
    assert_eq!(rings.assertions().in_use(), 0);
    let listed = |kind: &str| {
        let name = format!("rings-refused.{kind}");
        snapshot().pools.iter().any(|pool| pool.name == name)
    };
    assert!(listed("delta_rings") && listed("assertion_rings"));
}

#[test]
fn lent_ring_is_empty_whatever_its_last_owner_left() {
    let rings: KnhkRings<2> = KnhkRings::new();
    let mut ring = rings.get_assertion_ring().unwrap();
    let run = PredicateRun::new(7, 0, 3).unwrap();
    let mut assertion = Assertion {
        run,
        ..Assertion::default()
    };
    assertion.receipt.cycle = 21;
    assert_eq!(assertion.tick(), 5);
    assert!(ring.push(assertion).is_ok() && ring.push(assertion).is_ok());
    drop(ring);
    let mut ring = rings.get_assertion_ring().unwrap();
    assert_eq!((ring.len(), ring.pop()), (0, None));
}
