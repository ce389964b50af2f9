//! Activation that spreads through a weighted graph, breadth first.
//!
//! ```text
//!   activation ──▶ frontier ──each edge: delta · decay · weight──▶ arrivals ──▶ activation
//!                     ▲                                               │
//!                     └────────── those at or above the threshold ────┘   next hop
//! ```
//!
//! A hop takes the frontier in ascending order of nodes, so that the sums at a target are always added
//! in the same order. Where few edges are to be followed, the nodes that they reach are queued and
//! sorted; where they are many, all nodes are looked through, without a queue and in vectors. The results
//! are the same bits.

use std::error::Error;
use std::fmt;

use knhk_pool::hot_path;

use crate::dispatch::{Kernel, dispatch};
use crate::error::{KernelError, same_length};
use crate::scratch::{Lent, Scratch};

/// A directed graph in compressed sparse rows, borrowed and checked: of up to 2^32 − 1 nodes and edges.
///
/// The edges of node `i` are `offsets[i] .. offsets[i + 1]`; edge `e` goes to `targets[e]` with
/// `weights[e]`.
///
/// # Examples
///
/// ```
/// use knhk_kernels::Csr;
///
/// // 0 → 1, 0 → 2, 2 → 0
/// let graph = Csr::new(&[0, 2, 2, 3], &[1, 2, 0], &[0.5, 0.25, 1.0])?;
/// assert_eq!((graph.nodes(), graph.edges()), (3, 3));
///
/// let error = Csr::new(&[0, 1], &[7], &[1.0]).unwrap_err();
/// assert_eq!(error.to_string(), "edge 0 goes to node 7 of 1");
/// # Ok::<(), knhk_kernels::GraphError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Csr<'a> {
    /// One more than there are nodes; ascending from 0 to the number of edges.
    offsets: &'a [u32],
    /// Each below the number of nodes.
    targets: &'a [u32],
    weights: &'a [f32],
}

/// Why three slices are no graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphError {
    /// The offsets do not begin with zero.
    FirstOffset {
        /// The first; `None` if there is none.
        offset: Option<u32>,
    },
    /// An offset is below the one before.
    OffsetsFall {
        /// The node that they are of.
        node: usize,
        /// Where its edges would begin.
        start: u32,
        /// Where they would end.
        end: u32,
    },
    /// Last offset, targets and weights are not of one length.
    EdgeCounts {
        /// The last offset.
        offset: usize,
        /// Number of targets.
        targets: usize,
        /// Number of weights.
        weights: usize,
    },
    /// Nodes have no number: they are counted by 32 bits.
    TooManyNodes {
        /// How many.
        nodes: usize,
    },
    /// An edge leaves the graph.
    TargetOutOfRange {
        /// The edge.
        edge: usize,
        /// Where it goes.
        target: u32,
        /// Nodes.
        nodes: usize,
    },
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstOffset { offset: None } => {
                write!(f, "there are no offsets, not even a zero")
            }
            Self::FirstOffset {
                offset: Some(offset),
            } => write!(f, "the first offset is {offset}, not 0"),
            Self::OffsetsFall { node, start, end } => {
                write!(f, "edges of node {node} begin at {start} and end at {end}")
            }
            Self::EdgeCounts {
                offset,
                targets,
                weights,
            } => write!(
                f,
                "offsets are for {offset} edges, with {targets} targets and {weights} weights"
            ),
            Self::TooManyNodes { nodes } => {
                write!(f, "{nodes} nodes, where {} can be", u32::MAX)
            }
            Self::TargetOutOfRange {
                edge,
                target,
                nodes,
            } => write!(f, "edge {edge} goes to node {target} of {nodes}"),
        }
    }
}

impl Error for GraphError {}

