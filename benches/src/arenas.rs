//! Arenas beside their peers: each loop compiled once for each, and never inlined.

use std::alloc::Layout;
use std::fmt;
use std::hint::black_box;

use bumpalo::Bump;
use knhk_pool::{Arena, ArenaConfig, ScratchBuffer, scratch};

use crate::touch::touch;

/// Allocations between two resets.
pub const BATCH: u64 = 100;

/// Floats of the larger allocation: the vector whose round trip was measured elsewhere.
pub const FLOATS: usize = 768;

const SMALL: Layout = match Layout::from_size_align(64, 8) {
    Ok(layout) => layout,
    Err(_) => panic!("a layout"),
};

const VECTOR: Layout = match Layout::array::<f32>(FLOATS) {
    Ok(layout) => layout,
    Err(_) => panic!("a layout"),
};

/// What is asked of an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// 64 bytes at alignment 8, touched; a reset after each [`BATCH`].
    Small,
    /// [`FLOATS`] floats of which one is touched, and a reset.
    Vector,
}

impl Load {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Small, Self::Vector];

    /// Name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "64 bytes, reset after 100",
            Self::Vector => "768 floats, reset after each",
        }
    }
}

/// Runs a multiple of [`BATCH`] allocations.
type Run = Box<dyn FnMut(u64)>;

/// An arena by its name in the tables, ready to run.
pub struct ArenaCase {
    /// Name in tables.
    pub name: &'static str,
    /// What it is asked for.
    pub load: Load,
    run: Run,
}

impl ArenaCase {
    fn new(load: Load, name: &'static str, run: impl FnMut(u64) + 'static) -> Self {
        let run = Box::new(run);
        Self { name, load, run }
    }

    /// Makes `allocations`, a multiple of [`BATCH`].
    pub fn run(&mut self, allocations: u64) {
        (self.run)(allocations);
    }
}

impl fmt::Debug for ArenaCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArenaCase")
            .field("name", &self.name)
            .field("load", &self.load)
            .finish_non_exhaustive()
    }
}

/// A floor: the bump pointer alone, always at a multiple of 8, with no alignment to do, nothing to
/// count and nothing behind it.
struct Floor {
    memory: Box<[u64]>,
    left: usize,
}

impl Floor {
    fn new() -> Self {
        Self {
            memory: vec![0; 1 << 17].into_boxed_slice(),
            left: 1 << 17,
        }
    }

    #[inline(always)]
    fn alloc(&mut self) -> *mut u8 {
        match self.left.checked_sub(8) {
            Some(left) => {
                self.left = left;
                // SAFETY: left is below the slice's length.
                unsafe { self.memory.as_mut_ptr().add(left) }.cast()
            }
            None => full(),
        }
    }
}

/// The arena that ours was written to replace, in its shape: a pointer that goes upwards, a mask of the
/// offset, a check, and zeros over all that was used at each reset, unless told otherwise.
struct Upwards {
    memory: Box<[u8]>,
    used: usize,
    zeroes: bool,
}

impl Upwards {
    fn new(zeroes: bool) -> Self {
        Self {
            memory: vec![0; 1 << 20].into_boxed_slice(),
            used: 0,
            zeroes,
        }
    }

    #[inline(always)]
    fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let start = (self.used + layout.align() - 1) & !(layout.align() - 1);
        match start.checked_add(layout.size()) {
            Some(end) if end <= self.memory.len() => {
                self.used = end;
                // SAFETY: start is at most end, which is in the memory.
                unsafe { self.memory.as_mut_ptr().add(start) }
            }
            _ => full(),
        }
    }

    #[inline(always)]
    fn reset(&mut self) {
        if self.zeroes {
            self.memory[..self.used].fill(0);
        }
        self.used = 0;
    }
}

#[cold]
#[inline(never)]
fn full() -> ! {
    panic!("full")
}

macro_rules! small {
    ($name:ident, $arena:ident: $type:ty, $alloc:expr, $reset:expr) => {
        #[inline(never)]
        fn $name($arena: &mut $type, allocations: u64) {
            for _ in 0..allocations / BATCH {
                for _ in 0..BATCH {
                    let start: *mut u8 = $alloc;
                    // SAFETY: 64 writable bytes.
                    unsafe { touch(start) };
                }
                $reset;
            }
        }
    };
}

small!(floor, floor: Floor, floor.alloc(), floor.left = floor.memory.len());
small!(ours, arena: Arena, arena.alloc_layout(SMALL).as_mut_ptr().cast(), arena.reset());
small!(
    ours_typed,
    arena: Arena,
    std::ptr::from_mut(arena.alloc([0_u64; 8])).cast(),
    arena.reset()
);
small!(theirs, bump: Bump, bump.alloc_layout(SMALL).as_ptr(), bump.reset());
small!(
    theirs_typed,
    bump: Bump,
    std::ptr::from_mut(bump.alloc([0_u64; 8])).cast(),
    bump.reset()
);

