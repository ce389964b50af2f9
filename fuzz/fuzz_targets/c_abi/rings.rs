//! Rings of records, both halves on this thread.

use std::collections::VecDeque;
use std::ptr;

use arbitrary::Arbitrary;
use knhk_pool_ffi::*;

use crate::{Handle, Handles, assert_refused};

const RINGS_MAX: usize = 6;

#[derive(Arbitrary, Debug)]
pub enum Operation {
    Create {
        record_size: u16,
        records: u16,
        is_null: bool,
    },
    Push {
        handle: Handle,
        records: Vec<u64>,
        how: How,
    },
    Pop {
        handle: Handle,
        count: u8,
        how: How,
    },
    Close {
        handle: Handle,
    },
    Stats {
        handle: Handle,
        is_null: bool,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum How {
    Right,
    Null,
    Misaligned,
    Uncounted,
}

#[derive(Debug)]
struct Live {
    /// 0 when closed.
    producer: u64,
    consumer: u64,
    words: usize,
    records: usize,
    held: VecDeque<u64>,
}

#[derive(Default)]
pub struct Rings(Vec<Live>);

impl Rings {
    pub fn apply(&mut self, operation: &Operation, handles: &mut Handles) {
        let producers: Vec<u64> = self.0.iter().map(|ring| ring.producer).collect();
        let consumers: Vec<u64> = self.0.iter().map(|ring| ring.consumer).collect();
        let own = [producers.clone(), consumers.clone()].concat();
        match operation {
            Operation::Create {
                record_size,
                records,
                is_null,
            } => {
                self.create((*record_size).into(), (*records).into(), *is_null, handles);
            }
            Operation::Push {
                handle,
                records,
                how,
            } => {
                self.push(handles.pick(*handle, &producers), records, *how);
            }
            Operation::Pop { handle, count, how } => {
                self.pop(handles.pick(*handle, &consumers), (*count).into(), *how);
            }
            Operation::Close { handle } => self.close(handles.pick(*handle, &own)),
            Operation::Stats { handle, is_null } => {
                self.stats(handles.pick(*handle, &own), *is_null)
            }
        }
    }

    fn create(&mut self, size: usize, records: usize, is_null: bool, handles: &mut Handles) {
        if self.0.len() == RINGS_MAX {
            return;
        }
        let records = records % 300;
        let (mut producer, mut consumer) = (0, 0);
        let place = (!is_null).then_some(&mut producer);
        let status = knhk_ring_create(size, records, place.into(), (&mut consumer).into());
        let is_right = size.is_multiple_of(8) && (8..=4096).contains(&size) && records > 0;
        let expected = match (is_null, is_right) {
            (true, _) => Status::NullPointer,
            (false, false) => Status::Invalid,
            (false, true) => Status::Ok,
        };
        assert_eq!(status, expected);
        if status == Status::Ok {
            handles.add(producer);
            handles.add(consumer);
            let (words, held) = (size / 8, VecDeque::new());
            self.0.push(Live {
                producer,
                consumer,
                words,
                records,
                held,
            });
        }
    }

    fn push(&mut self, handle: u64, words: &[u64], how: How) {
        let ring = self
            .0
            .iter_mut()
            .find(|ring| handle != 0 && ring.producer == handle);
        let count = ring.as_ref().map_or(0, |ring| words.len() / ring.words);
        let start: *const u64 = match how {
            How::Null => ptr::null(),
            How::Misaligned => words.as_ptr().wrapping_byte_add(1),
            How::Right | How::Uncounted => words.as_ptr(),
        };
        let mut pushed = 77;
        let place = (!matches!(how, How::Uncounted)).then_some(&mut pushed);
        // SAFETY: null, misaligned, or that many records.
        let status = unsafe { knhk_ring_push(handle, start.cast(), count, place.into()) };
        let Some(ring) = ring else {
            assert_eq!(pushed, 77);
            return assert_refused(status, handle);
        };
        let room = ring.records - ring.held.len() / ring.words;
        let done = count.min(room);
        match (how, done) {
            (How::Null, _) => return assert_eq!((status, pushed), (Status::NullPointer, 77)),
            (How::Misaligned, _) => return assert_eq!((status, pushed), (Status::Invalid, 77)),
            _ if count == 0 => return assert_eq!(status, Status::Invalid),
            (_, 0) => return assert_eq!((status, pushed), (Status::Full, 77)),
            (How::Right, _) => assert_eq!((status, pushed), (Status::Ok, done)),
            (How::Uncounted, _) => assert_eq!((status, pushed), (Status::Ok, 77)),
        }
        ring.held.extend(&words[..done * ring.words]);
    }

    fn pop(&mut self, handle: u64, count: usize, how: How) {
        let ring = self
            .0
            .iter_mut()
            .find(|ring| handle != 0 && ring.consumer == handle);
        let words = ring.as_ref().map_or(1, |ring| ring.words);
        let mut room = vec![0_u64; count * words + 1];
        let start: *mut u64 = match how {
            How::Null => ptr::null_mut(),
            How::Misaligned => room.as_mut_ptr().wrapping_byte_add(1),
            How::Right | How::Uncounted => room.as_mut_ptr(),
        };
        let mut popped = 77;
        let place = (!matches!(how, How::Uncounted)).then_some(&mut popped);
        // SAFETY: null, misaligned, or room for that many records.
        let status = unsafe { knhk_ring_pop(handle, start.cast(), count, place.into()) };
        let Some(ring) = ring else {
            assert_eq!(popped, 77);
            return assert_refused(status, handle);
        };
        let done = count.min(ring.held.len() / ring.words);
        match (how, done) {
            (How::Null, _) => return assert_eq!((status, popped), (Status::NullPointer, 77)),
            (How::Misaligned, _) => return assert_eq!((status, popped), (Status::Invalid, 77)),
            _ if count == 0 => return assert_eq!(status, Status::Invalid),
            (_, 0) => return assert_eq!((status, popped), (Status::Empty, 77)),
            (How::Right, _) => assert_eq!((status, popped), (Status::Ok, done)),
            (How::Uncounted, _) => assert_eq!((status, popped), (Status::Ok, 77)),
        }
        let (got, rest) = room.split_at(done * ring.words);
        assert!(got.iter().copied().eq(ring.held.drain(..done * ring.words)));
        assert!(
            rest.iter().all(|word| *word == 0),
            "words beyond the last record"
        );
    }

    fn close(&mut self, handle: u64) {
        let status = knhk_ring_close(handle);
        let of = |ring: &Live| handle != 0 && [ring.producer, ring.consumer].contains(&handle);
        let Some(index) = self.0.iter().position(of) else {
            return assert_refused(status, handle);
        };
        assert_eq!(status, Status::Ok);
        let ring = &mut self.0[index];
        if ring.producer == handle {
            ring.producer = 0;
        } else {
            ring.consumer = 0;
        }
        if ring.producer == ring.consumer {
            self.0.swap_remove(index);
        }
    }

    fn stats(&mut self, handle: u64, is_null: bool) {
        let mut stats = RingStats::default();
        let status = knhk_stats_ring(handle, (!is_null).then_some(&mut stats).into());
        let of = |ring: &&Live| handle != 0 && [ring.producer, ring.consumer].contains(&handle);
        match (is_null, self.0.iter().find(of)) {
            (true, _) => assert_eq!(status, Status::NullPointer),
            (false, None) => assert_refused(status, handle),
            (false, Some(ring)) => {
                assert_eq!(status, Status::Ok);
                let expected = RingStats {
                    len: (ring.held.len() / ring.words) as u64,
                    capacity: ring.records as u64,
                    record_size: 8 * ring.words as u64,
                    is_abandoned: u64::from(ring.producer == 0 || ring.consumer == 0),
                };
                assert_eq!(stats, expected);
            }
        }
    }

    pub fn end(mut self) {
        while let Some(ring) = self.0.last() {
            let half = if ring.producer == 0 {
                ring.consumer
            } else {
                ring.producer
            };
            self.close(half);
        }
    }
}
