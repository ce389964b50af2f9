//! Runs one cell: `exit-order PLACE THREAD NUMBER`. It says `balanced` and ends with 0, or says why
//! not.
//!
//! PLACE is `here` or `library`; THREAD is `main`, `spawned`, or `closing`: a thread that has used the
//! library and ends after the library was closed.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::{Barrier, OnceLock};
    use std::{env, thread};

    use knhk_pool_exit_order::{
        Cell, Functions, knhk_pool_exit_order_begin, knhk_pool_exit_order_verify,
    };
    use libloading::Library;

    /// What the main thread's exit handler is to verify.
    static AT_EXIT: OnceLock<(Cell, Functions)> = OnceLock::new();

    pub(super) fn main() {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let [place, thread, number] = &arguments[..] else {
            panic!("exit-order PLACE THREAD NUMBER, not {arguments:?}");
        };
        let number: usize = number.parse().expect("a number");
        let cell = Cell::all().nth(number).expect("the number of a cell");
        let (functions, library) = match &**place {
            "here" => (here(), None),
            "library" => {
                let library = open();
                (functions_of(&library), Some(library))
            }
            other => panic!("{other}: neither here nor library"),
        };
        match &**thread {
            "main" => {
                assert!(AT_EXIT.set((cell, functions)).is_ok());
                // SAFETY: a function of this process, which never unwinds.
                assert_eq!(unsafe { libc::atexit(verify_and_exit) }, 0);
                (functions.begin)(cell);
                // It has to be there when the process exits.
                std::mem::forget(library);
            }
            "spawned" => {
                let worker = thread::spawn(move || (functions.begin)(cell));
                worker.join().expect("no destructor panics");
                assert!(
                    (functions.verify)(cell, false),
                    "the books are not balanced"
                );
                println!("balanced");
            }
            "closing" => {
                close_below(cell, functions, library.expect("a library to close"));
                println!("balanced");
            }
            other => panic!("{other}: not main, spawned or closing"),
        }
    }

    fn here() -> Functions {
        Functions {
            begin: knhk_pool_exit_order_begin,
            verify: knhk_pool_exit_order_verify,
        }
    }

    /// The library lies beside this executable, or where cargo keeps what others depend on.
    fn open() -> Library {
        let mut folder = env::current_exe().expect("this executable has a path");
        folder.pop();
        let file = "libknhk_pool_exit_order.so";
        let paths = [folder.join(file), folder.join("deps").join(file)];
        let path = paths
            .iter()
            .find(|path| path.exists())
            .expect("it was built");
        // SAFETY: our own library, which runs nothing when it is opened or closed.
        unsafe { Library::new(path) }.expect("it can be opened")
    }

    fn functions_of(library: &Library) -> Functions {
        // SAFETY: the type that the symbol was compiled with.
        let begin = unsafe { library.get(b"knhk_pool_exit_order_begin\0") };
        // SAFETY: as above.
        let verify = unsafe { library.get(b"knhk_pool_exit_order_verify\0") };
        Functions {
            begin: *begin.expect("the symbol is there"),
            verify: *verify.expect("the symbol is there"),
        }
    }

    /// The thread's destructors are the library's, which has been closed by then.
    fn close_below(cell: Cell, functions: Functions, library: Library) {
        let (used, closed) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                (functions.begin)(cell);
                used.wait();
                closed.wait();
            });
            used.wait();
            library.close().expect("it can be closed");
            closed.wait();
            worker.join().expect("no destructor panics");
        });
    }

    /// After the main thread's thread-locals are gone.
    extern "C" fn verify_and_exit() {
        let (cell, functions) = AT_EXIT.get().expect("set before this was registered");
        let is_balanced = (functions.verify)(*cell, true);
        let said: &[u8] = if is_balanced {
            b"balanced\n"
        } else {
            b"the books are not balanced\n"
        };
        // SAFETY: that many bytes; standard output may be gone, which changes nothing here.
        unsafe { libc::write(1, said.as_ptr().cast(), said.len()) };
    }
}

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}
