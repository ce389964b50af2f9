//! A function item, taken apart as far as the mark needs it.

use std::iter::Peekable;
use std::vec;

use proc_macro::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};

use crate::arguments::Arguments;
use crate::{Error, path};

/// A function with a body.
pub(crate) struct Function {
    /// Attributes, visibility, qualifiers, `fn`, name and generics.
    head: Vec<TokenTree>,
    name: Ident,
    inputs: Group,
    /// Between the inputs and the body: output and bounds.
    tail: Vec<TokenTree>,
    body: Group,
}

/// What a macro's `$body:block` has put into an invisible group.
fn unwrapped(token: TokenTree) -> TokenTree {
    if let TokenTree::Group(group) = &token
        && group.delimiter() == Delimiter::None
    {
        let mut inside = group.stream().into_iter();
        if let (Some(only), None) = (inside.next(), inside.next()) {
            return unwrapped(only);
        }
    }
    token
}

type Tokens = Peekable<vec::IntoIter<TokenTree>>;

impl Function {
    pub(crate) fn parse(item: TokenStream) -> Result<Self, Error> {
        let tokens: Vec<TokenTree> = item.into_iter().collect();
        let mut tokens = tokens.into_iter().peekable();
        let mut head = Vec::new();
        let name = up_to_name(&mut tokens, &mut head)?;
        let inputs = up_to_inputs(&mut tokens, &mut head)
            .ok_or_else(|| Error::new("expected a function", name.span()))?;
        let mut tail: Vec<TokenTree> = tokens.collect();
        match tail.pop().map(unwrapped) {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => Ok(Self {
                head,
                name,
                inputs,
                tail,
                body,
            }),
            other => Err(Error::new(
                "`#[hot_path]` marks a function's body, and this function has none",
                other.map_or(name.span(), |token| token.span()),
            )),
        }
    }

    /// The function with the section's first statement.
    pub(crate) fn marked(self, arguments: &Arguments) -> TokenStream {
        let span = self.name.span();
        // Not a name that the body could use.
        let guard = Ident::new("__section", Span::mixed_site());
        let mut first = path("let", span);
        first.extend([TokenTree::from(guard)]);
        first.extend(path("=", span));
        let name = self.name.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name);
        first.extend(arguments.enter(name, span));
        first.extend(path(";", span));

        let (inputs, moves) = moved_inputs(self.inputs.stream());
        let (inner_attributes, statements) = split_inner_attributes(self.body.stream());
        let mut body = inner_attributes;
        body.extend(first);
        body.extend(arguments.moves(moves, span));
        body.extend(in_an_arm(statements));

        let mut output: TokenStream = self.head.into_iter().collect();
        output.extend([regrouped(&self.inputs, inputs)]);
        output.extend(self.tail);
        output.extend([regrouped(&self.body, body)]);
        output
    }
}

/// Takes attributes, visibility and qualifiers, `fn`, and the name.
fn up_to_name(tokens: &mut Tokens, head: &mut Vec<TokenTree>) -> Result<Ident, Error> {
    while let Some(token) = tokens.next() {
        let word = match &token {
            TokenTree::Ident(word) => word.to_string(),
            // Attributes, the ABI, the parentheses of `pub(…)`, and what a macro has put into
            // invisible groups.
            TokenTree::Punct(_) | TokenTree::Literal(_) | TokenTree::Group(_) => String::new(),
        };
        let span = token.span();
        let is_qualifier = matches!(tokens.peek(), Some(TokenTree::Ident(next))
            if ["async", "unsafe", "safe", "extern", "fn"].contains(&&*next.to_string()));
        match &*word {
            "async" if is_qualifier => {
                return Err(Error::new(
                    "`#[hot_path]` cannot mark an `async fn`: a section belongs to one thread, and \
                     a future may change threads between polls; mark the synchronous function \
                     that it calls",
                    span,
                ));
            }
            "const" if is_qualifier => {
                return Err(Error::new(
                    "`#[hot_path]` cannot mark a `const fn`: it may run at compile time, where \
                     there is no allocator to look at",
                    span,
                ));
            }
            "fn" => {
                head.push(token);
                return match tokens.next() {
                    Some(TokenTree::Ident(name)) => {
                        head.push(TokenTree::from(name.clone()));
                        Ok(name)
                    }
                    // A macro's `$name:ident` is never in a group.
                    _ => Err(Error::new("expected a function", span)),
                };
            }
            "" | "pub" | "default" | "unsafe" | "safe" | "extern" => head.push(token),
            _ => return Err(not_a_function(span)),
        }
    }
    Err(not_a_function(Span::call_site()))
}

fn not_a_function(span: Span) -> Error {
    Error::new("`#[hot_path]` marks functions and methods", span)
}

/// Takes the generics, and returns the parenthesised inputs.
fn up_to_inputs(tokens: &mut Tokens, head: &mut Vec<TokenTree>) -> Option<Group> {
    let mut angles = Angles::default();
    for token in tokens.by_ref() {
        match token {
            TokenTree::Group(group)
                if angles.is_closed() && group.delimiter() == Delimiter::Parenthesis =>
            {
                return Some(group);
            }
            _ => {
                angles.pass(&token);
                head.push(token);
            }
        }
    }
    None
}

/// How many `<` are open. The `>` of `->` and `=>` closes none.
#[derive(Default)]
struct Angles {
    open: usize,
    after_dash: bool,
}

impl Angles {
    fn is_closed(&self) -> bool {
        self.open == 0
    }

