//! A graph of one edge.

use knhk_pool_ffi::*;

/// From node 0 to node 1, half of what is there.
pub(crate) fn spread(activation: &mut [f32; 2]) -> Status {
    let (offsets, targets, weights) = ([0, 1, 1], [1], [0.5]);
    let graph = Graph {
        offsets: offsets.as_ptr(),
        targets: targets.as_ptr(),
        weights: weights.as_ptr(),
        nodes: 2,
        edges: 1,
    };
    let spread = Spread {
        decay: 1.0,
        threshold: 0.1,
        hops_max: 3,
    };
    // SAFETY: arrays of those lengths, two numbers, and no place.
    unsafe {
        knhk_graph_spread(
            Some(&graph),
            activation.as_mut_ptr(),
            2,
            Some(&spread),
            Place::NULL,
        )
    }
}
