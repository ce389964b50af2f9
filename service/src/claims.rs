//! The files of one command: none is written over that it reads, or writes something else to.

use std::path::{Path, PathBuf};

use crate::file_id::FileId;
use crate::input::Input;
use crate::pools::PoolChoice;
use crate::shown;

/// A file would be written that is something else, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is also {role}", shown::path(path))]
pub struct Overwrite {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What else it is.
    pub role: &'static str,
}

/// Files, each with what it is.
#[derive(Debug, Default)]
pub struct Claims(Vec<(FileId, &'static str)>);

impl Claims {
    /// What a run reads.
    pub fn of_reading(inputs: &[Input], hooks: Option<&Path>, pools: &PoolChoice) -> Self {
        let inputs = inputs.iter().filter_map(|input| match input {
            Input::File(path) => FileId::of(path),
            Input::Stdin => FileId::of_stdin(),
            Input::Generated(_) => None,
        });
        let hooks = hooks.and_then(FileId::of);
        let settings = pools.file().and_then(|path| FileId::of(&path));
        Self(
            inputs
                .map(|id| (id, "an input"))
                .chain(hooks.map(|id| (id, "the file of hooks")))
                .chain(settings.map(|id| (id, "the file of settings")))
                .collect(),
        )
    }

    /// Standard output takes something as well.
    pub fn stdout(&mut self) {
        let stdout = FileId::of_stdout();
        self.0.extend(stdout.map(|id| (id, "standard output")));
    }

    /// `path` is to be written, and is `role` from now on.
    ///
    /// # Errors
    ///
    /// [`Overwrite`] when the file, by whatever name, is something already.
    pub fn write(&mut self, path: &Path, role: &'static str) -> Result<(), Overwrite> {
        let Some(id) = FileId::of(path) else {
            return Ok(());
        };
        if let Some((_, role)) = self.0.iter().find(|(claimed, _)| *claimed == id) {
            let path = path.to_owned();
            return Err(Overwrite { path, role });
        }
        self.0.push((id, role));
        Ok(())
    }
}
