//! As much of PromQL as it takes to see which series and labels a query uses.

use std::ops::Range;

/// What a query names.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) selectors: Vec<Selector>,
    /// Labels of `by`, `without`, `on`, `ignoring` and `group_…`.
    pub(crate) groupings: Vec<String>,
    /// Labels of `by` and `without`, each with the selectors that its aggregation is of.
    pub(crate) aggregated: Vec<(String, Range<usize>)>,
}

/// `metric{matchers}[range]`.
#[derive(Debug, Default)]
pub(crate) struct Selector {
    /// None where `__name__` is matched instead.
    pub(crate) metric: Option<String>,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) range: Option<String>,
    /// The functions and aggregations around it, innermost last.
    pub(crate) within: Vec<String>,
}

/// `label=~"value"`.
#[derive(Debug)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    pub(crate) operator: String,
    pub(crate) value: String,
}

impl Selector {
    pub(crate) fn matcher(&self, label: &str) -> Option<&Matcher> {
        self.matchers.iter().find(|matcher| matcher.label == label)
    }
}

const GROUPINGS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
const OPERATORS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

/// Reads `expr`.
///
/// # Panics
///
/// On what it does not know: a query that cannot be read is not checked.
pub(crate) fn parse(expr: &str) -> Query {
    let mut reader = Reader {
        tokens: tokens(expr),
        at: 0,
    };
    let mut query = Query::default();
    let (mut open, mut callee) = (Vec::new(), String::new());
    // By parenthesis that is open: where its selectors begin, and the labels that stood before it.
    let (mut begun, mut before): (Vec<(usize, Vec<String>)>, _) = (Vec::new(), Vec::new());
    let mut closed = 0..0;
    while let Some(token) = reader.next() {
        match &*token {
            "(" => {
                open.push(std::mem::take(&mut callee));
                begun.push((query.selectors.len(), std::mem::take(&mut before)));
            }
            ")" => {
                open.pop().expect("a parenthesis is closed that was opened");
                let (start, labels) = begun.pop().expect("as many as are open");
                closed = start..query.selectors.len();
                let labels = labels.into_iter().map(|label| (label, closed.clone()));
                query.aggregated.extend(labels);
            }
            "by" | "without" => {
                let labels = reader.labels();
                query.groupings.extend(labels.iter().cloned());
                if reader.peek() == Some("(") {
                    before = labels;
                } else {
                    let labels = labels.into_iter().map(|label| (label, closed.clone()));
                    query.aggregated.extend(labels);
                }
            }
            "{" => query.selectors.push(reader.selector(None, &open)),
            word if GROUPINGS.contains(&word) => query.groupings.extend(reader.labels()),
            word if OPERATORS.contains(&word) || !is_name(word) => {}
            // An aggregation: `sum (…)`, `sum by (…) (…)`. A function: `rate(…)`.
            word if matches!(reader.peek(), Some("(" | "by" | "without")) => {
                word.clone_into(&mut callee);
            }
            word => {
                let is_matched = reader.peek() == Some("{");
                reader.at += usize::from(is_matched);
                let name = Some(word.to_owned());
                let selector = if is_matched {
                    reader.selector(name, &open)
                } else {
                    reader.bare(name, &open)
                };
                query.selectors.push(selector);
            }
        }
    }
    assert!(open.is_empty(), "a parenthesis stays open: {expr}");
    query
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn expect(&mut self) -> String {
        self.next().expect("the query goes on")
    }

    /// `(a, b)`
    fn labels(&mut self) -> Vec<String> {
        assert_eq!(self.expect(), "(");
        let mut labels = Vec::new();
        loop {
            match &*self.expect() {
                ")" => return labels,
                "," => {}
                label => labels.push(label.to_owned()),
            }
        }
    }

    /// Behind `metric{`.
    fn selector(&mut self, metric: Option<String>, open: &[String]) -> Selector {
        let mut matchers = Vec::new();
        loop {
            match &*self.expect() {
                "}" => break,
                "," => {}
                label => {
                    let label = label.to_owned();
                    let (operator, quoted) = (self.expect(), self.expect());
                    let value = quoted.trim_matches('"').to_owned();
                    matchers.push(Matcher {
                        label,
                        operator,
                        value,
                    });
                }
            }
        }
        Selector {
            matchers,
            ..self.bare(metric, open)
        }
    }

    /// Behind `metric` or `metric{…}`.
    fn bare(&mut self, metric: Option<String>, open: &[String]) -> Selector {
        let mut range = None;
        if self.peek() == Some("[") {
            self.at += 1;
            range = Some(self.expect());
            assert_eq!(self.expect(), "]", "a range is one duration");
        }
        Selector {
            metric,
            matchers: Vec::new(),
            range,
            within: open.to_vec(),
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Names, numbers, durations, variables, strings with their quotes, and symbols.
fn tokens(expr: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = expr.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => 2 + rest[1..].find('"').expect("a string ends"),
            '=' | '!' | '<' | '>' => {
                rest.len() - rest.trim_start_matches(['=', '!', '<', '>', '~']).len()
            }
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        tokens.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '$' | '.')
}
