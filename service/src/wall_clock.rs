//! The wall clock: when something was, for people and for other programs.
//!
//! It is set, by hand and by the network, and then it jumps, back too. So nothing waits by it and no
//! interval is measured by it: deadlines and rates are those of [`Instant`](std::time::Instant), which
//! never goes back. This is the only file that reads it, which a test sees to.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; 0 where the clock stands before it.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The Rust files below `folder`.
    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        let below = paths.flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        });
        below
            .filter(|path| path.extension().is_some_and(|it| it == "rs"))
            .collect()
    }

    #[test]
    fn no_other_file_of_the_service_or_of_the_library_reads_it() {
        let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let all = [sources(&service), sources(&service.join("../../src"))].concat();
        assert!(all.len() > 100, "{} files", all.len());
        let reads = |path: &PathBuf| {
            let text = fs::read_to_string(path).expect("it is text");
            ["SystemTime", "UNIX_EPOCH"]
                .iter()
                .any(|it| text.contains(it))
        };
        let readers: Vec<_> = all.iter().filter(|path| reads(path)).collect();
        assert_eq!(readers, [&service.join("wall_clock.rs")]);
    }
}
