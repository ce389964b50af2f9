//! Every operation equals a scalar reference for every place and length of a run.

use knhk_pool::{PredicateRun, SoaTriples};
use knhk_poold::hooks::{Bound, Order, Test};
use knhk_poold::reflex::{Verdict, evaluate};

const ORDERS: [Order; 5] = [
    Order::Equal,
    Order::Less,
    Order::Greater,
    Order::LessOrEqual,
    Order::GreaterOrEqual,
];
const BOUNDS: [Bound; 3] = [Bound::AtLeast, Bound::AtMost, Bound::Exactly];
/// Zero, both sides of the sign bit, and the ends.
const IDS: [u64; 6] = [0, 1, 5, (1 << 63) - 1, 1 << 63, u64::MAX];
const COUNTS: [u64; 6] = [0, 1, 2, 8, (1 << 63) + 2, u64::MAX];

fn every_test() -> Vec<Test> {
    let mut tests = vec![Test::AskFirst, Test::Construct8 { p: 0, o: 0 }];
    for id in IDS {
        tests.extend([
            Test::AskSp { s: id },
            Test::AskOp { o: id },
            Test::UniqueSp { s: id },
        ]);
        tests.extend(IDS.map(|o| Test::AskSpo { s: id, o }));
        tests.extend(ORDERS.map(|order| Test::CompareO { order, o: id }));
        for bound in BOUNDS {
            tests.extend(COUNTS.map(|k| Test::CountSp { s: id, bound, k }));
            tests.extend(COUNTS.map(|k| Test::CountOp { o: id, bound, k }));
        }
    }
    tests
}

/// The definition, lane by lane.
fn scalar(test: Test, soa: &SoaTriples, lanes: std::ops::Range<usize>) -> Verdict {
    let first = lanes.start;
    let is_match = |lane: &usize| match test {
        Test::AskFirst => soa.s[*lane] == soa.s[first],
        Test::AskSp { s } | Test::CountSp { s, .. } | Test::UniqueSp { s } => soa.s[*lane] == s,
        Test::AskSpo { s, o } => soa.s[*lane] == s && soa.o[*lane] == o,
        Test::AskOp { o } | Test::CountOp { o, .. } => soa.o[*lane] == o,
        Test::CompareO {
            order: Order::Equal,
            o,
        } => soa.o[*lane] == o,
        Test::CompareO {
            order: Order::Less,
            o,
        } => soa.o[*lane] < o,
        Test::CompareO {
            order: Order::Greater,
            o,
        } => soa.o[*lane] > o,
        Test::CompareO {
            order: Order::LessOrEqual,
            o,
        } => soa.o[*lane] <= o,
        Test::CompareO {
            order: Order::GreaterOrEqual,
            o,
        } => soa.o[*lane] >= o,
        Test::Construct8 { .. } => true,
    };
    let matching: Vec<usize> = lanes.filter(is_match).collect();
    let count = matching.len() as u64;
    let answer = match test {
        Test::CountSp { bound, k, .. } | Test::CountOp { bound, k, .. } => u8::from(match bound {
            Bound::AtLeast => count >= k,
            Bound::AtMost => count <= k,
            Bound::Exactly => count == k,
        }),
        Test::UniqueSp { .. } => u8::from(count == 1),
        Test::Construct8 { .. } => count as u8,
        _ => u8::from(count > 0),
    };
    Verdict {
        lanes: matching.iter().map(|lane| 1 << lane).sum(),
        answer,
    }
}

/// Columns in which every id stands somewhere, differently for each `seed`.
fn columns(seed: usize) -> SoaTriples {
    let pick = |lane: usize, step: usize| IDS[(seed / step + lane * (seed % 5 + 1)) % IDS.len()];
    SoaTriples {
        s: std::array::from_fn(|lane| pick(lane, 1)),
        p: [7; 8],
        o: std::array::from_fn(|lane| pick(lane, IDS.len())),
    }
}

#[test]
fn every_operation_equals_its_definition_for_every_offset_and_length() {
    let tests = every_test();
    for seed in 0..IDS.len() * IDS.len() {
        let soa = columns(seed);
        for (offset, len) in
            (0..=8).flat_map(|offset| (0..=8 - offset).map(move |len| (offset, len)))
        {
            let run = PredicateRun::new(7, offset, len).expect("within the lanes");
            for &test in &tests {
                let expected = scalar(test, &soa, offset..offset + len);
                assert_eq!(
                    evaluate(test, &soa, &run),
                    expected,
                    "{test:?} at {offset}, {len} of {soa:?}"
                );
            }
        }
    }
}

#[test]
fn comparisons_are_unsigned() {
    let soa = SoaTriples {
        o: [1 << 63; 8],
        ..SoaTriples::default()
    };
    let run = PredicateRun::new(7, 0, 1).expect("within the lanes");
    let greater = Test::CompareO {
        order: Order::Greater,
        o: 5,
    };
    assert_eq!(evaluate(greater, &soa, &run).answer, 1);
}
