//! What `tune` and `bench` may be told, and what prints itself: completions and manual pages.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap_complete::Shell;

use super::{STDOUT, UsageError, WorkArguments, duration, help, inputs, out};
use crate::claims::Claims;
use crate::file_id::is_stdout;
use crate::pools::PoolChoice;
use crate::run::{Mode, Options};
use crate::settings::Settings;
use crate::tune::Percent;

#[derive(Debug, Args)]
#[command(after_help = help::TUNE)]
pub(in crate::cli) struct TuneArguments {
    /// N-Triples, also gzip-compressed; `-` is standard input; none: generated data
    #[arg(value_name = "FILE", conflicts_with = "from")]
    files: Vec<PathBuf>,

    /// Triples of the built-in data, when no FILE is given
    #[arg(
        long,
        value_name = "TRIPLES",
        default_value_t = 1_000_000,
        conflicts_with_all = ["files", "from"]
    )]
    generate: u64,

    /// Ask a running service that records, in place of a run: http://HOST:PORT/v1/pools
    ///
    /// The service has to be started with KNHK_POOL_RECORD=1, or `record = true` in its file.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with_all = ["config", "workload", "workers", "delta", "hooks", "out"]
    )]
    pub(in crate::cli) from: Option<String>,

    /// Which pool of the service, if several record
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(in crate::cli) pool: Option<String>,

    #[command(flatten)]
    work: WorkArguments,

    /// Write results as `run` does: buffers are held for as long as writing takes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// The hit rate that --write and the profile are for, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "99")]
    pub(in crate::cli) target: Percent,

    /// Write the smallest size that reaches the target to FILE, in TOML that the pools load
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) write: Option<PathBuf>,

    /// Draw the hit rate over the pool size to FILE, as SVG
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) plot: Option<PathBuf>,

    /// Print one JSON object instead of tables
    #[arg(long)]
    pub(in crate::cli) json: bool,

    /// Exit with 0 even if some lines were bad
    #[arg(long)]
    pub(in crate::cli) lenient: bool,
}

impl TuneArguments {
    pub(in crate::cli) fn pools(&self) -> PoolChoice {
        PoolChoice {
            recording: true,
            ..self.work.pools.choice()
        }
    }

    pub(in crate::cli) fn options(&self, settings: &Settings) -> Result<Options, UsageError> {
        let inputs = inputs(&self.files, self.generate)?;
        let out = self.out.as_deref().map(out);
        if out.is_some_and(|out| out == STDOUT) {
            return Err(UsageError::StdoutTwice("--out", "the report"));
        }
        let hooks = self.work.hooks.as_deref();
        self.check_written(Claims::of_reading(&inputs, hooks, &self.pools()))?;
        Ok(Options {
            inputs,
            hooks: self.work.hooks.clone(),
            out: out.map(Path::to_owned),
            delta_len: self.work.delta_len(settings),
            workers: self.work.workers(settings),
            repeat: None,
            at_least: None,
            mode: Mode::Pooled,
            pools: self.pools(),
            spared: self
                .written()
                .map(|(_, role, path)| (path.clone(), role))
                .collect(),
        })
    }

    /// Whether what is written beside the report is nothing else: neither `claimed` nor one another.
    pub(in crate::cli) fn check_written(&self, mut claimed: Claims) -> Result<(), UsageError> {
        for (flag, role, path) in self.written() {
            if is_stdout(path) {
                return Err(UsageError::StdoutTwice(flag, "the report"));
            }
            claimed.write(path, role)?;
        }
        Ok(())
    }

    /// Flag, role and path of what is written beside the report.
    fn written(&self) -> impl Iterator<Item = (&'static str, &'static str, &PathBuf)> {
        [
            ("--write", "what --write writes", &self.write),
            ("--plot", "what --plot writes", &self.plot),
        ]
        .into_iter()
        .filter_map(|(flag, role, path)| path.as_ref().map(|path| (flag, role, path)))
    }
}

#[derive(Debug, Args)]
#[command(after_help = help::BENCH)]
pub(in crate::cli) struct BenchArguments {
    /// How long: 500ms, 90s, 5m
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, default_value = "10s")]
    pub(in crate::cli) time: Duration,

    /// Print one JSON object instead of bars
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = help::COMPLETIONS)]
pub(in crate::cli) struct CompletionsArguments {
    /// For which shell
    pub(in crate::cli) shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = help::MAN)]
pub(in crate::cli) struct ManArguments {
    /// The page of this command; none: of the program
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub(in crate::cli) of: Option<String>,

    /// Write all pages to this directory instead
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) dir: Option<PathBuf>,
}

/// Above 0, at most 100; a percent sign may follow.
fn percent(text: &str) -> Result<Percent, &'static str> {
    let number = text.trim_end_matches('%').trim_end();
    let percent = number.parse().ok().map(Percent);
    percent
        .filter(|Percent(percent)| *percent > 0.0 && *percent <= 100.0)
        .ok_or("expected a percentage above 0, at most 100, such as 99.9")
}
