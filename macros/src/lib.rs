//! The attribute `#[hot_path]` of `knhk-pool`.
//!
//! It adds one statement to a function: a call of `knhk_pool::private::enter`, whose guard marks the
//! function as a section that must not allocate. What the function does stands in a block behind
//! it. It is written on `proc_macro` alone, so that the library stays cheap to embed.

#![forbid(unsafe_code)]

mod arguments;
mod function;

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Span, TokenStream, TokenTree};

use crate::arguments::Arguments;
use crate::function::Function;

/// Marks a function as a hot path, which must not call the allocator.
///
/// It stands on functions and methods, generic, `unsafe`, or returning `impl Trait`; early returns
/// and `?` end the section as they should. It adds one statement, which in a build that is not armed
/// is nothing, and a block around the rest; `knhk_pool::hot_path` tells when it is armed and what a violation leads to.
///
/// # Arguments
///
/// * `section = "name"`: the name in reports, in place of the module's path and the function's name.
/// * `mode = "panic"`, `"abort"`, `"warn"` or `"count"`: in place of the process's mode, unless that is `abort`.
/// * `crate = path`: where `knhk_pool` is found, if not at `::knhk_pool`: for a dependency that is renamed to `pool`,
///   `crate = ::pool`.
///
/// # What it covers
///
/// The function's body, and the end of arguments that it takes by value under a plain name. Not
/// the end of `self` by value, nor of arguments taken apart by a pattern: the caller's compiler drops
/// those after the body, and so after the former, whatever their order. In a build that is not armed
/// all are dropped in Rust's own order.
///
/// In an `extern "C"` function the panic of a report cannot leave the function: the process aborts,
/// after the message.
///
/// # Errors
///
/// An `async fn` is refused: a section belongs to a thread, and a future changes threads between
/// polls. Mark the synchronous function that it calls. A `const fn` is refused: it may run where
/// there is no allocator to look at.
///
/// # Examples
///
/// ```ignore
/// use knhk_pool::hot_path;
///
/// #[hot_path]
/// fn sum(values: &[u64]) -> u64 {
///     values.iter().sum()
/// }
///
/// #[hot_path(section = "parse", mode = "count")]
/// fn first(line: &str) -> Option<&str> {
///     let (first, _) = line.split_once(' ')?;
///     Some(first)
/// }
/// ```
#[proc_macro_attribute]
pub fn hot_path(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let marked = Arguments::parse(arguments)
        .and_then(|arguments| Ok(Function::parse(item.clone())?.marked(&arguments)));
    // The item is kept beside an error, so that its callers are not reported too.
    marked.unwrap_or_else(|error| error.before(item))
}

/// What is wrong, and at which token.
struct Error {
    message: String,
    span: Span,
}

impl Error {
    fn new(message: impl Into<String>, span: Span) -> Self {
        Self {
            message: message.into(),
            span,
        }
    }

    /// `::core::compile_error! { "message" }` at the token, and then the item as it was.
    fn before(self, item: TokenStream) -> TokenStream {
        let mut message = TokenTree::from(Literal::string(&self.message));
        message.set_span(self.span);
        let mut braced = TokenTree::from(Group::new(Delimiter::Brace, message.into()));
        braced.set_span(self.span);
        let mut output = path("::core::compile_error!", self.span);
        output.extend([braced]);
        output.extend(item);
        output
    }
}

/// Identifiers and punctuation, all at `span`.
fn path(text: &str, span: Span) -> TokenStream {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let mut token = if end == 0 {
            rest = &rest[first.len_utf8()..];
            let spacing = if rest.starts_with(':') {
                proc_macro::Spacing::Joint
            } else {
                proc_macro::Spacing::Alone
            };
            TokenTree::from(Punct::new(first, spacing))
        } else {
            let (word, after) = rest.split_at(end);
            rest = after;
            TokenTree::from(Ident::new(word, span))
        };
        token.set_span(span);
        tokens.push(token);
    }
    tokens.into_iter().collect()
}
