//! Failures of published designs that need no tool: the process hangs, or ends.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::thread;

/// A buffer whose drop locks its pool and releases a copy of itself there.
struct Buffer {
    data: Vec<u8>,
    pool: Option<Arc<Mutex<Pool>>>,
}

struct Pool {
    idle: Vec<Buffer>,
    capacity: usize,
}

impl Pool {
    fn release(&mut self, buffer: Buffer) {
        if self.idle.len() < self.capacity {
            self.idle.push(buffer);
        }
        // Else it is dropped, here, under the lock.
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.clone() {
            let data = std::mem::take(&mut self.data);
            let returned = Buffer {
                data,
                pool: Some(Arc::clone(&pool)),
            };
            pool.lock().expect("not poisoned").release(returned);
        }
    }
}

pub(crate) fn drop_that_locks_its_own_pool() {
    let pool = Arc::new(Mutex::new(Pool {
        idle: Vec::new(),
        capacity: 1,
    }));
    let [first, second] = [1, 2].map(|byte| Buffer {
        data: vec![byte; 16],
        pool: Some(Arc::clone(&pool)),
    });
    drop(first);
    drop(second);
    // The one that the pool holds would lock it again.
    std::mem::forget(pool);
}

thread_local! {
    static HELD: RefCell<Option<Late>> = const { RefCell::new(None) };
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer that looks its pool up when it is dropped.
struct Late(Vec<u8>);

impl Drop for Late {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.0);
        POOL.with(|pool| pool.borrow_mut().push(data));
    }
}

pub(crate) fn buffer_that_outlives_its_thread_local_pool() {
    let thread = thread::spawn(|| {
        HELD.with(|held| *held.borrow_mut() = None);
        POOL.with(|pool| pool.borrow_mut().push(vec![1; 16]));
        let data = POOL
            .with(|pool| pool.borrow_mut().pop())
            .expect("just pushed");
        HELD.with(|held| *held.borrow_mut() = Some(Late(data)));
    });
    thread.join().expect("it ends");
}
