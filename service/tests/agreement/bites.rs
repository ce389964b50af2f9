//! The comparison bites: each fault by itself, in what is emitted or in the registry, is found.

use knhk_semconv::Registry;
use knhk_semconv::registry::{Instrument, Type, ValueType};

use crate::agreement::disagreements;
use crate::registry;
use crate::scenario;
use crate::seen::{Held, Point, Seen, SeenEvent, SeenMetric, SeenSpan};

/// One deliberate fault, and what must be said of it.
type Fault = (&'static str, fn(&mut Seen, &mut Registry));

const ACQUIRE: &str = "knhk.buffer_pool.acquire";
const HIT_RATE: &str = "knhk.buffer_pool.hit_rate";
const LOW: &str = "knhk.buffer_pool.low_hit_rate";
const PREPARE: &str = "knhk.buffer_pool.prepare";
const OUTCOME: &str = "knhk.buffer_pool.outcome";

const FAULTS: [Fault; 30] = [
    ("acquire: unit is 1, declared", |seen, _| {
        metric(seen, ACQUIRE).unit = "1".into()
    }),
    ("acquire: unit is , declared", |seen, _| {
        metric(seen, ACQUIRE).unit.clear()
    }),
    (
        "acquire: unit is {acquire}, declared is {call}",
        |_, registry| {
            declared(registry, ACQUIRE).unit = "{call}".into();
        },
    ),
    ("acquire: description is", |_, registry| {
        declared(registry, ACQUIRE).brief.push('!')
    }),
    ("acquire: instrument is Gauge", |seen, _| {
        metric(seen, ACQUIRE).instrument = Instrument::Gauge
    }),
    (
        "acquire: instrument is Counter, declared is UpDownCounter",
        |_, registry| {
            declared(registry, ACQUIRE).instrument = Instrument::UpDownCounter;
        },
    ),
    ("hit_rate: a point is Int", |seen, _| {
        point(seen, HIT_RATE).value_type = ValueType::Int
    }),
    ("hit_rate is 90, outside 0 to 1", |seen, _| {
        point(seen, HIT_RATE).value = 90.0
    }),
    ("metric knhk.buffer_pool.hits is not declared", |seen, _| {
        metric(seen, HIT_RATE).name = "knhk.buffer_pool.hits".into();
    }),
    ("hit_rate was never emitted", |seen, _| {
        seen.metrics.retain(|it| it.name != HIT_RATE)
    }),
    ("hit_rate: no points", |seen, _| {
        metric(seen, HIT_RATE).points.clear()
    }),
    ("acquire: has thread.id, which is not listed", |seen, _| {
        point(seen, ACQUIRE)
            .attributes
            .push(("thread.id".into(), Held::Int(7)));
    }),
    (
        "acquire: has knhk.arena.name, which is not listed",
        |seen, _| {
            point(seen, ACQUIRE)
                .attributes
                .push(("knhk.arena.name".into(), Held::Text("a".into())));
        },
    ),
    ("acquire: lacks knhk.buffer_pool.outcome", |seen, _| {
        point(seen, ACQUIRE)
            .attributes
            .retain(|(key, _)| key != OUTCOME);
    }),
    ("knhk.buffer_pool.outcome is Text(\"hitt\")", |seen, _| {
        outcome(seen, Held::Text("hitt".into()))
    }),
    ("knhk.buffer_pool.outcome is Int(0)", |seen, _| {
        outcome(seen, Held::Int(0))
    }),
    ("knhk.buffer_pool.outcome is Boolean(true)", |seen, _| {
        outcome(seen, Held::Boolean(true))
    }),
    (
        "knhk.buffer_pool.outcome was never \"stolen\"",
        |_, registry| {
            let outcome = registry.attributes.iter_mut().find(|it| it.key == OUTCOME);
            if let Type::Enum { members } = &mut outcome.expect("it is declared").kind {
                let mut stolen = members[0].clone();
                stolen.value = "stolen".into();
                members.push(stolen);
            }
        },
    ),
    (
        "attribute knhk.hot_path.alignment was never emitted",
        |seen, _| {
            for event in &mut seen.events {
                event
                    .attributes
                    .retain(|(key, _)| key != "knhk.hot_path.alignment");
            }
        },
    ),
    ("schema is https://other/0.1.0", |seen, _| {
        metric(seen, ACQUIRE).scope.schema_url = "https://other/0.1.0".into();
    }),
    ("emitted by the scope \"other\"", |seen, _| {
        metric(seen, ACQUIRE).scope.name = "other".into()
    }),
    ("event \"\" is not declared", |seen, _| {
        event(seen, LOW).name.clear()
    }),
    ("low_hit_rate: severity is 9", |seen, _| {
        event(seen, LOW).severity_number = 9
    }),
    ("low_hit_rate: lacks knhk.hit_rate.value", |seen, _| {
        event(seen, LOW)
            .attributes
            .retain(|(key, _)| key != "knhk.hit_rate.value");
    }),
    ("knhk.hit_rate.value is 83, outside 0 to 1", |seen, _| {
        let attributes = &mut event(seen, LOW).attributes;
        let rate = attributes
            .iter_mut()
            .find(|(key, _)| key == "knhk.hit_rate.value");
        rate.expect("it has one").1 = Held::Double(83.0);
    }),
    ("span knhk.prepare is not declared", |seen, _| {
        span(seen, PREPARE).name = "knhk.prepare".into()
    }),
    ("prepare: schema is , declared", |seen, _| {
        span(seen, PREPARE).scope.schema_url.clear()
    }),
    ("prepare: emitted by the scope \"other\"", |seen, _| {
        span(seen, PREPARE).scope.name = "other".into()
    }),
    ("prepare: kind is client", |seen, _| {
        span(seen, PREPARE).kind = "client".into()
    }),
    (
        "prepare: has code.line.number, which is not listed",
        |seen, _| {
            span(seen, PREPARE)
                .attributes
                .push(("code.line.number".into(), Held::Int(1)));
        },
    ),
];

fn metric<'s>(seen: &'s mut Seen, name: &str) -> &'s mut SeenMetric {
    seen.metrics
        .iter_mut()
        .find(|it| it.name == name)
        .expect("it was emitted")
}

fn point<'s>(seen: &'s mut Seen, name: &str) -> &'s mut Point {
    &mut metric(seen, name).points[0]
}

fn outcome(seen: &mut Seen, held: Held) {
    let attributes = &mut point(seen, ACQUIRE).attributes;
    let outcome = attributes.iter_mut().find(|(key, _)| key == OUTCOME);
    outcome.expect("it has one").1 = held;
}

fn event<'s>(seen: &'s mut Seen, name: &str) -> &'s mut SeenEvent {
    seen.events
        .iter_mut()
        .find(|it| it.name == name)
        .expect("it was emitted")
}

fn span<'s>(seen: &'s mut Seen, name: &str) -> &'s mut SeenSpan {
    seen.spans
        .iter_mut()
        .find(|it| it.name == name)
        .expect("it was emitted")
}

fn declared<'r>(registry: &'r mut Registry, name: &str) -> &'r mut knhk_semconv::registry::Metric {
    registry
        .metrics
        .iter_mut()
        .find(|it| it.name == name)
        .expect("it is declared")
}

#[test]
fn every_single_fault_is_found() {
    for (expected, plant) in FAULTS {
        let (mut seen, mut registry) = (scenario::seen().clone(), registry());
        plant(&mut seen, &mut registry);
        let found = disagreements(&registry, &seen);
        assert!(
            found.iter().any(|said| said.contains(expected)),
            "nobody said {expected:?}, but {found:?}"
        );
    }
}
