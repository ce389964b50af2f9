//! Every kernel gives the same bits on every instruction set that the machine has, and on every machine:
//! `data/bits.csv` holds a digest of what each has made, and x86-64 and AArch64 both meet it.
//!
//! The other tests compare with references on the widest one; this carries what they show to the others.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard};

use knhk_kernels::*;

/// Around words, blocks of 64 and of 512, and vectors of eight.
const LENGTHS: &[usize] = if cfg!(miri) {
    &[0, 1, 65]
} else {
    &[0, 1, 7, 8, 9, 63, 64, 65, 130, 511, 515, 1100]
};

const SPECIAL: [f64; 12] = [
    0.0,
    -0.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1.0,
    5e-324,
    -1e-310,
    f64::MIN_POSITIVE,
    f64::MAX,
    709.5,
    -740.0,
];

/// The instruction set is the whole process's: one test at a time.
static LIMIT: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    LIMIT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What `work` gives on each, the baseline first.
fn on_each<T>(work: impl Fn() -> T) -> Vec<(Isa, T)> {
    let results = Isa::available().iter().map(|&isa| {
        assert_eq!(isa.limit(), isa);
        (isa, work())
    });
    let results = results.collect();
    Isa::Avx512.limit(); // back to the widest
    results
}

/// FNV-1a over the results of each kernel, by its name.
#[derive(Default)]
struct Digests(BTreeMap<String, u64>);

