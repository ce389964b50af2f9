//! The decisions and the code say the same: ADR-001's table against `Workload`, the shipped
//! configurations and the documentation; and the decisions themselves are in order.

use std::fs;

use knhk_pool::{ArenaConfig, PoolConfig, Workload};

const ADR_001: &str = include_str!("../adr/ADR-001-buffer-pooling.md");
const INDEX: &str = include_str!("../adr/README.md");

/// A row of ADR-001's table.
#[derive(Debug, PartialEq)]
struct Row {
    workload: Workload,
    is_default: bool,
    buffers: usize,
    buffer_bytes: usize,
    thread_bytes: usize,
}

/// The lines of the workload table, head and rule included.
fn table(text: &str) -> Vec<&str> {
    let head = |line: &&str| !line.starts_with("| workload | buffers |");
    text.lines()
        .map(str::trim)
        .skip_while(head)
        .take_while(|line| line.starts_with('|'))
        .collect()
}

/// `2 KiB` is 2048.
fn bytes(cell: &str) -> usize {
    let (number, unit) = cell.split_once(' ').expect("a number and a unit");
    let unit = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        other => panic!("unit {other:?} in {cell:?}"),
    };
    number.parse::<usize>().expect("an integer") * unit
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, buffers, buffer_bytes, thread_bytes, _meant_for] = cells[..] else {
        panic!("five cells in {line:?}");
    };
    let name_only = name.trim_end_matches(" (default)");
    Row {
        workload: name_only
            .parse()
            .unwrap_or_else(|error| panic!("{name:?}: {error}")),
        is_default: name_only != name,
        buffers: buffers.parse().expect("an integer"),
        buffer_bytes: bytes(buffer_bytes),
        thread_bytes: bytes(thread_bytes),
    }
}

fn rows() -> Vec<Row> {
    table(ADR_001).into_iter().skip(2).map(row).collect()
}

#[test]
fn workload_is_the_table_of_adr_001() {
    let workloads: Vec<Workload> = rows().iter().map(|row| row.workload).collect();
    assert_eq!(workloads, Workload::ALL);
    for row in rows() {
        let workload = row.workload;
        let sizes = (workload.pool_size(), workload.buffer_size());
        assert_eq!(sizes, (row.buffers, row.buffer_bytes), "{workload}");
        assert_eq!(
            PoolConfig::from(workload).bytes_per_thread(),
            row.thread_bytes,
            "{workload}"
        );
        assert_eq!(
            workload == Workload::default(),
            row.is_default,
            "{workload}"
        );
    }
}

#[test]
fn the_documentation_of_workload_holds_the_same_table() {
    let source = fs::read_to_string("src/workload.rs").unwrap();
    let docs: Vec<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("///"))
        .collect();
    assert_eq!(table(&docs.join("\n")), table(ADR_001));
}

#[cfg(feature = "toml")]
#[test]
fn each_shipped_configuration_is_its_row_of_the_table() {
    for row in rows() {
        let path = format!("config/{}.toml", row.workload);
        let config = PoolConfig::load_file("any", path.as_ref()).unwrap();
        assert_eq!(config.workload(), row.workload);
        assert_eq!(config.pool_size(), row.buffers, "{path}");
        assert_eq!(config.buffer_size(), row.buffer_bytes, "{path}");
        for entry in &config.explain().entries()[..3] {
            let source = entry.source.to_string();
            assert!(
                source.starts_with("config/"),
                "{} is set in the file: {source}",
                entry.key
            );
        }
    }
}

#[test]
fn the_limits_in_adr_001_are_those_of_the_code() {
    let limits = "0 to 65,536 buffers a thread, 64 B to 16 MiB a buffer, 1 GiB a thread";
    assert!(ADR_001.contains(limits));
    assert_eq!(PoolConfig::POOL_SIZE_MAX, 65_536);
    assert_eq!(PoolConfig::BUFFER_SIZE_MIN, 64);
    assert_eq!(PoolConfig::BUFFER_SIZE_MAX, 16 << 20);
    assert_eq!(PoolConfig::BYTES_PER_THREAD_MAX, 1 << 30);
}

/// The decisions' file names, without the template and the index.
fn decisions() -> Vec<String> {
    let files = fs::read_dir("adr")
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let names = files.map(|name| name.into_string().unwrap());
    let mut decisions: Vec<String> = names.filter(|name| name.starts_with("ADR-")).collect();
    decisions.sort();
    decisions
}

#[test]
fn each_decision_is_listed_once_and_has_the_templates_sections() {
    let decisions = decisions();
    assert!(decisions.len() >= 7);
    for name in &decisions {
        assert_eq!(
            INDEX.matches(&format!("]({name})")).count(),
            1,
            "{name} in adr/README.md"
        );
        let text = fs::read_to_string(format!("adr/{name}")).unwrap();
        let sections: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        let wanted = [
            "## Context",
            "## Decision",
            "## Alternatives",
            "## Consequences",
        ];
        assert_eq!(sections, wanted, "{name}");
        assert!(
            text.starts_with(&format!("# {}: ", &name[..7])),
            "the title of {name}"
        );
        assert!(text.contains("\nStatus: "), "{name}");
    }
    assert_eq!(
        INDEX.matches("](ADR-").count(),
        decisions.len(),
        "no entry without a file"
    );
}

#[test]
fn each_setting_is_explained_by_a_decision_that_exists() {
    let decisions = decisions();
    let (pool, arena) = (
        PoolConfig::default().explain(),
        ArenaConfig::default().explain(),
    );
    for entry in pool.entries().iter().chain(arena.entries()) {
        let found = decisions.iter().any(|name| name.starts_with(entry.adr));
        assert!(found, "{} for {}", entry.adr, entry.key);
    }
}
