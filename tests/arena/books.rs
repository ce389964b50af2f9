//! What an arena counts, and what the snapshot shows of it.

use knhk_pool::{Arena, ArenaConfig, ArenaOverflow, ArenaStats, snapshot};

fn listed(name: &str) -> Option<ArenaStats> {
    let snapshot = snapshot();
    let arena = snapshot.arenas.iter().find(|arena| arena.name == name)?;
    Some(arena.stats)
}

fn named(name: &str) -> Arena {
    let config = ArenaConfig::default().with_size(ArenaConfig::SIZE_MIN);
    Arena::named(name, &config).expect("memory")
}

#[test]
fn utilization_is_the_share_in_use() {
    let mut arena = Arena::with_capacity(1000);
    let mut shares = Vec::new();
    for bytes in [250, 250, 500] {
        arena.alloc_slice::<u8>(bytes);
        shares.push(arena.stats().utilization().expect("a capacity"));
    }
    assert_eq!(shares, [0.25, 0.5, 1.0]);
    arena.reset();
    assert_eq!(arena.stats().utilization(), Some(0.0));
}

#[test]
fn high_water_survives_resets_and_rises_by_the_most() {
    let mut arena = Arena::with_capacity(1000);
    let mut marks = Vec::new();
    for bytes in [300, 700, 500] {
        arena.alloc_slice::<u8>(bytes);
        marks.push(arena.stats().high_water);
        arena.reset();
        marks.push(arena.stats().high_water);
    }
    assert_eq!(marks, [300, 300, 700, 700, 700, 700]);
    arena.scope(|scope| scope.alloc_slice::<u8>(900).len());
    assert_eq!((arena.stats().high_water, arena.stats().resets), (900, 3));
}

#[test]
fn iterators_growth_is_in_the_high_water_mark_and_an_arena_as_large_as_its_values_holds_it() {
    let fill = |arena: &Arena| {
        let values = (0_u64..9).filter(|_| true);
        arena.try_alloc_from_iter(values).map(|filled| filled.len())
    };
    for zero in [false, true] {
        let mut arena = Arena::with_capacity(1000).with_zero(zero);
        assert_eq!(fill(&arena), Ok(9));
        let stats = arena.stats();
        // Nine numbers; 16 while they came.
        assert_eq!((stats.in_use, stats.high_water), (9 * 8, 16 * 8));
        assert_eq!(fill(&Arena::with_capacity(stats.high_water)), Ok(9));
        assert_eq!(fill(&Arena::with_capacity(stats.in_use)), Ok(9));
        assert!(fill(&Arena::with_capacity(stats.in_use - 1)).is_err());
        arena.reset();
        assert_eq!(arena.stats().high_water, stats.high_water);
    }
}

#[test]
fn high_water_is_of_the_chunk_and_the_heap_at_once() {
    let mut arena = Arena::with_capacity(100).with_overflow(ArenaOverflow::Heap);
    arena.scope(|deep| deep.alloc_slice::<u8>(95).len());
    arena.alloc_slice::<u8>(10);
    arena.alloc_slice::<u8>(1000);
    let lent = arena.stats().heap_bytes;
    for (bytes, most) in [(80, 90), (20, 90), (85, 95)] {
        arena.scope(|scope| scope.alloc_slice::<u8>(bytes).len());
        assert_eq!(arena.stats().high_water, most + lent);
    }
    arena.reset();
    assert_eq!(arena.stats().high_water, 95 + lent);
}

#[test]
fn end_of_an_arena_that_wipes_is_no_reset() {
    for zero in [false, true] {
        let name = if zero { "books-wiped" } else { "books-left" };
        let mut arena = named(name).with_zero(zero);
        arena.alloc(1_u8);
        arena.reset();
        arena.alloc(2_u8);
        drop(arena);
        assert_eq!(listed(name).map(|all| all.resets), Some(1), "{name}");
    }
}

#[test]
fn allocations_overflows_and_resets_are_counted() {
    let mut arena = Arena::with_capacity(100);
    for _ in 0..3 {
        arena.alloc_slice::<u8>(40);
        arena.alloc_slice::<u8>(40);
        assert!(arena.try_alloc_slice::<u8>(40).is_err());
        arena.reset();
    }
    let stats = arena.stats();
    assert_eq!(
        (stats.allocations, stats.overflows, stats.resets),
        (6, 3, 3)
    );
    assert_eq!(
        stats.to_string(),
        "0.00 % in use, 0 of 100 bytes, high water 80, 6 allocations, 3 overflows, 3 resets, 0 bytes \
         on the heap"
    );
    assert!(
        Arena::with_capacity(0)
            .stats()
            .to_string()
            .starts_with("no capacity, 0 of 0")
    );
}

#[test]
fn arenas_of_one_name_are_summed_and_their_totals_outlive_them() {
    let (first, second) = (named("books"), named("books"));
    first.alloc_slice::<u8>(100);
    second.alloc_slice::<u8>(300);
    let both = listed("books").expect("listed");
    assert_eq!((both.arenas, both.capacity), (2, 2 * ArenaConfig::SIZE_MIN));
    assert_eq!(
        (both.allocations, both.in_use, both.high_water),
        (2, 400, 300)
    );
    drop(second);
    let one = listed("books").expect("listed");
    assert_eq!(
        (one.arenas, one.allocations, one.in_use, one.high_water),
        (1, 2, 100, 300)
    );
    assert_eq!(first.name(), Some("books"));
    drop(first);
    let none = listed("books").expect("totals stay");
    assert_eq!(
        (none.arenas, none.allocations, none.in_use, none.capacity),
        (0, 2, 0, 0)
    );
}

#[test]
fn what_the_heap_lends_arenas_of_one_name_is_summed_and_ends_with_them() {
    let config = ArenaConfig::default().with_overflow(ArenaOverflow::Heap);
    let full = || Arena::named("books-full", &config).expect("memory");
    let (first, second) = (full(), full());
    for arena in [&first, &second, &second, &second] {
        arena.alloc_slice_uninit::<u8>(config.size() + 1);
    }
    let lent = [&first, &second].map(|arena| arena.stats().heap_bytes);
    let told = || listed("books-full").map(|all| (all.overflows, all.heap_bytes));
    assert_eq!(told(), Some((4, lent[0] + lent[1])));
    drop(first);
    assert_eq!(told(), Some((4, lent[1])));
    drop(second);
    assert_eq!(told(), Some((4, 0)));
}

#[test]
fn arena_without_a_name_is_not_listed() {
    let arena = Arena::with_capacity(123_457);
    arena.alloc(1_u8);
    let unknown = |stats: &ArenaStats| stats.capacity % 1000 == 457;
    assert!(!snapshot().arenas.iter().any(|arena| unknown(&arena.stats)));
    assert_eq!(arena.name(), None);
}

#[test]
fn configured_size_has_a_range_and_the_programs_own_has_none() {
    for size in [0, ArenaConfig::SIZE_MIN - 1, ArenaConfig::SIZE_MAX + 1] {
        let error = Arena::from_config(&ArenaConfig::default().with_size(size)).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("expected bytes from 65536 to 1073741824"),
            "{error}"
        );
    }
    assert_eq!(Arena::with_capacity(1).capacity(), 1);
    assert_eq!(Arena::default().capacity(), 1 << 20);
}
