//! The templates of `weaver/templates`, rendered as Weaver renders them.
//!
//! Weaver's templates are MiniJinja with filters of its own. Those that ours use are here, with
//! Weaver's behaviour: `screaming_snake_case`, `pascal_case`, `comment`.

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, context};

use crate::Registry;

/// Renders `template` over `registry`.
///
/// # Errors
///
/// Where the template is wrong.
pub fn render(registry: &Registry, template: &str) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
    environment.add_filter("screaming_snake_case", screaming_snake_case);
    environment.add_filter("pascal_case", pascal_case);
    environment.add_filter("comment", comment);
    environment.render_str(
        template,
        context! { ctx => context! { schema_url => registry.schema_url, registry => registry } },
    )
}

fn screaming_snake_case(text: &str) -> String {
    text.replace(['.', '-', ' '], "_").to_uppercase()
}

fn pascal_case(text: &str) -> String {
    text.split(['.', '_', '-', ' ']).map(capitalised).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// A Rust documentation comment; the first line stands where the filter does.
fn comment(text: &str, options: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = options.get("indent")?;
    let indent = " ".repeat(indent.unwrap_or(0));
    let lines: Vec<String> = text
        .trim()
        .lines()
        .map(|line| format!("/// {line}"))
        .collect();
    Ok(lines.join(&format!("\n{indent}")))
}
