//! What stands in the parentheses of `#[hot_path(…)]`.

use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

use crate::{Error, path};

const MODES: [(&str, &str); 4] = [
    ("\"panic\"", "Panic"),
    ("\"abort\"", "Abort"),
    ("\"warn\"", "Warn"),
    ("\"count\"", "Count"),
];

/// The arguments that were given.
#[derive(Default)]
pub(crate) struct Arguments {
    section: Option<Literal>,
    mode: Option<&'static str>,
    krate: Option<TokenStream>,
}

impl Arguments {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self, Error> {
        let mut arguments = Self::default();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(key) = tokens.next() {
            match tokens.next() {
                Some(TokenTree::Punct(equals)) if equals.as_char() == '=' => {}
                other => {
                    let span = other.map_or(key.span(), |token| token.span());
                    return Err(Error::new(
                        "expected `section`, `mode` or `crate`, then `=`",
                        span,
                    ));
                }
            }
            let mut value = Vec::new();
            while let Some(token) = tokens.next_if(|token| !is_comma(token)) {
                value.push(token);
            }
            tokens.next();
            arguments.take(&key, value)?;
        }
        Ok(arguments)
    }

    fn take(&mut self, key: &TokenTree, value: Vec<TokenTree>) -> Result<(), Error> {
        let is_repeated = match key.to_string().as_str() {
            "section" => self.section.replace(text(key, value)?).is_some(),
            "mode" => self.mode.replace(mode(&text(key, value)?)?).is_some(),
            "crate" if value.is_empty() => {
                return Err(Error::new(
                    "expected a path, as in `crate = crate`",
                    key.span(),
                ));
            }
            "crate" => self.krate.replace(value.into_iter().collect()).is_some(),
            unknown => {
                let message =
                    format!("unknown argument `{unknown}`, expected `section`, `mode` or `crate`");
                return Err(Error::new(message, key.span()));
            }
        };
        if is_repeated {
            return Err(Error::new(format!("`{key}` is given twice"), key.span()));
        }
        Ok(())
    }

    /// `::knhk_pool::private::enter(section, mode)`, at `span`.
    pub(crate) fn enter(&self, function: &str, span: Span) -> TokenStream {
        let mut arguments = self.name(function, span);
        arguments.extend(path(",::core::option::Option::", span));
        match self.mode {
            None => arguments.extend(path("None", span)),
            Some(mode) => {
                let mut value = self.library(span);
                value.extend(path(&format!("::private::Mode::{mode}"), span));
                arguments.extend(path("Some", span));
                arguments.extend([group(Delimiter::Parenthesis, value, span)]);
            }
        }
        let mut call = self.library(span);
        call.extend(path("::private::enter", span));
        call.extend([group(Delimiter::Parenthesis, arguments, span)]);
        call
    }

    /// `::knhk_pool::private::moves! { moves }`: the moves where the library is armed, else nothing.
    pub(crate) fn moves(&self, moves: TokenStream, span: Span) -> TokenStream {
        if moves.is_empty() {
            return moves;
        }
        let mut call = self.library(span);
        call.extend(path("::private::moves!", span));
        call.extend([TokenTree::from(Group::new(Delimiter::Brace, moves))]);
        call
    }

    /// As `crate` names it, else `::knhk_pool`.
    fn library(&self, span: Span) -> TokenStream {
        let named = self.krate.clone();
        named.unwrap_or_else(|| path("::knhk_pool", span))
    }

    /// The section's name: as given, else `concat!(module_path!(), "::function")`.
    fn name(&self, function: &str, span: Span) -> TokenStream {
        if let Some(name) = &self.section {
            return TokenTree::from(name.clone()).into();
        }
        let mut parts = path("::core::module_path!", span);
        parts.extend([group(Delimiter::Parenthesis, TokenStream::new(), span)]);
        parts.extend(path(",", span));
        parts.extend([TokenTree::from(Literal::string(&format!("::{function}")))]);
        let mut name = path("::core::concat!", span);
        name.extend([group(Delimiter::Parenthesis, parts, span)]);
        name
    }
}

fn group(delimiter: Delimiter, inside: TokenStream, span: Span) -> TokenTree {
    let mut group = TokenTree::from(Group::new(delimiter, inside));
    group.set_span(span);
    group
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',')
}

/// The one string literal that `value` is.
fn text(key: &TokenTree, value: Vec<TokenTree>) -> Result<Literal, Error> {
    let span = value.first().map_or(key.span(), TokenTree::span);
    let wrong = || Error::new(format!("expected a string, as in `{key} = \"…\"`"), span);
    let mut value = value.into_iter();
    let (Some(only), None) = (value.next(), value.next()) else {
        return Err(wrong());
    };
    match only {
        TokenTree::Literal(literal) if literal.to_string().ends_with('"') => {
            let text = literal.to_string();
            if text.starts_with('"') || text.starts_with('r') {
                Ok(literal)
            } else {
                Err(wrong())
            }
        }
        // A `$name:literal` of a macro comes in an invisible group.
        TokenTree::Group(inner) if inner.delimiter() == Delimiter::None => {
            text(key, inner.stream().into_iter().collect())
        }
        _ => Err(wrong()),
    }
}

fn mode(text: &Literal) -> Result<&'static str, Error> {
    let written = text.to_string();
    let known = MODES.iter().find(|(name, _)| *name == written);
    known.map(|(_, variant)| *variant).ok_or_else(|| {
        let message =
            format!("mode is {written}, expected \"panic\", \"abort\", \"warn\" or \"count\"");
        Error::new(message, text.span())
    })
}
