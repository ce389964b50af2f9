//! The damaged end of a journal, in a file of its own beside it.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::opened::sync_name;
use super::tail::Tail;
use crate::shown;

/// Names that are tried.
const NAMES_MAX: u32 = 1000;

/// Copies what stands behind the last true end line of the journal at `path` to a file that was not there
/// before; its name.
pub(super) fn keep(path: &Path, file: &mut File, tail: &Tail) -> io::Result<PathBuf> {
    let (name, mut kept) = create(path, tail.batch + 1)?;
    let copied = copy(file, tail, &name, &mut kept).inspect_err(|_| {
        // Half of it is of no use, and would take the name.
        let _ = std::fs::remove_file(&name);
    });
    copied.map_err(|error| refused(&name, &error))?;
    Ok(name)
}

/// A file by the first name that nothing has, a link that leads nowhere neither.
fn create(path: &Path, batch: u64) -> io::Result<(PathBuf, File)> {
    let mut number = 0;
    loop {
        let name = named(path, batch, number);
        // Whoever may not read the journal may not read a part of it, in no moment.
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&name);
        number += 1;
        match created {
            Ok(kept) => return Ok((name, kept)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < NAMES_MAX => {}
            Err(error) => return Err(refused(&name, &error)),
        }
    }
}

fn named(path: &Path, batch: u64, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{batch}"));
    if number > 0 {
        name.push(format!(".{number}"));
    }
    PathBuf::from(name)
}

fn copy(file: &mut File, tail: &Tail, name: &Path, kept: &mut File) -> io::Result<()> {
    kept.set_permissions(file.metadata()?.permissions())?;
    file.seek(SeekFrom::Start(tail.len))?;
    io::copy(file, kept)?;
    kept.sync_all()?;
    sync_name(name)
}

fn refused(name: &Path, error: &io::Error) -> io::Error {
    let name = shown::path(name);
    let message = format!("its damaged end cannot be kept as {name}: {error}");
    io::Error::new(error.kind(), message)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn what_has_the_name_stays_and_the_next_name_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        std::fs::write(&path, b"all").expect("it is new");
        let (taken, nowhere) = (named(&path, 3, 0), named(&path, 3, 1));
        std::fs::write(&taken, b"another's").expect("it is new");
        symlink("nowhere", &nowhere).expect("it is new");
        let tail = Tail {
            len: 1,
            torn: 2,
            batch: 2,
            damaged: Some(3),
        };
        let mut file = File::open(&path).expect("it is there");
        let kept = keep(&path, &mut file, &tail).expect("there is a name");
        assert_eq!(kept, named(&path, 3, 2));
        assert_eq!(std::fs::read(kept).expect("it is there"), b"ll");
        assert_eq!(std::fs::read(taken).expect("it is there"), b"another's");
        let target = std::fs::read_link(nowhere).expect("it is a link still");
        assert_eq!(target, Path::new("nowhere"));
    }

    #[test]
    fn before_it_has_the_journals_mode_nobody_else_can_open_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_, kept) = create(&folder.path().join("journal"), 1).expect("it is new");
        let mode = kept.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}
