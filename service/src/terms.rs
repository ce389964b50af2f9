//! 64-bit ids for RDF terms, and the dictionary back from an id to its term.
//!
//! | term | id |
//! |---|---|
//! | canonical non-negative `xsd:integer` below 2^63 (`"0"`, `"42"`) | the number itself |
//! | every other term (`"007"` too) | XXH3-64 of its N-Triples text, with the top bit set |
//!
//! So the two kinds never meet, and a comparison of two integers' ids compares the integers. A
//! blank node's label is scoped to its file: `_:b` of file 2 is hashed, and written, as `_:f2_b`.
//! Two terms with one hash are an error, never a mix-up.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

use oxrdf::vocab::xsd;
use oxrdf::{LiteralRef, TermRef};
use xxhash_rust::xxh3::xxh3_64;

/// Set in the id of every term that is hashed; clear in the id of every integer.
pub const HASHED: u64 = 1 << 63;

/// The datatype part of an integer's N-Triples text.
const INTEGER_SUFFIX: &[u8] = b"\"^^<http://www.w3.org/2001/XMLSchema#integer>";

/// Two different terms have the same id, so that no result could be trusted.
#[derive(Debug, thiserror::Error)]
#[error("two terms have the same 64-bit id {id:#018x}: {first} and {second}")]
pub struct Collision {
    /// The id that both have.
    pub id: u64,
    /// The term that was there first, as N-Triples text.
    pub first: String,
    /// The term that came later.
    pub second: String,
}

/// Where a term's text stands in [`Dictionary::text`].
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    len: usize,
}

/// From an id to its term's N-Triples text: each text is stored once, and integers not at all.
///
/// # Examples
///
/// ```
/// use knhk_poold::terms::{Dictionary, HASHED};
/// use oxrdf::NamedNodeRef;
///
/// let mut terms = Dictionary::default();
/// let id = terms.intern(NamedNodeRef::new("http://example.org/a")?.into(), 0)?;
/// assert_eq!(id & HASHED, HASHED);
///
/// let mut text = Vec::new();
/// terms.write(id, |bytes| text.extend_from_slice(bytes));
/// assert_eq!(text, b"<http://example.org/a>");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    text: String,
    spans: HashMap<u64, Span, BuildHasherDefault<IdHasher>>,
    scratch: String,
}

impl Dictionary {
    /// The id of `term`, which is remembered. `file` is the scope of a blank node's label.
    ///
    /// # Errors
    ///
    /// [`Collision`] when another term has the same id.
    pub fn intern(&mut self, term: TermRef<'_>, file: usize) -> Result<u64, Collision> {
        if let TermRef::Literal(literal) = term
            && let Some(number) = integer(literal)
        {
            return Ok(number);
        }
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        write_scoped(term, file, &mut text);
        let interned = self.intern_text(xxh3_64(text.as_bytes()) | HASHED, &text);
        self.scratch = text;
        interned
    }

    fn intern_text(&mut self, id: u64, text: &str) -> Result<u64, Collision> {
        match self.spans.entry(id) {
            Entry::Vacant(place) => {
                place.insert(Span {
                    start: self.text.len(),
                    len: text.len(),
                });
                self.text.push_str(text);
                Ok(id)
            }
            Entry::Occupied(place) => {
                let Span { start, len } = *place.get();
                let first = &self.text[start..start + len];
                if first == text {
                    return Ok(id);
                }
                Err(Collision {
                    id,
                    first: first.to_owned(),
                    second: text.to_owned(),
                })
            }
        }
    }

    /// Hands `id`'s N-Triples text to `out`, piece by piece. An id that was never interned has no
    /// text: nothing is handed out.
    ///
    /// # Cost
    ///
    /// One hash look-up, or the digits of a number. Allocates nothing.
    pub fn write(&self, id: u64, mut out: impl FnMut(&[u8])) {
        if id & HASHED == 0 {
            out(b"\"");
            out(itoa::Buffer::new().format(id).as_bytes());
            out(INTEGER_SUFFIX);
        } else if let Some(text) = self.text_of(id) {
            out(text.as_bytes());
        }
    }

    fn text_of(&self, id: u64) -> Option<&str> {
        let span = self.spans.get(&id)?;
        self.text.get(span.start..span.start + span.len)
    }

    /// The ids of the hashed terms known, in no order.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.spans.keys().copied()
    }

    /// Hashed terms known.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether no hashed term is known.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

/// The value of a canonical non-negative `xsd:integer` below 2^63.
fn integer(literal: LiteralRef<'_>) -> Option<u64> {
    if literal.datatype() != xsd::INTEGER {
        return None;
    }
    let digits = literal.value();
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    let number = digits.parse::<u64>().ok().filter(|_| canonical)?;
    (number < HASHED).then_some(number)
}

fn write_scoped(term: TermRef<'_>, file: usize, text: &mut String) {
    let written = match term {
        TermRef::BlankNode(node) => write!(text, "_:f{file}_{}", node.as_str()),
        term => write!(text, "{term}"),
    };
    written.expect("writing to a String does not fail");
}

/// Ids of terms, each once.
pub type IdSet = HashSet<u64, BuildHasherDefault<IdHasher>>;

/// Ids are hashes already (or numbers, which are never looked up): no second hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxrdf::{BlankNodeRef, NamedNodeRef};

    fn id_of_integer(digits: &str) -> u64 {
        let literal = LiteralRef::new_typed_literal(digits, xsd::INTEGER);
        Dictionary::default()
            .intern(literal.into(), 0)
            .expect("an empty dictionary")
    }

    #[test]
    fn canonical_integers_below_2_63_are_their_own_ids() {
        for (digits, id) in [("0", 0), ("7", 7), ("9223372036854775807", HASHED - 1)] {
            assert_eq!(id_of_integer(digits), id, "{digits}");
        }
    }

    #[test]
    fn every_other_integer_text_is_hashed() {
        let others = [
            "007",
            "00",
            "+7",
            "-1",
            "-0",
            "",
            " 7",
            "7 ",
            "٧",
            "9223372036854775808",
            "18446744073709551616",
        ];
        for digits in others {
            assert_eq!(id_of_integer(digits) & HASHED, HASHED, "{digits:?}");
        }
    }

    #[test]
    fn another_datatype_is_hashed() {
        let literal = LiteralRef::new_typed_literal("7", xsd::LONG);
        let id = Dictionary::default()
            .intern(literal.into(), 0)
            .expect("no collision");
        assert_eq!(id & HASHED, HASHED);
    }

    #[test]
    fn a_blank_node_is_scoped_to_its_file() {
        let mut terms = Dictionary::default();
        let node = BlankNodeRef::new_unchecked("b");
        let [first, again, other] =
            [0, 0, 1].map(|file| terms.intern(node.into(), file).expect("no collision"));
        assert_eq!(first, again);
        assert_ne!(first, other);
        assert_eq!(terms.text_of(other), Some("_:f1_b"));
    }

    #[test]
    fn a_collision_names_both_terms() {
        let mut terms = Dictionary::default();
        let id = terms
            .intern(NamedNodeRef::new_unchecked("http://a").into(), 0)
            .expect("the first");
        let error = terms
            .intern_text(id, "<http://b>")
            .expect_err("another text, the same id");
        let message = error.to_string();
        assert!(
            message.contains("<http://a>") && message.contains("<http://b>"),
            "{message}"
        );
    }
}
