//! When it is read what an allocation in a hot path leads to.

use knhk_pool::hot_path;

use crate::config_error::config_error;
use crate::status::Status;

/// Reads `KNHK_HOT_PATH` where a handle is made. In a build with marked paths the first acquire would read it
/// else, inside of a hit, where a value that is no mode could only end the process.
pub(crate) fn read_mode() -> Result<(), Status> {
    hot_path::init_from_env()
        .map(|_mode| ())
        .map_err(|wrong| config_error(&wrong))
}
