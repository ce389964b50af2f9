//! `knhk-poold config`: every setting of the service and its pools, each with its source.

use super::arguments::ConfigArguments;
use super::{DONE, Failure, print, settings};
use crate::effective::Effective;
use crate::pools::EMIT;
use crate::run::RunError;
use crate::serve::check_sum;

pub(super) fn command(arguments: &ConfigArguments) -> Result<u8, Failure> {
    let choice = arguments.choice();
    let settings = settings(&choice)?;
    check_sum(&settings, &choice.build(EMIT).map_err(RunError::from)?)?;
    let effective = Effective::of(settings, &choice).map_err(RunError::from)?;
    print(&if arguments.json {
        effective.as_json()
    } else {
        effective.as_toml()
    })?;
    Ok(DONE)
}
