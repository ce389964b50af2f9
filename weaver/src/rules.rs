//! What must hold of the registry by itself.
//!
//! The same rules stand in `weaver/policies` for Weaver; here they hold where Weaver is absent.

use std::collections::BTreeSet;

use crate::registry::{
    Annotations, Example, Instrument, Metric, Plain, Registry, Type, Used, ValueType,
};

/// Units that are in use, in UCUM; things that are counted stand in braces, in the singular.
const UNITS: [&str; 3] = ["1", "By", "s"];

/// Every fault, in words; none for a good registry.
pub fn faults(registry: &Registry) -> Vec<String> {
    let mut faults = Vec::new();
    faults.extend(schema_url_fault(&registry.schema_url));
    faults.extend(brief_fault(&registry.name, &registry.description));
    faults.extend(stability_fault(&registry.name, &registry.stability));
    for attribute in &registry.attributes {
        let key = &attribute.key;
        faults.extend(name_fault(key));
        faults.extend(brief_fault(key, &attribute.brief));
        faults.extend(stability_fault(key, &attribute.stability));
        faults.extend(type_faults(key, &attribute.kind, &attribute.examples));
    }
    for metric in &registry.metrics {
        faults.extend(metric_faults(metric));
    }
    for event in &registry.events {
        faults.extend(signal_faults(
            &event.name,
            &event.stability,
            &event.requirement_level,
        ));
        faults.extend(name_fault(&event.name));
        faults.extend(brief_fault(&event.name, &event.brief));
        faults.extend(attribute_faults(&event.name, &event.attributes));
        if severity(&event.annotations).is_none() {
            faults.push(format!("{}: no severity, or none from 1 to 24", event.name));
        }
    }
    for span in &registry.spans {
        faults.extend(signal_faults(
            &span.name,
            &span.stability,
            &span.requirement_level,
        ));
        if span.naming != format!("The constant `{}`.", span.name) {
            faults.push(format!("{}: named otherwise: {:?}", span.name, span.naming));
        }
        faults.extend(name_fault(&span.name));
        faults.extend(brief_fault(&span.name, &span.brief));
        faults.extend(attribute_faults(&span.name, &span.attributes));
    }
    faults.extend(unused_attributes(registry));
    faults.extend(namespace_faults(
        registry.attributes.iter().map(|it| &*it.key),
    ));
    faults.extend(namespace_faults(
        registry.metrics.iter().map(|it| &*it.name),
    ));
    faults
}

/// An attribute that no signal has would stand in the documentation, and never be emitted.
fn unused_attributes(registry: &Registry) -> Vec<String> {
    let of_metrics = registry.metrics.iter().flat_map(|it| &it.attributes);
    let of_events = registry.events.iter().flat_map(|it| &it.attributes);
    let of_spans = registry.spans.iter().flat_map(|it| &it.attributes);
    let used = of_metrics.chain(of_events).chain(of_spans);
    let keys: BTreeSet<&str> = used.map(|it| &*it.attribute.key).collect();
    let unused = registry
        .attributes
        .iter()
        .filter(|it| !keys.contains(&*it.key));
    unused
        .map(|it| format!("{}: no signal has it", it.key))
        .collect()
}

fn schema_url_fault(url: &str) -> Option<String> {
    let version = url.rsplit('/').next().unwrap_or_default();
    let parts: Vec<&str> = version.split('.').collect();
    let is_version = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
    (!is_version).then(|| format!("schema_url {url} does not end in a version"))
}

/// Lower case, digits and underscores between dots, below `knhk.`.
fn name_fault(name: &str) -> Option<String> {
    let is_word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let is_name = name.starts_with("knhk.") && name.split('.').all(is_word);
    (!is_name).then(|| format!("{name}: not of the form knhk.noun.part in lower case"))
}

fn brief_fault(name: &str, brief: &str) -> Option<String> {
    let is_sentence = brief.ends_with('.') && brief.starts_with(|c: char| c.is_uppercase());
    (!is_sentence).then(|| format!("{name}: the brief is no sentence: {brief:?}"))
}

fn stability_fault(name: &str, stability: &str) -> Option<String> {
    let known = ["development", "release_candidate", "stable"];
    (!known.contains(&stability))
        .then(|| format!("{name}: stability {stability:?}, expected one of {known:?}"))
}

/// What every signal says of itself.
fn signal_faults(name: &str, stability: &str, requirement_level: &str) -> Vec<String> {
    let mut faults: Vec<String> = stability_fault(name, stability).into_iter().collect();
    if !["recommended", "opt_in"].contains(&requirement_level) {
        faults.push(format!("{name}: requirement_level {requirement_level:?}"));
    }
    faults
}

