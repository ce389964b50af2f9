//! What the command line may say.

mod help;
mod tune;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand};
use knhk_pool::Workload;

use crate::claims::Overwrite;
use crate::file_id::is_stdout;
use crate::input::Input;
use crate::pools::PoolChoice;
use crate::run::{Mode, Options};
use crate::settings::{DELTA, Settings, WORKERS};
use crate::telemetry::{TelemetryChoice, address};
pub(super) use tune::{BenchArguments, CompletionsArguments, ManArguments, TuneArguments};

use super::serve::ServeArguments;

/// The KNHK pipeline on pooled memory.
#[derive(Debug, Parser)]
#[command(name = "knhk-poold", version, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take N-Triples through Ingest, Transform, Load, Reflex and Emit, and report
    Run(RunArguments),
    /// Take N-Triples over HTTP, and answer with receipts, until SIGTERM
    Serve(ServeArguments),
    /// Print the effective configuration of the pools, with sources; fails if it is bad
    Config(ConfigArguments),
    /// Say which pool size a workload needs, from how many buffers it has out at once
    Tune(TuneArguments),
    /// Measure what a buffer costs on this machine, from the pools and from malloc
    Bench(BenchArguments),
    /// Print a shell's completions
    Completions(CompletionsArguments),
    /// Print a manual page
    Man(ManArguments),
}

#[derive(Debug, Args)]
#[command(after_help = help::RUN)]
pub(super) struct RunArguments {
    /// N-Triples, also gzip-compressed; `-` is standard input; none: generated data
    ///
    /// IRIs are by RFC 3987, language tags by BCP 47, labels of blank nodes by RDF 1.2: a line that
    /// only RDF 1.1 allows is a bad one. A byte order mark at a file's start is skipped.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Triples of the built-in data, when no FILE is given
    #[arg(
        long,
        value_name = "TRIPLES",
        default_value_t = 1_000_000,
        conflicts_with = "files"
    )]
    generate: u64,

    #[command(flatten)]
    work: WorkArguments,

    /// Write receipts (JSON lines) to FILE, constructed triples beside it
    ///
    /// Constructed triples (N-Triples) go to FILE with the extension .nt. If FILE itself ends in .nt
    /// it takes the triples, and receipts go beside it, with .jsonl. `-`, a pipe or a device takes
    /// both, in delta order.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Passes of Load, Reflex and Emit; rounds of --compare [default: 1; 7 or more]
    ///
    /// Counts are those of one pass, speed is the median, pools add up over all. Only the first pass
    /// writes. Without it a comparison has at least 7 rounds, and as many as fill a second.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: Option<u32>,

    /// Repeat passes, or rounds of --compare, until so much time has gone by: 500ms, 90s, 5m, 2h
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, conflicts_with = "repeat")]
    at_least: Option<Duration>,

    /// Take memory from the heap at each use, instead of from the pools
    #[arg(long)]
    no_pool: bool,

    /// Run on pools and on the heap in turn, and show both
    #[arg(long, conflicts_with = "no_pool")]
    compare: bool,

    /// Print one JSON object instead of tables
    #[arg(long)]
    pub(super) json: bool,

    /// Exit with 0 even if some lines were bad
    #[arg(long)]
    pub(super) lenient: bool,

    #[command(flatten)]
    telemetry: TelemetryArguments,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Telemetry (the standard OTEL_* variables hold, too)")]
pub(super) struct TelemetryArguments {
    /// Export metrics, traces and logs to the OpenTelemetry collector at URL, http://HOST:4318
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,

    /// How: http/protobuf, or grpc (then to port 4317) [default: http/protobuf]
    #[arg(long, value_name = "PROTOCOL")]
    otlp_protocol: Option<String>,

    /// Serve metrics to Prometheus at http://ADDRESS/metrics; PORT alone is 127.0.0.1:PORT, 0 any
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    metrics_addr: Option<SocketAddr>,
}

#[derive(Debug, Args)]
#[command(after_help = help::CONFIG)]
pub(super) struct ConfigArguments {
    #[command(flatten)]
    pools: PoolArguments,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What a pass of the pipeline works with.
#[derive(Clone, Debug, Args)]
pub(super) struct WorkArguments {
    #[command(flatten)]
    pools: PoolArguments,

    /// Worker threads, 1 to 1024 [default: the cores]
    #[arg(long, value_name = "N", value_parser = within(WORKERS))]
    workers: Option<u32>,

    /// Triples a delta, whatever the number of workers [default: 8]
    #[arg(long, value_name = "TRIPLES", value_parser = within(DELTA))]
    delta: Option<u32>,

