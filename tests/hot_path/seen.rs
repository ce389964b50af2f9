//! What is seen: every kind of call, with its size and alignment.

use super::*;

#[test]
fn string_is_seen_with_its_size() {
    assert_reports("string", "alloc of 5 bytes, alignment 1", || {
        String::from(black_box("hello"))
    });
}

#[test]
fn boxed_value_is_seen_with_its_alignment() {
    assert_reports("box", "alloc of 8 bytes, alignment 8", || {
        Box::new(black_box(7_u64))
    });
}

#[test]
fn vec_is_seen_when_it_reserves_and_not_before() {
    assert_eq!(report("vec-new", Vec::<u8>::new), None);
    assert_reports("vec-capacity", "alloc of 1 bytes", || {
        black_box(Vec::<u8>::with_capacity(1))
    });
}

#[test]
fn growth_is_seen_as_a_realloc() {
    let mut bytes = vec![1_u8; 64];
    assert_reports(
        "growth",
        "realloc from 64 to 128 bytes, alignment 1",
        || {
            bytes.push(1);
        },
    );
}

#[test]
fn shrinking_is_seen_as_a_realloc() {
    let mut bytes = Vec::<u8>::with_capacity(64);
    bytes.push(1);
    assert_reports("shrinking", "realloc from 64 to 1 bytes", || {
        bytes.shrink_to_fit();
    });
}

#[test]
fn zeroed_memory_is_seen() {
    assert_reports("zeroed", "alloc_zeroed of 4096 bytes", || {
        black_box(vec![0_u8; 4096])
    });
}

#[test]
fn free_is_seen_unless_it_is_allowed() {
    let bytes = vec![1_u8; 100];
    assert_reports("free", "dealloc of 100 bytes", || drop(bytes));
    let bytes = vec![1_u8; 100];
    let allowed = caught(|| {
        let _section = HotPathGuard::enter("free-allowed").allow_free();
        drop(bytes);
    });
    assert_eq!(allowed, None);
}

#[test]
fn allowed_frees_allow_nothing_else() {
    let seen = caught(|| {
        let _section = HotPathGuard::enter("free-only").allow_free();
        drop(black_box(Box::new(1_u64)));
    });
    let seen = seen.expect("the allocation is reported");
    assert!(seen.contains("alloc of 8 bytes"), "{seen}");
    assert!(!seen.contains("more"), "the free was allowed: {seen}");
}

#[test]
fn aligned_memory_is_seen_with_its_alignment() {
    #[repr(align(64))]
    struct Line([u8; 64]);
    assert_reports("aligned", "alloc of 64 bytes, alignment 64", || {
        let line = Box::new(black_box(Line([0; 64])));
        assert_eq!(line.0[1], 0);
        line
    });
}

#[test]
fn zero_sized_values_are_silent() {
    let silent = report("zero-sized", || {
        let mut units = vec![(); 1000];
        units.push(());
        (Box::new(()), units, Box::new([0_u64; 0]), String::new())
    });
    assert_eq!(silent, None);
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no request that fails")]
fn huge_request_that_fails_is_seen() {
    let huge = isize::MAX as usize;
    assert_reports("huge", &format!("alloc of {huge} bytes"), || {
        let mut bytes = Vec::<u8>::new();
        assert!(bytes.try_reserve_exact(huge).is_err());
    });
}

#[test]
fn format_is_seen() {
    assert_reports("format", "alloc", || format!("{}", black_box(17)));
}

#[test]
fn map_that_rehashes_is_seen() {
    let mut map: HashMap<u64, u64> = (0..3).map(|key| (key, key)).collect();
    assert_reports("rehash", "alloc", || {
        for key in 0..100 {
            map.insert(key, key);
        }
    });
}

#[test]
fn shared_pointer_is_seen_when_it_is_made_and_not_when_it_is_cloned() {
    let shared = Arc::new(1_u8);
    assert_eq!(
        report("arc-clone", || mem::forget(Arc::clone(&shared))),
        None
    );
    assert_reports("arc-new", "alloc of 24 bytes", || Arc::new(black_box(1_u8)));
    // SAFETY: the clone was forgotten; this takes back its count.
    unsafe { Arc::decrement_strong_count(Arc::as_ptr(&shared)) };
}

#[test]
fn direct_call_of_the_global_allocator_is_seen() {
    let layout = Layout::from_size_align(48, 16).expect("a power of two");
    assert_reports(
        "direct",
        "alloc of 48 bytes, alignment 16, in section `direct`",
        || {
            // SAFETY: not of size zero.
            let start = black_box(unsafe { std::alloc::alloc(layout) });
            // SAFETY: allocated by the line above.
            unsafe { std::alloc::dealloc(start, layout) };
        },
    );
}
