//! The registry is good by its own rules, what is generated from it is current, and the rules bite.

use std::fs;
use std::path::{Path, PathBuf};

use knhk_semconv::registry::{Example, Instrument, Type, ValueType};
use knhk_semconv::render::render;
use knhk_semconv::{Registry, RegistryError, prometheus, rules};

fn registry() -> Registry {
    Registry::of_this_project().expect("the registry is good")
}

fn weaver(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_registry_keeps_its_own_rules() {
    assert_eq!(rules::faults(&registry()), [""; 0]);
}

/// One deliberate fault, and what must be said of it.
type Fault = (&'static str, fn(&mut Registry));

const FAULTS: [Fault; 24] = [
    ("does not end in a version", |it| {
        it.schema_url = "https://knhk.dev/schemas".into()
    }),
    ("not of the form knhk.noun.part", |it| {
        it.metrics[0].name = "knhk.Arena".into()
    }),
    ("not of the form knhk.noun.part", |it| {
        it.attributes[0].key = "arena.name".into()
    }),
    ("not of the form knhk.noun.part", |it| {
        it.events[0].name = "knhk..x".into()
    }),
    ("not of the form knhk.noun.part", |it| {
        it.spans[0].name = "prepare".into()
    }),
    ("the brief is no sentence", |it| {
        it.metrics[0].brief = "Bytes".into()
    }),
    ("the brief is no sentence", |it| {
        it.attributes[0].brief = "name of it.".into()
    }),
    ("stability \"\"", |it| it.metrics[0].stability.clear()),
    ("requirement_level \"required\"", |it| {
        it.events[0].requirement_level = "required".into()
    }),
    ("unit \"bytes\"", |it| it.metrics[0].unit = "bytes".into()),
    ("unit \"\"", |it| it.metrics[0].unit.clear()),
    ("unit \"{buffers}\"", |it| {
        it.metrics[0].unit = "{buffers}".into()
    }),
    ("unit \"{}\"", |it| it.metrics[0].unit = "{}".into()),
    ("unit \"{Buffer}\"", |it| {
        it.metrics[0].unit = "{Buffer}".into()
    }),
    ("no signal has it", |it| {
        let mut unused = it.attributes[0].clone();
        unused.key = "knhk.nobodys".into();
        it.attributes.push(unused);
    }),
    ("unit 1 is for gauges", |it| {
        share(it).instrument = Instrument::Counter
    }),
    ("a share is a double with a range", |it| {
        share(it)
            .annotations
            .code_generation
            .as_mut()
            .expect("it has one")
            .metric_value_type = ValueType::Int;
    }),
    ("a share is a double with a range", |it| {
        share(it).annotations.knhk = None
    }),
    ("no metric_value_type", |it| {
        it.metrics[0].annotations.code_generation = None
    }),
    ("Prometheus adds that suffix", |it| {
        share(it).name = "knhk.hit_ratio".into()
    }),
    ("lacks the required attribute knhk.buffer_pool.name", |it| {
        share(it).attributes.clear()
    }),
    ("no severity", |it| it.events[0].annotations.knhk = None),
    ("is the namespace of", |it| {
        it.metrics[0].name = "knhk.buffer_pool".into()
    }),
    ("is no Int", |it| {
        let size = it
            .attributes
            .iter_mut()
            .find(|it| it.key == "knhk.buffer_pool.size");
        size.expect("it is declared")
            .examples
            .push(Example::String("many".into()));
    }),
];

fn share(registry: &mut Registry) -> &mut knhk_semconv::registry::Metric {
    let metrics = registry.metrics.iter_mut();
    let mut shares = metrics.filter(|it| it.name == "knhk.buffer_pool.hit_rate");
    shares.next().expect("it is declared")
}

#[test]
fn each_rule_bites() {
    for (expected, plant) in FAULTS {
        let mut registry = registry();
        plant(&mut registry);
        let found = rules::faults(&registry);
        assert!(
            found.iter().any(|said| said.contains(expected)),
            "nobody said {expected:?}, but {found:?}"
        );
    }
    let mut registry = registry();
    let outcome = registry
        .attributes
        .iter_mut()
        .find(|it| matches!(it.kind, Type::Enum { .. }));
    if let Some(Type::Enum { members }) = outcome.map(|it| &mut it.kind) {
        members[1].value = members[0].value.clone();
    }
    assert!(
        rules::faults(&registry)
            .iter()
            .any(|said| said.contains("twice"))
    );
}

/// The registry in `text`, beside a good manifest.
fn load(text: &str) -> Result<Registry, RegistryError> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::copy(
        weaver("registry/manifest.yaml"),
        folder.path().join("manifest.yaml"),
    )
    .expect("it can be copied");
    fs::write(folder.path().join("file.yaml"), text).expect("it can be written");
    Registry::load(folder.path())
}

#[test]
fn files_that_are_not_understood_are_refused() {
    let metric = "metrics: [{ name: knhk.a, instrument: counter, unit: By, stability: development, \
                  requirement_level: recommended, brief: A., annotations: {}, REST }]";
    let with = |rest: &str| {
        load(&format!(
            "file_format: definition/2\n{}",
            metric.replace("REST", rest)
        ))
    };
    assert!(with("attributes: []").is_ok());
    let said = |it: Result<Registry, RegistryError>| it.expect_err("it is wrong").to_string();
    let unknown = said(with(
        "attributes: [{ ref: knhk.b, requirement_level: required }]",
    ));
    assert_eq!(
        unknown,
        "knhk.a refers to the attribute knhk.b, which is not defined"
    );
    assert!(said(with("colour: red")).contains("unknown field `colour`"));
    assert!(said(load("file_format: definition/1")).contains("expected \"definition/2\""));
    assert!(said(load("metrics: []")).contains("missing field `file_format`"));
    let twice = metric.replace("REST", "attributes: []");
    let item = twice.trim_start_matches("metrics: [").trim_end_matches(']');
    let twice = format!("file_format: definition/2\nmetrics: [{item}, {item}]");
    assert_eq!(said(load(&twice)), "knhk.a is defined twice");
}

#[test]
fn the_page_is_what_the_registry_says() {
    let read = |path| fs::read_to_string(weaver(path)).expect("it is there");
    let rendered = render(&registry(), &read("templates/markdown/telemetry.md.j2"));
    let rendered = rendered.expect("the template is good");
    assert_eq!(
        rendered,
        read("../docs/telemetry.md"),
        "run `cargo run -p knhk-semconv`"
    );
}

/// The constants themselves, not their text: what the compiler has made of them.
#[test]
fn the_constants_are_what_the_registry_says() {
    use knhk_pool::telemetry::semconv::{self, metric};
    let registry = registry();
    assert_eq!(semconv::SCHEMA_URL, registry.schema_url);
    assert_eq!(metric::ALL.len(), registry.metrics.len());
    for (constant, declared) in metric::ALL.iter().zip(&registry.metrics) {
        assert_eq!(constant.name, declared.name);
        assert_eq!(constant.unit, declared.unit);
        assert_eq!(constant.brief, declared.brief);
        let keys: Vec<&str> = declared
            .attributes
            .iter()
            .map(|it| &*it.attribute.key)
            .collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(constant.attributes, sorted);
        let (instrument, value_type) = (constant.instrument, constant.value_type);
        assert_eq!(
            format!("{instrument:?}"),
            format!("{:?}", declared.instrument)
        );
        assert_eq!(
            Some(format!("{value_type:?}")),
            declared.value_type().map(|it| format!("{it:?}"))
        );
    }
}

#[test]
fn prometheus_names_follow_the_specification() {
    let registry = registry();
    let series = |name: &str| prometheus::series(registry.metric(name).expect("it is declared"));
    assert_eq!(
        series("knhk.buffer_pool.acquire"),
        "knhk_buffer_pool_acquire_total"
    );
    assert_eq!(
        series("knhk.buffer_pool.hit_rate"),
        "knhk_buffer_pool_hit_rate_ratio"
    );
    assert_eq!(
        series("knhk.buffer_pool.retained"),
        "knhk_buffer_pool_retained_bytes"
    );
    assert_eq!(
        series("knhk.buffer_pool.thread.count"),
        "knhk_buffer_pool_thread_count"
    );
    assert_eq!(
        series("knhk.pipeline.stage.duration"),
        "knhk_pipeline_stage_duration_seconds"
    );
}
