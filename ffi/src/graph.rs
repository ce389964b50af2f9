//! Activation that spreads through a graph.
//!
//! # Invariants
//!
//! 1. No other symbol of the process has the name of one exported here: all begin with `knhk_`.
//! 2. The activations share no byte with the graph or with how it is spread: `apart_from` was asked before either became a slice.

use std::cell::Cell;

use knhk_kernels::{Csr, GraphError, Scratch, spread_activation};
use knhk_pool::private::LateEnd;

use crate::array::Array;
use crate::place::Place;
use crate::status::{Status, guarded};

/// A directed graph in compressed sparse rows: the edges of node `i` are `offsets[i]` to
/// `offsets[i + 1] - 1`, and edge `e` goes to `targets[e]` with `weights[e]`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Graph {
    /// `nodes + 1` of them, from 0 to `edges`, never falling.
    pub offsets: *const u32,
    /// `edges` of them, each below `nodes`.
    pub targets: *const u32,
    /// `edges` of them.
    pub weights: *const f32,
    /// How many nodes.
    pub nodes: usize,
    /// How many edges.
    pub edges: usize,
}

/// How activation spreads.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Spread {
    /// What is left of an activation after an edge of weight 1: 0 to 1.
    pub decay: f32,
    /// What arrives at a node in one hop is spread on if its magnitude is at least this, and so is what a node has
    /// at first: 0 or more.
    pub threshold: f32,
    /// The most hops.
    pub hops_max: usize,
}

/// What a spreading did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Reach {
    /// Hops until nothing was left to spread, or the most that were allowed.
    pub hops: usize,
    /// Edges followed.
    pub edges: usize,
}

thread_local! {
    static QUEUES: Queues = const { Queues { scratch: Scratch::new(), nodes: Cell::new(0) } };
}

/// The queues of this thread's spreadings.
struct Queues {
    scratch: Scratch,
    /// Of the largest graph so far.
    nodes: Cell<usize>,
}

impl Queues {
    /// For a graph of `nodes` nodes. What was for smaller graphs only is freed: it would be kept for ever,
    /// one set for each step of a graph that grows.
    fn of(&self, nodes: usize) -> &Scratch {
        if nodes > self.nodes.replace(self.nodes.get().max(nodes)) {
            LATE_END.expect();
            self.scratch.clear();
        }
        &self.scratch
    }

    /// The thread ends.
    fn end(&self) {
        self.scratch.clear();
        self.nodes.set(0);
    }
}

/// What `QUEUES`' destructor does, where it is not called.
static LATE_END: LateEnd = LateEnd::new(|| {
    // No error: it is not called.
    let _ = QUEUES.try_with(Queues::end);
});

impl Drop for Queues {
    fn drop(&mut self) {
        LATE_END.unneeded();
    }
}

/// Three arrays that are no graph.
impl From<GraphError> for Status {
    fn from(_: GraphError) -> Self {
        Self::Invalid
    }
}

/// Lets what is in `activation`, a number for each of `nodes` nodes, spread through `graph`, and adds what
/// arrives to it.
///
/// In each hop each node of the frontier gives `delta * decay * weight` along each of its edges, where
/// `delta` is what arrived at it in the hop before, at first its activation. Allocates three numbers a
/// node the first time that a thread meets a graph that is larger than those before, and keeps them until it
/// ends. `OUT_OF_MEMORY` if the allocator refuses
/// them, `INVALID` if `nodes` is not the graph's, if offsets fall or do not end with `edges`, if an edge
/// leaves the graph, if a parameter is out of its range, or if `activation` overlaps the graph or `spread`:
/// `activation` is as it was. `reach` may be null.
///
/// # Safety
///
/// * `graph` is null or one whose arrays are as long as it says, `activation` null or `nodes` numbers,
///   `spread` null or such, `reach` null or a place for one, apart from `graph` and `spread`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_graph_spread(
    graph: Option<&Graph>,
    activation: *mut f32,
    nodes: usize,
    spread: Option<&Spread>,
    reach: Place<'_, Reach>,
) -> Status {
    guarded(|| {
        let graph = graph.ok_or(Status::NullPointer)?;
        let spread = spread.ok_or(Status::NullPointer)?;
        let &Spread {
            decay,
            threshold,
            hops_max,
        } = spread;
        let activation = Array::new(activation, nodes)?;
        activation.apart_from(Array::new(graph, 1)?)?;
        activation.apart_from(Array::new(spread, 1)?)?;
        // SAFETY: arrays of the graph's lengths (the caller's bullet), apart from `activation`, of which
        // no slice has been made yet.
        let graph = unsafe { graph.borrow(activation) }?;
        // SAFETY: `nodes` numbers (the caller's bullet), used by nothing else (invariant 2).
        let activation = unsafe { activation.write() };
        let spread = knhk_kernels::Spread {
            decay,
            threshold,
            hops_max,
        };
        let reached = QUEUES
            .try_with(|queues| spread_activation(&graph, activation, spread, queues.of(nodes)))
            .map_err(|_| Status::ThreadEnding)??;
        let knhk_kernels::Reach { hops, edges } = reached;
        reach.write(Reach { hops, edges });
        Ok(())
    })
}

impl Graph {
    /// # Safety
    ///
    /// * The arrays are null or as long as the graph says, and nothing writes them for `'a` but what
    ///   writes `activation`.
    unsafe fn borrow<'a>(&self, activation: Array<f32>) -> Result<Csr<'a>, Status> {
        let offsets = self.nodes.checked_add(1).ok_or(Status::Invalid)?;
        let offsets = Array::new(self.offsets, offsets)?;
        let targets = Array::new(self.targets, self.edges)?;
        let weights = Array::new(self.weights, self.edges)?;
        activation.apart_from(offsets)?;
        activation.apart_from(targets)?;
        activation.apart_from(weights)?;
        // SAFETY: as many as the graph says (the caller's bullet), none of which is written (invariant 2).
        let (offsets, targets) = (unsafe { offsets.read() }, unsafe { targets.read() });
        // SAFETY: as above.
        let weights = unsafe { weights.read() };
        Ok(Csr::new(offsets, targets, weights)?)
    }
}
