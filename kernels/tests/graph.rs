//! Spreading activation against a reference with a map and no queues.

use std::collections::BTreeMap;

use knhk_kernels::{Csr, GraphError, KernelError, Reach, Scratch, Spread, spread_activation};
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[derive(Clone, Debug)]
struct Graph {
    offsets: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<f32>,
}

fn graph() -> impl Strategy<Value = Graph> {
    let most: usize = if cfg!(miri) { 20 } else { 300 };
    (1..most).prop_flat_map(|nodes| {
        let edge = (
            0..nodes,
            0..nodes as u32,
            prop_oneof![4 => -1.0_f32..1.0, 1 => Just(0.0), 1 => Just(0.5), 1 => Just(-0.5)],
        );
        // Few edges, so that hops go by the queue too.
        prop::collection::vec(edge, 0..nodes * 2).prop_map(move |mut edges| {
            edges.sort_by_key(|edge| edge.0);
            let offsets =
                (0..=nodes).map(|node| edges.partition_point(|edge| edge.0 < node) as u32);
            Graph {
                offsets: offsets.collect(),
                targets: edges.iter().map(|edge| edge.1).collect(),
                weights: edges.iter().map(|edge| edge.2).collect(),
            }
        })
    })
}

fn reference(graph: &Graph, activation: &mut [f32], spread: Spread) -> Reach {
    let joins = |delta: f32| delta != 0.0 && delta.abs() >= spread.threshold;
    let mut frontier: BTreeMap<u32, f32> = activation
        .iter()
        .enumerate()
        .filter(|(_, delta)| joins(**delta))
        .map(|(node, delta)| (node as u32, *delta))
        .collect();
    let mut reach = Reach::default();
    while !frontier.is_empty() && reach.hops < spread.hops_max {
        let mut arrived = BTreeMap::new();
        for (&node, delta) in &frontier {
            let edges =
                graph.offsets[node as usize] as usize..graph.offsets[node as usize + 1] as usize;
            for edge in edges {
                *arrived.entry(graph.targets[edge]).or_insert(0.0) +=
                    delta * spread.decay * graph.weights[edge];
                reach.edges += 1;
            }
        }
        arrived.retain(|_, delta| *delta != 0.0);
        arrived
            .iter()
            .for_each(|(&node, delta)| activation[node as usize] += delta);
        arrived.retain(|_, delta| joins(*delta));
        frontier = arrived;
        reach.hops += 1;
    }
    reach
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn spreads_as_the_reference_bit_for_bit(
        graph in graph(),
        starts in prop::collection::vec((any::<prop::sample::Index>(), -1.0_f32..1.0), 1..4),
        everywhere in prop::bool::weighted(0.3),
        decay in 0.0_f32..=1.0,
        threshold in prop_oneof![Just(0.0_f32), 0.0_f32..0.2],
        hops_max in 0..12_usize,
    ) {
        let nodes = graph.offsets.len() - 1;
        let mut activation = vec![if everywhere { 0.25 } else { 0.0 }; nodes];
        for (node, value) in &starts {
            activation[node.index(nodes)] = *value;
        }
        let spread = Spread { decay, threshold, hops_max };
        let mut expected = activation.clone();
        let expected_reach = reference(&graph, &mut expected, spread);

        let csr = Csr::new(&graph.offsets, &graph.targets, &graph.weights).unwrap();
        let scratch = Scratch::new();
        scratch_with_rubbish(&scratch, nodes);
        let reach = spread_activation(&csr, &mut activation, spread, &scratch).unwrap();
        prop_assert_eq!(reach, expected_reach);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&activation), bits(&expected));
    }
}

/// Leaves buffers behind that are not zero.
fn scratch_with_rubbish(scratch: &Scratch, nodes: usize) {
    let offsets: Vec<u32> = (0..=nodes as u32).collect();
    let targets: Vec<u32> = (0..nodes as u32).rev().collect();
    let weights = vec![1.0; nodes];
    let graph = Csr::new(&offsets, &targets, &weights).unwrap();
    let spread = Spread {
        decay: 1.0,
        threshold: 0.0,
        hops_max: 3,
    };
    spread_activation(&graph, &mut vec![3.0; nodes], spread, scratch).unwrap();
}