impl<'a> Csr<'a> {
    /// Checks and borrows.
    ///
    /// # Cost
    ///
    /// Looks at every offset and every target once.
    ///
    /// # Errors
    ///
    /// If offsets do not ascend from zero to the number of edges, or an edge leaves the graph.
    pub fn new(
        offsets: &'a [u32],
        targets: &'a [u32],
        weights: &'a [f32],
    ) -> Result<Self, GraphError> {
        let (Some(&0), Some(&last)) = (offsets.first(), offsets.last()) else {
            let offset = offsets.first().copied();
            return Err(GraphError::FirstOffset { offset });
        };
        if dispatch(Falls(offsets)) {
            return Err(first_fall(offsets));
        }
        if last as usize != targets.len() || targets.len() != weights.len() {
            return Err(GraphError::EdgeCounts {
                offset: last as usize,
                targets: targets.len(),
                weights: weights.len(),
            });
        }
        let nodes = count_nodes(offsets.len())?;
        if dispatch(Greatest(targets)).is_some_and(|target| target as usize >= nodes) {
            return Err(first_beyond(targets, nodes));
        }
        Ok(Self {
            offsets,
            targets,
            weights,
        })
    }

    /// Nodes.
    pub fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Edges.
    pub fn edges(&self) -> usize {
        self.targets.len()
    }

    /// Targets and weights of a node's edges.
    #[inline(always)]
    fn edges_of(&self, node: u32) -> (&'a [u32], &'a [f32]) {
        let node = node as usize;
        let edges = self.offsets[node] as usize..self.offsets[node + 1] as usize;
        (&self.targets[edges.clone()], &self.weights[edges])
    }

    #[inline(always)]
    fn degree(&self, node: u32) -> u32 {
        self.offsets[node as usize + 1] - self.offsets[node as usize]
    }
}

fn count_nodes(offsets: usize) -> Result<usize, GraphError> {
    let nodes = offsets - 1;
    match u32::try_from(nodes) {
        Ok(_) => Ok(nodes),
        Err(_) => Err(GraphError::TooManyNodes { nodes }),
    }
}

/// Whether an offset is below the one before.
struct Falls<'a>(&'a [u32]);

impl Kernel for Falls<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let pairs = self.0.iter().zip(&self.0[1..]);
        pairs.fold(0, |falls, (start, end)| falls | u32::from(start > end)) != 0
    }
}

struct Greatest<'a>(&'a [u32]);

impl Kernel for Greatest<'_> {
    type Output = Option<u32>;

    #[inline(always)]
    fn run(self) -> Option<u32> {
        self.0.iter().copied().max()
    }
}

#[cold]
fn first_fall(offsets: &[u32]) -> GraphError {
    let node = offsets
        .windows(2)
        .take_while(|pair| pair[0] <= pair[1])
        .count();
    let (start, end) = (offsets[node], offsets[node + 1]);
    GraphError::OffsetsFall { node, start, end }
}

#[cold]
fn first_beyond(targets: &[u32], nodes: usize) -> GraphError {
    let edge = targets
        .iter()
        .take_while(|&&target| (target as usize) < nodes)
        .count();
    let target = targets[edge];
    GraphError::TargetOutOfRange {
        edge,
        target,
        nodes,
    }
}

/// How activation spreads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// What is left of an activation after an edge of weight 1; from 0 to 1.
    pub decay: f32,
    /// What arrives at a node in one hop is spread on if its magnitude is at least this; so is what a node has at
    /// first.
    pub threshold: f32,
    /// The most hops.
    pub hops_max: usize,
}

/// What a spreading did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Hops until nothing was left to spread, or the most that were allowed.
    pub hops: usize,
    /// Edges followed.
    pub edges: usize,
}

