//! Text from outside as messages show it: on one line, and so that a terminal does nothing but print it.

use std::path::Path;

/// Characters of a text that are shown: what a message quotes may be a whole line.
const CHARS_MAX: usize = 200;

/// `text`, escaped and shortened; its quotes and backslashes are left as they are.
pub(crate) fn line(text: &str) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => escaped(&text[..end]) + "…",
        None => escaped(text),
    }
}

/// `path`, escaped.
pub(crate) fn path(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => line.push(c),
            c => line.extend(c.escape_debug()),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_turn_the_text_around_is_escaped() {
        assert_eq!(
            line("a\nb\u{1b}[2J\u{202e}é\"'\\"),
            "a\\nb\\u{1b}[2J\\u{202e}é\"'\\"
        );
        assert_eq!(path(Path::new("d\nir/b.toml")), "d\\nir/b.toml");
        assert_eq!(line(&"é".repeat(201)), "é".repeat(200) + "…");
    }
}
