//! Reads hooks from TOML. Every refusal names file, line and column.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use knhk_pool::RUN_LEN_MAX;
use oxrdf::Term;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::{Bound, HookSet, Order, Test};
use crate::shown;
use crate::terms::{Collision, Dictionary, HASHED};
use crate::toml_error::{TomlError, TomlText};

/// The hooks cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// The file cannot be read.
    #[error("cannot read hooks {}: {source}", shown::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Two files are to be one set.
    #[error(
        "two sets of hooks are named {name}: {} and {}",
        shown::path(first),
        shown::path(second)
    )]
    TwiceNamed {
        /// What both are called.
        name: String,
        /// The first file.
        first: PathBuf,
        /// The second file.
        second: PathBuf,
    },
    /// The file says something that is not a hook.
    #[error(transparent)]
    Invalid(#[from] TomlError),
    /// Two terms have one id.
    #[error(transparent)]
    Collision(#[from] Collision),
}

/// Reads the hooks in the file at `path`; their terms are interned in `terms`.
///
/// # Errors
///
/// [`HooksError`] when the file cannot be read or holds anything but hooks.
pub fn load(path: &Path, terms: &mut Dictionary) -> Result<HookSet, HooksError> {
    let text = std::fs::read_to_string(path).map_err(|source| HooksError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&text, path, terms)
}

/// Reads hooks from `text`; `path` is named in errors.
///
/// # Errors
///
/// [`HooksError::Invalid`] with the place, [`HooksError::Collision`].
///
/// # Examples
///
/// ```
/// use knhk_poold::{hooks, terms::Dictionary};
///
/// let text = r#"
/// [[hook]]
/// name = "of age"
/// op = "compare_o_ge"
/// p = "<http://example.org/age>"
/// o = 18
/// "#;
/// let set = hooks::parse(text, "hooks.toml".as_ref(), &mut Dictionary::default())?;
/// assert_eq!(set.names(), ["of age"]);
///
/// let error = hooks::parse("\n[[hook]]\nop = 'ask_ps'", "h.toml".as_ref(), &mut Dictionary::default())
///     .expect_err("there is no such operation");
/// assert!(error.to_string().starts_with("h.toml:3:6: unknown variant `ask_ps`"), "{error}");
/// # Ok::<(), hooks::HooksError>(())
/// ```
pub fn parse(text: &str, path: &Path, terms: &mut Dictionary) -> Result<HookSet, HooksError> {
    let source = Source(TomlText { path, text });
    let file: File = source.0.read()?;
    let mut hooks = Vec::with_capacity(file.hook.len());
    for entry in &file.hook {
        hooks.push(source.resolve(entry, terms)?);
    }
    if hooks.is_empty() {
        return Err(source.invalid(0..0, "no [[hook]] in this file"));
    }
    Ok(HookSet::new(hooks))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    hook: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    op: Spanned<Operation>,
    p: Spanned<String>,
    s: Option<Spanned<Value>>,
    o: Option<Spanned<Value>>,
    k: Option<Spanned<Value>>,
    construct_p: Option<Spanned<String>>,
    construct_o: Option<Spanned<Value>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    AskSp,
    AskSpo,
    AskOp,
    CountSpGe,
    CountSpLe,
    CountSpEq,
    CountOpGe,
    CountOpLe,
    CountOpEq,
    UniqueSp,
    CompareOEq,
    CompareOLt,
    CompareOGt,
    CompareOLe,
    CompareOGe,
    Construct8,
}

/// A term is N-Triples text, or a number, which stands for its `xsd:integer`. What is neither is
/// refused here and not by serde, which would speak of its own types.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Text(String),
    Other(IgnoredAny),
}

/// The fields that an operation has, beside `name`, `op` and `p`.
#[derive(Default)]
struct Fields {
    s: Option<u64>,
    o: Option<u64>,
    k: Option<u64>,
    construct_p: Option<u64>,
    construct_o: Option<u64>,
}

struct Source<'a>(TomlText<'a>);

