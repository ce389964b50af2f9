//! `docs/knhk.md` names every call of KNHK's own pool, and its code is run.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first two cells of each row of the page's first table.
fn calls(page: &str) -> Vec<(&str, &str)> {
    let rows = page
        .lines()
        .skip_while(|line| !line.starts_with("| `knhk_etl::BufferPool`"));
    let cells = rows.skip(2).map_while(|row| {
        let mut cells = row.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?, cells.next()?))
    });
    cells.collect()
}

#[test]
fn every_call_of_knhks_pool_has_a_row_with_its_successor() {
    let page = read("docs/knhk.md");
    let calls = calls(&page);
    for (old, new) in [
        ("new()", "KnhkPool::new()"),
        ("get_soa(size)", "get_soa(size)"),
        ("return_soa(soa)", "drop(soa)"),
        ("get_receipt()", "get_receipt()"),
        ("reset_receipt_pool()", "reset_receipt_pool()"),
        ("capacity_usage()", "capacity_usage()"),
        ("clear()", "clear()"),
    ] {
        let row = calls
            .iter()
            .find(|(call, _)| call.ends_with(&format!("{old}`")));
        let (_, successor) = row.unwrap_or_else(|| panic!("no row for {old}"));
        assert!(successor.contains(new), "{old} becomes {successor}");
    }
}

#[test]
fn page_is_among_the_documentation_tests() {
    assert!(read("src/lib.rs").contains(r#"include_str!("../docs/knhk.md")"#));
    let page = read("docs/knhk.md");
    let blocks: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("```"))
        .step_by(2)
        .collect();
    assert!(blocks.contains(&"```rust"));
    // `text` is KNHK's old code; nothing of ours is shown without being run.
    assert!(
        blocks
            .iter()
            .all(|block| ["```rust", "```text"].contains(block)),
        "{blocks:?}"
    );
}
