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
//! sorted; where they are many, all nodes are looked through. The results are the same bits.

use std::error::Error;
use std::fmt;

use knhk_pool::hot_path;

use crate::error::{KernelError, same_length};
use crate::scratch::{Lent, Scratch};

/// A directed graph in compressed sparse rows, borrowed and checked.
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
        if let Some(node) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            let (start, end) = (offsets[node], offsets[node + 1]);
            return Err(GraphError::OffsetsFall { node, start, end });
        }
        if last as usize != targets.len() || targets.len() != weights.len() {
            return Err(GraphError::EdgeCounts {
                offset: last as usize,
                targets: targets.len(),
                weights: weights.len(),
            });
        }
        let nodes = offsets.len() - 1;
        if let Some(edge) = targets.iter().position(|&target| target as usize >= nodes) {
            let target = targets[edge];
            return Err(GraphError::TargetOutOfRange {
                edge,
                target,
                nodes,
            });
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
    fn degree(&self, node: u32) -> usize {
        (self.offsets[node as usize + 1] - self.offsets[node as usize]) as usize
    }
}

/// How activation spreads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// What is left of an activation after an edge of weight 1; from 0 to 1.
    pub decay: f32,
    /// What arrives at a node in one hop is spread on if its magnitude is at least this.
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
/// threshold. A node may be reached again, along a cycle or another path.
///
/// # Cost
///
/// For each edge followed a product and a sum; for each hop a sort of the nodes reached, or a look at
/// every node, whichever is less. From `scratch`: three numbers a node.
///
/// # Errors
///
/// If `activation` is not as long as the graph has nodes; if the decay is not from 0 to 1, or the
/// threshold negative or NaN.
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
    let mut wave = Wave::new(graph, activation, spread, scratch);
    let mut reach = Reach::default();
    while wave.frontier > 0 && reach.hops < spread.hops_max {
        reach.edges += wave.hop(activation);
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
    /// The nodes of the frontier, ascending, and what each has to give; `frontier` of each.
    nodes: Lent<'a, u32>,
    deltas: Lent<'a, f32>,
    frontier: usize,
}

impl<'a> Wave<'a> {
    fn new(graph: &'a Csr<'a>, activation: &[f32], spread: Spread, scratch: &'a Scratch) -> Self {
        let mut wave = Self {
            graph,
            spread,
            arrived: scratch.lend(graph.nodes()),
            nodes: scratch.lend(graph.nodes()),
            deltas: scratch.lend(graph.nodes()),
            frontier: 0,
        };
        wave.arrived.fill(0.0);
        for (node, &delta) in activation.iter().enumerate() {
            wave.join(node as u32, delta);
        }
        wave
    }

    /// Puts a node into the frontier if what it has to give is enough.
    #[inline(always)]
    fn join(&mut self, node: u32, delta: f32) {
        if delta != 0.0 && delta.abs() >= self.spread.threshold {
            self.nodes[self.frontier] = node;
            self.deltas[self.frontier] = delta;
            self.frontier += 1;
        }
    }

    /// Returns how many edges it followed.
    fn hop(&mut self, activation: &mut [f32]) -> usize {
        let frontier = &self.nodes[..self.frontier];
        let edges = frontier.iter().map(|&node| self.graph.degree(node)).sum();
        // The queue has its place behind the frontier.
        let room = self.nodes.len() - self.frontier;
        if edges <= room && edges < self.nodes.len() / SPARSE {
            self.hop_by_queue(activation);
        } else {
            self.hop_through_all(activation);
        }
        edges
    }

    fn hop_through_all(&mut self, activation: &mut [f32]) {
        let arrived = &mut *self.arrived;
        let frontier = self.nodes.iter().zip(&*self.deltas).take(self.frontier);
        for (&node, delta) in frontier {
            let give = delta * self.spread.decay;
            let (targets, weights) = self.graph.edges_of(node);
            for (&target, weight) in targets.iter().zip(weights) {
                arrived[target as usize] += give * weight;
            }
        }
        // Without branches: every node is written as if it were next in the frontier, and only
        // counted if it is. The place is never beyond the node itself.
        let mut frontier = 0;
        let places = self.nodes.iter().len();
        let (nodes, deltas) = (&mut self.nodes[..places], &mut self.deltas[..places]);
        for (node, (arrived, activation)) in arrived.iter_mut().zip(activation).enumerate() {
            let delta = std::mem::take(arrived);
            let is_there = delta != 0.0;
            *activation = if is_there {
                *activation + delta
            } else {
                *activation
            };
            nodes[frontier] = node as u32;
            deltas[frontier] = delta;
            frontier += usize::from(is_there & (delta.abs() >= self.spread.threshold));
        }
        self.frontier = frontier;
    }

    fn hop_by_queue(&mut self, activation: &mut [f32]) {
        let start = self.frontier;
        let mut end = start;
        for place in 0..start {
            let give = self.deltas[place] * self.spread.decay;
            let (targets, weights) = self.graph.edges_of(self.nodes[place]);
            for (&target, &weight) in targets.iter().zip(weights) {
                // Zero: not reached yet, or with nothing as yet. At most one entry an edge.
                if self.arrived[target as usize] == 0.0 {
                    self.nodes[end] = target;
                    end += 1;
                }
                self.arrived[target as usize] += give * weight;
            }
        }
        self.nodes[start..end].sort_unstable();
        self.frontier = 0;
        // The frontier that is written is never longer than what has been read.
        for place in start..end {
            self.arrive(self.nodes[place], activation);
        }
    }

    /// Adds what has arrived at a node, and clears it: a second time there is nothing.
    #[inline(always)]
    fn arrive(&mut self, node: u32, activation: &mut [f32]) {
        let delta = std::mem::take(&mut self.arrived[node as usize]);
        if delta != 0.0 {
            activation[node as usize] += delta;
            self.join(node, delta);
        }
    }
}
