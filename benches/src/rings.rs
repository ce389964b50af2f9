//! Rings side by side: a `u64` in and out.

use std::collections::VecDeque;
use std::fmt;

use knhk_pool::EventRingBuffer;
use knhk_pool::ring::spsc;
use ringbuf::traits::{Consumer as _, Producer as _, Split};

use crate::touch::escape;

/// Values that each ring has room for: 8 KiB, a quarter of L1.
pub const RING_CAPACITY: usize = 1024;

/// Values in before the first comes out, in the second of the loops.
pub const BURST: u64 = 16;

/// What passes values on in order.
pub trait Ring {
    /// Whether there was room.
    fn push(&mut self, value: u64) -> bool;
    /// The oldest value.
    fn pop(&mut self) -> Option<u64>;
}

/// The half of a channel that pushes.
pub trait Push: Send {
    /// Whether there was room.
    fn push(&mut self, value: u64) -> bool;
}

/// The half of a channel that pops.
pub trait Pop: Send {
    /// The oldest value.
    fn pop(&mut self) -> Option<u64>;
}

impl<A: Push, B: Pop> Ring for (A, B) {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        self.0.push(value)
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        self.1.pop()
    }
}

/// How many are in the ring before one comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// One in, one out.
    One,
    /// [`BURST`] in, [`BURST`] out.
    Burst,
}

impl Inside {
    /// Both.
    pub const ALL: [Self; 2] = [Self::One, Self::Burst];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "ring, 1 in, 1 out",
            Self::Burst => "ring, 16 in, 16 out",
        }
    }

    /// Passes at least `pairs` values on; returns how many it was.
    pub fn run<R: Ring>(self, ring: &mut R, pairs: u64) -> u64 {
        match self {
            Self::One => one(ring, pairs),
            Self::Burst => burst(ring, pairs),
        }
    }
}

#[inline(never)]
fn one<R: Ring>(ring: &mut R, pairs: u64) -> u64 {
    let mut passed = 0;
    for value in 0..pairs {
        passed += u64::from(ring.push(value));
        escape(ring);
        assert_eq!(ring.pop(), Some(value));
        escape(ring);
    }
    passed
}

#[inline(never)]
fn burst<R: Ring>(ring: &mut R, pairs: u64) -> u64 {
    let mut passed = 0;
    while passed < pairs {
        for value in passed..passed + BURST {
            assert!(ring.push(value));
            escape(ring);
        }
        for value in passed..passed + BURST {
            assert_eq!(ring.pop(), Some(value));
            escape(ring);
        }
        passed += BURST;
    }
    passed
}

/// A ring by its name in the tables, ready to run.
pub struct RingCase {
    /// Name in tables and on the command line.
    pub name: &'static str,
    run: Box<dyn FnMut(Inside, u64) -> u64>,
}

impl RingCase {
    /// `ring` under `name`.
    pub fn new<R: Ring + 'static>(name: &'static str, mut ring: R) -> Self {
        let run = Box::new(move |inside: Inside, pairs| inside.run(&mut ring, pairs));
        Self { name, run }
    }

    /// Passes at least `pairs` values on; returns how many it was.
    pub fn run(&mut self, inside: Inside, pairs: u64) -> u64 {
        (self.run)(inside, pairs)
    }
}

impl fmt::Debug for RingCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingCase")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// All that is compared, in the order of the tables: first those of one thread, then channels.
pub fn ring_cases() -> Vec<RingCase> {
    crate::assert_proved();
    vec![
        RingCase::new("EventRingBuffer", event_ring()),
        RingCase::new("heapless Deque", heapless_deque()),
        RingCase::new("VecDeque", VecDeque::<u64>::with_capacity(RING_CAPACITY)),
        RingCase::new("spsc", spsc_channel()),
        RingCase::new("rtrb", rtrb_channel()),
        RingCase::new("ringbuf", ringbuf_channel()),
        RingCase::new("heapless spsc", heapless_channel()),
        RingCase::new("crossbeam ArrayQueue", array_queue()),
    ]
}

/// Ours, of one thread, on the heap as the others are.
pub fn event_ring() -> Box<EventRingBuffer<u64, RING_CAPACITY>> {
    EventRingBuffer::boxed()
}

impl Ring for Box<EventRingBuffer<u64, RING_CAPACITY>> {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        (**self).push(value).is_ok()
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        (**self).pop()
    }
}

/// The fastest peer of one thread, where measured.
pub fn heapless_deque() -> Box<heapless::Deque<u64, RING_CAPACITY>> {
    Box::default()
}

impl Ring for Box<heapless::Deque<u64, RING_CAPACITY>> {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        self.push_back(value).is_ok()
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        self.pop_front()
    }
}

/// It grows instead of being full.
impl Ring for VecDeque<u64> {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        self.push_back(value);
        true
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        self.pop_front()
    }
}

/// Ours, between threads.
pub fn spsc_channel() -> (spsc::Producer<u64>, spsc::Consumer<u64>) {
    spsc::channel(RING_CAPACITY)
}

impl Push for spsc::Producer<u64> {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        self.push(value).is_ok()
    }
}

impl Pop for spsc::Consumer<u64> {
    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        self.pop()
    }
}

/// `rtrb`, between threads.
pub fn rtrb_channel() -> (rtrb::Producer<u64>, rtrb::Consumer<u64>) {
    rtrb::RingBuffer::new(RING_CAPACITY)
}

impl Push for rtrb::Producer<u64> {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        self.push(value).is_ok()
    }
}

impl Pop for rtrb::Consumer<u64> {
    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        self.pop().ok()
    }
}

/// `ringbuf`, between threads.
pub fn ringbuf_channel() -> (ringbuf::HeapProd<u64>, ringbuf::HeapCons<u64>) {
    ringbuf::HeapRb::new(RING_CAPACITY).split()
}

impl Push for ringbuf::HeapProd<u64> {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        self.try_push(value).is_ok()
    }
}

impl Pop for ringbuf::HeapCons<u64> {
    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        self.try_pop()
    }
}

type HeaplessProducer = heapless::spsc::Producer<'static, u64>;
type HeaplessConsumer = heapless::spsc::Consumer<'static, u64>;

/// `heapless`, between threads; its queue is leaked, since it lends its halves.
pub fn heapless_channel() -> (HeaplessProducer, HeaplessConsumer) {
    Box::leak(Box::new(heapless::spsc::Queue::<u64, RING_CAPACITY>::new())).split()
}

impl Push for HeaplessProducer {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        self.enqueue(value).is_ok()
    }
}

impl Pop for HeaplessConsumer {
    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        self.dequeue()
    }
}

type ArrayQueue = crossbeam_queue::ArrayQueue<u64>;

/// Many producers and many consumers; used here by one each.
pub fn array_queue() -> (&'static ArrayQueue, &'static ArrayQueue) {
    let queue = Box::leak(Box::new(ArrayQueue::new(RING_CAPACITY)));
    (queue, queue)
}

impl Push for &'static ArrayQueue {
    #[inline(always)]
    fn push(&mut self, value: u64) -> bool {
        ArrayQueue::push(self, value).is_ok()
    }
}

impl Pop for &'static ArrayQueue {
    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        ArrayQueue::pop(self)
    }
}