#[inline(never)]
fn ours_scoped(arena: &mut Arena, allocations: u64) {
    for _ in 0..allocations / BATCH {
        arena.scope(|scope| {
            for _ in 0..BATCH {
                // SAFETY: 64 writable bytes.
                unsafe { touch(scope.alloc_layout(SMALL).as_mut_ptr().cast()) };
            }
        });
    }
}

#[inline(never)]
fn vectors<A>(arena: &mut A, allocations: u64, round: impl Fn(&mut A)) {
    for _ in 0..allocations {
        round(arena);
    }
}

/// Touches a vector's first byte.
#[inline(always)]
fn touch_vector<T>(vector: &mut [T]) {
    assert_eq!(vector.len(), FLOATS);
    // SAFETY: its first byte is there.
    unsafe { touch(vector.as_mut_ptr().cast()) };
}

fn wiping() -> Arena {
    let config = ArenaConfig::default().with_zero(true);
    Arena::from_config(&config).expect("a valid configuration")
}

/// The vector's round trip by what it is made of; `N` names the closure's type, so that each loop is
/// its own.
fn vector<A: 'static>(
    name: &'static str,
    mut arena: A,
    round: impl Fn(&mut A) + Copy + 'static,
) -> ArenaCase {
    ArenaCase::new(Load::Vector, name, move |count| {
        vectors(&mut arena, count, round);
    })
}

#[inline(always)]
fn upwards(arena: &mut Upwards) {
    let start = arena.alloc(VECTOR);
    // SAFETY: 3072 writable bytes.
    unsafe { touch(start) };
    arena.reset();
}

/// Their arena with room for a batch in its first chunk, as ours has.
fn bump() -> Bump {
    Bump::with_capacity(1 << 20)
}

/// All that is compared, in the order of the tables. Ratios are to the same call of `bumpalo`.
pub fn arena_cases() -> Vec<ArenaCase> {
    let (mut by_hand, mut arena, mut scoped) = (Floor::new(), Arena::new(), Arena::new());
    let (mut typed, mut peer, mut peer_typed) = (Arena::new(), bump(), bump());
    vec![
        ArenaCase::new(Load::Small, "floor", move |n| floor(&mut by_hand, n)),
        ArenaCase::new(Load::Small, "Arena", move |n| ours(&mut arena, n)),
        ArenaCase::new(Load::Small, "Arena, scope", move |n| {
            ours_scoped(&mut scoped, n)
        }),
        ArenaCase::new(Load::Small, "bumpalo", move |n| theirs(&mut peer, n)),
        ArenaCase::new(Load::Small, "Arena, [u64; 8]", move |n| {
            ours_typed(&mut typed, n)
        }),
        ArenaCase::new(Load::Small, "bumpalo, [u64; 8]", move |n| {
            theirs_typed(&mut peer_typed, n)
        }),
        vector("Arena, uninitialised", Arena::new(), |arena| {
            touch_vector(arena.alloc_slice_uninit::<f32>(FLOATS));
            arena.reset();
        }),
        vector("bumpalo", bump(), |bump| {
            // SAFETY: 3072 writable bytes.
            unsafe { touch(bump.alloc_layout(VECTOR).as_ptr()) };
            bump.reset();
        }),
        vector("by hand, zeroing on reset", Upwards::new(true), upwards),
        vector("by hand, not zeroing", Upwards::new(false), upwards),
        vector("Arena, zeros", Arena::new(), |arena| {
            touch_vector(arena.alloc_slice::<f32>(FLOATS));
            arena.reset();
        }),
        vector("Arena, wiped on reset", wiping(), |arena| {
            touch_vector(arena.alloc_slice_uninit::<f32>(FLOATS));
            arena.reset();
        }),
        vector("scratch::with", (), |()| {
            scratch::with(|s| touch_vector(s.alloc_slice_uninit::<f32>(FLOATS)));
        }),
        vector("ScratchBuffer", ScratchBuffer::new(), |scratch| {
            scratch.with(|s| touch_vector(s.alloc_slice_uninit::<f32>(FLOATS)));
        }),
        vector("Arena::with_thread", (), |()| {
            Arena::with_thread(|arena| touch_vector(arena.alloc_slice_uninit::<f32>(FLOATS)));
        }),
        vector("Vec::with_capacity", (), |()| {
            let mut vector = black_box(Vec::<f32>::with_capacity(FLOATS));
            touch_vector(&mut vector.spare_capacity_mut()[..FLOATS]);
        }),
        vector("vec![0.0; 768]", (), |()| {
            touch_vector(&mut vec![0_f32; black_box(FLOATS)]);
        }),
    ]
}
