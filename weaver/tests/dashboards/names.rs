//! What may be named in a query: the registry's metrics, Prometheus' own, and those that rules record.

use std::collections::{BTreeMap, BTreeSet};

use knhk_semconv::Registry;
use knhk_semconv::prometheus::{all_series, label};
use knhk_semconv::registry::{Instrument, Metric, Type};

use crate::promql::{Matcher, Query, Selector, parse};

/// Prometheus' own, with the labels that they have besides those of every series.
const PROMETHEUS: [(&str, &[&str]); 3] = [
    ("up", &[]),
    ("scrape_duration_seconds", &[]),
    ("ALERTS", &["alertname", "alertstate", "severity"]),
];

/// Labels of every series.
const EVERY: [&str; 4] = ["job", "instance", "__name__", "otel_metric_overflow"];

/// A name, and what its series have.
#[derive(Debug, Default)]
pub(crate) struct Known {
    labels: BTreeSet<String>,
    /// The registry's metric.
    pub(crate) metric: Option<String>,
    pub(crate) is_counter: bool,
}

/// All names.
#[derive(Debug)]
pub(crate) struct Names {
    known: BTreeMap<String, Known>,
    /// By label: the values that it may have, where they are an enumeration.
    values: BTreeMap<String, Vec<String>>,
}

impl Names {
    pub(crate) fn of(registry: &Registry) -> Self {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for (name, labels) in PROMETHEUS {
            let labels = labels.iter().map(|it| (*it).to_owned()).collect();
            known.insert(
                name.to_owned(),
                Known {
                    labels,
                    ..Known::default()
                },
            );
        }
        for metric in &registry.metrics {
            for series in all_series(metric) {
                known.insert(series.clone(), Known::of(metric, &series));
            }
        }
        let members = registry.attributes.iter().filter_map(|attribute| {
            let Type::Enum { members } = &attribute.kind else {
                return None;
            };
            let values = members.iter().map(|member| member.value.clone()).collect();
            Some((label(&attribute.key), values))
        });
        Self {
            known,
            values: members.collect(),
        }
    }

    /// Adds what a rule records: its series have the labels that its expression groups by.
    pub(crate) fn record(&mut self, name: &str, expr: &str) {
        let labels = parse(expr).groupings.into_iter().collect();
        self.known.insert(
            name.to_owned(),
            Known {
                labels,
                ..Known::default()
            },
        );
    }

    /// What a selector stands for: one name, or all that its pattern of `__name__` matches.
    pub(crate) fn selected(&self, selector: &Selector) -> Vec<&Known> {
        match (&selector.metric, selector.matcher("__name__")) {
            (Some(name), _) => self.known.get(name).into_iter().collect(),
            (None, Some(pattern)) => self.matching(&pattern.value),
            (None, None) => Vec::new(),
        }
    }

    /// Patterns are `before(a|b)after` or `before.+`.
    fn matching(&self, pattern: &str) -> Vec<&Known> {
        if let Some(prefix) = pattern.strip_suffix(".+") {
            let is_in = |(name, _): &(&String, &Known)| name.starts_with(prefix);
            return self
                .known
                .iter()
                .filter(is_in)
                .map(|(_, known)| known)
                .collect();
        }
        let (before, rest) = pattern
            .split_once('(')
            .expect("a pattern with alternatives");
        let (parts, after) = rest.split_once(')').expect("the alternatives end");
        let name = |part| self.known.get(&format!("{before}{part}{after}"));
        let found: Option<Vec<&Known>> = parts.split('|').map(name).collect();
        found.unwrap_or_default()
    }

    /// What is wrong with the names in a query.
    pub(crate) fn faults(&self, query: &Query) -> Vec<String> {
        let mut faults = Vec::new();
        for selector in &query.selectors {
            let known = self.selected(selector);
            if known.is_empty() {
                faults.push(format!("no such metric: {selector:?}"));
            }
            for matcher in &selector.matchers {
                let name = &matcher.label;
                if !EVERY.contains(&&**name) && !known.iter().any(|it| it.labels.contains(name)) {
                    faults.push(format!("{:?} has no label {name}", selector.metric));
                }
                let values = self.values.get(name).map_or(&[][..], Vec::as_slice);
                let parts = alternatives(matcher).into_iter();
                let strange = parts.filter(|part| !values.iter().any(|it| it == part));
                if !values.is_empty() {
                    faults.extend(strange.map(|part| format!("{name} is never {part:?}")));
                }
            }
        }
        let is_strange = |name: &&String| !self.has_label(query, name);
        faults.extend(
            query
                .groupings
                .iter()
                .filter(is_strange)
                .map(|name| format!("grouped by {name}, which no series of the query has")),
        );
        // Another operand's series may have it: that of the aggregation must.
        for (name, range) in &query.aggregated {
            let mut of = query.selectors[range.clone()].iter();
            if !EVERY.contains(&&**name) && !of.any(|it| self.selector_has(it, name)) {
                faults.push(format!("{name} is none of what is grouped by it"));
            }
        }
        faults
    }

    fn selector_has(&self, selector: &Selector, name: &str) -> bool {
        let mut known = self.selected(selector).into_iter();
        known.any(|known| known.labels.contains(name))
    }

    /// Whether a series of the query can have that label.
    pub(crate) fn has_label(&self, query: &Query, name: &str) -> bool {
        let mut known = query.selectors.iter().flat_map(|it| self.selected(it));
        EVERY.contains(&name) || known.any(|known| known.labels.contains(name))
    }
}

/// The values that a matcher names; none where a variable of the dashboard does.
fn alternatives(matcher: &Matcher) -> Vec<&str> {
    match &*matcher.operator {
        "=" | "!=" => vec![&matcher.value],
        _ if matcher.value.contains('$') => Vec::new(),
        _ => matcher.value.split('|').collect(),
    }
}

impl Known {
    fn of(metric: &Metric, series: &str) -> Self {
        let mut labels: BTreeSet<String> = metric
            .attributes
            .iter()
            .map(|used| label(&used.attribute.key))
            .collect();
        if series.ends_with("_bucket") {
            labels.insert("le".to_owned());
        }
        Self {
            labels,
            metric: Some(metric.name.clone()),
            is_counter: matches!(
                metric.instrument,
                Instrument::Counter | Instrument::Histogram
            ),
        }
    }
}