fn metric_faults(metric: &Metric) -> Vec<String> {
    let name = &metric.name;
    let mut faults = signal_faults(name, &metric.stability, &metric.requirement_level);
    faults.extend(name_fault(name));
    faults.extend(brief_fault(name, &metric.brief));
    faults.extend(attribute_faults(name, &metric.attributes));
    if !(UNITS.contains(&&*metric.unit) || is_thing(&metric.unit)) {
        faults.push(format!("{name}: unit {:?}", metric.unit));
    }
    if metric.unit == "1" && metric.instrument != Instrument::Gauge {
        faults.push(format!("{name}: unit 1 is for gauges; count {{things}}"));
    }
    if metric.unit == "1"
        && (metric.value_type() != Some(ValueType::Double) || range(&metric.annotations).is_none())
    {
        faults.push(format!("{name}: a share is a double with a range"));
    }
    if metric.value_type().is_none() {
        faults.push(format!("{name}: no metric_value_type"));
    }
    if name.ends_with("ratio") || name.ends_with("total") || name.ends_with("percent") {
        faults.push(format!("{name}: Prometheus adds that suffix by itself"));
    }
    faults.extend(owner_fault(metric));
    faults
}

/// One thing in braces, in lower case and in the singular.
fn is_thing(unit: &str) -> bool {
    let inner = unit.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    inner.is_some_and(|word| {
        let is_lower = word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_lower && word.ends_with(|c: char| c.is_ascii_lowercase() && c != 's')
    })
}

/// No pool metric lacks the pool's name, no arena metric the arena's.
fn owner_fault(metric: &Metric) -> Option<String> {
    let owners = ["knhk.buffer_pool", "knhk.object_pool", "knhk.arena"];
    let owner = owners
        .iter()
        .find(|owner| metric.name.starts_with(*owner))?;
    let key = format!("{owner}.name");
    let has_it = metric
        .attributes
        .iter()
        .any(|used| used.attribute.key == key && used.requirement_level == "required");
    (!has_it).then(|| format!("{}: lacks the required attribute {key}", metric.name))
}

fn attribute_faults(signal: &str, attributes: &[Used]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, used) in attributes.iter().enumerate() {
        let key = &used.attribute.key;
        if !["required", "recommended", "opt_in"].contains(&&*used.requirement_level) {
            faults.push(format!("{signal}: {key} is {:?}", used.requirement_level));
        }
        if attributes[..index]
            .iter()
            .any(|other| other.attribute.key == *key)
        {
            faults.push(format!("{signal}: {key} twice"));
        }
    }
    faults
}

fn type_faults(key: &str, kind: &Type, examples: &[Example]) -> Vec<String> {
    let mut faults = Vec::new();
    match kind {
        Type::Enum { members } => {
            for (index, member) in members.iter().enumerate() {
                let name = format!("{key} {}", member.id);
                faults.extend(brief_fault(&name, &member.brief));
                faults.extend(stability_fault(&name, &member.stability));
                if members[..index]
                    .iter()
                    .any(|other| other.value == member.value || other.id == member.id)
                {
                    faults.push(format!("{key}: {} twice", member.value));
                }
            }
        }
        Type::Plain(plain) => {
            if examples.is_empty() {
                faults.push(format!("{key}: no example"));
            }
            let wrong = examples.iter().filter(|example| !fits(example, *plain));
            faults.extend(
                wrong.map(|example| format!("{key}: the example {example:?} is no {plain:?}")),
            );
        }
    }
    faults
}

fn fits(example: &Example, plain: Plain) -> bool {
    matches!(
        (example, plain),
        (Example::Boolean(_), Plain::Boolean)
            | (Example::Int(_), Plain::Int)
            | (Example::Double(_), Plain::Double)
            | (Example::String(_), Plain::String)
    )
}

/// No name is the namespace of another: `a.b` and `a.b.c` cannot both be.
fn namespace_faults<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Vec<String> {
    let inner = |outer: &'n str| {
        let prefix = format!("{outer}.");
        names
            .clone()
            .filter(move |name| name.starts_with(&prefix))
            .map(move |name| format!("{outer} is the namespace of {name}"))
    };
    names.clone().flat_map(inner).collect()
}

fn range(annotations: &Annotations) -> Option<crate::registry::Range> {
    annotations.knhk.and_then(|own| own.range)
}

fn severity(annotations: &Annotations) -> Option<i32> {
    annotations
        .knhk
        .and_then(|own| own.severity_number)
        .filter(|number| (1..=24).contains(number))
}
