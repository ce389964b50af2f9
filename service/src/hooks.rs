//! Hooks: questions asked of every run of one predicate, and the one that makes new triples.
//!
//! A hook is evaluated on each run whose predicate is its own, and on no other; every evaluation
//! has an answer and gives one receipt. Comparisons are unsigned and by id: an integer is its own
//! id, and every other term's id is above all integers.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use crate::terms::IdHasher;

mod load;

pub use load::{HooksError, load, parse};

/// What a hook asks of a run, all ids known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// ASK(s, p) with the run's own first subject: always true. What runs when no hooks are given.
    AskFirst,
    /// ASK(s, p): is some subject `s`?
    AskSp {
        /// The subject sought.
        s: u64,
    },
    /// ASK(s, p, o): has some lane subject `s` and object `o`?
    AskSpo {
        /// The subject sought.
        s: u64,
        /// The object sought, in the same lane.
        o: u64,
    },
    /// ASK(o, p): is some object `o`?
    AskOp {
        /// The object sought.
        o: u64,
    },
    /// COUNT(s, p): is the number of lanes with subject `s` at least, at most, or equal to `k`?
    CountSp {
        /// The subject counted.
        s: u64,
        /// How the count is compared with `k`.
        bound: Bound,
        /// What the count is compared with.
        k: u64,
    },
    /// COUNT(o, p): the same for object `o`.
    CountOp {
        /// The object counted.
        o: u64,
        /// How the count is compared with `k`.
        bound: Bound,
        /// What the count is compared with.
        k: u64,
    },
    /// UNIQUE(s, p): has exactly one lane subject `s`?
    UniqueSp {
        /// The subject counted.
        s: u64,
    },
    /// COMPARE(o): is some object equal to, below, above, … `o`?
    CompareO {
        /// How an object is compared with `o`.
        order: Order,
        /// The right-hand side.
        o: u64,
    },
    /// CONSTRUCT8: for each lane emit (its subject, `p`, `o`).
    Construct8 {
        /// The predicate of the new triples.
        p: u64,
        /// Their object.
        o: u64,
    },
}

/// How a count is compared with a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// ≥
    AtLeast,
    /// ≤
    AtMost,
    /// =
    Exactly,
}

/// How an object is compared with a value, unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// =
    Equal,
    /// <
    Less,
    /// >
    Greater,
    /// ≤
    LessOrEqual,
    /// ≥
    GreaterOrEqual,
}

/// One hook, ready to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its place in the file, from 0; what receipts call it.
    pub index: u32,
    /// The predicate of the runs that it is asked of.
    pub predicate: u64,
    /// What is asked.
    pub test: Test,
}

/// All hooks of a run, found by predicate.
#[derive(Clone, Debug)]
pub struct HookSet {
    /// By predicate, and by index within one.
    hooks: Vec<Hook>,
    names: Vec<String>,
    by_predicate: HashMap<u64, Range<usize>, BuildHasherDefault<IdHasher>>,
    every_run: bool,
}

impl HookSet {
    /// What runs when no hooks are given: ASK(s, p) for each run's first triple.
    pub fn ask_first() -> Self {
        let hook = Hook {
            index: 0,
            predicate: 0,
            test: Test::AskFirst,
        };
        Self {
            hooks: vec![hook],
            names: vec!["ask for the first subject".to_owned()],
            by_predicate: HashMap::default(),
            every_run: true,
        }
    }

    /// These hooks, each with its name; the place in the iterator is the hook's index.
    pub fn new(named: impl IntoIterator<Item = (String, u64, Test)>) -> Self {
        let mut set = Self {
            hooks: Vec::new(),
            names: Vec::new(),
            by_predicate: HashMap::default(),
            every_run: false,
        };
        for (index, (name, predicate, test)) in (0..).zip(named) {
            set.hooks.push(Hook {
                index,
                predicate,
                test,
            });
            set.names.push(name);
        }
        set.hooks.sort_by_key(|hook| hook.predicate);
        let mut start = 0;
        for group in set.hooks.chunk_by(|a, b| a.predicate == b.predicate) {
            set.by_predicate
                .insert(group[0].predicate, start..start + group.len());
            start += group.len();
        }
        set
    }

    /// The hooks that are asked of a run of `predicate`, in the order of their indices.
    ///
    /// # Cost
    ///
    /// One hash look-up; allocates nothing.
    pub fn of_predicate(&self, predicate: u64) -> &[Hook] {
        if self.every_run {
            return &self.hooks;
        }
        self.by_predicate
            .get(&predicate)
            .map_or(&[], |range| &self.hooks[range.clone()])
    }

    /// The hooks' names, by index.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether some hook makes new triples.
    pub fn constructs(&self) -> bool {
        self.hooks
            .iter()
            .any(|hook| matches!(hook.test, Test::Construct8 { .. }))
    }
}
