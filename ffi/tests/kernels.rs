//! What the kernels of the C ABI answer, called from Rust so that Miri can watch.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;
use std::thread;

use knhk_pool_ffi::*;

fn cosine(query: &[f32], candidates: &[f32], scores: &mut [f32]) -> Status {
    // SAFETY: slices, of the lengths that are handed on.
    unsafe {
        knhk_vector_cosine(
            query.as_ptr(),
            query.len(),
            candidates.as_ptr(),
            candidates.len(),
            scores.as_mut_ptr(),
            scores.len(),
        )
    }
}

#[test]
fn a_shape_that_does_not_fit_writes_nothing() {
    let mut scores = [7.0; 2];
    assert_eq!(cosine(&[1.0, 2.0], &[1.0; 5], &mut scores), Status::Invalid);
    assert_eq!(cosine(&[], &[1.0; 5], &mut scores), Status::Invalid);
    assert_eq!(scores, [7.0; 2]);
    assert_eq!(
        cosine(&[1.0, 2.0], &[2.0, 4.0, 2.0, -1.0], &mut scores),
        Status::Ok
    );
    assert_eq!(scores, [1.0, 0.0]);
}

#[test]
fn what_is_written_may_not_be_what_is_read() {
    let mut numbers = [1.0_f32; 8];
    let first = numbers.as_mut_ptr();
    // SAFETY: three parts of one array; two of them overlap, which is answered before they are used.
    let status =
        unsafe { knhk_vector_cosine(first, 2, first.wrapping_add(2), 4, first.wrapping_add(5), 2) };
    assert_eq!(status, Status::Invalid);
    // SAFETY: three parts of one array that do not overlap.
    let status =
        unsafe { knhk_vector_cosine(first, 2, first.wrapping_add(2), 4, first.wrapping_add(6), 2) };
    assert_eq!(status, Status::Ok);
}

#[test]
fn the_best_are_written_where_c_reads_them() {
    let scores = [0.5, f32::NAN, 2.0, 2.0];
    let (mut best, mut found) = ([Scored::default(); 3], 0);
    // SAFETY: slices, of the lengths that are handed on, and a place.
    let status = unsafe {
        knhk_vector_top_k(
            scores.as_ptr(),
            4,
            best.as_mut_ptr(),
            3,
            (&mut found).into(),
        )
    };
    assert_eq!((status, found), (Status::Ok, 3));
    assert_eq!(best.map(|scored| scored.index), [2, 3, 0]);
    assert_eq!(best.map(|scored| scored.score), [2.0, 2.0, 0.5]);
}

/// As C declares them: `float scores[4]; knhk_scored best[8];`
#[test]
fn what_is_only_written_need_not_be_initialised() {
    let (query, candidates) = ([1.0], [2.0, -2.0, 0.0, 3.0]);
    let mut scores = [const { MaybeUninit::<f32>::uninit() }; 4];
    let first = scores.as_mut_ptr().cast();
    // SAFETY: arrays and their lengths.
    let status = unsafe { knhk_vector_cosine(query.as_ptr(), 1, candidates.as_ptr(), 4, first, 4) };
    assert_eq!(status, Status::Ok);
    let mut best = [const { MaybeUninit::<Scored>::uninit() }; 8];
    let mut found = 0;
    // SAFETY: the scores that were written above, an array and its length, a place.
    let status =
        unsafe { knhk_vector_top_k(first, 4, best.as_mut_ptr().cast(), 8, (&mut found).into()) };
    assert_eq!((status, found), (Status::Ok, 4));
    // SAFETY: all of them are written, says the header.
    let best = best.map(|scored| unsafe { scored.assume_init() });
    assert_eq!(best.map(|scored| scored.index), [0, 3, 2, 1, 0, 0, 0, 0]);
    assert_eq!(
        best.map(|scored| scored.score),
        [1.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]
    );
}

fn spread(graph: &Graph, activation: &mut [f32]) -> (Status, Reach) {
    let how = Spread {
        decay: 1.0,
        threshold: 0.0,
        hops_max: 2,
    };
    let mut reach = Reach::default();
    // SAFETY: a graph whose arrays are as long as it says or null, a slice and its length.
    let status = unsafe {
        let nodes = activation.len();
        knhk_graph_spread(
            Some(graph),
            activation.as_mut_ptr(),
            nodes,
            Some(&how),
            (&mut reach).into(),
        )
    };
    (status, reach)
}

#[test]
fn activation_may_not_lie_in_what_says_how_it_spreads() {
    let mut how = Spread {
        decay: 1.0,
        threshold: 0.0,
        hops_max: 1,
    };
    let offsets = [0, 0];
    let mut graph = Graph {
        offsets: offsets.as_ptr(),
        targets: ptr::null(),
        weights: ptr::null(),
        nodes: 1,
        edges: 0,
    };
    let (in_how, in_graph) = ((&raw mut how).cast::<f32>(), (&raw mut graph).cast::<f32>());
    for activation in [in_how, in_graph] {
        // SAFETY: a graph, how it spreads, and a number that is theirs, which is answered before it is used.
        let status =
            unsafe { knhk_graph_spread(Some(&graph), activation, 1, Some(&how), Place::NULL) };
        assert_eq!(status, Status::Invalid);
    }
}

#[test]
fn activation_spreads_on_every_thread_and_a_graph_that_is_none_changes_nothing() {
    let spread_here = || {
        let (offsets, targets, weights) = ([0, 1, 2], [1, 0], [0.5, 0.5]);
        let graph = Graph {
            offsets: offsets.as_ptr(),
            targets: targets.as_ptr(),
            weights: weights.as_ptr(),
            nodes: 2,
            edges: 2,
        };
        let mut activation = [1.0, 0.0];
        let (status, reach) = spread(&graph, &mut activation);
        assert_eq!((status, reach), (Status::Ok, Reach { hops: 2, edges: 2 }));
        assert_eq!(activation, [1.25, 0.5]);

        let beyond = [1, 2];
        for bad in [
            Graph {
                targets: beyond.as_ptr(),
                ..graph
            },
            Graph { edges: 1, ..graph },
            Graph {
                nodes: usize::MAX,
                ..graph
            },
            Graph {
                offsets: targets.as_ptr(),
                nodes: 1,
                ..graph
            },
        ] {
            assert_eq!(spread(&bad, &mut activation).0, Status::Invalid);
        }
        let without = Graph {
            offsets: ptr::null(),
            ..graph
        };
        assert_eq!(spread(&without, &mut activation).0, Status::NullPointer);
        assert_eq!(activation, [1.25, 0.5]);
    };
    spread_here();
    thread::spawn(spread_here).join().expect("it ends well");
}
