//! Hooks by name: one set for each `--hooks`, and the one that is asked when a request names none.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::refusal::Refusal;
use crate::hooks::{self, HookSet, HooksError};
use crate::terms::Dictionary;

/// The name of the set that is asked when a request names none.
pub(super) const DEFAULT: &str = "default";

/// Where hooks come from: by name, a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFile {
    /// What `?hooks=` calls it.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

impl HookFile {
    /// `FILE`, or `NAME=FILE`.
    ///
    /// # Errors
    ///
    /// What would have done.
    pub fn of(text: &str) -> Result<Self, &'static str> {
        let is_name = |name: &str| {
            let mut bytes = name.bytes();
            !name.is_empty()
                && name.len() <= 64
                && bytes.all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        let (name, path) = match text.split_once('=') {
            Some((name, path)) if is_name(name) => (name, path),
            Some((name, _)) if !name.contains('/') => {
                return Err("a name has 1 to 64 letters, digits, `_`, `-` and `.`");
            }
            _ => (DEFAULT, text),
        };
        if path.is_empty() {
            return Err("expected FILE or NAME=FILE");
        }
        Ok(Self {
            name: name.to_owned(),
            path: path.into(),
        })
    }
}

/// One set, with the terms that its hooks name.
#[derive(Debug)]
pub(super) struct Hooks {
    pub(super) set: HookSet,
    pub(super) terms: Dictionary,
}

/// All sets.
#[derive(Debug)]
pub(super) struct HookSets(BTreeMap<String, Arc<Hooks>>);

impl HookSets {
    /// Reads `files`. Without a default among them that is ASK(s, p) for each run's first triple.
    pub(super) fn load(files: &[HookFile]) -> Result<Self, HooksError> {
        let ask_first = Hooks {
            set: HookSet::ask_first(),
            terms: Dictionary::default(),
        };
        let mut sets = BTreeMap::from([(DEFAULT.to_owned(), Arc::new(ask_first))]);
        for (index, HookFile { name, path }) in files.iter().enumerate() {
            if let Some(first) = files[..index].iter().find(|it| it.name == *name) {
                return Err(HooksError::TwiceNamed {
                    name: name.clone(),
                    first: first.path.clone(),
                    second: path.clone(),
                });
            }
            let mut terms = Dictionary::default();
            let set = hooks::load(path, &mut terms)?;
            sets.insert(name.clone(), Arc::new(Hooks { set, terms }));
        }
        Ok(Self(sets))
    }

    /// The set named `name`.
    pub(super) fn named(&self, name: Option<&str>) -> Result<Arc<Hooks>, Refusal> {
        let name = name.unwrap_or(DEFAULT);
        let unknown = || Refusal::UnknownHooks {
            name: name.to_owned(),
            known: self
                .0
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        };
        self.0.get(name).cloned().ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_before_the_first_equals_sign_unless_it_is_part_of_a_path() {
        let of = |text| HookFile::of(text).map(|it| (it.name, it.path.display().to_string()));
        let good = |name: &str, path: &str| Ok((name.to_owned(), path.to_owned()));
        assert_eq!(of("hooks.toml"), good("default", "hooks.toml"));
        assert_eq!(of("age=hooks.toml"), good("age", "hooks.toml"));
        assert_eq!(of("age=a=b.toml"), good("age", "a=b.toml"));
        assert_eq!(of("./a=b.toml"), good("default", "./a=b.toml"));
        assert!(of("two words=b.toml").is_err());
        assert!(of("age=").is_err());
        assert!(of("").is_err());
    }
}