/// Lets what is in `activation` spread through `graph`, and adds what arrives to it.
///
/// In each hop, each node of the frontier gives `delta · decay · weight` along each of its edges, all
/// at once. A node's `delta` is what has arrived at it in the hop before; at first its activation. What
/// arrives is added to the activation; it is spread on in the next hop if its magnitude is at least the
/// threshold, and so is what a node has at first. A node may be reached again, along a cycle or another path.
///
/// # Cost
///
/// For each edge followed a product and a sum, which wait for each other only at a node that is reached
/// again soon; for each hop a sort of the nodes reached, or a look at every node, whichever is less. From
/// `scratch`: three numbers a node.
///
/// # Errors
///
/// If `activation` is not as long as the graph has nodes; if the decay is not from 0 to 1, or the
/// threshold negative or NaN; if the allocator refuses `scratch` what it lacks.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Csr, Scratch, Spread, spread_activation};
///
/// let graph = Csr::new(&[0, 1, 2, 2], &[1, 2], &[1.0, 1.0])?; // 0 → 1 → 2
/// let mut activation = [1.0, 0.0, 0.0];
/// let spread = Spread { decay: 0.5, threshold: 0.1, hops_max: 10 };
/// let reach = spread_activation(&graph, &mut activation, spread, &Scratch::new())?;
/// assert_eq!(activation, [1.0, 0.5, 0.25]);
/// assert_eq!((reach.hops, reach.edges), (3, 2)); // the third hop finds no edge
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[hot_path]
pub fn spread_activation(
    graph: &Csr<'_>,
    activation: &mut [f32],
    spread: Spread,
    scratch: &Scratch,
) -> Result<Reach, KernelError> {
    same_length(graph.nodes(), activation.len())?;
    spread.check()?;
    let mut wave = Wave::new(graph, activation, spread, scratch)?;
    let mut reach = Reach::default();
    while wave.frontier.nodes > 0 && reach.hops < spread.hops_max {
        reach.edges += wave.frontier.edges as usize;
        wave.hop(activation);
        reach.hops += 1;
    }
    Ok(reach)
}

impl Spread {
    fn check(self) -> Result<(), KernelError> {
        let refuse = |name, value: f32, allowed| {
            let value = f64::from(value);
            Err(KernelError::ParameterOutOfRange {
                name,
                value,
                allowed,
            })
        };
        if !(0.0..=1.0).contains(&self.decay) {
            refuse("decay", self.decay, "0 to 1")
        } else if self.threshold >= 0.0 {
            Ok(())
        } else {
            refuse("threshold", self.threshold, "zero or more")
        }
    }
}

/// A hop looks through all nodes if it follows more than one edge for this many nodes.
const SPARSE: usize = 16;

/// A spreading under way.
struct Wave<'a> {
    graph: &'a Csr<'a>,
    spread: Spread,
    /// What has arrived at each node in this hop; zeros between hops.
    arrived: Lent<'a, f32>,
    /// What each node has to give: zero for those outside of the frontier.
    deltas: Lent<'a, f32>,
    /// The nodes of the frontier, ascending, if the last hop went by the queue; then the queue.
    queue: Lent<'a, u32>,
    is_queued: bool,
    frontier: Frontier,
}

/// How much is to be spread on.
#[derive(Clone, Copy, Default)]
struct Frontier {
    nodes: u32,
    /// Edges of these nodes. No more than 2^32 − 1, as offsets are.
    edges: u32,
}

impl<'a> Wave<'a> {
    fn new(
        graph: &'a Csr<'a>,
        activation: &[f32],
        spread: Spread,
        scratch: &'a Scratch,
    ) -> Result<Self, KernelError> {
        let mut wave = Self {
            graph,
            spread,
            arrived: scratch.try_lend(graph.nodes())?,
            deltas: scratch.try_lend(graph.nodes())?,
            queue: scratch.try_lend(graph.nodes())?,
            is_queued: false,
            frontier: Frontier::default(),
        };
        wave.arrived.fill(0.0);
        wave.frontier = dispatch(Join {
            graph,
            spread,
            arrived: activation,
            deltas: &mut wave.deltas,
        });
        Ok(wave)
    }

    fn hop(&mut self, activation: &mut [f32]) {
        let (nodes, edges) = (self.frontier.nodes as usize, self.frontier.edges as usize);
        // The queue has its place behind the frontier.
        let room = self.queue.len() - nodes;
        if edges <= room && edges < self.queue.len() / SPARSE {
            self.queue_frontier();
            self.hop_by_queue(activation);
        } else {
            self.is_queued = false;
            self.frontier = dispatch(HopThroughAll {
                graph: self.graph,
                spread: self.spread,
                activation,
                arrived: &mut self.arrived,
                deltas: &mut self.deltas,
            });
        }
    }

    /// Looks up which nodes the frontier has, unless the last hop has left them here.
    fn queue_frontier(&mut self) {
        if std::mem::replace(&mut self.is_queued, true) {
            return;
        }
        let given = self
            .deltas
            .iter()
            .zip(0..)
            .filter(|(delta, _)| **delta != 0.0);
        for (place, (_, node)) in self.queue.iter_mut().zip(given) {
            *place = node;
        }
    }

