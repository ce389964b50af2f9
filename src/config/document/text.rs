//! The text of a file, and where in it a thing stands.

use std::iter;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::config::ConfigSource;
use crate::config::error::printable;

/// A file's text with an index of its lines, so that to place every value of a file is not to
/// read the file for each.
#[derive(Debug)]
pub(super) struct Text<'i> {
    path: Arc<Path>,
    text: &'i str,
    /// Where each line begins, rising; the first is 0.
    line_starts: Vec<usize>,
}

impl<'i> Text<'i> {
    pub(super) fn new(path: Arc<Path>, text: &'i str) -> Self {
        let newlines = text.match_indices('\n');
        let line_starts = iter::once(0)
            .chain(newlines.map(|(newline, _)| newline + 1))
            .collect();
        Self {
            path,
            text,
            line_starts,
        }
    }

    /// What stands at `span`, for a message.
    pub(super) fn shown(&self, span: Range<usize>) -> String {
        printable(self.text.get(span).unwrap_or_default())
    }

    /// Where `offset` bytes into the text is.
    pub(super) fn place(&self, offset: usize) -> ConfigSource {
        let (line, start) = self.line_of(offset);
        let before = self.text.get(start..offset).unwrap_or_default();
        let chars = before.trim_start_matches('\u{feff}').chars().count();
        // A file of at most 1 MiB has neither more lines nor more characters than fit.
        let (line, column) = (line as u32, chars as u32 + 1);
        ConfigSource::Line {
            path: Arc::clone(&self.path),
            line,
            column,
        }
    }

    /// The line that holds `offset`.
    pub(super) fn line(&self, offset: usize) -> &'i str {
        let (_, start) = self.line_of(offset);
        self.text
            .get(start..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default()
    }

    /// The number of the line that holds `offset`, from 1, and where it begins.
    fn line_of(&self, offset: usize) -> (usize, usize) {
        let line = self
            .line_starts
            .partition_point(|start| *start <= offset)
            .max(1);
        (line, self.line_starts[line - 1])
    }
}