    /// Hooks, in TOML; with none, ASK(s,p) for each run's first triple
    #[arg(long, value_name = "FILE")]
    hooks: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct PoolArguments {
    /// Pool settings, in TOML, in place of KNHK_POOL_CONFIG's file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Profile of what is not set otherwise: low, medium, high, extreme
    #[arg(long, value_name = "PROFILE")]
    workload: Option<Workload>,
}

/// Arguments that do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UsageError {
    #[error("standard input `-` can be read once only")]
    StdinTwice,
    #[error("{0} and {1} both want standard output")]
    StdoutTwice(&'static str, &'static str),
    #[error(transparent)]
    Overwrite(#[from] Overwrite),
    #[error("no command is named {name:?}; there are {known}")]
    UnknownCommand { name: String, known: String },
}

impl RunArguments {
    pub(super) fn pools(&self) -> PoolChoice {
        self.work.pools.choice()
    }

    pub(super) fn telemetry(&self) -> TelemetryChoice {
        self.telemetry.choice()
    }

    pub(super) fn options(&self, settings: &Settings) -> Result<Options, UsageError> {
        let inputs = inputs(&self.files, self.generate)?;
        let out = self.out.as_deref().map(out);
        if self.json && out.is_some_and(|out| out == STDOUT) {
            return Err(UsageError::StdoutTwice("--json", "--out"));
        }
        Ok(Options {
            inputs,
            hooks: self.work.hooks.clone(),
            out: out.map(Path::to_owned),
            delta_len: self.work.delta_len(settings),
            workers: self.work.workers(settings),
            repeat: self.repeat,
            at_least: self.at_least,
            mode: self.mode(),
            pools: self.pools(),
            spared: Vec::new(),
        })
    }

    fn mode(&self) -> Mode {
        match (self.compare, self.no_pool) {
            (true, _) => Mode::Compare,
            (false, true) => Mode::Heap,
            (false, false) => Mode::Pooled,
        }
    }
}

impl ConfigArguments {
    pub(super) fn choice(&self) -> PoolChoice {
        self.pools.choice()
    }
}

impl TelemetryArguments {
    pub(super) fn choice(&self) -> TelemetryChoice {
        TelemetryChoice {
            otlp_endpoint: self.otlp_endpoint.clone(),
            otlp_protocol: self.otlp_protocol.clone(),
            metrics_addr: self.metrics_addr,
            gather: false,
        }
    }
}

impl WorkArguments {
    fn delta_len(&self, settings: &Settings) -> usize {
        self.delta
            .map_or(settings.delta.value, |delta| delta as usize)
    }

    fn workers(&self, settings: &Settings) -> usize {
        self.workers
            .map_or(settings.workers.value, |workers| workers as usize)
    }
}

impl PoolArguments {
    pub(super) fn choice(&self) -> PoolChoice {
        PoolChoice {
            config: self.config.clone(),
            workload: self.workload,
            recording: false,
        }
    }
}

const STDOUT: &str = "-";

/// What `--out` names: standard output by any of its names is `-`.
fn out(path: &Path) -> &Path {
    if is_stdout(path) {
        Path::new(STDOUT)
    } else {
        path
    }
}

/// The files, or so many generated triples where there is none.
fn inputs(files: &[PathBuf], generate: u64) -> Result<Vec<Input>, UsageError> {
    if files.is_empty() {
        return Ok(vec![Input::Generated(generate)]);
    }
    let is_stdin = |file: &&PathBuf| file.as_os_str() == "-";
    if files.iter().filter(is_stdin).count() > 1 {
        return Err(UsageError::StdinTwice);
    }
    let input = |file: &PathBuf| {
        if is_stdin(&file) {
            Input::Stdin
        } else {
            Input::File(file.clone())
        }
    };
    Ok(files.iter().map(input).collect())
}

pub(super) fn within(range: RangeInclusive<u32>) -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(i64::from(*range.start())..=i64::from(*range.end()))
}

/// The longest that a run can be asked to last: 30 days, in milliseconds.
const DURATION_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// A whole number and its unit: `ms`, `s`, `m` or `h`.
fn duration(text: &str) -> Result<Duration, &'static str> {
    let expected = "expected a number and ms, s, m or h, such as 90s, from 1ms to 720h";
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or(expected)?;
    let (number, unit) = text.split_at(unit_at);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(expected),
    };
    let ms = number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(unit_ms));
    let ms = ms.filter(|ms| (1..=DURATION_MS_MAX).contains(ms));
    ms.map(Duration::from_millis).ok_or(expected)
}
