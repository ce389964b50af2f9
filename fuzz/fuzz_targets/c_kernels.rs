//! Every function of the C ABI on arrays and receipts: vectors, scores, strengths, graphs, receipts; with
//! null, misaligned and overlapping arrays, lengths that do not fit each other or no memory, graphs that are
//! none, and parameters out of range.
//!
//! Asserts that a call succeeds if and only if the model says that its arguments fit; that a refused call
//! changes nothing; that dot product, distance, order of the best and merged receipts are exactly the
//! model's, a cosine within -1 to 1, and a strength never greater for its age. AddressSanitizer judges the rest.
//!
//! A target of its own beside `c_abi`: no call leaves anything behind for the next.
#![no_main]

use std::ptr;

use arbitrary::Arbitrary;
use knhk_pool_ffi::*;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Operation {
    /// Of integers, so that their sums are exact in any order.
    Exact {
        a: Vec<i8>,
        b: Vec<i8>,
        broken: Broken,
    },
    Cosine {
        query: Vec<f32>,
        candidates: Vec<f32>,
        rows: u8,
        broken: Broken,
    },
    Best {
        scores: Vec<f32>,
        k: u8,
        broken: Broken,
    },
    Fade {
        strengths: Vec<f32>,
        ages: Vec<u64>,
        rate: f64,
        by_half: bool,
        broken: Broken,
    },
    Spread {
        offsets: Vec<u8>,
        edges: Vec<(u8, f32)>,
        activation: Vec<f32>,
        spread: (f32, f32, u8),
        broken: Broken,
    },
    Merge {
        sum: [u64; 3],
        lanes: u32,
        hash: u64,
        is_null: bool,
    },
}

/// What is wrong with the array that is written, or where nothing is, with the first.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Broken {
    Nothing,
    Null,
    Misaligned,
    /// Of a length that no memory has.
    Endless,
    /// It is the array that is read.
    Shared,
}

const ENDLESS: usize = usize::MAX / 2;

impl Broken {
    /// The address and length that stand for `array`.
    fn of<T>(self, array: &mut [T]) -> (*mut T, usize) {
        let start = array.as_mut_ptr();
        match self {
            Self::Null => (ptr::null_mut(), array.len()),
            Self::Misaligned => (start.wrapping_byte_add(1), array.len()),
            Self::Endless => (start, ENDLESS),
            Self::Nothing | Self::Shared => (start, array.len()),
        }
    }

