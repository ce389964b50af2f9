//! Open files: as many as the system lets the process have, and a word where that is too few.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside clients' connections: the journal, exporters, the runtime's own, files that are read.
const BESIDE: u64 = 64;

/// Raises the soft limit, which is low for programs that may not bear more, to the hard one. `tell` gets a
/// line where `connections_max` connections need more than that.
pub(super) fn raise(connections_max: usize, tell: impl Fn(&str)) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let most = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let needed = connections_max as u64 + BESIDE;
    if let Some(most) = most.filter(|most| *most < needed) {
        tell(&format!(
            "warning: the process may have {most} files open, and connections_max {connections_max} wants \
             {needed}: further connections wait (ulimit -Hn, LimitNOFILE=)"
        ));
    }
}
