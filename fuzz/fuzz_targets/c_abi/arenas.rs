//! Arenas, and marks on them.

use std::ptr;

use arbitrary::Arbitrary;
use knhk_pool_ffi::*;

use crate::spans::{Span, Spans};
use crate::{Handle, Handles, assert_refused};

const ARENAS_MAX: usize = 6;
const SIZE: usize = 64 << 10;

#[derive(Arbitrary, Debug)]
pub enum Operation {
    Create {
        overflow: u8,
        zero: bool,
        is_null: bool,
    },
    Alloc {
        handle: Handle,
        size: Size,
        power: u8,
        is_null: bool,
    },
    Mark {
        handle: Handle,
        is_null: bool,
    },
    Rewind {
        handle: Handle,
        mark: u8,
        offset: u8,
    },
    Reset {
        handle: Handle,
    },
    Destroy {
        handle: Handle,
    },
    Stats {
        handle: Handle,
        is_null: bool,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Size {
    Some(u16),
    Impossible { shift: u8, less: u8 },
}

impl Size {
    fn bytes(self) -> usize {
        match self {
            Self::Some(bytes) => bytes.into(),
            Self::Impossible { shift, less } => (usize::MAX >> (shift % 16)) - usize::from(less),
        }
    }
}

#[derive(Default)]
struct Live {
    handle: u64,
    takes_from_heap: bool,
    spans: Vec<Span>,
    /// Open marks, and how many allocations there were.
    marks: Vec<(u64, usize)>,
}

#[derive(Default)]
pub struct Arenas {
    live: Vec<Live>,
    spans: Spans,
    filler: u8,
}

impl Arenas {
    pub fn apply(&mut self, operation: &Operation, handles: &mut Handles) {
        let own: Vec<u64> = self.live.iter().map(|live| live.handle).collect();
        match *operation {
            Operation::Create {
                overflow,
                zero,
                is_null,
            } => {
                self.create(overflow, zero, is_null, handles);
            }
            Operation::Alloc {
                handle,
                size,
                power,
                is_null,
            } => {
                self.alloc(handles.pick(handle, &own), size.bytes(), power, is_null);
            }
            Operation::Mark { handle, is_null } => self.mark(handles.pick(handle, &own), is_null),
            Operation::Rewind {
                handle,
                mark,
                offset,
            } => {
                self.rewind(handles.pick(handle, &own), mark.into(), offset.into());
            }
            Operation::Reset { handle } => {
                let handle = handles.pick(handle, &own);
                let status = knhk_arena_reset(handle);
                match self.live(handle) {
                    None => assert_refused(status, handle),
                    Some(index) => {
                        assert_eq!(status, Status::Ok);
                        self.cut(index, 0, 0);
                    }
                }
            }
            Operation::Destroy { handle } => self.destroy(handles.pick(handle, &own)),
            Operation::Stats { handle, is_null } => self.stats(handles.pick(handle, &own), is_null),
        }
    }

    fn live(&self, handle: u64) -> Option<usize> {
        self.live.iter().position(|live| live.handle == handle)
    }

    fn create(&mut self, overflow: u8, zero: bool, is_null: bool, handles: &mut Handles) {
        let overflow = u32::from(overflow % 4);
        let config = ArenaConfig {
            size: SIZE,
            overflow,
            zero: zero.into(),
        };
        let mut arena = 0;
        let place = (!is_null).then_some(&mut arena);
        if self.live.len() == ARENAS_MAX {
            return;
        }
        // SAFETY: a null name, a config, null or a place.
        let status = unsafe { knhk_arena_create(ptr::null(), Some(&config), place.into()) };
        let expected = match (is_null, overflow) {
            (true, _) => Status::NullPointer,
            (false, 3) => Status::Invalid,
            _ => Status::Ok,
        };
        assert_eq!(status, expected);
        if status == Status::Ok {
            handles.add(arena);
            let takes_from_heap = overflow == 2;
            self.live.push(Live {
                handle: arena,
                takes_from_heap,
                ..Live::default()
            });
        }
    }

    fn alloc(&mut self, handle: u64, size: usize, power: u8, is_null: bool) {
        let align = if power == 255 { 24 } else { 1 << (power % 14) };
        let mut bytes = ptr::null_mut();
        let place = (!is_null).then_some(&mut bytes);
        let status = knhk_arena_alloc(handle, size, align, place.into());
        if is_null {
            return assert_eq!(status, Status::NullPointer);
        }
        let Some(index) = self.live(handle) else {
            assert!(bytes.is_null());
            return assert_refused(status, handle);
        };
        let live = &mut self.live[index];
        let is_layout = std::alloc::Layout::from_size_align(size, align).is_ok();
        match status {
            Status::Invalid => assert!(!is_layout),
            Status::Full => assert!(!live.takes_from_heap && size > 0),
            Status::OutOfMemory => assert!(live.takes_from_heap && size > usize::MAX >> 17),
            Status::Ok => {
                assert!(is_layout && bytes.addr().is_multiple_of(align));
                self.spans.claim(bytes.cast(), size);
                self.filler = self.filler.wrapping_add(1);
                live.spans.push(Span::new(bytes.cast(), size, self.filler));
            }
            other => panic!("{other:?} for {size} bytes at {align}"),
        }
    }

    fn mark(&mut self, handle: u64, is_null: bool) {
        let mut mark = 0;
        let status = knhk_arena_mark(handle, (!is_null).then_some(&mut mark).into());
        match (is_null, self.live(handle)) {
            (true, _) => assert_eq!(status, Status::NullPointer),
            (false, None) => assert_refused(status, handle),
            (false, Some(index)) => {
                assert_eq!((status, mark == 0), (Status::Ok, false));
                let live = &mut self.live[index];
                live.marks.push((mark, live.spans.len()));
            }
        }
    }

    fn rewind(&mut self, handle: u64, nth: usize, offset: u64) {
        let Some(index) = self.live(handle) else {
            return assert_refused(knhk_arena_rewind(handle, offset), handle);
        };
        let marks = &self.live[index].marks;
        let mark = match nth.checked_rem(marks.len()) {
            Some(nth) if offset.is_multiple_of(2) => marks[nth].0,
            _ => offset,
        };
        let open = marks.iter().position(|(open, _)| *open == mark);
        let status = knhk_arena_rewind(handle, mark);
        match open {
            None => assert_eq!(status, Status::Stale),
            Some(open) => {
                assert_eq!(status, Status::Ok);
                let spans = self.live[index].marks[open].1;
                self.cut(index, spans, open);
            }
        }
    }

    /// Keeps the first `spans` allocations and `marks` marks of an arena, and looks at all that was
    /// there and is still there.
    fn cut(&mut self, index: usize, spans: usize, marks: usize) {
        let live = &mut self.live[index];
        live.marks.truncate(marks);
        live.spans
            .drain(spans..)
            .for_each(|span| self.spans.give_up(span.start));
        live.spans.iter().for_each(|span| span.check(span.len));
    }

    fn destroy(&mut self, handle: u64) {
        let Some(index) = self.live(handle) else {
            return assert_refused(knhk_arena_destroy(handle), handle);
        };
        let spans = self.live[index].spans.len();
        self.cut(index, spans, 0);
        self.cut(index, 0, 0);
        self.live.swap_remove(index);
        assert_eq!(knhk_arena_destroy(handle), Status::Ok);
    }

    fn stats(&mut self, handle: u64, is_null: bool) {
        let mut stats = ArenaStats::default();
        let status = knhk_stats_arena(handle, (!is_null).then_some(&mut stats).into());
        match (is_null, self.live(handle)) {
            (true, _) => assert_eq!(status, Status::NullPointer),
            (false, None) => assert_refused(status, handle),
            (false, Some(index)) => {
                assert_eq!((status, stats.capacity), (Status::Ok, SIZE as u64));
                let bytes: usize = self.live[index].spans.iter().map(|span| span.len).sum();
                assert!(stats.in_use + stats.heap_bytes >= bytes as u64);
            }
        }
    }

    pub fn end(mut self) {
        while let Some(live) = self.live.last() {
            self.destroy(live.handle);
        }
    }
}
