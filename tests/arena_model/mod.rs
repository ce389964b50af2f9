//! An arena against a plain model: what is live, in `Vec`s, each block with a mark of its own in all of its
//! bytes, so that of two that overlap one has lost its mark. Operations come from bytes, so that a property
//! test and a fuzzer can share them.

use std::alloc::Layout;
use std::mem::MaybeUninit;

use knhk_pool::{Arena, ArenaOverflow, Scope};

/// Any bytes are a sequence of operations.
#[derive(Debug)]
struct Script<'a> {
    bytes: &'a [u8],
    marks: u32,
}

type Mark = [u8; 4];

impl Script<'_> {
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

    /// Another one each time, also where it begins at its second byte, third, or fourth.
    fn mark(&mut self) -> Mark {
        self.marks = self.marks.wrapping_add(1);
        self.marks.wrapping_mul(0x9E37_79B1).to_ne_bytes()
    }
}

/// A block that is live, full of its mark.
struct Live<'s> {
    bytes: &'s mut [MaybeUninit<u8>],
    mark: Mark,
}

impl<'s> Live<'s> {
    fn new(bytes: &'s mut [MaybeUninit<u8>], mark: Mark) -> Self {
        let filling = mark.map(MaybeUninit::new);
        for part in bytes.chunks_mut(filling.len()) {
            part.copy_from_slice(&filling[..part.len()]);
        }
        Self { bytes, mark }
    }

    fn check(&self) {
        let bytes = std::ptr::from_ref(&*self.bytes);
        // SAFETY: the same memory, all of which `new` has written.
        #[allow(unsafe_code)]
        let bytes = unsafe { &*(bytes as *const [u8]) };
        let (first, rest) = bytes.split_at(self.mark.len().min(bytes.len()));
        // After the mark each byte is as the fourth before it.
        assert!(
            first == &self.mark[..first.len()] && rest == &bytes[..rest.len()],
            "somebody else has written here"
        );
    }
}

/// Runs a script on an arena: every allocation is aligned, overlaps none that is live, and keeps what was
/// written into it; an arena whose scope has ended has all of its room again.
pub(crate) fn check(script: &[u8]) {
    let mut script = Script {
        bytes: script,
        marks: 0,
    };
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
        arena.scope(|scope| run(scope, &mut script, depth));
        assert_eq!((arena.stats().in_use, arena.stats().heap_bytes), (0, 0));
        arena.reset();
        assert_eq!(arena.remaining(), capacity);
    }
}

/// More at once find nothing that these do not, and take longer.
const LIVE_MAX: usize = 64;

/// One scope's operations.
fn run(scope: &mut Scope<'_>, script: &mut Script<'_>, depth: u32) {
    let mut live: Vec<Live<'_>> = Vec::new();
    while let Some(operation) = script.byte() {
        match operation % 8 {
            0 => break,
            1 if depth < 5 => scope.scope(|inner| run(inner, script, depth + 1)),
            2 => fill(scope, script, &mut live),
            3 => forget_half(&mut live),
            _ => live.extend(alloc(scope, script)),
        }
        if live.len() > LIVE_MAX {
            forget_half(&mut live);
        }
    }
    // What was written into a block that lives is still there, so that looking once is enough.
    live.iter().for_each(Live::check);
}

/// Forgets half of what is live: an arena does not care.
fn forget_half(live: &mut Vec<Live<'_>>) {
    let half = live.len() / 2;
    live.drain(half..).for_each(|forgotten| forgotten.check());
}

fn alloc<'s>(scope: &Scope<'s>, script: &mut Script<'_>) -> Option<Live<'s>> {
    let (size, power) = (script.size(), script.byte().unwrap_or(0) % 14);
    let layout = Layout::from_size_align(size, 1 << power).ok()?;
    let bytes = scope.try_alloc_layout(layout).ok()?;
    assert_eq!(
        (bytes.len(), bytes.as_ptr().addr() % layout.align()),
        (size, 0)
    );
    Some(Live::new(bytes, script.mark()))
}

/// By an iterator of unknown length that allocates in between.
fn fill<'s>(scope: &Scope<'s>, script: &mut Script<'_>, live: &mut Vec<Live<'s>>) {
    let (len, every) = (script.size() % 200, script.byte().unwrap_or(0) % 40 + 1);
    let values = (0..len).filter(|n| {
        if n.is_multiple_of(usize::from(every))
            && let Ok(bytes) = scope.try_alloc_slice_uninit::<u8>(*n)
        {
            live.push(Live::new(bytes, script.mark()));
        }
        true
    });
    if let Ok(numbers) = scope.try_alloc_from_iter(values) {
        assert!(numbers.iter().copied().eq(0..len));
        let numbers = std::ptr::from_mut(numbers);
        // SAFETY: the same memory as bytes, which nothing else refers to.
        #[allow(unsafe_code)]
        let bytes = unsafe {
            &mut *std::ptr::slice_from_raw_parts_mut(numbers.cast(), len * size_of::<usize>())
        };
        live.push(Live::new(bytes, script.mark()));
    }
}
