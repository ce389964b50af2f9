//! The service as a process, on a port of its own.

use std::io::{BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use knhk_poold::generate::University;

use crate::client::{Answer, PATIENCE, raw, request};
use crate::program::poold;

/// What a client says about a body.
pub(crate) const TRIPLES: &str = "content-type: application/n-triples";

/// One that runs; it is killed with the test.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    told: Arc<Told>,
}

#[derive(Debug, Default)]
struct Told {
    lines: Mutex<(Vec<String>, bool)>,
    came: Condvar,
}

/// `knhk-poold serve` with `arguments`, without the variables that a developer may have set.
pub(crate) fn serve(arguments: &[&str]) -> Command {
    let all = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
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

    /// Behind another program, such as `prlimit`.
    pub(crate) fn behind(wrapper: &[&str], arguments: &[&str]) -> Self {
        let inner = serve(arguments);
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(inner.get_program());
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
        let ready = told.wait("serving on ");
        let address = ready.rsplit("//").next().expect("a URL");
        let address = address.parse().expect("an address");
        Self {
            child,
            address,
            told,
        }
    }

    /// Waits for a line that contains `part`.
    pub(crate) fn told(&self, part: &str) -> String {
        self.told.wait(part)
    }

    /// All that it has said on standard error.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.told.lines.lock().expect("no panic").0.clone()
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

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// How it ended, and how long that took.
    pub(crate) fn wait(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return (status, start.elapsed());
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not end: {:?}",
                self.lines()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it as an operator does: it has to end well, and in time.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.signal("TERM");
        let (status, took) = self.wait();
        assert_eq!(status.code(), Some(0), "{:?}", self.lines());
        assert!(took < Duration::from_secs(5), "it took {took:?}");
        self.told.wait_end();
        let lines = self.lines();
        assert!(
            !lines.iter().any(|line| line.contains("panicked")),
            "{lines:?}"
        );
        lines
    }

    /// A figure of `/proc/PID/status`, in KiB.
    pub(crate) fn status_kib(&self, key: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
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

impl Drop for Server {
    fn drop(&mut self) {
        // Where the test has seen its end there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
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

    fn wait(&self, part: &str) -> String {
        let mut lines = self.lines.lock().expect("no panic");
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = lines.0.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !lines.1 && !left.is_zero(),
                "{part:?} was not said: {:?}",
                lines.0
            );
            lines = self.came.wait_timeout(lines, left).expect("no panic").0;
        }
    }

    fn wait_end(&self) {
        let mut lines = self.lines.lock().expect("no panic");
        while !lines.1 {
            lines = self.came.wait(lines).expect("no panic");
        }
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
