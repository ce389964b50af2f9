//! The instruction counts of arenas on record, and what must not be exceeded. See `counted.rs`.

use crate::arenas::{ArenaCase, Load, arena_cases};

/// Allocations in one count.
pub const ALLOCATIONS_COUNTED: u64 = 16_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArenaCounted {
    /// The hand-written floor: if this moves, the compiler has, and not the library.
    Floor,
    /// 64 bytes from an `Arena`, reset after a hundred.
    Arena,
    /// The same from a scope.
    Scope,
    /// The same from bumpalo.
    Bumpalo,
    /// 768 floats from an `Arena`, and a reset.
    Vector,
    /// 768 floats by `scratch::with`.
    Scratch,
}

impl ArenaCounted {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Floor,
        Self::Arena,
        Self::Scope,
        Self::Bumpalo,
        Self::Vector,
        Self::Scratch,
    ];

    /// Instructions for [`ALLOCATIONS_COUNTED`], as counted when this was last renewed.
    pub const fn recorded(self) -> u64 {
        match self {
            Self::Floor => 145_320,
            Self::Arena => 212_534,
            Self::Scope => 182_934,
            Self::Bumpalo => 210_773,
            Self::Vector => 576_049,
            Self::Scratch => 736_048,
        }
    }

    /// What the check allows: 2 % above what is on record.
    pub const fn limit(self) -> u64 {
        self.recorded() + self.recorded() / 50
    }

    const fn place(self) -> (Load, &'static str) {
        match self {
            Self::Floor => (Load::Small, "floor"),
            Self::Arena => (Load::Small, "Arena"),
            Self::Scope => (Load::Small, "Arena, scope"),
            Self::Bumpalo => (Load::Small, "bumpalo"),
            Self::Vector => (Load::Vector, "Arena, uninitialised"),
            Self::Scratch => (Load::Vector, "scratch::with"),
        }
    }

    /// The case, run once.
    pub fn prepare(self) -> ArenaWarm {
        let mut cases = arena_cases().into_iter();
        let is_it = |case: &ArenaCase| (case.load, case.name) == self.place();
        let mut case = cases.find(is_it).expect("each has its case");
        case.run(100);
        ArenaWarm { case }
    }
}

/// A case that is ready to be counted.
#[derive(Debug)]
pub struct ArenaWarm {
    case: ArenaCase,
}

impl ArenaWarm {
    /// Makes [`ALLOCATIONS_COUNTED`] allocations.
    pub fn run(&mut self) {
        self.case.run(ALLOCATIONS_COUNTED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counted_arena_is_in_the_bench_and_runs() {
        let bench = include_str!("../instructions.rs");
        for counted in ArenaCounted::ALL {
            let limit = format!("limited_to(ArenaCounted::{counted:?}.limit())");
            assert!(bench.contains(&limit), "no {counted:?} in instructions.rs");
            counted.prepare().run();
        }
    }
}
