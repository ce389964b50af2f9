//! Our Rego policies are well formed, find nothing wrong with the registry, and bite. They run in the
//! engine that Weaver has, on input in the form that Weaver gives them.

use std::path::Path;

use knhk_semconv::Registry;
use knhk_semconv::registry::Instrument;
use regorus::{Engine, Value};
use serde_json::{Value as Json, json};

fn registry() -> Registry {
    Registry::of_this_project().expect("the registry is good")
}

fn engine(policy: &str) -> Engine {
    let mut engine = Engine::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(policy);
    engine
        .add_policy_from_file(path)
        .expect("the policy is well formed");
    engine
}

/// The findings' ids.
fn denied(mut engine: Engine, package: &str, input: &Json) -> Vec<String> {
    engine.set_input(Value::from(input.clone()));
    let found = engine.eval_rule(format!("data.{package}.deny"));
    let found = found.expect("the policy can be evaluated");
    let found: Json =
        serde_json::from_str(&found.to_json_str().expect("it is JSON")).expect("it is JSON");
    let found = found.as_array().expect("deny is a set").iter();
    found
        .map(|finding| finding["id"].as_str().expect("it has an id").to_owned())
        .collect()
}

fn check(registry: &Registry) -> Vec<String> {
    let input = json!({ "registry": registry });
    denied(engine("policies/knhk.rego"), "after_resolution", &input)
}

#[test]
fn the_registry_passes_its_policies() {
    assert_eq!(check(&registry()), [""; 0]);
}

/// A finding's id, and a fault that leads to it.
type Fault = (&'static str, fn(&mut Registry));

#[test]
fn each_policy_bites() {
    let faults: [Fault; 11] = [
        ("name_form", |it| it.metrics[0].name = "knhk.Arena".into()),
        ("name_form", |it| it.attributes[0].key = "arena.name".into()),
        ("name_form", |it| it.events[0].name = "Low Hit Rate".into()),
        ("name_form", |it| it.spans[0].name = "Prepare!".into()),
        ("unit", |it| it.metrics[0].unit = "{}".into()),
        ("unit", |it| it.metrics[0].unit = "bytes".into()),
        ("unit", |it| it.metrics[0].unit = "{buffers}".into()),
        ("share", |it| share(it).instrument = Instrument::Counter),
        ("share", |it| share(it).annotations.knhk = None),
        ("owner", |it| share(it).attributes.clear()),
        ("severity", |it| it.events[0].annotations.knhk = None),
    ];
    for (id, plant) in faults {
        let mut registry = registry();
        plant(&mut registry);
        assert_eq!(check(&registry), [id]);
    }
}

fn share(registry: &mut Registry) -> &mut knhk_semconv::registry::Metric {
    let metrics = registry.metrics.iter_mut();
    let mut shares = metrics.filter(|it| it.name == "knhk.buffer_pool.hit_rate");
    shares.next().expect("it is declared")
}

/// What the live check says of one sample.
fn live(sample: Json, group: &Json) -> Vec<String> {
    let mut engine = engine("live-check/closed.rego");
    engine
        .add_data(Value::from(json!({ "registry": registry() })))
        .expect("it is an object");
    let input = json!({ "sample": sample, "registry_group": group });
    denied(engine, "live_check_advice", &input)
}

fn metric(name: &str) -> Json {
    json!(registry().metric(name).expect("it is declared"))
}

fn attributes(pairs: &[(&str, &str)]) -> Json {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| json!({ "name": name, "value": value, "type": "string" }))
        .collect()
}

#[test]
fn the_live_check_closes_the_metrics() {
    let rate = metric("knhk.buffer_pool.hit_rate");
    let point = |value: f64, pairs: &[(&str, &str)]| {
        live(
            json!({ "number_data_point": { "value": value, "attributes": attributes(pairs) } }),
            &rate,
        )
    };
    let name = ("knhk.buffer_pool.name", "emit");
    assert_eq!(point(0.95, &[name]), [""; 0]);
    assert_eq!(point(95.0, &[name]), ["value_out_of_range"]);
    assert_eq!(
        point(0.95, &[name, ("knhk.arena.name", "a")]),
        ["unexpected_attribute"]
    );
    let named = |name: &str| live(json!({ "metric": { "name": name } }), &Json::Null);
    assert_eq!(named("knhk.buffer_pool.acquire"), [""; 0]);
    assert_eq!(named("Acquire"), ["invalid_format"]);
}

#[test]
fn the_live_check_closes_spans_and_logs() {
    let span = |name: &str, kind: &str, pairs: &[(&str, &str)]| {
        live(
            json!({ "span": { "name": name, "kind": kind, "attributes": attributes(pairs) } }),
            &Json::Null,
        )
    };
    let workers = ("knhk.pipeline.worker_count", "2");
    assert_eq!(span("knhk.pipeline.run", "internal", &[workers]), [""; 0]);
    assert_eq!(span("knhk.run", "internal", &[]), ["missing_span"]);
    assert_eq!(
        span("knhk.pipeline.run", "client", &[workers]),
        ["kind_mismatch"]
    );
    assert_eq!(
        span("knhk.pipeline.run", "internal", &[]),
        ["required_attribute_not_present"]
    );
    let line = ("code.line.number", "1");
    assert_eq!(
        span("knhk.pipeline.run", "internal", &[workers, line]),
        ["unexpected_attribute"]
    );

    let event = json!(
        registry()
            .event("knhk.buffer_pool.low_hit_rate")
            .expect("it is declared")
    );
    let log = |severity: i32| {
        live(
            json!({ "log": { "event_name": "e", "severity_number": severity, "attributes": [] } }),
            &event,
        )
    };
    assert_eq!(log(13), [""; 0]);
    assert_eq!(log(9), ["severity_mismatch"]);
    let unnamed = json!({ "log": { "event_name": "", "severity_number": 9, "attributes": [] } });
    assert_eq!(live(unnamed, &Json::Null), ["missing_event_name"]);
}