    /// What is answered for `array`, if that is certain: of no elements, an address is not looked at.
    fn refusal<T>(self, array: &[T]) -> Option<Status> {
        match self {
            Self::Endless => Some(Status::Invalid),
            Self::Null if !array.is_empty() => Some(Status::NullPointer),
            Self::Misaligned if !array.is_empty() && align_of::<T>() > 1 => Some(Status::Invalid),
            _ => None,
        }
    }
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// Both of one length: what C says is one for both.
fn exact(a: &[i8], b: &[i8], broken: Broken) {
    // 256 squares of at most 255² stay below 2^24, up to which integers are exact in `f32`.
    let len = a.len().min(b.len()).min(256);
    let [mut a, b] = [a, b].map(|of| of[..len].iter().map(|&n| f32::from(n)).collect::<Vec<_>>());
    let (start, said) = broken.of(&mut a);
    let (mut product, mut distance) = (f32::NAN, f32::NAN);
    // SAFETY: as many numbers as said, or what is refused.
    let statuses = unsafe {
        [
            knhk_vector_dot(start, b.as_ptr(), said, (&mut product).into()),
            knhk_vector_distance(start, b.as_ptr(), said, (&mut distance).into()),
        ]
    };
    if let Some(refusal) = broken.refusal(&a) {
        assert_eq!(statuses, [refusal; 2]);
        assert!(product.is_nan() && distance.is_nan());
        return;
    }
    assert_eq!(statuses, [Status::Ok; 2]);
    let pairs = || a.iter().zip(&b);
    assert_eq!(product, pairs().map(|(a, b)| a * b).sum::<f32>());
    let squares = pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    assert_eq!(distance, squares.sqrt());
}

fn cosine(query: &[f32], candidates: &mut [f32], rows: usize, broken: Broken) {
    let mut own = vec![7.0_f32; rows];
    let before = bits(candidates);
    let is_shared = broken == Broken::Shared && candidates.len() >= rows;
    let (start, said) = if is_shared {
        (candidates.as_mut_ptr(), rows)
    } else {
        broken.of(&mut own)
    };
    let candidates_len = candidates.len();
    // SAFETY: as many numbers as said, or what is refused.
    let status = unsafe {
        knhk_vector_cosine(
            query.as_ptr(),
            query.len(),
            candidates.as_ptr(),
            candidates_len,
            start,
            said,
        )
    };
    let fits = rows.checked_mul(query.len()) == Some(candidates_len);
    let overlaps = is_shared && rows > 0;
    assert_eq!(bits(candidates), before, "what is read is not written");
    match broken.refusal(&own) {
        Some(refusal) => assert_eq!(status, refusal),
        None => assert_eq!(status == Status::Ok, fits && !overlaps, "{status:?}"),
    }
    let written = own.iter_mut().all(|score| (-1.0..=1.0).contains(score));
    let is_as_before = own.iter().all(|score| *score == 7.0);
    assert!(if status == Status::Ok && !is_shared {
        written
    } else {
        is_as_before
    });
}

fn best(scores: &[f32], k: usize, broken: Broken) {
    let none = Scored {
        index: 77,
        score: 77.0,
    };
    let mut best = vec![none; k];
    let (start, said) = broken.of(&mut best);
    let mut found = 77;
    // SAFETY: as many as said, or what is refused.
    let status = unsafe {
        knhk_vector_top_k(
            scores.as_ptr(),
            scores.len(),
            start,
            said,
            (&mut found).into(),
        )
    };
    if let Some(refusal) = broken.refusal(&best) {
        assert_eq!((status, found), (refusal, 77));
        return;
    }
    let mut model: Vec<_> = scores.iter().copied().enumerate().collect();
    model.retain(|(_, score)| !score.is_nan());
    model.sort_by(|(_, a), (_, b)| b.partial_cmp(a).expect("not NaN"));
    model.truncate(k);
    assert_eq!((status, found), (Status::Ok, model.len()));
    for (place, (index, score)) in best.iter().zip(&model) {
        assert_eq!((place.index, place.score), (*index, *score));
    }
    let zero = Scored {
        index: 0,
        score: 0.0,
    };
    assert!(best[found..].iter().all(|place| *place == zero));
}

fn fade(strengths: &[f32], ages: &[u64], rate: f64, by_half: bool, broken: Broken) {
    let len = strengths.len().min(ages.len());
    let (mut strengths, ages) = (strengths[..len].to_vec(), &ages[..len]);
    let before = strengths.clone();
    let first = strengths.as_mut_ptr();
    let (start, said) = match broken {
        Broken::Shared => (ages.as_ptr().cast_mut().cast(), len),
        Broken::Null => (ptr::null_mut(), len),
        Broken::Misaligned => (first.wrapping_byte_add(1), len),
        Broken::Endless => (first, ENDLESS),
        Broken::Nothing => (first, len),
    };
    let fade = if by_half {
        knhk_decay_half_life
    } else {
        knhk_decay_time_constant
    };
    // SAFETY: as many numbers as said, or what is refused.
    let status = unsafe { fade(start, ages.as_ptr(), said, rate) };
    let overlaps = broken == Broken::Shared && len > 0;
    match broken.refusal(&strengths) {
        Some(refusal) => assert_eq!(status, refusal),
        None => assert_eq!(
            status == Status::Ok,
            rate >= 0.0 && !overlaps,
            "{status:?}, {rate}"
        ),
    }
    if status != Status::Ok || broken == Broken::Shared {
        assert_eq!(bits(&strengths), bits(&before));
        return;
    }
    for ((after, before), age) in strengths.iter().zip(&before).zip(ages) {
        if before.is_finite() {
            assert!(
                after.abs() <= before.abs(),
                "{before} became {after} by {age}"
            );
        }
        if *age == 0 && before.is_finite() && rate > 0.0 {
            assert_eq!(after, before, "what has no age is as it was");
        }
    }
}

fn spread(
    offsets: &[u8],
    edges: &[(u8, f32)],
    activation: &[f32],
    (decay, threshold, hops): (f32, f32, u8),
    broken: Broken,
) {
    let offsets: Vec<u32> = offsets.iter().map(|&offset| offset.into()).collect();
    let Some(nodes) = offsets.len().checked_sub(1) else {
        return;
    };
    let targets: Vec<u32> = edges.iter().map(|(target, _)| (*target).into()).collect();
    let weights: Vec<f32> = edges.iter().map(|(_, weight)| *weight).collect();
    let graph = Graph {
        offsets: offsets.as_ptr(),
        targets: targets.as_ptr(),
        weights: weights.as_ptr(),
        nodes,
        edges: edges.len(),
    };
    let spread = Spread {
        decay,
        threshold,
        hops_max: hops.into(),
    };
    let mut activation = activation.to_vec();
    let before = bits(&activation);
    let is_shared = broken == Broken::Shared && weights.len() >= activation.len();
    let said = activation.len();
    let start = match broken {
        Broken::Null => ptr::null_mut(),
        Broken::Misaligned => activation.as_mut_ptr().wrapping_byte_add(1),
        Broken::Shared if is_shared => weights.as_ptr().cast_mut(),
        _ => activation.as_mut_ptr(),
    };
    let said = if broken == Broken::Endless {
        ENDLESS
    } else {
        said
    };
    let mut reach = Reach {
        hops: 77,
        edges: 77,
    };
    // SAFETY: as many as said, or what is refused.
    let status = unsafe {
        knhk_graph_spread(
            Some(&graph),
            start,
            said,
            Some(&spread),
            (&mut reach).into(),
        )
    };
    let is_graph = offsets[0] == 0
        && offsets.is_sorted()
        && offsets[nodes] as usize == edges.len()
        && targets.iter().all(|&target| (target as usize) < nodes);
    let has_parameters = (0.0..=1.0).contains(&decay) && threshold >= 0.0;
    let overlaps = is_shared && !activation.is_empty();
    let fits = is_graph && has_parameters && activation.len() == nodes && !overlaps;
    match broken.refusal(&activation) {
        Some(refusal) => assert_eq!(status, refusal),
        None => assert_eq!(status == Status::Ok, fits, "{status:?}"),
    }
    if status == Status::Ok {
        assert!(reach.hops <= hops.into());
    } else {
        assert_eq!(
            (bits(&activation), reach),
            (
                before,
                Reach {
                    hops: 77,
                    edges: 77
                }
            )
        );
    }
}

fn merge([count, lanes_before, hash_before]: [u64; 3], lanes: u32, hash: u64, is_null: bool) {
    // A count that has reached the end of its range is no sum of receipts.
    let (count, lanes_before) = (count >> 1, lanes_before >> 1);
    let mut sum = MergedReceipt {
        count,
        lanes: lanes_before,
        hash: hash_before,
    };
    let before = sum;
    let a_hash = knhk_receipt_hash(hash, count, lanes_before, lanes.into());
    assert_eq!(a_hash % 2, 1);
    let receipt = Receipt {
        lanes,
        a_hash,
        ..Receipt::default()
    };
    let status = knhk_receipt_merge(Some(&mut sum), (!is_null).then_some(&receipt));
    if is_null {
        assert_eq!((status, sum), (Status::NullPointer, before));
        return;
    }
    let merged = MergedReceipt {
        count: count + 1,
        lanes: lanes_before + u64::from(lanes),
        hash: hash_before.wrapping_add(a_hash),
    };
    assert_eq!((status, sum), (Status::Ok, merged));
}

fuzz_target!(|operations: Vec<Operation>| {
    for operation in operations {
        match operation {
            Operation::Exact { a, b, broken } => exact(&a, &b, broken),
            Operation::Cosine {
                query,
                mut candidates,
                rows,
                broken,
            } => {
                cosine(&query, &mut candidates, rows.into(), broken);
            }
            Operation::Best { scores, k, broken } => best(&scores, k.into(), broken),
            Operation::Fade {
                strengths,
                ages,
                rate,
                by_half,
                broken,
            } => {
                fade(&strengths, &ages, rate, by_half, broken);
            }
            Operation::Spread {
                offsets,
                edges,
                activation,
                spread: how,
                broken,
            } => {
                spread(&offsets, &edges, &activation, how, broken);
            }
            Operation::Merge {
                sum,
                lanes,
                hash,
                is_null,
            } => merge(sum, lanes, hash, is_null),
        }
    }
});
