//! Operations that have no way to refuse: each point in a process of its own, which goes on, or ends by
//! `handle_alloc_error` as a `Vec` would, or by the panic that is documented; in no other way.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use knhk_pool::hot_path::Mode;
use knhk_pool::telemetry::Monitor;
use knhk_pool::telemetry::health::Thresholds;
use knhk_pool::{
    Arena, ArenaConfig, BufferPool, EventRingBuffer, HeapObjectPool, HotPathGuard, KnhkPool,
    KnhkRings, LocalPool, ObjectPool, PoolConfig, ScratchBuffer, ThreadObjectPool, Workload,
    permit_alloc, scratch, snapshot, spsc,
};

use crate::failing::{self, Refusal};

/// Says to this test's own binary which operation to run, and what is refused.
const VARIABLE: &str = "KNHK_TEST_REFUSES";

/// What the child says at the end of an operation that was served all.
const SERVED: &str = "every request was served";

type Operation = (&'static str, fn());

static STATIC: BufferPool = BufferPool::new("aborts");
static OBJECTS: ThreadObjectPool<Vec<u8>> = ThreadObjectPool::new("aborts", 2, || vec![1]);
static RECORDED: LazyLock<BufferPool> = LazyLock::new(|| {
    let pool = BufferPool::builder("aborts-recorded").recording(true);
    pool.build().expect("in range")
});

/// With tables of pools and of the arenas.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/example.toml");

const OPERATIONS: &[Operation] = &[
    ("BufferPool::acquire, a process's first", || {
        drop(STATIC.acquire())
    }),
    ("BufferPool::try_acquire, a process's first", || {
        drop(STATIC.try_acquire())
    }),
    ("BufferPool::try_init", || {
        STATIC.try_init().expect("nothing is set")
    }),
    ("BufferPoolBuilder::build", || {
        drop(BufferPool::builder(String::from("built")).build());
    }),
    ("BufferPool, recording: its drop", || {
        let pool = BufferPool::builder("recorded").recording(true).build();
        drop(pool.map(|pool| drop(pool.acquire())));
    }),
    ("BufferPool::demand", || {
        let demand = RECORDED.demand().expect("it records");
        assert_eq!(demand.acquires(), 1);
    }),
    ("LocalPool::acquire, a miss", || {
        let config = PoolConfig::from(Workload::Low).with_pool_size(0);
        drop(LocalPool::new(config).map(|pool| drop(pool.acquire())));
    }),
    ("Buffer::push and the like", || {
        let mut buffer = STATIC.acquire();
        buffer.resize(5000, 1);
        buffer.extend_from_slice(&[2; 10_000]);
        assert_eq!(buffer.into_vec().len(), 15_000);
    }),
    ("PoolConfig::load", || drop(PoolConfig::load("aborts"))),
    ("PoolConfig::load_file", || {
        drop(PoolConfig::load_file("ingest", Path::new(FILE)))
    }),
    ("PoolConfig::pool_tables", || {
        drop(PoolConfig::pool_tables(Some(Path::new(FILE))))
    }),
    ("PoolConfig::explain", || {
        let explanation = PoolConfig::from(Workload::Low).explain();
        assert!(!explanation.to_string().is_empty());
    }),
    ("ArenaConfig::load", || drop(ArenaConfig::load())),
    ("ArenaConfig::load_file", || {
        drop(ArenaConfig::load_file(Path::new(FILE)))
    }),
    ("ArenaConfig::explain", || {
        drop(ArenaConfig::default().explain())
    }),
    ("HeapObjectPool::new", || {
        drop(HeapObjectPool::new(3, String::new))
    }),
    ("ObjectPool::named", || {
        drop(ObjectPool::<_, 3>::named("aborts", String::new))
    }),
    ("ThreadObjectPool::get, a thread's first", || {
        drop(OBJECTS.get())
    }),
    ("ThreadObjectPool::warm_up, a process's first", || {
        OBJECTS.warm_up()
    }),
    ("EventRingBuffer::boxed", || {
        drop(EventRingBuffer::<u64, 8>::boxed())
    }),
    ("spsc::channel", || drop(spsc::channel::<u64>(8))),
    ("KnhkPool::named", || drop(KnhkPool::named("aborts"))),
    ("KnhkRings::new", || drop(KnhkRings::<8>::new())),
    ("Arena::with_capacity", || {
        drop(Arena::with_capacity(100_000))
    }),
    ("Arena::with_thread", || {
        Arena::with_thread(|arena| assert_eq!(*arena.alloc(1), 1))
    }),
    ("Arena::try_init_threads", || {
        Arena::try_init_threads().expect("nothing is set")
    }),
    ("scratch::with", || {
        scratch::with(|scratch| assert_eq!(*scratch.alloc(1), 1))
    }),
    ("ScratchBuffer::new", || drop(ScratchBuffer::new())),
    ("snapshot", || drop(snapshot())),
    ("Monitor::start", || {
        drop(Monitor::start(Duration::from_secs(3600)))
    }),
    ("Monitor::tick", || {
        drop(Monitor::manual(Thresholds::default()).tick())
    }),
    // Elsewhere there are none to list.
    #[cfg(any(debug_assertions, feature = "allocation-tracking"))]
    ("hot_path::violations and permits", || {
        let lists = (
            knhk_pool::hot_path::violations(),
            knhk_pool::hot_path::permits(),
        );
        assert!(!lists.0.is_empty() && !lists.1.is_empty());
    }),
];

/// What operations look at, made while nothing is refused: a violation, a permit, a pool that has recorded,
/// one that is listed.
fn prepare() -> HeapObjectPool<String> {
    let section = HotPathGuard::enter("aborts").with_mode(Mode::Count);
    drop(black_box(Box::new(1_u64)));
    permit_alloc(|| drop(RECORDED.acquire()));
    drop(section);
    HeapObjectPool::named("listed", 1, String::new)
}

/// In the child: runs the operation that the variable names.
fn run(asked: &str) {
    let asked: Vec<u64> = asked
        .split(' ')
        .map(|n| n.parse().expect("a number"))
        .collect();
    let [operation, sticks, served] = asked[..] else {
        panic!("{asked:?}");
    };
    let refusal = if sticks == 1 {
        Refusal::FromThereOn
    } else {
        Refusal::Once
    };
    let _listed = prepare();
    failing::begin(refusal, served);
    OPERATIONS[operation as usize].1();
    let was_refused = failing::end();
    println!("{}", if was_refused { "refused" } else { SERVED });
}

fn child(operation: usize, refusal: Refusal, served: u64) -> Output {
    let asked = format!("{operation} {} {served}", refusal as u8);
    let this = std::env::current_exe().expect("this test's binary");
    Command::new(this)
        .args([
            "--exact",
            "aborts::what_cannot_refuse_ends_as_it_says",
            "--nocapture",
        ])
        .env_clear()
        .env(VARIABLE, asked)
        // What watches this process, and where coverage goes, holds for the child too.
        .envs(std::env::vars_os().filter(|(name, _)| {
            ["ASAN_OPTIONS", "LSAN_OPTIONS", "LLVM_PROFILE_FILE"]
                .iter()
                .any(|it| name == it)
        }))
        // To print one allocates, and may wait for ever where there is no memory.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .expect("it can be started")
}

/// How a child ended, if that is a way that is documented.
fn is_documented(name: &str, output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    let panics = name.starts_with("Arena::with_") || name.to_lowercase().starts_with("scratch");
    let by_allocation_error = said.contains("memory allocation of");
    let by_panic = panics && said.contains("the allocator refused");
    match output.status.code() {
        Some(0) => true,
        // The test harness says that a test has panicked.
        Some(101) => by_panic,
        // A signal: SIGABRT.
        None => by_allocation_error && output.status.to_string().contains("signal: 6"),
        Some(_) => false,
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn what_cannot_refuse_ends_as_it_says() {
    if let Ok(asked) = std::env::var(VARIABLE) {
        return run(&asked);
    }
    for (operation, (name, _)) in OPERATIONS.iter().enumerate() {
        let (mut points, mut aborts) = (0, 0);
        for refusal in [Refusal::Once, Refusal::FromThereOn] {
            for served in 0.. {
                let output = child(operation, refusal, served);
                assert!(
                    is_documented(name, &output),
                    "{name}, {refusal:?} after {served}: {output:?}"
                );
                if String::from_utf8_lossy(&output.stdout).contains(SERVED) {
                    break;
                }
                points += 1;
                aborts += u32::from(!output.status.success());
            }
        }
        println!(
            "{points:4} points at which {name} was refused memory: {aborts} ended the process"
        );
        assert!(points > 0, "{name}");
    }
}
