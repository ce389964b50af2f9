//! What a test's own process may have open.

use std::io::Write as _;

use rustix::process::{Resource, getrlimit, setrlimit};

/// What the tests that run beside have open, at most.
const BESIDE: u64 = 512;

/// Whether `count` sockets can be had, for which the limit is raised as far as it goes; where they
/// cannot, that is said.
pub(crate) fn suffice(count: u64) -> bool {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the soft limit can be the hard one");
    let is_enough = limit.maximum.is_none_or(|most| most >= count + BESIDE);
    if !is_enough {
        // Past the harness, which keeps what a test says that passes.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: {count} sockets: the limit of open files is {limit:?}"
        );
    }
    is_enough
}
