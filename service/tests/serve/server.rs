//! The service as a process, on a port of its own.

use std::io::{BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use knhk_poold::generate::University;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::client::{Answer, PATIENCE, raw, request};
use crate::program::poold;

/// What a client says about a body.
pub(crate) const TRIPLES: &str = "content-type: application/n-triples";

/// For tests in which a request waits: that a worker does not come is not what they look at.
pub(crate) const UNHURRIED: [&str; 2] = ["--queue-time-ms", "600000"];

/// What the service promises for its end, and as much again and more for a machine on which a process
/// waits for its turn.
pub(crate) const END_MAX: Duration = Duration::from_secs(5 + 15);

/// One that runs; it is killed with the test.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Process,
}

/// One that may not serve yet.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    told: Arc<Told>,
    /// How many of its lines [`Server::told`] has passed.
    passed: Mutex<usize>,
}

#[derive(Debug, Default)]
struct Told {
    lines: Mutex<(Vec<String>, bool)>,
    came: Condvar,
}

/// `knhk-poold serve` with `arguments`, without the variables that a developer may have set.
pub(crate) fn serve(arguments: &[&str]) -> Command {
    serve_on("127.0.0.1:0", arguments)
}

/// The same, at `address`.
pub(crate) fn serve_on(address: &str, arguments: &[&str]) -> Command {
    let all = [&["serve", "--listen", address], arguments].concat();
    let mut command = poold(&all);
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy().to_ascii_uppercase();
        if shown.starts_with("OTEL_") || shown.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    // Where the stages are proved, a pool that is too small on purpose would end the program.
    command.env("KNHK_HOT_PATH", "count");
    command
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(&mut serve(arguments))
    }

    /// Where `limit`, in the words of `ulimit`, holds from its first moment on.
    pub(crate) fn limited(limit: &str, arguments: &[&str]) -> Self {
        let inner = serve(arguments);
        let mut command = Command::new("sh");
        let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(inner.get_program());
        command.args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self::of(&mut command)
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        Process::start(command).serving()
    }

    /// Waits for the next line that contains `part`: each is given once, and those before it no more.
    pub(crate) fn told(&self, part: &str) -> String {
        let mut passed = self.process.passed.lock().expect("no panic");
        let (line, next) = self.process.told.wait(part, *passed);
        *passed = next;
        line
    }

    /// All that it has said on standard error.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.process.told.lines()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.send("POST", path, &[TRIPLES], body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let bytes = request(method, path, headers, body);
        raw(self.address, &bytes).unwrap_or_else(|| panic!("no answer: {:?}", self.lines()))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// From now on it has no more of `resource`.
    pub(crate) fn limit(&self, resource: Resource, most: u64) {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        prlimit(Some(self.process.id()), resource, limit).expect("it can be lowered");
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        let status = self.process.child.try_wait().expect("it is our child");
        status.is_some()
    }

    /// Waits for its end: how it ended, and how long ago `start` is then.
    pub(crate) fn wait(&mut self, start: Instant) -> (ExitStatus, Duration) {
        let status = ended(&mut self.process.child);
        let status = status.unwrap_or_else(|| panic!("it does not end: {:?}", self.lines()));
        (status, start.elapsed())
    }

    /// Stops it as an operator does: it has to end well, and in time.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let start = Instant::now();
        self.signal(Signal::TERM);
        let (status, took) = self.wait(start);
        assert_eq!(status.code(), Some(0), "{:?}", self.lines());
        assert!(took < END_MAX, "it took {took:?}");
        self.process.told.wait_end();
        let lines = self.lines();
        assert!(
            !lines.iter().any(|line| line.contains("panicked")),
            "{lines:?}"
        );
        lines
    }

    /// A figure of `/proc/PID/status`, in KiB.
    pub(crate) fn status_kib(&self, key: &str) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let text = std::fs::read_to_string(path).expect("it lives");
        let line = text.lines().find(|line| line.starts_with(key));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|it| it.parse().ok()).expect("a number")
    }

    /// The sum of a metric's points that contain `part`.
    pub(crate) fn metric(&self, name: &str, part: &str) -> f64 {
        let text = self.get("/metrics").body;
        let points = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|it| it.starts_with(['{', ' '])) && line.contains(part)
        });
        let value = |line: &str| {
            line.rsplit(' ')
                .next()
                .and_then(|it| it.parse::<f64>().ok())
        };
        points.map(|line| value(line).expect("a number")).sum()
    }
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stderr = child.stderr.take().expect("it is piped");
        let told = Arc::new(Told::default());
        let telling = Arc::clone(&told);
        thread::spawn(move || telling.listen(BufReader::new(stderr)));
        Self {
            child,
            told,
            passed: Mutex::default(),
        }
    }

    /// Waits until it serves.
    pub(crate) fn serving(self) -> Server {
        let (ready, _) = self.told.wait("serving on ", 0);
        let address = ready.rsplit("//").next().expect("a URL");
        Server {
            address: address.parse().expect("an address"),
            process: self,
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).expect("it lives, or was not waited for");
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where the test has seen its end there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How `child` ended; nothing if it does not.
pub(crate) fn ended(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = child.try_wait().expect("it is our child");
        if status.is_some() || Instant::now() > until {
            return status;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

impl Told {
    fn listen(&self, stderr: impl std::io::BufRead) {
        for line in stderr.lines().map_while(Result::ok) {
            self.lines.lock().expect("no panic").0.push(line);
            self.came.notify_all();
        }
        self.lines.lock().expect("no panic").1 = true;
        self.came.notify_all();
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic").0.clone()
    }

    /// The first line from `from` on that contains `part`, and the number of lines up to it.
    fn wait(&self, part: &str, from: usize) -> (String, usize) {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.lines.lock().expect("no panic");
        loop {
            let mut news = lines.0.iter().enumerate().skip(from);
            if let Some((index, line)) = news.find(|(_, line)| line.contains(part)) {
                return (line.clone(), index + 1);
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !lines.1 && !left.is_zero(),
                "{part:?} was not said behind line {from} of {:?}",
                lines.0
            );
            lines = self.came.wait_timeout(lines, left).expect("no panic").0;
        }
    }

    /// Waits until no more can come.
    fn wait_end(&self) {
        let lines = self.lines.lock().expect("no panic");
        let ended = self.came.wait_timeout_while(lines, PATIENCE, |it| !it.1);
        assert!(
            !ended.expect("no panic").1.timed_out(),
            "standard error stays open"
        );
    }
}

/// So many triples of the built-in data, as text.
pub(crate) fn triples(count: u64) -> Vec<u8> {
    let mut text = Vec::new();
    University::new(count)
        .read_to_end(&mut text)
        .expect("it is in memory");
    text
}
