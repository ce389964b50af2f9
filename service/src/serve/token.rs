//! The token that clients must know where the service listens beyond this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq as _;

use crate::shown;

/// A shorter one could be guessed; a longer one is a mistake. In bytes.
const BYTES_MIN: usize = 16;
const BYTES_MAX: usize = 4096;

/// A secret; what a client gives is compared in constant time, and it is shown nowhere.
#[derive(PartialEq, Eq)]
pub(super) struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file {}: {source}", shown::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "the token in {} has {bytes} bytes, expected {BYTES_MIN} to {BYTES_MAX} visible ASCII characters on one line",
        shown::path(path)
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// What it has.
        bytes: usize,
    },
}

impl Token {
    /// Reads the token in the file at `path`; white space around it does not count.
    pub(super) fn load(path: &Path) -> Result<Self, TokenError> {
        let text = fs::read(path).map_err(|source| TokenError::Read {
            path: path.to_owned(),
            source,
        })?;
        let token = text.trim_ascii();
        let is_good = (BYTES_MIN..=BYTES_MAX).contains(&token.len())
            && token.iter().all(u8::is_ascii_graphic);
        match String::from_utf8(token.to_vec()) {
            Ok(token) if is_good => Ok(Self(token)),
            _ => Err(TokenError::Form {
                path: path.to_owned(),
                bytes: token.len(),
            }),
        }
    }

    /// Whether `headers` know it: as a bearer, or as the password that a browser asks for.
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        let header = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
        let Some((scheme, rest)) = header.and_then(|it| it.split_once(' ')) else {
            return false;
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.is(rest.trim().as_bytes());
        }
        let pair = BASE64_STANDARD.decode(rest.trim()).unwrap_or_default();
        let colon = pair.iter().position(|byte| *byte == b':');
        scheme.eq_ignore_ascii_case("basic") && colon.is_some_and(|at| self.is(&pair[at + 1..]))
    }

    fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(authorization: &str) -> bool {
        let mut headers = HeaderMap::new();
        let value = authorization.parse().expect("a header's value");
        headers.insert(AUTHORIZATION, value);
        Token("0123456789abcdef".to_owned()).is_known(&headers)
    }

    #[test]
    fn a_bearer_or_a_password_is_known_and_nothing_else() {
        assert!(knows("Bearer 0123456789abcdef"));
        assert!(knows("bearer  0123456789abcdef "));
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        assert!(knows(&basic("anyone:0123456789abcdef")));
        assert!(knows(&basic(":0123456789abcdef")));
        let bad = [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Basic !",
            "Basic Og==",
        ];
        for authorization in bad {
            assert!(!knows(authorization), "{authorization:?}");
        }
        assert!(!knows("Bearer 0123456789abcdef0"));
        assert!(!knows(&basic("0123456789abcdef")));
    }
}
