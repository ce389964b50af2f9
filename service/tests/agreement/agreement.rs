//! Compares what was emitted with the registry, in both directions.

use std::collections::BTreeSet;

use knhk_semconv::Registry;
use knhk_semconv::registry::{Annotations, Attribute, Plain, Range, Type, Used};

use crate::seen::{Attributes, Held, Scope, Seen, SeenEvent, SeenMetric, SeenSpan};

/// Scopes that may emit metrics and spans; the bridge from `tracing` gives log records none.
const SCOPES: [&str; 2] = ["knhk-pool", "knhk-poold"];

/// Every disagreement, in words.
pub(crate) fn disagreements(registry: &Registry, seen: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    for metric in &seen.metrics {
        found.extend(metric_faults(registry, metric));
    }
    for span in &seen.spans {
        found.extend(span_faults(registry, span));
    }
    for event in &seen.events {
        found.extend(event_faults(registry, event));
    }
    found.extend(never_seen(registry, seen));
    found
}

fn metric_faults(registry: &Registry, seen: &SeenMetric) -> Vec<String> {
    let name = &seen.name;
    let Some(declared) = registry.metric(name) else {
        return vec![format!("metric {name} is not declared")];
    };
    let mut found = Vec::new();
    let mut differ = |what: &str, seen: String, declared: String| {
        if seen != declared {
            found.push(format!("{name}: {what} is {seen}, declared is {declared}"));
        }
    };
    differ("unit", seen.unit.clone(), declared.unit.clone());
    differ(
        "description",
        seen.description.clone(),
        declared.brief.clone(),
    );
    let (instrument, expected) = (seen.instrument, declared.instrument);
    differ(
        "instrument",
        format!("{instrument:?}"),
        format!("{expected:?}"),
    );
    found.extend(scope_faults(registry, name, &seen.scope));
    if seen.points.is_empty() {
        found.push(format!("{name}: no points"));
    }
    for point in &seen.points {
        if Some(point.value_type) != declared.value_type() {
            found.push(format!("{name}: a point is {:?}", point.value_type));
        }
        found.extend(range_fault(name, &declared.annotations, point.value));
        found.extend(attribute_faults(
            name,
            &declared.attributes,
            &point.attributes,
        ));
    }
    found
}

fn scope_faults(registry: &Registry, name: &str, scope: &Scope) -> Vec<String> {
    let mut found = Vec::new();
    for (what, seen, declared) in [
        ("schema", &*scope.schema_url, &*registry.schema_url),
        ("version", &*scope.version, env!("CARGO_PKG_VERSION")),
    ] {
        if seen != declared {
            found.push(format!("{name}: {what} is {seen}, declared is {declared}"));
        }
    }
    if !SCOPES.contains(&&*scope.name) {
        found.push(format!("{name}: emitted by the scope {:?}", scope.name));
    }
    found
}

fn span_faults(registry: &Registry, seen: &SeenSpan) -> Vec<String> {
    let name = &seen.name;
    let Some(declared) = registry.span(name) else {
        return vec![format!("span {name} is not declared")];
    };
    let mut found = attribute_faults(name, &declared.attributes, &seen.attributes);
    found.extend(scope_faults(registry, name, &seen.scope));
    if seen.kind != declared.kind {
        found.push(format!(
            "{name}: kind is {}, declared is {}",
            seen.kind, declared.kind
        ));
    }
    found
}

fn event_faults(registry: &Registry, seen: &SeenEvent) -> Vec<String> {
    let name = &seen.name;
    let Some(declared) = registry.event(name) else {
        return vec![format!("event {name:?} is not declared")];
    };
    let mut found = attribute_faults(name, &declared.attributes, &seen.attributes);
    let severity = declared
        .annotations
        .knhk
        .and_then(|own| own.severity_number);
    if severity != Some(seen.severity_number) {
        let seen = seen.severity_number;
        found.push(format!(
            "{name}: severity is {seen}, declared is {severity:?}"
        ));
    }
    found
}

