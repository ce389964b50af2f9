//! An arena against a plain model: what is live, in `Vec`s. Operations come from bytes, so that a
//! property test and a fuzzer can share them.

use std::alloc::Layout;
use std::mem::MaybeUninit;

use knhk_pool::{Arena, ArenaOverflow, Scope};

/// Where operations come from: any bytes are a sequence of them.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    bytes: &'a [u8],
}

impl<'a> Script<'a> {
    /// The operations of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    /// 0 to 254, or now and then a size that no allocator has: from 2^60 on.
    fn size(&mut self) -> usize {
        match self.byte().unwrap_or(0) {
            255 => usize::MAX >> (self.byte().unwrap_or(0) % 4),
            size => usize::from(size),
        }
    }
}

/// What is live, and what each must hold.
struct Live<'s> {
    bytes: &'s mut [MaybeUninit<u8>],
    mark: u8,
}

impl<'s> Live<'s> {
    fn new(bytes: &'s mut [MaybeUninit<u8>], mark: u8) -> Self {
        bytes.fill(MaybeUninit::new(mark));
        Self { bytes, mark }
    }

    fn check(&self) {
        // SAFETY: `new` has written all of them.
        #[allow(unsafe_code)]
        let holds = |byte: &MaybeUninit<u8>| unsafe { byte.assume_init() } == self.mark;
        assert!(
            self.bytes.iter().all(holds),
            "somebody else has written here"
        );
    }

    fn range(&self) -> std::ops::Range<usize> {
        let start = self.bytes.as_ptr().addr();
        start..start + self.bytes.len()
    }
}

/// Runs a script on an arena: every allocation is aligned, overlaps none that is live, keeps what was
/// written into it, and is refused exactly when there is no room.
pub(crate) fn check(script: &[u8]) {
    let mut script = Script::new(script);
    let capacity = 16 * usize::from(script.byte().unwrap_or(0));
    let rule = script.byte().unwrap_or(0);
    let overflow = if rule.is_multiple_of(2) {
        ArenaOverflow::Error
    } else {
        ArenaOverflow::Heap
    };
    let mut arena = Arena::with_capacity(capacity)
        .with_overflow(overflow)
        .with_zero(rule.is_multiple_of(3));
    while !script.bytes.is_empty() {
        let depth = 0;
        arena.scope(|scope| run(scope, &mut script, &[], depth));
        assert_eq!((arena.stats().in_use, arena.stats().heap_bytes), (0, 0));
        arena.reset();
        assert_eq!(arena.remaining(), capacity);
    }
}

/// One scope's operations; `outer` is what scopes around it hold.
fn run(
    scope: &mut Scope<'_>,
    script: &mut Script<'_>,
    outer: &[std::ops::Range<usize>],
    depth: u32,
) {
    let mut live: Vec<Live<'_>> = Vec::new();
    while let Some(operation) = script.byte() {
        match operation % 8 {
            0 => break,
            1 if depth < 5 => {
                let mut held = outer.to_vec();
                held.extend(live.iter().map(Live::range));
                scope.scope(|inner| run(inner, script, &held, depth + 1));
            }
            2 => fill(scope, script, &mut live, operation),
            3 => forget_half(&mut live, outer),
            _ => alloc(scope, script, &mut live, operation),
        }
        if live.len() > LIVE_MAX {
            forget_half(&mut live, outer);
        }
    }
    // What was written into a block that lives is still there, so that looking once is enough.
    check_live(&live, outer);
}

/// More at once find nothing that these do not, and take longer to compare.
const LIVE_MAX: usize = 64;

/// Forgets half of what is live: an arena does not care.
fn forget_half(live: &mut Vec<Live<'_>>, outer: &[std::ops::Range<usize>]) {
    check_live(live, outer);
    live.truncate(live.len() / 2);
}

fn alloc<'s>(scope: &Scope<'s>, script: &mut Script<'_>, live: &mut Vec<Live<'s>>, mark: u8) {
    let (size, power) = (script.size(), script.byte().unwrap_or(0) % 14);
    let Ok(layout) = Layout::from_size_align(size, 1 << power) else {
        return;
    };
    if let Ok(bytes) = scope.try_alloc_layout(layout) {
        assert_eq!(
            (bytes.len(), bytes.as_ptr().addr() % layout.align()),
            (size, 0)
        );
        live.push(Live::new(bytes, mark));
    }
}

/// By an iterator of unknown length that allocates in between.
fn fill<'s>(scope: &Scope<'s>, script: &mut Script<'_>, live: &mut Vec<Live<'s>>, mark: u8) {
    let (len, every) = (script.size() % 200, script.byte().unwrap_or(0) % 40 + 1);
    let values = (0..len).filter(|n| {
        if n.is_multiple_of(usize::from(every))
            && let Ok(bytes) = scope.try_alloc_slice_uninit::<u8>(*n)
        {
            live.push(Live::new(bytes, mark));
        }
        true
    });
    if let Ok(numbers) = scope.try_alloc_from_iter(values) {
        assert!(numbers.iter().copied().eq(0..len));
        let bytes = numbers.iter_mut().map(|number| {
            *number = usize::from_ne_bytes([mark; size_of::<usize>()]);
        });
        bytes.for_each(drop);
        let range = std::ptr::from_mut(numbers);
        // SAFETY: the same memory as bytes, all of it written; `numbers` is not used again.
        #[allow(unsafe_code)]
        let bytes = unsafe {
            &mut *std::ptr::slice_from_raw_parts_mut(range.cast(), len * size_of::<usize>())
        };
        live.push(Live { bytes, mark });
    }
}

fn check_live(live: &[Live<'_>], outer: &[std::ops::Range<usize>]) {
    let mut ranges: Vec<_> = live
        .iter()
        .map(Live::range)
        .chain(outer.iter().cloned())
        .collect();
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    assert!(
        ranges.windows(2).all(|pair| pair[0].end <= pair[1].start),
        "two live ones overlap"
    );
    live.iter().for_each(Live::check);
}
