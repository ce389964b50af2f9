//! Loading, against a reference that takes its time.

use knhk_pool::{RUN_LEN_MAX, RunList, RunPacker, SoaTriples, TriplesError, load_into};
use proptest::prelude::*;

/// What a lane that is not written must still hold.
const UNTOUCHED: SoaTriples = SoaTriples {
    s: [91; 8],
    p: [92; 8],
    o: [93; 8],
};

type Group = (u64, Vec<[u64; 3]>);

/// Groups in order of first appearance, triples in the order given.
fn groups(triples: &[[u64; 3]]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &triple in triples {
        match groups
            .iter_mut()
            .find(|(predicate, _)| *predicate == triple[1])
        {
            Some((_, group)) => group.push(triple),
            None => groups.push((triple[1], vec![triple])),
        }
    }
    groups
}

/// That lanes and runs say just this, one group behind the other, and nothing more.
fn assert_loaded(soa: &SoaTriples, runs: &RunList, groups: &[Group]) {
    assert_eq!(runs.len(), groups.len());
    let mut expected = UNTOUCHED;
    let mut lane = 0;
    for (run, (predicate, group)) in runs.iter().zip(groups) {
        assert_eq!(
            (run.predicate(), run.offset(), run.len()),
            (*predicate, lane, group.len())
        );
        for [s, p, o] in group {
            (expected.s[lane], expected.p[lane], expected.o[lane]) = (*s, *p, *o);
            lane += 1;
        }
    }
    assert_eq!(*soa, expected);
}

/// Ids that often meet: zero among them, and both ends of the range.
fn id() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..3, Just(u64::MAX), any::<u64>()]
}

fn triples(len: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<[u64; 3]>> {
    prop::collection::vec([id(), id(), id()], len)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn load_groups_by_predicate_in_order_of_first_appearance(batch in triples(1..=RUN_LEN_MAX)) {
        let (mut soa, mut runs) = (UNTOUCHED, RunList::default());
        // What the list held before must not show.
        load_into(&[[1, 1, 1], [2, 2, 2]], &mut { soa }, &mut runs).unwrap();
        load_into(&batch, &mut soa, &mut runs).unwrap();
        assert_loaded(&soa, &runs, &groups(&batch));
    }

    #[test]
    fn packer_takes_runs_until_one_does_not_fit(delta in triples(1..40)) {
        let groups = groups(&delta);
        let mut packer = RunPacker::new(Box::new(UNTOUCHED));
        let mut packed = Vec::new();
        for (predicate, group) in &groups {
            for run in group.chunks(RUN_LEN_MAX) {
                if run.len() > packer.room() {
                    let refused = TriplesError::NoRoom { len: run.len(), room: packer.room() };
                    assert_eq!(packer.push_run(run), Err(refused));
                    assert_loaded(packer.soa(), packer.runs(), &packed);
                    packed.clear();
                    packer = RunPacker::new(Box::new(UNTOUCHED));
                }
                let pushed = packer.push_run(run).unwrap();
                assert_eq!(Some(&pushed), packer.runs().last());
                packed.push((*predicate, run.to_vec()));
            }
        }
        assert_loaded(packer.soa(), packer.runs(), &packed);
        let columns = *packer.soa();
        assert_eq!(*packer.into_inner(), columns);
    }
}

#[test]
fn every_way_for_eight_triples_to_share_predicates_is_grouped() {
    // 8 triples over 3 predicates: 6561 patterns; under Miri every 997th.
    for pattern in (0..3_u64.pow(8)).step_by(if cfg!(miri) { 997 } else { 1 }) {
        let digit = |lane: u32| pattern / 3_u64.pow(lane) % 3;
        let batch: Vec<_> = (0..8)
            .map(|lane| [u64::from(lane), digit(lane), pattern])
            .collect();
        for len in 1..=RUN_LEN_MAX {
            let (mut soa, mut runs) = (UNTOUCHED, RunList::default());
            load_into(&batch[..len], &mut soa, &mut runs).unwrap();
            assert_loaded(&soa, &runs, &groups(&batch[..len]));
        }
    }
}

#[test]
fn no_triple_and_nine_are_refused_and_change_nothing() {
    let (mut soa, mut runs) = (UNTOUCHED, RunList::default());
    load_into(&[[1, 2, 3]], &mut { soa }, &mut runs).unwrap();
    let before = runs;
    for size in [0, 9, 1000] {
        let refused = TriplesError::InvalidSize {
            size,
            max: RUN_LEN_MAX,
        };
        let batch = vec![[4, 5, 6]; size];
        assert_eq!(load_into(&batch, &mut soa, &mut runs), Err(refused));
        assert_eq!(RunPacker::new(&mut soa).push_run(&batch), Err(refused));
        assert_eq!((soa, runs), (UNTOUCHED, before));
    }
}

#[test]
fn zero_is_an_ordinary_id() {
    let (mut soa, mut runs) = (UNTOUCHED, RunList::default());
    load_into(&[[0, 0, 0], [0, 1, 0], [0, 0, 0]], &mut soa, &mut runs).unwrap();
    assert_eq!(
        runs.iter()
            .map(|run| (run.predicate(), run.lanes()))
            .collect::<Vec<_>>(),
        [(0, 0b011), (1, 0b100)]
    );
}

#[test]
fn run_of_two_predicates_is_refused_and_adds_nothing() {
    let mut soa = UNTOUCHED;
    let mut packer = RunPacker::new(&mut soa);
    let mixed = packer.push_run(&[[1, 7, 2], [3, 7, 4], [5, 9, 6]]);
    assert_eq!(
        mixed,
        Err(TriplesError::MixedRun {
            predicate: 7,
            other: 9
        })
    );
    assert_eq!((packer.room(), packer.runs().len()), (8, 0));
    assert_eq!(soa, UNTOUCHED);
}

#[test]
fn lists_are_equal_when_their_runs_are() {
    let mut used = RunList::default();
    let mut soa = UNTOUCHED;
    load_into(&[[1, 1, 1], [2, 2, 2]], &mut soa, &mut used).unwrap();
    let two = used;
    load_into(&[[1, 1, 1]], &mut soa, &mut used).unwrap();
    let mut fresh = RunList::default();
    load_into(&[[1, 1, 1]], &mut soa, &mut fresh).unwrap();
    assert_eq!(
        used, fresh,
        "what an earlier load left behind does not count"
    );
    assert_ne!(used, two);
}
