//! Huge pages: what an arena says of them is what the kernel has noted of its memory.

use std::path::Path;

use knhk_pool::{Arena, ArenaConfig};

use crate::address;

/// Whether the kernel was advised to back `address` by huge pages; `None` where it does not tell.
fn is_advised(address: usize) -> Option<bool> {
    let maps = std::fs::read_to_string("/proc/self/smaps").ok()?;
    let mut is_here = false;
    for line in maps.lines() {
        let first = line.split_whitespace().next()?;
        if let Some((from, to)) = first.split_once('-') {
            let place = |text| usize::from_str_radix(text, 16);
            let (Ok(from), Ok(to)) = (place(from), place(to)) else {
                continue;
            };
            is_here = (from..to).contains(&address);
        } else if is_here && let Some(flags) = line.strip_prefix("VmFlags:") {
            return Some(flags.split_whitespace().any(|flag| flag == "hg"));
        }
    }
    None
}

fn arena(huge_pages: bool) -> Arena {
    let config = ArenaConfig::default().with_size(8 << 20);
    Arena::from_config(&config.with_huge_pages(huge_pages)).expect("in range")
}

#[test]
fn arena_has_huge_pages_where_the_kernel_was_asked_and_has_agreed() {
    let (asked, other) = (arena(true), arena(false));
    // The first allocation ends with the chunk.
    let place = |arena: &Arena| address(arena.alloc([0_u8; 64]));
    let Some(is_advised_of) = is_advised(place(&asked)) else {
        eprintln!("SKIPPED: the kernel does not tell what memory was advised");
        return;
    };
    assert_eq!(asked.has_huge_pages(), is_advised_of);
    if Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
        assert!(
            is_advised_of,
            "this kernel has huge pages, and was not asked"
        );
    }
    assert!(!other.has_huge_pages());
    assert_eq!(is_advised(place(&other)), Some(false));
}
