//! A thread that has one of each thing, and never gives it back.

use std::mem::MaybeUninit;
use std::sync::{OnceLock, mpsc};

use knhk_pool_ffi::*;

/// What it has.
pub struct Foreign {
    handles: [u64; 4],
    pub buffer_here: u64,
    pub buffer_ticket: u64,
}

impl Foreign {
    pub fn get() -> &'static Self {
        static FOREIGN: OnceLock<Foreign> = OnceLock::new();
        FOREIGN.get_or_init(|| {
            let (tell, told) = mpsc::channel();
            std::thread::spawn(move || {
                tell.send(Self::new()).expect("the fuzzer waits");
                loop {
                    std::thread::park();
                }
            });
            told.recv().expect("the thread tells")
        })
    }

    fn new() -> Self {
        let (mut pool, mut arena, mut producer, mut consumer) = (0, 0, 0, 0);
        let mut buffer = MaybeUninit::uninit();
        // SAFETY: a C string, and a place.
        let opened = unsafe { knhk_pool_open(c"foreign".as_ptr(), None, (&mut pool).into()) };
        assert_eq!(opened, Status::Ok);
        assert_eq!(knhk_pool_acquire(pool, Some(&mut buffer)), Status::Ok);
        // SAFETY: filled on the line above.
        let buffer = unsafe { buffer.assume_init() };
        // SAFETY: nulls, and a place.
        let made = unsafe { knhk_arena_create(std::ptr::null(), None, (&mut arena).into()) };
        assert_eq!(made, Status::Ok);
        let made = knhk_ring_create(8, 4, (&mut producer).into(), (&mut consumer).into());
        assert_eq!(made, Status::Ok);
        let mut stats = RingStats::default();
        assert_eq!(knhk_stats_ring(producer, (&mut stats).into()), Status::Ok);
        assert_eq!(knhk_stats_ring(consumer, (&mut stats).into()), Status::Ok);
        Self {
            handles: [buffer.here, arena, producer, consumer],
            buffer_here: buffer.here,
            buffer_ticket: buffer.ticket,
        }
    }

    /// Its handles, of all kinds but pools, which are everybody's.
    pub fn handles(&self) -> &[u64] {
        &self.handles
    }
}
