//! Faults that a memory library can have, one by one: `seed b06` has the bug b06, and says `went on`
//! when nothing stopped it. Each is what a published pool, arena or detector did; `.ci/gates` shows
//! that the judge that we rely on for it is not silent. What is missing here is sown in the library
//! itself (`gates/mutants`) or in its tests (`tests/published_detector.rs`).

mod bugs;
mod published;

fn main() {
    let seed = std::env::args().nth(1).unwrap_or_default();
    let run = match seed.as_str() {
        "b01" => bugs::scratch_alias_after_reset,
        "b02" => bugs::two_live_scratch_slices,
        "b03" => bugs::slice_outlives_its_thread,
        "b04" => bugs::uninitialised_read,
        "b06" => bugs::return_into_a_dead_pool,
        "b07" => bugs::wrong_layout_on_free,
        "b08" => bugs::vector_read_past_the_end,
        "b09" => bugs::racy_counter,
        "b10" => bugs::ring_without_drop,
        "b12" => bugs::misaligned_read,
        "b13" => bugs::panic_while_a_slot_is_uninitialised,
        "b14" => bugs::drop_on_a_foreign_thread,
        "S6" => bugs::scratch_as_published,
        "S7" => published::drop_that_locks_its_own_pool,
        "S8" => published::buffer_that_outlives_its_thread_local_pool,
        other => panic!("there is no seed {other:?}"),
    };
    run();
    println!("went on");
}
