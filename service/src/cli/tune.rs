//! `knhk-poold tune`: records, or asks who has recorded, and says which size is needed.

use std::fs;
use std::path::Path;

use knhk_pool::{ConfigError, snapshot};

use super::arguments::TuneArguments;
use super::{BAD_LINES, DONE, Failure, complain, complain_of_bad_lines, print, settings, style};
use crate::claims::Claims;
use crate::output::WriteError;
use crate::pools::EMIT;
use crate::progress::Progress;
use crate::run::run;
use crate::shown;
use crate::tune::plot::{self, PlotError};
use crate::tune::remote::{self, RemoteError};
use crate::tune::{Tuning, recommendation, report};

/// Why there is no forecast, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum TuneError {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Plot(#[from] PlotError),
    #[error("nothing was acquired from pool {pool:?} of {source_shown}: there is nothing to tell")]
    NothingAcquired { pool: String, source_shown: String },
    #[error(
        "--write: no pool of up to {most} buffers reaches {target} %; the largest reaches {reached}",
        most = knhk_pool::Demand::SIZE_MAX
    )]
    NoSize { target: f64, reached: String },
    #[error("--write: the pools would refuse it: {0}")]
    Refused(ConfigError),
}

pub(super) fn command(arguments: &TuneArguments) -> Result<u8, Failure> {
    let (tuning, code) = match &arguments.from {
        Some(url) => {
            arguments.check_written(Claims::default())?;
            (from_service(arguments, url)?, DONE)
        }
        None => from_run(arguments)?,
    };
    if tuning.demand.acquires() == 0 {
        return Err(Failure::from(TuneError::NothingAcquired {
            pool: tuning.pool,
            source_shown: tuning.source,
        }));
    }
    // Before the report, whose reader may have had enough.
    if let Some(file) = &arguments.plot {
        write(file, &plot::svg(&tuning).map_err(TuneError::from)?)?;
    }
    if let Some(file) = &arguments.write {
        let largest = tuning.forecast(knhk_pool::Demand::SIZE_MAX).hit_rate;
        let none = TuneError::NoSize {
            target: tuning.target.0,
            reached: tuning.target.beside(largest),
        };
        let text = recommendation::toml(&tuning).ok_or(none)?;
        recommendation::check(&tuning).map_err(TuneError::Refused)?;
        write(file, &text)?;
    }
    print(&shown(&tuning, arguments.json))?;
    Ok(code)
}

fn shown(tuning: &Tuning, json: bool) -> String {
    if json {
        format!("{:#}\n", report::to_json(tuning))
    } else {
        use std::io::IsTerminal as _;
        report::render(tuning, style(std::io::stdout().is_terminal()))
    }
}

fn from_service(arguments: &TuneArguments, url: &str) -> Result<Tuning, TuneError> {
    let (pool, demand) = remote::ask(url, arguments.pool.as_deref())?;
    Ok(Tuning {
        source: remote::url_shown(url),
        pool,
        demand,
        target: arguments.target,
    })
}

fn from_run(arguments: &TuneArguments) -> Result<(Tuning, u8), Failure> {
    let settings = settings(&arguments.pools())?;
    let options = arguments.options(&settings)?;
    let progress = Progress::on_terminal();
    let ended = run(&options, &progress);
    progress.clear();
    let summary = ended?;
    complain_of_bad_lines(&summary);
    let demand = snapshot()
        .pools
        .into_iter()
        .filter(|pool| pool.name == EMIT)
        .find_map(|pool| pool.demand);
    let tuning = Tuning {
        source: summary.inputs.join(", "),
        pool: EMIT.to_owned(),
        demand: demand.unwrap_or_default(),
        target: arguments.target,
    };
    let is_bad = summary.bad_lines > 0 && !arguments.lenient;
    Ok((tuning, if is_bad { BAD_LINES } else { DONE }))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|source| WriteError {
        path: file.to_owned(),
        source,
    })?;
    complain(&format!("wrote {}", shown::path(file)));
    Ok(())
}
