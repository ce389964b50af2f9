//! `GET /v1/pools`.

use std::sync::Arc;

use knhk_pool::{Arena, ArenaConfig, ArenaOverflow, BufferPool, HeapObjectPool, snapshot};
use knhk_poold::serve::live::{
    Live, Pipeline, QueueFigures, StageFigures, Stages, WorkerFigures, router,
};
use knhk_poold::telemetry::notices::Notices;
use serde_json::{Value, json};

use crate::client::{Told, get, live, run};

async fn pools(live: &Live) -> Value {
    let (head, body) = get(&router(live.clone()), "/v1/pools", "").await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    serde_json::from_str(&body).expect("it is JSON")
}

fn named<'a>(figures: &'a Value, list: &str, name: &str) -> &'a Value {
    let mut found = figures[list].as_array().expect("a list").iter();
    found
        .find(|item| item["name"] == name)
        .expect("it is listed")
}

/// `Stats { hits: 1, … }` as pairs: what a struct has, whatever is added to it.
fn fields(debug: &str) -> Vec<(String, Value)> {
    let (_, inner) = debug.split_once("{ ").expect("a struct");
    let pairs = inner.trim_end_matches(" }").split(", ");
    let pair = |pair: &str| {
        let (name, value) = pair.split_once(": ").expect("a field");
        (
            name.to_owned(),
            serde_json::from_str(value).expect("a number"),
        )
    };
    pairs.map(pair).collect()
}

#[test]
fn every_figure_of_a_snapshot_is_there() {
    run(async {
        let pool = BufferPool::builder("complete")
            .pool_size(2)
            .build()
            .expect("a pool");
        let live = live();
        let out: Vec<_> = (0..3).map(|_| pool.acquire()).collect();
        drop(pool.try_acquire());
        drop(out);
        let mut grown = pool.acquire();
        grown.resize(pool.config().buffer_size() + 1, 0);
        drop(grown);
        let _detached = pool.acquire().into_vec();
        let _held = pool.acquire();
        let config = ArenaConfig::default().with_overflow(ArenaOverflow::Heap);
        let arena = Arena::named("complete-arena", &config).expect("an arena");
        arena.alloc_slice::<u8>(config.size() + 1);
        live.tick();

        let figures = pools(&live).await;
        let seen = snapshot();
        let seen_pool = seen
            .pools
            .iter()
            .find(|pool| pool.name == "complete")
            .expect("it lives");
        let shown = named(&figures, "pools", "complete");
        for (name, value) in fields(&format!("{:?}", seen_pool.stats)) {
            assert_eq!(shown[&name], value, "{name}");
        }
        assert_eq!(shown["kind"], "buffer");
        assert_eq!(shown["size"], 2);
        assert_eq!(shown["hit_rate_warning"], seen_pool.hit_rate_warning);
        assert_eq!(shown["hit_rate"].as_f64(), seen_pool.stats.hit_rate());
        assert_eq!(shown["interval_hit_rate"], shown["hit_rate"]);
        assert_eq!(
            shown["spread"],
            json!({
                "acquires": seen_pool.spread.acquires,
                "hit_rate": seen_pool.spread.hit_rate,
            })
        );
        let counts = ["misses", "exhausted", "grown", "detached"].map(|name| shown[name].as_u64());
        assert_eq!(counts, [Some(1); 4], "{shown}");

        let seen_arena = seen
            .arenas
            .iter()
            .find(|arena| arena.name == "complete-arena");
        let seen_arena = seen_arena.expect("it lives");
        let shown = named(&figures, "arenas", "complete-arena");
        for (name, value) in fields(&format!("{:?}", seen_arena.stats)) {
            assert_eq!(shown[&name], value, "{name}");
        }
        assert_eq!(
            shown["utilization"].as_f64(),
            seen_arena.stats.utilization()
        );
        assert_eq!(shown["overflows"], 1);
    });
}

#[test]
fn a_pool_that_nobody_used_has_no_rate_and_one_at_rest_no_interval_rate() {
    run(async {
        let unused = HeapObjectPool::<Vec<u8>>::named("unused-objects", 4, Vec::new);
        let rested = BufferPool::builder("rested").build().expect("a pool");
        let live = live();
        drop(rested.acquire());
        live.tick();
        live.tick();
        let figures = pools(&live).await;
        let shown = named(&figures, "pools", "unused-objects");
        assert_eq!(
            (&shown["kind"], &shown["hit_rate"]),
            (&json!("object"), &Value::Null)
        );
        assert_eq!(
            shown["spread"],
            json!({ "acquires": null, "hit_rate": null })
        );
        let shown = named(&figures, "pools", "rested");
        assert_eq!(
            (&shown["hit_rate"], &shown["interval_hit_rate"]),
            (&json!(1.0), &Value::Null)
        );
        drop(unused);
    });
}

#[test]
fn what_the_workers_did_is_there() {
    run(async {
        let told = Arc::new(Told::default());
        let stage = |ns| StageFigures { ns, runs: 5 };
        let stages = Stages {
            load: stage(100),
            reflex: stage(20),
            emit: stage(300),
        };
        let worker = WorkerFigures {
            active: true,
            triples: 30,
            evaluations: 5,
            batches: 2,
            stages,
        };
        let queue = QueueFigures {
            len: 3,
            capacity: 64,
        };
        *told.0.lock().expect("no test panics here") = Pipeline {
            workers: vec![worker, WorkerFigures::default()],
            queue,
            rejected: 7,
        };
        let live = Live::manual(told, Notices::default());
        let pipeline = &pools(&live).await["pipeline"];
        assert_eq!(
            pipeline["workers"][0],
            json!({
                "active": true, "triples": 30, "evaluations": 5, "batches": 2,
                "stages": {
                    "load": { "ns": 100, "runs": 5 },
                    "reflex": { "ns": 20, "runs": 5 },
                    "emit": { "ns": 300, "runs": 5 },
                },
            })
        );
        assert_eq!(pipeline["workers"].as_array().map(Vec::len), Some(2));
        assert_eq!(pipeline["queue"], json!({ "len": 3, "capacity": 64 }));
        assert_eq!(pipeline["rejected"], 7);
    });
}
