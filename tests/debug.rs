//! What a type shows of itself: what it is and how full, and never what it holds, which may be a secret.

mod armed;

use knhk_pool::{
    Arena, ArenaConfig, ArenaOverflow, BufferPool, HeapObjectPool, HotPathGuard, LocalPool,
    PoolConfig, PoolStats, ScratchBuffer, ThreadObjectPool, Workload, permit_alloc,
};

fn assert_starts(shown: &str, with: &str) {
    assert!(shown.starts_with(with), "{shown}");
}

#[test]
fn pools_show_their_name_and_sizes() {
    let named = BufferPool::new("shown");
    assert_eq!(format!("{named:?}"), "BufferPool { name: \"shown\", .. }");
    let handle = named.handle();
    assert_eq!(format!("{handle:?}"), "PoolHandle { pool: \"shown\", .. }");
    let config = PoolConfig::from(Workload::Low).with_pool_size(3);
    let local = LocalPool::new(config).expect("in range");
    assert_starts(&format!("{local:?}"), "LocalPool { config: PoolConfig {");
    static OBJECTS: ThreadObjectPool<String> = ThreadObjectPool::new("shown", 2, String::new);
    assert_eq!(
        format!("{OBJECTS:?}"),
        "ThreadObjectPool { name: \"shown\", capacity: 2, .. }"
    );
    let heap = HeapObjectPool::new(1, || String::from("secret"));
    assert_eq!(
        format!("{heap:?}"),
        "HeapObjectPool { name: \"alloc::string::String\", capacity: 1, available: 1, in_use: 0, .. }"
    );
}

#[test]
fn arenas_show_how_full_they_are_and_not_what_is_in_them() {
    const SIZE: usize = 64 << 10;
    let mut arena =
        Arena::named("shown", &ArenaConfig::default().with_size(SIZE)).expect("there is memory");
    arena.alloc_str("secret");
    assert_eq!(
        format!("{arena:?}"),
        "Arena { name: Some(\"shown\"), capacity: 65536, remaining: 65530, .. }"
    );
    arena.scope(|scope| {
        assert_eq!(format!("{scope:?}"), "Scope { .. }");
        assert_eq!(format!("{:?}", scope.mark()), "Mark { .. }");
    });
    let scratch = ScratchBuffer::default();
    scratch.with(|scope| assert_eq!(scope.alloc_str("secret"), "secret"));
    let shown = format!("{scratch:?}");
    assert_starts(&shown, "ScratchBuffer { stats: ArenaStats {");
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn section_is_shown_as_what_it_is() {
    let section = HotPathGuard::enter("shown");
    let shown = permit_alloc(|| format!("{section:?}"));
    drop(section);
    assert_starts(&shown, "HotPathGuard { section: ");
}

#[cfg(feature = "metrics")]
#[test]
fn publisher_shows_how_many_series_it_has() {
    let publisher = knhk_pool::telemetry::facade::Publisher::new();
    assert_eq!(format!("{publisher:?}"), "Publisher { series: 0 }");
}

#[test]
fn counters_are_one_line() {
    let mut stats = PoolStats::default();
    assert_eq!(
        stats.to_string(),
        "no acquires yet, 0 hits, 0 misses, 0 refused, 0 in use, high water 0"
    );
    stats.hits = 2;
    stats.misses = 1;
    stats.in_use = 3;
    stats.high_water = 3;
    assert_eq!(
        stats.to_string(),
        "hit rate 66.67 %, 2 hits, 1 misses, 0 refused, 3 in use, high water 3"
    );
}

#[test]
fn settings_show_the_word_that_is_read() {
    let rules = [
        ArenaOverflow::Error,
        ArenaOverflow::Heap,
        ArenaOverflow::Panic,
    ];
    assert_eq!(
        rules.map(|rule| rule.to_string()),
        ["error", "heap", "panic"]
    );
    let unknown = "fastest".parse::<Workload>().expect_err("no such profile");
    assert_eq!(
        unknown.to_string(),
        "unknown workload: expected low, medium, high or extreme"
    );
}