/// What is required is there, what is there is listed, and holds what it may.
fn attribute_faults(signal: &str, declared: &[Used], seen: &Attributes) -> Vec<String> {
    let mut found = Vec::new();
    for used in declared {
        let key = &used.attribute.key;
        let is_there = seen.iter().any(|(seen, _)| seen == key);
        if used.requirement_level == "required" && !is_there {
            found.push(format!("{signal}: lacks {key}"));
        }
    }
    for (key, held) in seen {
        match declared.iter().find(|used| used.attribute.key == *key) {
            None => found.push(format!("{signal}: has {key}, which is not listed")),
            Some(used) => found.extend(value_fault(signal, &used.attribute, held)),
        }
    }
    found
}

fn value_fault(signal: &str, declared: &Attribute, held: &Held) -> Option<String> {
    let fits = match (&declared.kind, held) {
        (Type::Enum { members }, Held::Text(text)) => members.iter().any(|it| it.value == *text),
        (Type::Plain(Plain::Double), Held::Double(value)) => {
            return range_fault(&declared.key, &declared.annotations, *value);
        }
        (kind, Held::Text(_)) => *kind == Type::Plain(Plain::String),
        (kind, Held::Int(_)) => *kind == Type::Plain(Plain::Int),
        (kind, Held::Boolean(_)) => *kind == Type::Plain(Plain::Boolean),
        (_, Held::Double(_) | Held::Other) => false,
    };
    (!fits).then(|| format!("{signal}: {} is {held:?}", declared.key))
}

fn range_fault(name: &str, annotations: &Annotations, value: f64) -> Option<String> {
    let Range { min, max } = annotations.knhk.and_then(|own| own.range)?;
    (!(min..=max).contains(&value)).then(|| format!("{name} is {value}, outside {min} to {max}"))
}

/// What is declared and was not emitted: metrics, events, spans, attributes, and the members of enums.
fn never_seen(registry: &Registry, seen: &Seen) -> Vec<String> {
    let metrics = seen.metrics.iter().map(|it| &*it.name).collect();
    let events = seen.events.iter().map(|it| &*it.name).collect();
    let spans = seen.spans.iter().map(|it| &*it.name).collect();
    let missing = |kind: &str, declared: Vec<&String>, seen: BTreeSet<&str>| -> Vec<String> {
        let unseen = declared.into_iter().filter(|name| !seen.contains(&***name));
        unseen
            .map(|name| format!("{kind} {name} was never emitted"))
            .collect()
    };
    let mut found = missing(
        "metric",
        registry.metrics.iter().map(|it| &it.name).collect(),
        metrics,
    );
    found.extend(missing(
        "event",
        registry.events.iter().map(|it| &it.name).collect(),
        events,
    ));
    found.extend(missing(
        "span",
        registry.spans.iter().map(|it| &it.name).collect(),
        spans,
    ));
    found.extend(missing(
        "attribute",
        registry.attributes.iter().map(|it| &it.key).collect(),
        attribute_sets(seen)
            .flatten()
            .map(|(key, _)| &**key)
            .collect(),
    ));
    let held = held_texts(seen);
    for attribute in &registry.attributes {
        let Type::Enum { members } = &attribute.kind else {
            continue;
        };
        let unseen = members
            .iter()
            .filter(|it| !held.contains(&(&*attribute.key, &*it.value)));
        found.extend(unseen.map(|it| format!("{} was never {:?}", attribute.key, it.value)));
    }
    found
}

fn attribute_sets(seen: &Seen) -> impl Iterator<Item = &Attributes> {
    let points = seen.metrics.iter().flat_map(|it| &it.points);
    let sets = points.map(|it| &it.attributes);
    let sets = sets.chain(seen.spans.iter().map(|it| &it.attributes));
    sets.chain(seen.events.iter().map(|it| &it.attributes))
}

fn held_texts(seen: &Seen) -> BTreeSet<(&str, &str)> {
    let texts = attribute_sets(seen)
        .flatten()
        .filter_map(|(key, held)| match held {
            Held::Text(text) => Some((&**key, &**text)),
            _ => None,
        });
    texts.collect()
}
