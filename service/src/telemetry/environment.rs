//! The standard `OTEL_*` variables: read here, and nowhere else in the service.
//!
//! As the OpenTelemetry specification has it, an empty variable is unset, and a number, a flag or a
//! name that is not understood is ignored with a warning: [`Variables::notes`]. Values that cannot be
//! ignored without sending data elsewhere (endpoints) are errors, in [`super::exports`].

use std::cell::RefCell;
use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;

use super::TelemetryError;
use crate::userinfo;

/// Looks a variable up.
type Read<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// An environment, and what was found to be wrong with it.
pub(super) struct Variables<'a> {
    read: Box<Read<'a>>,
    notes: RefCell<Vec<String>>,
}

impl fmt::Debug for Variables<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables")
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

impl<'a> Variables<'a> {
    pub(super) fn of_process() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    pub(super) fn of(read: impl Fn(&str) -> Option<OsString> + 'a) -> Self {
        Self {
            read: Box::new(read),
            notes: RefCell::default(),
        }
    }

    /// One line for each variable that was ignored.
    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// What `name` holds; nothing if it is empty, or not UTF-8.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = (self.read)(name).filter(|value| !value.is_empty())?;
        match value.into_string() {
            Ok(value) => Some(value),
            Err(value) => {
                self.ignore(name, &value.to_string_lossy(), "UTF-8");
                None
            }
        }
    }

    /// Whether `name` holds anything.
    pub(super) fn holds(&self, name: &str) -> bool {
        (self.read)(name).is_some_and(|value| !value.is_empty())
    }

    /// What `name` holds; nothing if it is empty. Another URL in its place would send data elsewhere.
    pub(super) fn url(&self, name: &str) -> Result<Option<String>, TelemetryError> {
        let Some(value) = (self.read)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let refused = |value: OsString| TelemetryError::Value {
            name: name.to_owned(),
            value: userinfo::removed(&value.to_string_lossy()),
            expected: "a URL in UTF-8",
        };
        value.into_string().map(Some).map_err(refused)
    }

    /// The first of `names` that holds something, with its name.
    pub(super) fn first(&self, names: [String; 2]) -> Option<(String, String)> {
        let mut names = names.into_iter();
        names.find_map(|name| self.text(&name).map(|value| (name, value)))
    }

    /// A number within `range`.
    pub(super) fn number(&self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.text(name)?;
        let number = value.trim().parse().ok().filter(|it| range.contains(it));
        if number.is_none() {
            let expected = format!("{} to {}", range.start(), range.end());
            self.ignore(name, &value, &expected);
        }
        number
    }

    /// `true` in any case; what is neither `true` nor `false` is a warning, and `false`.
    pub(super) fn is_true(&self, name: &str) -> bool {
        let Some(value) = self.text(name) else {
            return false;
        };
        let is = |word: &str| value.trim().eq_ignore_ascii_case(word);
        if !is("true") && !is("false") {
            self.ignore(name, &value, "true or false");
        }
        is("true")
    }

    /// The value, if it is one of `known`, in any case.
    pub(super) fn one_of(&self, name: &str, known: &[&'static str]) -> Option<&'static str> {
        let value = self.text(name)?;
        let is = |word: &&&str| value.trim().eq_ignore_ascii_case(word);
        let found = known.iter().find(is).copied();
        if found.is_none() {
            self.ignore(name, &value, &known.join(", "));
        }
        found
    }

    /// Tells that `name` counts as unset.
    pub(super) fn ignore(&self, name: &str, value: &str, expected: &str) {
        self.tell(format!(
            "{name} is {value:?}, expected {expected}; it is ignored"
        ));
    }

    /// Tells that `name` is set, and has no effect here.
    pub(super) fn refuse(&self, name: &str, reason: &str) {
        if self.text(name).is_some() {
            self.tell(format!("{name} is ignored: {reason}"));
        }
    }

    /// Adds a line, but none twice: a variable that holds for all signals is read for each.
    pub(super) fn tell(&self, note: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Variables<'_> {
        Variables::of(move |name| (name == "X").then(|| value.into()))
    }

    #[test]
    fn a_number_outside_of_its_range_is_ignored_with_name_value_and_range() {
        for (value, number) in [("1", Some(1)), (" 9 ", Some(9)), ("", None)] {
            let variables = one(value);
            assert_eq!(variables.number("X", 1..=9), number);
            assert!(variables.notes().is_empty(), "{value}");
        }
        for bad in ["0", "10", "-1", "1.5", "ten"] {
            let variables = one(bad);
            assert_eq!(variables.number("X", 1..=9), None);
            let note = format!("X is {bad:?}, expected 1 to 9; it is ignored");
            assert_eq!(variables.notes(), [note]);
        }
    }

    #[test]
    fn only_the_word_true_is_true_and_other_words_are_told() {
        for (value, is_true, notes) in [
            ("true", true, 0),
            ("TRUE", true, 0),
            ("false", false, 0),
            ("", false, 0),
            ("1", false, 1),
            ("yes", false, 1),
        ] {
            let variables = one(value);
            assert_eq!(variables.is_true("X"), is_true, "{value}");
            assert_eq!(variables.notes().len(), notes, "{value}");
        }
    }
}
