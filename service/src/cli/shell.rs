//! What the program prints of itself: completions for shells, and manual pages.

use std::fs;
use std::io;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::arguments::{Arguments, CompletionsArguments, ManArguments, UsageError};
use super::{DONE, Failure, print};
use crate::output::WriteError;

const NAME: &str = "knhk-poold";

pub(super) fn completions(arguments: &CompletionsArguments) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        NAME,
        &mut script,
    );
    print(&String::from_utf8_lossy(&script))?;
    Ok(DONE)
}

pub(super) fn man(arguments: &ManArguments) -> Result<u8, Failure> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    if let Some(dir) = &arguments.dir {
        let cannot = |source| WriteError {
            path: dir.clone(),
            source,
        };
        fs::create_dir_all(dir).map_err(cannot)?;
        clap_mangen::generate_to(program, dir).map_err(cannot)?;
        return Ok(DONE);
    }
    let command = match &arguments.of {
        Some(name) => program
            .find_subcommand(name)
            .ok_or_else(|| unknown(&program, name))?,
        None => &program,
    };
    print(&page(command).map_err(Failure::from)?)?;
    Ok(DONE)
}

fn page(command: &Command) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn unknown(program: &Command, name: &str) -> UsageError {
    UsageError::UnknownCommand {
        name: name.to_owned(),
        known: program
            .get_subcommands()
            .map(Command::get_name)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
