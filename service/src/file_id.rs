//! Which file a name stands for: two names of one file, by links or as a standard stream, have one id.

use std::fs::{File, Metadata};
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Links that are followed to a file that is not there yet; the system follows as many.
const LINKS_MAX: usize = 40;

/// One regular file. Pipes and devices have no id: writing to them destroys nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileId(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Device and inode.
    There(u64, u64),
    /// Where it would be made: its folder's real path, and its name.
    New(PathBuf),
}

impl FileId {
    /// Of the file that `path` leads to, or would make.
    pub fn of(path: &Path) -> Option<Self> {
        match path.metadata() {
            Ok(metadata) => Self::of_regular(&metadata),
            Err(_) => to_be_made(path).map(|path| Self(Place::New(path))),
        }
    }

    /// Of what standard input is redirected from.
    pub fn of_stdin() -> Option<Self> {
        Self::of_regular(&metadata(io::stdin().as_fd()).ok()?)
    }

    /// Of what standard output is redirected to.
    pub fn of_stdout() -> Option<Self> {
        Self::of_regular(&metadata(io::stdout().as_fd()).ok()?)
    }

    fn of_regular(metadata: &Metadata) -> Option<Self> {
        let place = Place::There(metadata.dev(), metadata.ino());
        metadata.is_file().then_some(Self(place))
    }
}

/// Whether `path` names what standard output is, and that keeps or shows what is written: a file, a
/// pipe, a terminal. In `/dev/null` nothing can mix.
pub(crate) fn is_stdout(path: &Path) -> bool {
    let stdout = io::stdout();
    let (Ok(named), Ok(stream)) = (path.metadata(), metadata(stdout.as_fd())) else {
        return false;
    };
    let is_kept = stdout.is_terminal() || !stream.file_type().is_char_device();
    is_kept && (named.dev(), named.ino()) == (stream.dev(), stream.ino())
}

fn metadata(stream: BorrowedFd<'_>) -> io::Result<Metadata> {
    File::from(stream.try_clone_to_owned()?).metadata()
}

/// Where writing to `path`, which leads to no file, would make one: a link may lead there.
fn to_be_made(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let folder = match path.parent()? {
            here if here.as_os_str().is_empty() => Path::new("."),
            folder => folder,
        };
        match path.read_link() {
            Ok(target) => path = folder.join(target),
            Err(_) => return Some(folder.canonicalize().ok()?.join(path.file_name()?)),
        }
    }
    None
}
