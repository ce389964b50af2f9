//! Buffers of two pools.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use arbitrary::Arbitrary;
use knhk_pool_ffi::*;

use crate::foreign::Foreign;
use crate::spans::{Span, Spans};
use crate::{Handle, Handles, assert_refused};

const BUFFERS: usize = 3;
const BYTES: usize = 128;
const HELD_MAX: usize = 24;

#[derive(Arbitrary, Debug)]
pub enum Operation {
    Acquire {
        handle: Handle,
        how: How,
        is_null: bool,
    },
    Release {
        buffer: Buf,
    },
    Reserve {
        buffer: Buf,
        len: u8,
        capacity: Size,
    },
    WarmUp {
        handle: Handle,
    },
    Trim {
        handle: Handle,
        is_null: bool,
    },
    Stats {
        handle: Handle,
        is_null: bool,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum How {
    Pool,
    TryPool,
    Here,
    TryHere,
}

/// A struct to call with: any that was filled in this case, live or released, perhaps damaged.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Buf {
    Known(u8),
    Damaged { known: u8, here: bool, bit: u8 },
    Foreign,
    Zero,
    Null,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Size {
    Some(u16),
    /// `usize::MAX >> n`, less a little: more than there is.
    Impossible {
        shift: u8,
        less: u8,
    },
}

impl Size {
    fn bytes(self) -> usize {
        match self {
            Self::Some(bytes) => bytes.into(),
            Self::Impossible { shift, less } => (usize::MAX >> (shift % 16)) - usize::from(less),
        }
    }
}

struct Live {
    pool: usize,
    here: u64,
    ticket: u64,
    capacity: usize,
    span: Span,
}

pub struct Buffers {
    pools: [Pool; 2],
    heres: [Here; 2],
    /// Every struct that was filled, as it was then.
    known: Vec<(u64, u64)>,
    live: Vec<Live>,
    spans: Spans,
    marks: u8,
}

fn open(name: &CStr) -> (Pool, Here) {
    let config = PoolConfig {
        pool_size: BUFFERS,
        buffer_size: BYTES,
        zero_on_release: 0,
    };
    let (mut pool, mut here) = (0, 0);
    // SAFETY: a C string, a config, a place.
    let opened = unsafe { knhk_pool_open(name.as_ptr(), Some(&config), (&mut pool).into()) };
    assert_eq!(opened, Status::Ok);
    assert_eq!(knhk_pool_here(pool, (&mut here).into()), Status::Ok);
    (pool, here)
}

fn in_use(pool: Pool) -> u64 {
    let mut stats = PoolStats::default();
    assert_eq!(knhk_stats_pool(pool, (&mut stats).into()), Status::Ok);
    stats.in_use
}

impl Buffers {
    pub fn new(handles: &mut Handles) -> Self {
        let ((a, a_here), (b, b_here)) = (open(c"fuzz-a"), open(c"fuzz-b"));
        [a, b, a_here, b_here]
            .into_iter()
            .for_each(|handle| handles.add(handle));
        Self {
            pools: [a, b],
            heres: [a_here, b_here],
            known: vec![(0, 0)],
            live: Vec::new(),
            spans: Spans::default(),
            marks: 0,
        }
    }

    pub fn apply(&mut self, operation: &Operation, handles: &Handles) {
        let own = [self.pools, self.heres].concat();
        match *operation {
            Operation::Acquire {
                handle,
                how,
                is_null,
            } => {
                self.acquire(handles.pick(handle, &own), how, is_null);
            }
            Operation::Release { buffer } => self.release(buffer),
            Operation::Reserve {
                buffer,
                len,
                capacity,
            } => {
                self.reserve(buffer, len.into(), capacity.bytes());
            }
            Operation::WarmUp { handle } => {
                self.expect(handles.pick(handle, &own), |pool| knhk_pool_warm_up(pool));
            }
            Operation::Trim { handle, is_null } => {
                let mut bytes = 0;
                self.expect(handles.pick(handle, &own), |pool| {
                    knhk_pool_trim(pool, (!is_null).then_some(&mut bytes).into())
                });
            }
            Operation::Stats { handle, is_null } => {
                let (pool, mut stats) = (handles.pick(handle, &own), PoolStats::default());
                if is_null {
                    assert_eq!(knhk_stats_pool(pool, Place::NULL), Status::NullPointer);
                } else {
                    self.expect(pool, |pool| knhk_stats_pool(pool, (&mut stats).into()));
                }
            }
        }
        for (index, pool) in self.pools.into_iter().enumerate() {
            let held = self.live.iter().filter(|live| live.pool == index).count();
            assert_eq!(in_use(pool), held as u64);
        }
    }

    #[track_caller]
    fn expect(&self, pool: Pool, call: impl FnOnce(Pool) -> Status) {
        let status = call(pool);
        // The foreign thread's pool is everybody's, and its handle may be made up by chance.
        if self.pools.contains(&pool) {
            assert_eq!(status, Status::Ok);
        } else {
            assert!([Status::Stale, Status::Ok].contains(&status), "{status:?}");
        }
    }

    fn acquire(&mut self, handle: u64, how: How, is_null: bool) {
        if self.live.len() >= HELD_MAX {
            return;
        }
        let mut buffer = MaybeUninit::uninit();
        let place = (!is_null).then_some(&mut buffer);
        let (status, own, tries) = match how {
            How::Pool => (knhk_pool_acquire(handle, place), &self.pools, false),
            How::TryPool => (knhk_pool_try_acquire(handle, place), &self.pools, true),
            How::Here => (knhk_pool_acquire_here(handle, place), &self.heres, false),
            How::TryHere => (knhk_pool_try_acquire_here(handle, place), &self.heres, true),
        };
        if is_null {
            return assert_eq!(status, Status::NullPointer);
        }
        let Some(pool) = own.iter().position(|own| *own == handle) else {
            // The foreign thread's pool, met by chance: the buffer goes back at once.
            if status == Status::Ok {
                // SAFETY: filled, says the status.
                let mut buffer = unsafe { buffer.assume_init() };
                return assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
            }
            return assert_refused(status, handle);
        };
        if tries && status == Status::Exhausted {
            let held = self.live.iter().filter(|live| live.pool == pool).count();
            return assert!(held > 0, "all are idle, and none is handed out");
        }
        assert_eq!(status, Status::Ok);
        // SAFETY: filled, says the status.
        self.add(pool, unsafe { buffer.assume_init() });
    }

    fn add(&mut self, pool: usize, buffer: Buffer) {
        let Buffer {
            data,
            len,
            capacity,
            here,
            ticket,
        } = buffer;
        assert_eq!((len, capacity, data.addr() % 64), (0, BYTES, 0));
        assert!(
            !self.known.contains(&(here, ticket)),
            "a ticket that was given before"
        );
        self.spans.claim(data, capacity + 64);
        self.marks = self.marks.wrapping_add(1);
        let span = Span::new(data, capacity, self.marks);
        self.known.push((here, ticket));
        self.live.push(Live {
            pool,
            here,
            ticket,
            capacity,
            span,
        });
    }

    /// The struct's two words, and which live buffer they are.
    fn pick(&self, buffer: Buf) -> Option<(u64, u64, Option<usize>)> {
        let known = |nth: u8| self.known[usize::from(nth) % self.known.len()];
        let (here, ticket) = match buffer {
            Buf::Known(nth) => known(nth),
            Buf::Damaged {
                known: nth,
                here: in_here,
                bit,
            } => {
                let ((here, ticket), flip) = (known(nth), 1 << (bit % 64));
                if in_here {
                    (here ^ flip, ticket)
                } else {
                    (here, ticket ^ flip)
                }
            }
            Buf::Foreign => (Foreign::get().buffer_here, Foreign::get().buffer_ticket),
            Buf::Zero => (0, 0),
            Buf::Null => return None,
        };
        let is_it = |live: &Live| (live.here, live.ticket) == (here, ticket);
        Some((here, ticket, self.live.iter().position(is_it)))
    }

    fn release(&mut self, buffer: Buf) {
        let Some((here, ticket, live)) = self.pick(buffer) else {
            return assert_eq!(knhk_pool_release(None), Status::NullPointer);
        };
        let untouched = std::ptr::without_provenance_mut(64);
        let mut buffer = Buffer {
            data: untouched,
            len: 0,
            capacity: 0,
            here,
            ticket,
        };
        let Some(live) = live else {
            assert_refused(knhk_pool_release(Some(&mut buffer)), here);
            return assert_eq!(buffer.data, untouched);
        };
        let live = self.live.swap_remove(live);
        live.span.check(live.capacity);
        assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
        assert!(buffer.data.is_null());
        self.spans.give_up(live.span.start);
    }

    fn reserve(&mut self, buffer: Buf, len: usize, capacity: usize) {
        let Some((here, ticket, live)) = self.pick(buffer) else {
            // SAFETY: null is allowed.
            let status = unsafe { knhk_pool_reserve(None, capacity) };
            return assert_eq!(status, Status::NullPointer);
        };
        let untouched = std::ptr::without_provenance_mut(64);
        let mut buffer = Buffer {
            data: untouched,
            len,
            capacity: 77,
            here,
            ticket,
        };
        // SAFETY: a live buffer is written up to its capacity, and a longer `len` is refused.
        let status = unsafe { knhk_pool_reserve(Some(&mut buffer), capacity) };
        let Some(live) = live.map(|live| &mut self.live[live]) else {
            assert_refused(status, here);
            return assert_eq!((buffer.data, buffer.capacity), (untouched, 77));
        };
        if status != Status::Ok {
            assert_eq!((buffer.data, buffer.capacity), (untouched, 77));
        }
        if len > live.capacity {
            return assert_eq!(status, Status::Invalid);
        }
        if capacity > usize::MAX >> 16 {
            assert_eq!(status, Status::OutOfMemory);
            return live.span.check(live.capacity);
        }
        assert_eq!(status, Status::Ok);
        assert!(buffer.capacity >= capacity.max(live.capacity));
        let has_moved = buffer.data != live.span.start;
        live.span.start = if has_moved {
            self.spans.give_up(live.span.start);
            self.spans.claim(buffer.data, buffer.capacity + 64);
            buffer.data
        } else {
            assert_eq!(buffer.capacity, live.capacity);
            live.span.start
        };
        live.span.check(if has_moved { len } else { live.capacity });
        live.capacity = buffer.capacity;
        live.span.fill(live.capacity);
    }

    /// Gives everything back, so that the next case begins where this one did.
    pub fn end(mut self) {
        while let Some(Live {
            here,
            ticket,
            span,
            capacity,
            ..
        }) = self.live.pop()
        {
            span.check(capacity);
            let mut buffer = Buffer {
                data: span.start,
                len: 0,
                capacity,
                here,
                ticket,
            };
            assert_eq!(knhk_pool_release(Some(&mut buffer)), Status::Ok);
        }
        assert_eq!(self.pools.map(in_use), [0, 0]);
    }
}
