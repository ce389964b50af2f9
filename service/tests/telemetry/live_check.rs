//! The workload of Weaver's live check shows what the check asks for: a declared name that it never emits
//! would fail wherever Weaver is installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use knhk_semconv::Registry;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric};

use crate::collector::{Answer, Collector, Received, metrics};
use crate::service::quiet;

fn live_check(file: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../weaver/live-check");
    folder.join(file)
}

/// Runs `weaver/live-check/workload` with its service told to export to `collector`.
fn run_workload(collector: &Collector, work: &Path) {
    let service = quiet(&[]);
    let mut command = Command::new(live_check("workload"));
    command.arg(service.get_program()).arg(work);
    for (name, value) in service.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let ended = command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .output()
        .expect("there is a bash");
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn the_live_checks_workload_emits_every_declared_name_that_is_not_excused() {
    let collector = Collector::new(Answer::Take);
    let work = tempfile::tempdir().expect("a folder can be made");
    run_workload(&collector, work.path());
    let seen = collector.so_far(names);
    let excused = fs::read_to_string(live_check("excused")).expect("it is there");
    let unseen: Vec<String> = declared()
        .into_iter()
        .filter(|name| !seen.contains(name))
        .filter(|name| !excused.lines().any(|prefix| name.starts_with(prefix)))
        .collect();
    assert_eq!(unseen, [""; 0]);
}

/// What Weaver's report counts: metrics, events and attributes. Of spans it counts the attributes alone.
fn declared() -> BTreeSet<String> {
    let registry = Registry::of_this_project().expect("the registry is good");
    let metrics = registry.metrics.into_iter().map(|it| it.name);
    let events = registry.events.into_iter().map(|it| it.name);
    let attributes = registry.attributes.into_iter().map(|it| it.key);
    metrics.chain(events).chain(attributes).collect()
}

fn names(received: &Received) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |pairs: &[KeyValue]| names.extend(pairs.iter().map(|it| it.key.clone()));
    for metric in received.metrics.iter().flat_map(metrics) {
        points(metric).into_iter().for_each(&mut add);
    }
    let resources = received.traces.iter().flat_map(|it| &it.resource_spans);
    for span in resources
        .flat_map(|it| &it.scope_spans)
        .flat_map(|it| &it.spans)
    {
        add(&span.attributes);
    }
    let resources = received.logs.iter().flat_map(|it| &it.resource_logs);
    let logs = resources
        .flat_map(|it| &it.scope_logs)
        .flat_map(|it| &it.log_records);
    let mut events = Vec::new();
    for log in logs {
        add(&log.attributes);
        events.push(log.event_name.clone());
    }
    names.extend(events);
    names.extend(
        received
            .metrics
            .iter()
            .flat_map(metrics)
            .filter(|it| !points(it).is_empty())
            .map(|it| it.name.clone()),
    );
    names
}

/// The attributes of each point.
fn points(metric: &Metric) -> Vec<&[KeyValue]> {
    match &metric.data {
        Some(metric::Data::Sum(sum)) => {
            let points = sum.data_points.iter();
            points.map(|it| &*it.attributes).collect()
        }
        Some(metric::Data::Gauge(gauge)) => {
            let points = gauge.data_points.iter();
            points.map(|it| &*it.attributes).collect()
        }
        Some(metric::Data::Histogram(histogram)) => {
            let points = histogram.data_points.iter();
            points.map(|it| &*it.attributes).collect()
        }
        other => panic!("{}: {other:?}", metric.name),
    }
}