    fn pass(&mut self, token: &TokenTree) {
        let mut after_dash = false;
        if let TokenTree::Punct(punct) = token {
            match punct.as_char() {
                '<' => self.open += 1,
                '>' if !self.after_dash => self.open = self.open.saturating_sub(1),
                '-' | '=' => after_dash = punct.spacing() == Spacing::Joint,
                _ => {}
            }
        }
        self.after_dash = after_dash;
    }
}

/// The inputs, and statements that move those taken by value under a plain name into the body:
/// `let name = name;`, so that they are dropped before the section ends. The name's `mut` moves too.
fn moved_inputs(inputs: TokenStream) -> (TokenStream, TokenStream) {
    let (mut kept, mut moves) = (TokenStream::new(), TokenStream::new());
    for input in split_at_commas(inputs) {
        let (input, moved) = moved(input);
        kept.extend(input);
        moves.extend(moved);
    }
    (kept, moves)
}

/// The parts between commas, each with the comma behind it.
fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    let mut angles = Angles::default();
    for token in tokens {
        angles.pass(&token);
        let ends = angles.is_closed()
            && matches!(&token, TokenTree::Punct(comma) if comma.as_char() == ',');
        parts.last_mut().expect("there is one").push(token);
        if ends {
            parts.push(Vec::new());
        }
    }
    parts
}

fn moved(input: Vec<TokenTree>) -> (Vec<TokenTree>, TokenStream) {
    let attributes = input
        .iter()
        .take_while(|token| {
            matches!(token, TokenTree::Punct(hash) if hash.as_char() == '#')
                || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket)
        })
        .count();
    let is_word = |index: usize, text: &str| matches!(input.get(index), Some(TokenTree::Ident(word)) if word.to_string() == text);
    let is_punct = |index: usize, text: char| matches!(input.get(index), Some(TokenTree::Punct(punct)) if punct.as_char() == text);
    let is_mut = is_word(attributes, "mut");
    let at = attributes + usize::from(is_mut);
    let is_plain = matches!(input.get(at), Some(TokenTree::Ident(_)))
        && !is_word(at, "self")
        && !is_word(at, "_")
        // The colon of a type, not the first of a path's two: `Some::Path(pattern)`.
        && matches!(input.get(at + 1), Some(TokenTree::Punct(colon))
            if colon.as_char() == ':' && colon.spacing() == Spacing::Alone);
    if !is_plain || is_punct(at + 2, '&') {
        return (input, TokenStream::new());
    }
    let name = &input[at];
    let span = name.span();
    let mut attributed = TokenStream::from_iter(input[..attributes].iter().cloned());
    attributed.extend(allowance());
    attributed.extend(path("let", span));
    let mut statement = TokenStream::new();
    if is_mut {
        // The statement's `mut` is used where the section is armed, the argument's where it is not: this
        // uses it in either, and no `allow` is needed that a crate may have forbidden. A raw borrow is
        // none that a lint for guards, futures or references would look at.
        statement.extend(attributed.clone());
        statement.extend(path("_used", Span::mixed_site()));
        statement.extend(path("=&", span));
        statement.extend(path("raw", span));
        statement.extend(path("mut", span));
        statement.extend([name.clone()]);
        statement.extend(path(";", span));
    }
    statement.extend(attributed);
    statement.extend(input[attributes..=at].iter().cloned());
    statement.extend(path("=", span));
    statement.extend([name.clone()]);
    statement.extend(path(";", span));
    (input, statement)
}

/// `match () { () => { statements } }`. In crates before edition 2024 a function's last expression keeps its
/// temporaries until the locals are gone, the section's guard with them; that of an arm does not.
fn in_an_arm(statements: TokenStream) -> TokenStream {
    let group = |delimiter, tokens| {
        let mut group = Group::new(delimiter, tokens);
        group.set_span(Span::mixed_site());
        TokenTree::from(group)
    };
    let nothing = || group(Delimiter::Parenthesis, TokenStream::new());
    let arrow: TokenStream = "=>".parse().expect("a token");
    let mut arm = TokenStream::from(nothing());
    arm.extend(arrow);
    arm.extend([group(Delimiter::Brace, statements)]);
    let mut output = path("match", Span::mixed_site());
    output.extend([nothing(), group(Delimiter::Brace, arm)]);
    output
}

/// `#[allow(clippy::redundant_locals)]`: it is not redundant, it is when the argument is dropped.
fn allowance() -> TokenStream {
    "#[allow(clippy::redundant_locals, clippy::used_underscore_binding, clippy::no_effect_underscore_binding, clippy::let_unit_value, clippy::shadow_same)]"
        .parse()
        .expect("an attribute")
}

/// Inner attributes have to come first.
fn split_inner_attributes(body: TokenStream) -> (TokenStream, TokenStream) {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let is_punct = |index: usize, text: char| matches!(tokens.get(index), Some(TokenTree::Punct(punct)) if punct.as_char() == text);
    let mut end = 0;
    while is_punct(end, '#') && is_punct(end + 1, '!') {
        end += 3;
    }
    let (first, rest) = tokens.split_at(end.min(tokens.len()));
    (
        first.iter().cloned().collect(),
        rest.iter().cloned().collect(),
    )
}

/// `inside` in the delimiters, and at the span, of `group`.
fn regrouped(group: &Group, inside: TokenStream) -> TokenTree {
    let mut new = Group::new(group.delimiter(), inside);
    new.set_span(group.span());
    TokenTree::from(new)
}
