//! What a collector is sent when all goes well.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use knhk_semconv::Registry;

use crate::collector::{Answer, Collector, attributes, metrics, sum};
use crate::program::{Ended, file, text};
use crate::service::{patiently, quiet};

/// Made once: whoever reads it while it is made anew reads half of it.
pub(crate) static SLOW_MONITOR: LazyLock<PathBuf> =
    LazyLock::new(|| file("slow-monitor.toml", b"[poold]\nmonitor_interval_s = 3600\n"));

/// A short run on a pool that is too small, which is judged at the end, however slow the machine is, and
/// the collector that it told.
fn run(variables: &[(&str, &str)]) -> (Collector, Ended) {
    let arguments = ["run", "--generate", "20000", "--json", "--otlp-endpoint"];
    patiently(|| {
        let collector = Collector::new(Answer::Take);
        let output = quiet(&arguments)
            .arg(collector.url())
            .args(["--config", text(&SLOW_MONITOR)])
            .env("KNHK_POOL_SIZE", "1")
            .envs(variables.iter().copied())
            .output();
        (collector, Ended::of(&output.expect("the program starts")))
    })
}

#[test]
fn totals_at_the_end_are_those_of_the_summary() {
    let (collector, ended) = run(&[]);
    let json = ended.json();
    let last = collector.wait(|it| it.metrics.last().cloned());
    for pool in json["pools"].as_array().expect("a list") {
        let name = pool["name"].as_str().expect("a name");
        let kind = if name == "emit" { "buffer" } else { "object" };
        let acquire = format!("knhk.{kind}_pool.acquire");
        let of = |outcome| sum(&last, &acquire, &[name, outcome]);
        assert_eq!(pool["hits"], of("hit"), "{name}");
        assert_eq!(pool["misses"], of("miss") + of("exhausted"), "{name}");
    }
    assert_eq!(json["triples"], sum(&last, "knhk.pipeline.triples", &[]));
    let exports = ["metrics", "traces", "logs"].map(|signal| {
        ["ok", "failed"].map(|it| sum(&last, "knhk.telemetry.export", &[signal, it]))
    });
    assert!(
        exports.iter().all(|[_, failed]| *failed == 0),
        "{exports:?}"
    );
}

#[test]
fn every_outcome_of_an_export_is_there_from_the_start() {
    let (collector, _) = run(&[]);
    let first = collector.wait(|it| it.metrics.first().cloned());
    let points = crate::collector::sums(&first, "knhk.telemetry.export");
    assert_eq!(points.len(), 3 * 2, "{points:?}");
}

#[test]
fn nothing_leaves_the_process_that_the_registry_does_not_declare() {
    let registry = Registry::of_this_project().expect("the registry can be read");
    let (collector, _) = run(&[("RUST_LOG", "trace")]);
    let declared = |name: &str| registry.metric(name).is_some();
    let metric_names: BTreeSet<String> = collector.so_far(|it| {
        let all = it.metrics.iter().flat_map(metrics);
        all.map(|metric| metric.name.clone()).collect()
    });
    assert!(metric_names.len() > 20, "{metric_names:?}");
    assert!(
        metric_names.iter().all(|name| declared(name)),
        "{metric_names:?}"
    );

    let spans: BTreeSet<(String, Vec<String>)> = collector.so_far(|it| {
        let all = it.traces.iter().flat_map(|it| &it.resource_spans);
        let all = all.flat_map(|it| &it.scope_spans).flat_map(|it| &it.spans);
        let keys = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
            attributes(&span.attributes).into_keys().collect()
        };
        all.map(|span| (span.name.clone(), keys(span))).collect()
    });
    assert!(spans.iter().any(|(name, _)| name == "knhk.pipeline.run"));
    for (name, keys) in &spans {
        let span = registry.spans.iter().find(|span| span.name == *name);
        let span = span.unwrap_or_else(|| panic!("the span {name} is not declared"));
        for key in keys {
            let is_declared = span.attributes.iter().any(|it| it.attribute.key == *key);
            assert!(is_declared, "{name} has {key}");
        }
    }

    let events: BTreeSet<String> = collector.so_far(|it| {
        let all = it.logs.iter().flat_map(|it| &it.resource_logs);
        let all = all
            .flat_map(|it| &it.scope_logs)
            .flat_map(|it| &it.log_records);
        all.map(|record| record.event_name.clone()).collect()
    });
    assert_eq!(
        events,
        BTreeSet::from(["knhk.buffer_pool.low_hit_rate".to_owned()])
    );
}

#[test]
fn the_resource_says_who_it_is_and_the_environment_may_say_otherwise() {
    let of = |variables: &[(&str, &str)]| {
        let (collector, _) = run(variables);
        let resource =
            collector.wait(|it| it.metrics.first()?.resource_metrics[0].resource.clone());
        attributes(&resource.attributes)
    };
    let plain = of(&[]);
    assert_eq!(plain["service.name"], "knhk-poold");
    assert_eq!(plain["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(plain["telemetry.sdk.language"], "rust");
    assert_ne!(plain["service.instance.id"], of(&[])["service.instance.id"]);
    let given = of(&[
        ("OTEL_SERVICE_NAME", "ingest-7"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=no,team=a%20b"),
    ]);
    assert_eq!(
        (&*given["service.name"], &*given["team"]),
        ("ingest-7", "a b")
    );
}

#[test]
fn headers_and_compression_of_the_environment_hold() {
    let (collector, _) = run(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=seven"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ]);
    let heads = collector.so_far(|it| it.heads.join("").to_ascii_lowercase());
    assert!(heads.contains("x-tenant: seven"), "{heads}");
    assert!(heads.contains("content-encoding: gzip"), "{heads}");
    assert!(
        heads.contains("/v1/metrics") && heads.contains("/v1/traces"),
        "{heads}"
    );
}

#[test]
fn a_pool_that_is_too_small_is_told_with_the_size_that_would_do_on_both_ways() {
    let (collector, ended) = run(&[]);
    let told = collector.so_far(|it| {
        attributes(&it.logs[0].resource_logs[0].scope_logs[0].log_records[0].attributes)
    });
    let needed = ended.json()["pools"][0]["high_water"].to_string();
    assert_eq!(told["knhk.buffer_pool.recommended_size"], needed);
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    let line = "WARN hit rate of buffer pool \"emit\" is 25.";
    assert!(ended.stderr.contains(line), "{ended:?}");
    let advice = format!("{needed} buffers a thread would have held it, it has 1");
    assert!(ended.stderr.contains(&advice), "{ended:?}");
}

#[test]
fn the_warning_needs_no_exporter_and_comes_once() {
    let arguments = [
        "run",
        "--generate",
        "20000",
        "--config",
        text(&SLOW_MONITOR),
    ];
    let output = quiet(&arguments).env("KNHK_POOL_SIZE", "1").output();
    let ended = Ended::of(&output.expect("the program starts"));
    assert_eq!(
        ended.stderr.matches("would have held it").count(),
        1,
        "{ended:?}"
    );
    let never = file("no-monitor.toml", b"[poold]\nmonitor_interval_s = 0\n");
    crate::program::ended(&["run", "--config", text(&never)])
        .assert_refused(2, "poold.monitor_interval_s is 0, expected 1 to 3600");
}