impl Digests {
    /// Asserts that `work` gives one result on each instruction set, and keeps it.
    #[track_caller]
    fn same_on_each<T: PartialEq + Debug>(&mut self, name: &str, len: usize, work: impl Fn() -> T) {
        let results = on_each(work);
        let (_, portable) = &results[0];
        for (isa, result) in &results {
            assert!(
                result == portable,
                "{name} of {len} on {isa:?}: {result:?} is not {portable:?}"
            );
        }
        let digest = self.0.entry(name.into()).or_insert(0xcbf2_9ce4_8422_2325);
        for byte in format!("{portable:?}").bytes() {
            *digest = (*digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Asserts that they are the committed ones. Under Miri there are too few lengths to compare.
    #[track_caller]
    fn are_those_of_every_machine(self) {
        let committed = include_str!("data/bits.csv");
        let differ: Vec<String> = self
            .0
            .iter()
            .map(|(name, digest)| format!("{name};{digest:016x}"))
            .collect();
        let differ: Vec<_> = differ
            .iter()
            .filter(|line| !committed.lines().any(|it| it == *line))
            .collect();
        assert!(
            cfg!(miri) || differ.is_empty(),
            "not the bits of data/bits.csv: {differ:#?}"
        );
    }
}

/// With all NaN as one: which operand's payload arithmetic hands on is not promised.
fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN } else { value }.to_bits()
}

fn lanes(column: &Column) -> Vec<Option<u64>> {
    column.iter().map(|lane| lane.map(bits)).collect()
}

/// SplitMix64.
fn random(index: usize) -> u64 {
    let z = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Plain, with nulls, with a special value in each block and in every third lane, any bits at all.
fn inputs(len: usize) -> [Column; 5] {
    let plain = |i: usize| (random(i) >> 11) as f64 * 1e-13 + 0.01;
    let special = |i: usize| SPECIAL[random(i) as usize % SPECIAL.len()];
    let values = |lane: &dyn Fn(usize) -> f64| Column::from((0..len).map(lane).collect::<Vec<_>>());
    [
        values(&plain),
        (0..len)
            .map(|i| (!random(i).is_multiple_of(10)).then(|| plain(i)))
            .collect(),
        values(&|i| if i % 61 == 7 { special(i) } else { plain(i) }),
        (0..len)
            .map(|i| (i % 5 != 0).then(|| if i % 3 == 0 { special(i) } else { -plain(i) }))
            .collect(),
        values(&|i| f64::from_bits(random(i))),
    ]
}

type Kernel = fn(&Column, &Column) -> Column;

const COLUMNS: [(&str, Kernel); 23] = [
    ("ln", |x, _| ln_column(x)),
    ("exp", |x, _| exp_column(x)),
    ("abs", |x, _| abs_column(x)),
    ("scale_add", |x, _| scale_add_column(x, 1.1, -0.3)),
    ("dlog", |x, _| dlog_column(x, 1)),
    ("dlog, long lag", |x, _| dlog_column(x, 600)),
    ("diff", |x, _| diff_column(x, 3)),
    ("ratio", |x, _| ratio_column(x, 65)),
    ("dlog_scale_add", |x, _| {
        dlog_scale_add_column(x, 2, 1.1, -0.3)
    }),
    ("ln_scale_add", |x, _| ln_scale_add_column(x, 1.1, -0.3)),
    ("sub_mul_add", |x, y| {
        sub_mul_add_column(x, y, 1.1, -0.3).unwrap()
    }),
    ("add", |x, y| add_column(x, y).unwrap()),
    ("sub", |x, y| sub_column(x, y).unwrap()),
    ("mul", |x, y| mul_column(x, y).unwrap()),
    ("div", |x, y| div_column(x, y).unwrap()),
    ("add_scalar", |x, _| add_scalar_column(x, 0.7)),
    ("sub_scalar", |x, _| sub_scalar_column(x, 0.7)),
    ("mul_scalar", |x, _| mul_scalar_column(x, 0.7)),
    ("div_scalar", |x, _| div_scalar_column(x, 0.7)),
    ("rolling_sum", |x, _| {
        rolling_sum_column(x, x.len().min(20), Missing::Propagate).unwrap_or_default()
    }),
    ("rolling_mean", |x, _| {
        rolling_mean_column(x, x.len().min(7), Missing::Skip).unwrap_or_default()
    }),
    ("rolling_var", |x, _| {
        rolling_var_column(x, x.len().min(20), Missing::Skip).unwrap_or_default()
    }),
    ("a pipeline", |x, _| {
        let chain = Pipeline::new().ln().dlog(1).abs().ratio(64).exp();
        chain.scale_add(1.1, -0.3).div_scalar(3.0).run_column(x)
    }),
];

#[test]
fn a_column_has_the_same_bits_on_every_instruction_set() {
    let _alone = alone();
    let mut digests = Digests::default();
    for &len in LENGTHS {
        let inputs = inputs(len);
        for (place, x) in inputs.iter().enumerate() {
            let y = &inputs[(place + 1) % inputs.len()];
            for (name, kernel) in COLUMNS {
                digests.same_on_each(name, len, || lanes(&kernel(x, y)));
            }
        }
    }
    digests.are_those_of_every_machine();
}

type Reduction = fn(&Column) -> Option<f64>;

const NUMBERS: [(&str, Reduction); 10] = [
    ("sum", |x| Some(sum(x))),
    ("sum_skip_nan", |x| Some(sum_skip_nan(x))),
    ("mean", |x| Some(mean(x))),
    ("mean_skip_nan", |x| Some(mean_skip_nan(x))),
    ("var", |x| var(x, 1).ok()),
    ("var_skip_nan", |x| var_skip_nan(x, 0).ok()),
    ("min", min),
    ("max", max),
    ("min_skip_nan", min_skip_nan),
    ("max_skip_nan", max_skip_nan),
];

#[test]
fn a_number_of_a_column_has_the_same_bits_on_every_instruction_set() {
    let _alone = alone();
    let mut digests = Digests::default();
    for &len in LENGTHS {
        for x in &inputs(len) {
            for (name, reduction) in NUMBERS {
                digests.same_on_each(name, len, || reduction(x).map(bits));
            }
        }
        // Where what the mean loses in rounding is much of the variance.
        let large = |i: usize| 1.7e15 + (random(i) % 8) as f64;
        let plain: Column = (0..len).map(|i| Some(large(i))).collect();
        let nulls: Column = (0..len).map(|i| (i % 5 != 0).then(|| large(i))).collect();
        for x in [plain, nulls] {
            digests.same_on_each("var, large mean", len, || {
                [var(&x, 1), var_skip_nan(&x, 0)].map(|variance| variance.map(bits))
            });
        }
    }
    digests.are_those_of_every_machine();
}

/// What they are handed stays as it is, payload and sign: not promised by Rust, but by the processors.
#[test]
#[cfg(not(miri))]
fn nan_is_handed_through_bit_for_bit_on_every_instruction_set() {
    let _alone = alone();
    const PAYLOADS: [u64; 4] = [
        0x7ff8_0000_0000_0000,
        0x7ff8_0000_0000_0bad,
        0xfff8_dead_0000_0001,
        0x7fff_ffff_ffff_ffff,
    ];
    for len in [1, 4, 64, 67] {
        let payload = |i: usize| PAYLOADS[i % PAYLOADS.len()];
        let x = Column::from(
            (0..len)
                .map(|i| f64::from_bits(payload(i)))
                .collect::<Vec<_>>(),
        );
        let raw = |column: Column| {
            column
                .values()
                .iter()
                .map(|y| y.to_bits())
                .collect::<Vec<_>>()
        };
        let (same, without_sign): (Vec<u64>, Vec<u64>) = (0..len)
            .map(|i| (payload(i), payload(i) & i64::MAX as u64))
            .unzip();
        for (isa, (ln, exp, abs)) in
            on_each(|| (raw(ln_column(&x)), raw(exp_column(&x)), raw(abs_column(&x))))
        {
            assert_eq!(ln, same, "ln on {isa:?}");
            assert_eq!(exp, same, "exp on {isa:?}");
            assert_eq!(abs, without_sign, "abs on {isa:?}");
        }
    }
}

fn floats(len: usize, seed: usize) -> Vec<f32> {
    (0..len)
        .map(|i| (random(i + seed) >> 40) as f32 * 1e-7 - 0.8)
        .collect()
}

#[test]
fn vectors_and_strengths_have_the_same_bits_on_every_instruction_set() {
    let _alone = alone();
    let mut digests = Digests::default();
    for &len in LENGTHS {
        let (a, b, rows) = (floats(len, 0), floats(len, 7), floats(5 * len, 70));
        let float_bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        digests.same_on_each("vectors", len, || {
            let mut scores = [0.0; 5];
            cosine_similarity(&a, &rows, &mut scores).unwrap();
            (
                float_bits(&scores),
                float_bits(&[dot(&a, &b).unwrap(), l2(&a, &b).unwrap()]),
            )
        });
        // Ages of any size, and those that all fit into a fraction.
        for shift_min in [0, 12] {
            let age = |i: usize| random(i) >> (i % 64).max(shift_min);
            let ages: Vec<u64> = (0..len).map(age).collect();
            digests.same_on_each("strengths", len, || {
                let (mut fast, mut slow) = (a.clone(), a.clone());
                decay(&mut fast, &ages, 1e4).unwrap();
                decay_half_life(&mut slow, &ages, 1e15).unwrap();
                (float_bits(&fast), float_bits(&slow))
            });
        }
    }
    digests.are_those_of_every_machine();
}

#[test]
fn distances_of_extremes_have_the_same_bits_on_every_instruction_set() {
    let _alone = alone();
    for &len in LENGTHS {
        for scale in [1e30, 1e-30, 0.0] {
            let scaled =
                |seed| -> Vec<f32> { floats(len, seed).iter().map(|x| x * scale).collect() };
            let (a, b) = (scaled(0), scaled(7));
            let results = on_each(|| l2(&a, &b).unwrap().to_bits());
            assert!(
                results.iter().all(|(_, it)| *it == results[0].1),
                "{results:?}"
            );
        }
    }
}

#[test]
fn activation_has_the_same_bits_on_every_instruction_set() {
    let _alone = alone();
    let mut digests = Digests::default();
    let nodes = if cfg!(miri) { 20 } else { 700 };
    let targets: Vec<u32> = (0..nodes * 5)
        .map(|i| (random(i) % nodes as u64) as u32)
        .collect();
    let offsets: Vec<u32> = (0..=nodes as u32).map(|node| node * 5).collect();
    let weights = floats(nodes * 5, 3);
    let graph = Csr::new(&offsets, &targets, &weights).unwrap();
    // From one node, by the queue at first; from all nodes; with a threshold in the way.
    for (sources, threshold) in [(1, 0.0), (nodes, 0.0), (nodes, 0.3)] {
        digests.same_on_each("spreading", sources, || {
            let mut activation = vec![0.0; nodes];
            activation[..sources].copy_from_slice(&floats(sources, 9));
            let spread = Spread {
                decay: 0.9,
                threshold,
                hops_max: 6,
            };
            let reach = spread_activation(&graph, &mut activation, spread, &Scratch::new());
            let values: Vec<u32> = activation.iter().map(|value| value.to_bits()).collect();
            (reach.unwrap(), values)
        });
    }
    digests.are_those_of_every_machine();
}