impl Source<'_> {
    fn resolve(
        &self,
        entry: &Spanned<Entry>,
        terms: &mut Dictionary,
    ) -> Result<(String, u64, Test), HooksError> {
        let Entry {
            name,
            op,
            p,
            s,
            o,
            k,
            construct_p,
            construct_o,
        } = entry.get_ref();
        let mut value = |name: &str, given: &Option<Spanned<Value>>| {
            given
                .as_ref()
                .map(|given| self.term(name, given, terms))
                .transpose()
        };
        let (s_id, o_id) = (value("s", s)?, value("o", o)?);
        let construct_o_id = value("construct_o", construct_o)?;
        let mut fields = Fields {
            s: s_id,
            o: o_id,
            k: k.as_ref().map(|k| self.count(k)).transpose()?,
            construct_p: construct_p
                .as_ref()
                .map(|p| self.predicate(p, terms))
                .transpose()?,
            construct_o: construct_o_id,
        };
        let predicate = self.predicate(p, terms)?;
        let refuse_at =
            |span, why: String| self.invalid(span, &format!("hook {:?}: {why}", name.get_ref()));
        let refuse = |why| refuse_at(op.span(), why);
        let test = fields
            .test(*op.get_ref())
            .map_err(|field| refuse(format!("this operation needs `{field}`")))?;
        if let Some(field) = fields.left() {
            return Err(refuse(format!("this operation has no `{field}`")));
        }
        if let (Some(o), true) = (o, test.compares_without_order()) {
            let max = HASHED - 1;
            let why = format!(
                "this operation needs an `o` that has an order: an xsd:integer from 0 to {max}, without sign or leading zeros"
            );
            return Err(refuse_at(o.span(), why));
        }
        Ok((name.get_ref().clone(), predicate, test))
    }

    fn term(
        &self,
        name: &str,
        value: &Spanned<Value>,
        terms: &mut Dictionary,
    ) -> Result<u64, HooksError> {
        let refuse = |why: &str| Err(self.invalid(value.span(), why));
        let text = match value.get_ref() {
            Value::Text(text) => text,
            Value::Number(number) if *number >= 0 => return Ok(number.unsigned_abs()),
            _ => {
                let max = HASHED - 1;
                let expected =
                    format!("an N-Triples term in quotes, or an integer from 0 to {max}");
                return Err(self.unexpected(name, value, &expected));
            }
        };
        let not = "not an N-Triples term such as <http://…> or \"text\"";
        match Term::from_str(text) {
            Ok(Term::BlankNode(_)) => refuse("a blank node has a meaning only within its file"),
            // Turtle's short ways to write numbers and booleans are read, too.
            Ok(_) if !text.starts_with(['<', '"']) => refuse(not),
            Ok(term) => Ok(terms.intern(term.as_ref(), 0)?),
            Err(error) => refuse(&format!("{not}: {error}")),
        }
    }

    fn count(&self, value: &Spanned<Value>) -> Result<u64, HooksError> {
        let count = match value.get_ref() {
            Value::Number(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        let expected = || {
            let expected = format!("an integer from 0 to {RUN_LEN_MAX}, the triples of a run");
            self.unexpected("k", value, &expected)
        };
        count
            .filter(|count| *count <= RUN_LEN_MAX as u64)
            .ok_or_else(expected)
    }

    /// `value` as it stands in the file is not what the field `name` may have.
    fn unexpected(&self, name: &str, value: &Spanned<Value>, expected: &str) -> HooksError {
        let found = match value.get_ref() {
            Value::Text(text) => format!("{text:?}"),
            _ => self.0.text.get(value.span()).unwrap_or_default().to_owned(),
        };
        let message = format!("{name}: expected {expected}, found {found}");
        self.invalid(value.span(), &message)
    }

    fn predicate(&self, text: &Spanned<String>, terms: &mut Dictionary) -> Result<u64, HooksError> {
        match Term::from_str(text.get_ref()) {
            Ok(Term::NamedNode(iri)) => Ok(terms.intern(iri.as_ref().into(), 0)?),
            _ => Err(self.invalid(text.span(), "a predicate must be an IRI such as <http://…>")),
        }
    }

    fn invalid(&self, span: Range<usize>, message: &str) -> HooksError {
        self.0.error(span, message).into()
    }
}

impl Test {
    /// Whether it asks what is above or below a term whose id is a hash, which has no order.
    fn compares_without_order(self) -> bool {
        matches!(self, Self::CompareO { order, o } if order != Order::Equal && o & HASHED != 0)
    }
}

impl Fields {
    /// The operation with its fields, which are taken; or the name of one that is missing.
    fn test(&mut self, op: Operation) -> Result<Test, &'static str> {
        Ok(match op {
            Operation::AskSp => Test::AskSp { s: self.take_s()? },
            Operation::AskSpo => Test::AskSpo {
                s: self.take_s()?,
                o: self.take_o()?,
            },
            Operation::AskOp => Test::AskOp { o: self.take_o()? },
            Operation::CountSpGe => self.count_sp(Bound::AtLeast)?,
            Operation::CountSpLe => self.count_sp(Bound::AtMost)?,
            Operation::CountSpEq => self.count_sp(Bound::Exactly)?,
            Operation::CountOpGe => self.count_op(Bound::AtLeast)?,
            Operation::CountOpLe => self.count_op(Bound::AtMost)?,
            Operation::CountOpEq => self.count_op(Bound::Exactly)?,
            Operation::UniqueSp => Test::UniqueSp { s: self.take_s()? },
            Operation::CompareOEq => self.compare_o(Order::Equal)?,
            Operation::CompareOLt => self.compare_o(Order::Less)?,
            Operation::CompareOGt => self.compare_o(Order::Greater)?,
            Operation::CompareOLe => self.compare_o(Order::LessOrEqual)?,
            Operation::CompareOGe => self.compare_o(Order::GreaterOrEqual)?,
            Operation::Construct8 => Test::Construct8 {
                p: self.construct_p.take().ok_or("construct_p")?,
                o: self.construct_o.take().ok_or("construct_o")?,
            },
        })
    }

    /// A field that no operation took.
    fn left(&self) -> Option<&'static str> {
        let fields = [
            ("s", self.s),
            ("o", self.o),
            ("k", self.k),
            ("construct_p", self.construct_p),
            ("construct_o", self.construct_o),
        ];
        fields
            .into_iter()
            .find_map(|(name, value)| value.map(|_| name))
    }

    fn count_sp(&mut self, bound: Bound) -> Result<Test, &'static str> {
        Ok(Test::CountSp {
            s: self.take_s()?,
            bound,
            k: self.take_k()?,
        })
    }

    fn count_op(&mut self, bound: Bound) -> Result<Test, &'static str> {
        Ok(Test::CountOp {
            o: self.take_o()?,
            bound,
            k: self.take_k()?,
        })
    }

    fn compare_o(&mut self, order: Order) -> Result<Test, &'static str> {
        Ok(Test::CompareO {
            order,
            o: self.take_o()?,
        })
    }

    fn take_s(&mut self) -> Result<u64, &'static str> {
        self.s.take().ok_or("s")
    }

    fn take_o(&mut self) -> Result<u64, &'static str> {
        self.o.take().ok_or("o")
    }

    fn take_k(&mut self) -> Result<u64, &'static str> {
        self.k.take().ok_or("k")
    }
}