#[test]
fn a_wave_goes_through_any_number_of_nodes() {
    let nodes: u32 = if cfg!(miri) { 40 } else { 300_000 };
    let offsets: Vec<u32> = (0..=nodes).map(|node| node.min(nodes - 1)).collect();
    let targets: Vec<u32> = (1..nodes).collect();
    let weights = vec![1.0; targets.len()];
    let graph = Csr::new(&offsets, &targets, &weights).unwrap();
    let mut activation = vec![0.0; nodes as usize];
    activation[0] = 1.0;
    let spread = Spread {
        decay: 1.0,
        threshold: 0.5,
        hops_max: usize::MAX,
    };
    let reach = spread_activation(&graph, &mut activation, spread, &Scratch::new()).unwrap();
    assert_eq!(reach.edges, nodes as usize - 1);
    assert!(activation.iter().all(|&value| value == 1.0));
}

#[test]
fn what_is_no_graph_is_refused() {
    let refused = |offsets: &[u32], targets: &[u32], weights: &[f32]| {
        Csr::new(offsets, targets, weights).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&[], &[], &[]),
        "there are no offsets, not even a zero"
    );
    assert_eq!(refused(&[1], &[], &[]), "the first offset is 1, not 0");
    assert_eq!(
        refused(&[0, 2, 1], &[0], &[0.0]),
        "edges of node 1 begin at 2 and end at 1"
    );
    let counts = "offsets are for 1 edges, with 1 targets and 2 weights";
    assert_eq!(refused(&[0, 1], &[0], &[0.0, 0.0]), counts);
    assert_eq!(refused(&[0, 1], &[1], &[0.0]), "edge 0 goes to node 1 of 1");
    let empty = Csr::new(&[0], &[], &[]).unwrap();
    assert_eq!((empty.nodes(), empty.edges()), (0, 0));
    assert_eq!(
        Csr::new(&[0], &[0], &[]).unwrap_err(),
        GraphError::EdgeCounts {
            offset: 0,
            targets: 1,
            weights: 0
        }
    );
}

#[test]
fn parameters_out_of_range_are_refused() {
    let graph = Csr::new(&[0, 0], &[], &[]).unwrap();
    let run = |decay, threshold, activation: &mut [f32]| {
        let spread = Spread {
            decay,
            threshold,
            hops_max: 1,
        };
        spread_activation(&graph, activation, spread, &Scratch::new())
    };
    assert!(run(1.0, 0.0, &mut [1.0]).is_ok());
    assert!(matches!(
        run(1.5, 0.0, &mut [1.0]),
        Err(KernelError::ParameterOutOfRange { name: "decay", .. })
    ));
    assert!(run(f32::NAN, 0.0, &mut [1.0]).is_err());
    assert!(matches!(
        run(1.0, -0.5, &mut [1.0]),
        Err(KernelError::ParameterOutOfRange {
            name: "threshold",
            ..
        })
    ));
    assert!(run(1.0, f32::NAN, &mut [1.0]).is_err());
    assert_eq!(
        run(1.0, 0.0, &mut []),
        Err(KernelError::LengthMismatch { left: 1, right: 0 })
    );
}

#[test]
fn sums_at_a_target_are_added_in_the_order_of_nodes() {
    // 0 reaches 3, 2 and 1 in this order; all go to 4. Few edges for the nodes: by the queue.
    let nodes = 200;
    let ends: Vec<u32> = [0, 3, 4, 5, 6].into_iter().chain([6; 196]).collect();
    let graph = Graph {
        offsets: ends,
        targets: vec![3, 2, 1, 4, 4, 4],
        weights: vec![-1e8, 1e8, 1.0, 1.0, 1.0, 1.0],
    };
    let mut activation = vec![0.0; nodes];
    activation[0] = 1.0;
    let mut expected = activation.clone();
    let spread = Spread {
        decay: 1.0,
        threshold: 0.0,
        hops_max: 2,
    };
    reference(&graph, &mut expected, spread);
    assert_eq!(expected[4], 0.0); // (1 + 1e8) - 1e8; in another order it is 1
    let csr = Csr::new(&graph.offsets, &graph.targets, &graph.weights).unwrap();
    spread_activation(&csr, &mut activation, spread, &Scratch::new()).unwrap();
    assert_eq!(activation, expected);
}
