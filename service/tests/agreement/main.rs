//! Registry and telemetry agree: what a real run emits through the real SDK is what `weaver/registry`
//! declares, and all of it.
//!
//! It does not replace Weaver, which looks at the running service from outside; it sees what Weaver
//! does not: kinds of numbers, enum members that are never emitted, scopes, values that are wrong
//! inside their range.

mod agreement;
mod bites;
mod scenario;
mod seen;

#[cfg(not(feature = "allocation-tracking"))]
use knhk_pool::HotPathAlloc;
use knhk_semconv::Registry;

use agreement::disagreements;

// For the violations of hot paths, which are counted where the detector is armed.
#[cfg(not(feature = "allocation-tracking"))]
#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(std::alloc::System);

fn registry() -> Registry {
    Registry::of_this_project().expect("the registry is good")
}

#[test]
fn registry_and_telemetry_agree() {
    let found = disagreements(&registry(), scenario::seen());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_hit_rates_are_those_of_the_acquires() {
    let seen = scenario::seen();
    let rate = |metric: &str| seen.value(metric, "small");
    // 4 of 16 in the first and the last interval, 101 of 101 between them.
    assert_eq!(rate("knhk.buffer_pool.hit_rate"), Some(0.25));
    assert_eq!(
        rate("knhk.buffer_pool.lifetime_hit_rate"),
        Some(109.0 / 133.0)
    );
}

#[test]
fn every_span_of_the_pipeline_stands_below_the_run() {
    let seen = scenario::seen();
    let run = seen.spans.iter().find(|it| it.name == "knhk.pipeline.run");
    let run = run.expect("there was a run");
    let pipeline = seen
        .spans
        .iter()
        .filter(|it| it.name.starts_with("knhk.pipeline."));
    for span in pipeline.filter(|it| it.name != "knhk.pipeline.run") {
        assert_ne!(span.parent, None, "{} has no parent", span.name);
        let runs: Vec<_> = seen.spans.iter().filter(|it| it.name == run.name).collect();
        assert!(
            runs.iter().any(|it| it.trace == span.trace),
            "{}",
            span.name
        );
    }
}
