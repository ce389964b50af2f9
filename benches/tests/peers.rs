//! That what is compared is comparable: every peer gives the memory that it is timed for, and what
//! counts counts the same.

use knhk_pool_benches::{
    BUFFER_SIZE, Case, DEPTH, Depth, Floor, LastSplit, Peer, Vector, built_pool, cases, local_pool,
    object_cases,
};

/// More than one batch, and no multiple of one.
const PAIRS: u64 = 1000;

fn pools() -> impl Iterator<Item = Case> {
    // It hands out one buffer over and over, which is its point.
    let cases = cases().into_iter().chain(object_cases::<Vector>());
    cases.filter(|case| case.name != "touch only")
}

#[test]
fn each_peer_hands_out_whole_buffers_that_do_not_overlap() {
    for case in pools() {
        // Twice: what is handed out again is held to it too.
        for _ in 0..2 {
            let mut places = case.fill();
            places.sort_by_key(|place| place.start);
            assert_eq!(places.len(), DEPTH, "{}", case.name);
            assert!(
                places.iter().all(|place| place.len() >= BUFFER_SIZE),
                "{}",
                case.name
            );
            assert!(
                places.windows(2).all(|w| w[0].end <= w[1].start),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn each_pool_hands_out_the_same_memory_again() {
    let allocates_when_deep = ["BytesMut", "malloc", "mimalloc", "jemalloc"];
    for case in pools().filter(|case| !allocates_when_deep.contains(&case.name)) {
        let sorted = || {
            let mut places = case.fill();
            places.sort_by_key(|place| place.start);
            places
        };
        assert_eq!(sorted(), sorted(), "{}", case.name);
    }
}

#[test]
fn bytes_mut_takes_its_memory_back_one_deep() {
    let peer = LastSplit::default();
    let start_of_next = || LastSplit::memory(&mut peer.acquire()).as_ptr().addr();
    assert_eq!(start_of_next(), start_of_next());
}

#[test]
fn each_peer_runs_as_many_pairs_as_it_says() {
    for case in pools() {
        assert_eq!(case.run(Depth::One, PAIRS), PAIRS, "{}", case.name);
        assert_eq!(case.run(Depth::Sixteen, PAIRS), 1008, "{}", case.name);
    }
}

#[test]
fn floor_and_pools_count_the_same_hits() {
    let (floor, local, built) = (Floor::new(), local_pool(), built_pool("hits"));
    for depth in Depth::ALL {
        let done = depth.run(&floor, PAIRS);
        assert_eq!(
            (depth.run(&local, PAIRS), depth.run(&built, PAIRS)),
            (done, done)
        );
    }
    assert_eq!(floor.hits(), PAIRS + 1008);
    for stats in [local.stats(), built.stats()] {
        assert_eq!((stats.hits, stats.misses), (floor.hits(), 0));
    }
}
