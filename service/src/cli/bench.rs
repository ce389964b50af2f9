//! `knhk-poold bench`: ten seconds, and bars.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use super::arguments::BenchArguments;
use super::{DONE, Failure, print, style};
use crate::bench::{measure, report};
use crate::progress::Progress;

pub(super) fn command(arguments: &BenchArguments) -> Result<u8, Failure> {
    let progress = Progress::on_terminal();
    let ms = |time: Duration| time.as_millis() as u64;
    progress.bar("bench", ms(arguments.time));
    let measured = measure(arguments.time, |gone| progress.set(ms(gone)));
    progress.clear();
    let measured = measured?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&measured).map_err(io::Error::from)? + "\n"
    } else {
        report::render(&measured, style(io::stdout().is_terminal()))
    };
    print(&text)?;
    Ok(DONE)
}
