//! The service as a process whose pace the test holds: it writes its results to a named pipe, and
//! cannot go on before somebody reads them.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, fcntl_setfl, mkfifoat};
use rustix::process::{Pid, Signal, kill_process};

use crate::collector::PATIENCE;
use crate::program::{Ended, poold, text};

/// Data enough to fill a pipe's buffer many times over.
const TRIPLES: &str = "10000";

/// A service in the middle of its first pass.
#[derive(Debug)]
pub(crate) struct Held {
    child: Child,
    pipe: PathBuf,
    results: File,
}

/// `knhk-poold` without any variable that has to do with telemetry.
pub(crate) fn quiet(arguments: &[&str]) -> Command {
    let mut command = poold(arguments);
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy().to_ascii_uppercase();
        if shown.starts_with("OTEL_") || shown.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    // Pools are too small on purpose; where the stages are proved, a miss would end the program.
    command.env("KNHK_HOT_PATH", "count");
    command
}

/// What `run` gives: again, where the process could not wait for its collector, since a machine may stand
/// still for as long as a process waits at its end.
pub(crate) fn patiently<T>(mut run: impl FnMut() -> (T, Ended)) -> (T, Ended) {
    let waited = |(_, ended): &(_, Ended)| !ended.stderr.contains("without its last export");
    let mut tries = std::iter::repeat_with(&mut run).take(3);
    tries.find(waited).expect("an end that waits")
}

/// Until the service has opened `pipe`, too, and has written something.
fn wait_for_bytes(pipe: &File) {
    let patience = Timespec {
        tv_sec: PATIENCE.as_secs() as i64,
        tv_nsec: 0,
    };
    let mut place = [PollFd::new(pipe, PollFlags::IN)];
    let ready = poll(&mut place, Some(&patience)).expect("it is open");
    assert_eq!(ready, 1, "the first pass does not begin");
}

impl Held {
    /// Starts it, with `more` arguments and `variables`, and lets it run until it waits.
    pub(crate) fn start(name: &str, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let pipe = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pipe"));
        let _ = std::fs::remove_file(&pipe);
        mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).expect("the file system has pipes");
        let common = [
            "run",
            "--generate",
            TRIPLES,
            "--workers",
            "2",
            "--json",
            "--out",
        ];
        let arguments: Vec<&str> = common.into_iter().chain([text(&pipe)]).collect();
        let child = quiet(&arguments)
            .args(more)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut options = OpenOptions::new();
        options
            .read(true)
            .custom_flags(OFlags::NONBLOCK.bits() as i32);
        let mut results = options.open(&pipe).expect("the pipe was made");
        wait_for_bytes(&results);
        fcntl_setfl(&results, OFlags::empty()).expect("from now on it waits");
        results
            .read_exact(&mut [0])
            .expect("the first pass has begun");
        Self {
            child,
            pipe,
            results,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line on its standard error.
    pub(crate) fn next_line(&mut self) -> String {
        let stderr = self.child.stderr.as_mut().expect("it is piped");
        let mut line = String::new();
        // One byte at a time: what follows the line stays in the pipe.
        BufReader::with_capacity(1, stderr)
            .read_line(&mut line)
            .expect("it is text");
        line.trim_end().to_owned()
    }

    /// What it says on its standard error, up to the first line that contains `part`.
    pub(crate) fn lines_until(&mut self, part: &str) -> String {
        let mut told = String::new();
        loop {
            let line = self.next_line();
            assert!(!line.is_empty(), "it ended, and told only {told:?}");
            told += &line;
            told.push('\n');
            if line.contains(part) {
                return told;
            }
        }
    }

    /// Ends it where it is: nobody reads its results.
    pub(crate) fn interrupt(self, signal: Signal) -> Ended {
        kill_process(Pid::from_child(&self.child), signal).expect("it lives");
        Ended::of(&self.child.wait_with_output().expect("it ends"))
    }

    /// Lets it go on, to its end.
    pub(crate) fn release(mut self) -> Ended {
        let drained = std::io::copy(&mut self.results, &mut std::io::sink());
        drained.expect("the pipe can be read");
        std::fs::remove_file(&self.pipe).expect("the pipe is there");
        Ended::of(&self.child.wait_with_output().expect("it ends"))
    }
}
