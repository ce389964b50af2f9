//! The command line: arguments in, exit code out.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; also when the reader of the output has had enough, or a signal has ended `serve` |
//! | 1 | done, but some lines were bad (not with `--lenient`) |
//! | 2 | wrong usage, hooks or configuration; something cannot be read or written |
//! | 130, 143 | `run` was ended by SIGINT or SIGTERM; what was measured until then is exported |

mod arguments;
mod bench;
mod config;
mod descriptors;
mod interrupt;
mod serve;
mod shell;
mod tune;

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use crate::bench::BenchError;
use crate::output::WriteError;
use crate::panics;
use crate::pools::{EMIT, PoolChoice};
use crate::progress::Progress;
use crate::report::{Style, render};
use crate::run::{Options, RunError, run};
use crate::serve::ServeError;
use crate::settings::Settings;
use crate::summary::Summary;
use crate::telemetry::{self, Telemetry, TelemetryError};
use crate::toml_error::TomlError;
use arguments::{Arguments, Command, RunArguments, UsageError};

const DONE: u8 = 0;
const BAD_LINES: u8 = 1;
const FAILED: u8 = 2;

/// Why the program ended early.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error(transparent)]
    Settings(#[from] TomlError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Tune(#[from] tune::TuneError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("cannot write standard output: {0}")]
    Print(#[from] io::Error),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl Failure {
    /// Whether only the output's reader went away.
    fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Run(RunError::Output(error)) => error.is_closed_pipe(),
            _ => false,
        }
    }
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    panics::install();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => {
            // Nobody is left to be told if the message cannot be written.
            let _ = message.print();
            return ExitCode::from(if message.use_stderr() { FAILED } else { DONE });
        }
    };
    let done = match arguments.command {
        Command::Run(arguments) => run_command(&arguments),
        Command::Serve(arguments) => serve::command(&arguments),
        Command::Config(arguments) => {
            telemetry::warnings_only();
            config::command(&arguments)
        }
        Command::Tune(arguments) => {
            telemetry::warnings_only();
            tune::command(&arguments)
        }
        Command::Bench(arguments) => bench::command(&arguments),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::man(&arguments),
    };
    ExitCode::from(match done {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => DONE,
        Err(failure) => {
            complain(&format!("error: {failure}"));
            FAILED
        }
    })
}

fn run_command(arguments: &RunArguments) -> Result<u8, Failure> {
    let settings = settings(&arguments.pools())?;
    let options = arguments.options(&settings)?;
    let interval = Duration::from_secs(settings.monitor_interval_s.value as u64);
    let telemetry = Telemetry::start(&arguments.telemetry(), interval, complain)?;
    let telemetry = interrupt::Guarded::new(telemetry).map_err(TelemetryError::Thread)?;
    let progress = Progress::on_terminal();
    let ended = run(&options, &progress);
    progress.clear();
    telemetry.finish();
    let summary = ended?;
    complain_of_bad_lines(&summary);
    print_summary(&summary, arguments.json, &options)?;
    Ok(if summary.bad_lines > 0 && !arguments.lenient {
        BAD_LINES
    } else {
        DONE
    })
}

fn complain_of_bad_lines(summary: &Summary) {
    for line in &summary.bad_lines_shown {
        complain(&format!("bad line: {line}"));
    }
    let more = summary.bad_lines - summary.bad_lines_shown.len() as u64;
    if more > 0 {
        complain(&format!("bad lines: {more} more"));
    }
}

/// To standard output; to standard error when the results themselves went to standard output.
fn print_summary(summary: &Summary, json: bool, options: &Options) -> Result<(), Failure> {
    if options
        .out
        .as_ref()
        .is_some_and(|out| out.as_os_str() == "-")
    {
        complain(&render(summary, style(io::stderr().is_terminal())));
        return Ok(());
    }
    let text = if json {
        serde_json::to_string_pretty(summary).map_err(io::Error::from)? + "\n"
    } else {
        render(summary, style(io::stdout().is_terminal()))
    };
    print(&text)
}

/// To standard output. A reader that has had enough is content, and changes no exit code.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

/// To standard error; if even that is closed there is nobody to tell.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
}

/// The service's own settings; the pools' are checked first, and tables that nobody asks for named.
fn settings(pools: &PoolChoice) -> Result<Settings, Failure> {
    pools.build(EMIT).map_err(RunError::from)?;
    for line in pools.unused_tables().map_err(RunError::from)? {
        complain(&format!("warning: {line}"));
    }
    Ok(Settings::load(pools)?)
}

fn style(is_terminal: bool) -> Style {
    if may_colour(is_terminal) {
        Style::Colour
    } else {
        Style::Plain
    }
}

/// Colours only on a terminal, and not where `NO_COLOR` is set to anything.
pub(crate) fn may_colour(is_terminal: bool) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    is_terminal && !refused
}
