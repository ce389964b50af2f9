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

/// `url`, or what should be one, as [`line`] shows it, without a user's name and password.
pub(crate) fn url(url: &str) -> String {
    line(&without_user(url))
}

/// `url`, or what should be one, without a user's name and password.
pub(crate) fn without_user(url: &str) -> String {
    let Some(scheme_end) = url.find("://") else {
        return url.rsplit('@').next().unwrap_or_default().to_owned();
    };
    let (scheme, rest) = url.split_at(scheme_end + 3);
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(host_end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}{host}{path}")
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

    #[test]
    fn a_url_is_shown_without_a_password() {
        for (given, expected) in [
            (
                "http://me:secret@host:1/v1/pools?a=@",
                "http://host:1/v1/pools?a=@",
            ),
            ("https://me@host", "https://host"),
            ("http://host/me:secret@", "http://host/me:secret@"),
            ("me:sec ret@host", "host"),
            ("//me:secret@host/", "host/"),
            ("http:/me:secret@host", "host"),
            ("host", "host"),
            ("", ""),
            ("\n", "\\n"),
        ] {
            assert_eq!(url(given), expected);
        }
    }
}
