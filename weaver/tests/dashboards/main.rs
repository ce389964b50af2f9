//! The dashboard and the rules against the registry, and against the rules of their trade.
//!
//! That the queries have results is `dashboards/check`'s, which needs a Prometheus.

mod files;
mod links;
mod lint;
mod names;
mod promql;

use std::collections::BTreeSet;

use knhk_semconv::Registry;

use crate::files::{Board, rules};
use crate::names::Names;
use crate::promql::{Query, parse};

/// Metrics that no panel and no rule shows, and why.
const UNUSED: [(&str, &str); 2] = [
    ("knhk.buffer_pool.hit_rate", MEAN_OF_RATIOS),
    ("knhk.object_pool.hit_rate", MEAN_OF_RATIOS),
];
const MEAN_OF_RATIOS: &str = "a hit rate is made from the counter: a ratio of sums can be aggregated, a mean of ratios cannot";

pub(crate) fn registry() -> Registry {
    Registry::of_this_project().expect("the registry is whole")
}

/// The registry's names and what the rules record.
pub(crate) fn names() -> Names {
    let mut names = Names::of(&registry());
    for rule in rules() {
        if let Some(name) = &rule.record {
            names.record(name, &rule.expr);
        }
    }
    names
}

/// Every query there is: where it stands, and the query.
fn queries(board: &Board) -> Vec<(String, Query)> {
    let mut queries = Vec::new();
    for panel in board.panels() {
        for target in panel.targets() {
            queries.push((format!("panel {}", panel.title()), parse(target.expr)));
        }
    }
    for (selector, label) in board.variable_queries() {
        // As an aggregation: then the label must be one of the series.
        let expr = format!("group by ({label}) ({selector})");
        queries.push((format!("variable {label}"), parse(&expr)));
    }
    for expr in board.annotations() {
        queries.push(("annotation".to_owned(), parse(expr)));
    }
    for rule in rules() {
        let name = rule.record.or(rule.alert).unwrap_or_default();
        queries.push((format!("rule {name}"), parse(&rule.expr)));
    }
    queries
}

#[test]
fn every_metric_label_and_value_in_a_query_is_declared() {
    let (board, names) = (Board::read(), names());
    let faults: Vec<String> = queries(&board)
        .iter()
        .flat_map(|(place, query)| {
            let faults = names.faults(query);
            faults
                .into_iter()
                .map(move |fault| format!("{place}: {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_metric_of_the_registry_is_shown_or_left_out_for_a_reason() {
    let (board, names) = (Board::read(), names());
    let shown: BTreeSet<&str> = board
        .panels()
        .flat_map(|panel| panel.targets())
        .flat_map(|target| parse(target.expr).selectors)
        // Patterns would show everything.
        .filter(|selector| selector.metric.is_some())
        .flat_map(|selector| names.selected(&selector))
        .filter_map(|known| known.metric.as_deref())
        .collect();
    for metric in &registry().metrics {
        let is_left_out = UNUSED.iter().any(|(name, _)| *name == metric.name);
        let is_shown = shown.contains(&*metric.name);
        assert!(is_shown || is_left_out, "no panel shows {}", metric.name);
        assert!(!(is_shown && is_left_out), "{} is shown", metric.name);
    }
    for (name, _) in UNUSED {
        assert!(registry().metric(name).is_some(), "{name} is not declared");
    }
}

#[test]
fn no_query_makes_a_hit_rate_of_the_interval_gauge() {
    for (place, query) in queries(&Board::read()) {
        let named = |it: &&str| {
            UNUSED
                .iter()
                .any(|(name, _)| it.starts_with(&name.replace('.', "_")))
        };
        let mut metrics = query.selectors.iter().filter_map(|it| it.metric.as_deref());
        assert_eq!(metrics.find(named), None, "{place}");
    }
}

#[test]
fn a_query_with_a_wrong_name_has_a_fault() {
    let names = names();
    let right = r#"sum by (job, knhk_buffer_pool_name) (rate(knhk_buffer_pool_acquire_total{knhk_buffer_pool_outcome="hit"}[1m]))"#;
    assert_eq!(names.faults(&parse(right)), Vec::<String>::new());
    for (part, wrong) in [
        ("acquire_total", "acquires_total"),
        ("acquire_total", "acquire"),
        ("_outcome=", "_result="),
        ("\"hit\"", "\"hits\""),
        ("=\"hit\"", "=~\"mis|exhausted\""),
        ("=\"hit\"", "!~\"hitt\""),
        ("(job, knhk_buffer_pool_name)", "(job, pool)"),
        ("(job, knhk_buffer_pool_name)", "(job, le)"),
        (
            "(job, knhk_buffer_pool_name)",
            "(job, knhk_object_pool_name)",
        ),
    ] {
        let query = right.replace(part, wrong);
        assert_ne!(query, right);
        assert_ne!(
            names.faults(&parse(&query)),
            Vec::<String>::new(),
            "{query}"
        );
    }
    // The other operand has the label, and the aggregation's own series has not.
    let query = "sum by (knhk_arena_name) (rate(knhk_buffer_pool_acquire_total[1m])) or sum by (knhk_arena_name) (knhk_arena_in_use_bytes)";
    assert_eq!(
        names.faults(&parse(query)),
        ["knhk_arena_name is none of what is grouped by it"]
    );
}