    fn hop_by_queue(&mut self, activation: &mut [f32]) {
        let start = self.frontier.nodes as usize;
        let mut end = start;
        for place in 0..start {
            let node = self.queue[place];
            let give = std::mem::take(&mut self.deltas[node as usize]) * self.spread.decay;
            let (targets, weights) = self.graph.edges_of(node);
            for (&target, &weight) in targets.iter().zip(weights) {
                // Zero: not reached yet, or with nothing as yet. At most one entry an edge.
                if self.arrived[target as usize] == 0.0 {
                    self.queue[end] = target;
                    end += 1;
                }
                self.arrived[target as usize] += give * weight;
            }
        }
        self.queue[start..end].sort_unstable();
        self.frontier = Frontier::default();
        // The frontier that is written is never longer than what has been read.
        for place in start..end {
            self.arrive(self.queue[place], activation);
        }
    }

    /// Adds what has arrived at a node, and clears it: a second time there is nothing.
    #[inline(always)]
    fn arrive(&mut self, node: u32, activation: &mut [f32]) {
        let delta = std::mem::take(&mut self.arrived[node as usize]);
        if delta != 0.0 {
            activation[node as usize] += delta;
        }
        if self.spread.goes_on(delta) {
            self.queue[self.frontier.nodes as usize] = node;
            self.deltas[node as usize] = delta;
            self.frontier.nodes += 1;
            self.frontier.edges += self.graph.degree(node);
        }
    }
}

impl Spread {
    /// Whether what has arrived at a node is spread on.
    #[inline(always)]
    fn goes_on(self, delta: f32) -> bool {
        (delta != 0.0) & (delta.abs() >= self.threshold)
    }
}

/// Makes a frontier of what has arrived, from all nodes.
struct Join<'a> {
    graph: &'a Csr<'a>,
    spread: Spread,
    arrived: &'a [f32],
    deltas: &'a mut [f32],
}

impl Kernel for Join<'_> {
    type Output = Frontier;

    #[inline(always)]
    fn run(self) -> Frontier {
        let (starts, ends) = (self.graph.offsets, &self.graph.offsets[1..]);
        let degrees = starts.iter().zip(ends).map(|(start, end)| end - start);
        let mut frontier = Frontier::default();
        for ((delta, &arrived), degree) in self.deltas.iter_mut().zip(self.arrived).zip(degrees) {
            let goes_on = self.spread.goes_on(arrived);
            *delta = if goes_on { arrived } else { 0.0 };
            frontier.nodes += u32::from(goes_on);
            frontier.edges += if goes_on { degree } else { 0 };
        }
        frontier
    }
}

struct HopThroughAll<'a> {
    graph: &'a Csr<'a>,
    spread: Spread,
    activation: &'a mut [f32],
    arrived: &'a mut [f32],
    deltas: &'a mut [f32],
}

impl Kernel for HopThroughAll<'_> {
    type Output = Frontier;

    #[inline(always)]
    fn run(self) -> Frontier {
        for (node, delta) in (0..).zip(&*self.deltas) {
            if *delta != 0.0 {
                let give = delta * self.spread.decay;
                let (targets, weights) = self.graph.edges_of(node);
                for (&target, weight) in targets.iter().zip(weights) {
                    self.arrived[target as usize] += give * weight;
                }
            }
        }
        let frontier = Join {
            graph: self.graph,
            spread: self.spread,
            arrived: self.arrived,
            deltas: self.deltas,
        };
        let frontier = frontier.run();
        for (activation, arrived) in self.activation.iter_mut().zip(self.arrived) {
            let delta = std::mem::take(arrived);
            // Zero is not added: it would make a zero of −0.
            *activation = if delta == 0.0 {
                *activation
            } else {
                *activation + delta
            };
        }
        frontier
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// Of which the offsets alone would take 16 GiB.
    #[test]
    fn nodes_that_32_bits_cannot_count_are_refused() {
        let most = u32::MAX as usize;
        assert_eq!(count_nodes(most + 1), Ok(most));
        let error = count_nodes(most + 2).unwrap_err();
        assert_eq!(error, GraphError::TooManyNodes { nodes: most + 1 });
        assert_eq!(
            error.to_string(),
            "4294967296 nodes, where 4294967295 can be"
        );
    }
}
