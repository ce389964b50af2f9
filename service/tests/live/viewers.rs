//! `GET /v1/live`.

use std::sync::{Arc, Mutex, PoisonError};

use knhk_pool::BufferPool;
use knhk_pool::telemetry::Monitor;
use knhk_pool::telemetry::health::Thresholds;
use knhk_poold::serve::live::{Live, VIEWERS_MAX, WorkerFigures, router};
use knhk_poold::telemetry::notices::{NOTICES_MAX, Notices};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::client::{Client, Event, Told, get, live, run};

const POINTS_MAX: usize = 600;

/// Held by a test that has many viewers: another measures memory.
static CROWD: Mutex<()> = Mutex::new(());

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| &*event.name).collect()
}

fn id(event: &Event) -> &str {
    event.id.as_deref().expect("it has one")
}

#[test]
fn a_viewer_is_given_the_past_first_and_then_what_comes() {
    run(async {
        let live = live();
        (0..3).for_each(|_| live.tick());
        let mut viewer = Client::view(&live, "").await;
        let past = viewer.events(5).await;
        assert_eq!(names(&past), ["hello", "point", "point", "point", "state"]);
        live.tick();
        let next = viewer.events(2).await;
        assert_eq!(names(&next), ["point", "state"]);
        assert_ne!(id(&next[0]), id(&past[3]));
    });
}

#[test]
fn a_point_has_what_happened_since_the_one_before() {
    run(async {
        let told = Arc::new(Told::default());
        let pool = BufferPool::builder("interval")
            .pool_size(1)
            .build()
            .expect("a pool");
        drop(pool.acquire());
        let live = Live::manual(Arc::clone(&told) as Arc<_>, Notices::default());
        let worker = WorkerFigures {
            triples: 800,
            ..WorkerFigures::default()
        };
        told.0.lock().expect("no test panics here").workers = vec![worker, worker];
        let both = (pool.acquire(), pool.acquire());
        live.tick();
        drop(both);
        live.tick();
        let mut viewer = Client::view(&live, "").await;
        let events = viewer.events(3).await;
        let of = |event: &Event| {
            let pools = event.data["pools"].as_array().expect("a list").clone();
            pools.into_iter().find(|pool| pool["name"] == "interval")
        };
        let first = of(&events[1]).expect("it was used");
        assert_eq!((&first["hits"], &first["misses"]), (&1.into(), &1.into()));
        assert_eq!(events[1].data["triples"], 1600);
        assert_eq!(of(&events[2]), None);
        assert_eq!(events[2].data["triples"], 0);
    });
}

#[test]
fn a_viewer_that_comes_back_goes_on_where_it_was() {
    run(async {
        let live = live();
        (0..2).for_each(|_| live.tick());
        let seen = Client::view(&live, "").await.events(4).await;
        (0..2).for_each(|_| live.tick());
        let header = format!("last-event-id: {}\r\n", id(&seen[3]));
        let later = Client::view(&live, &header).await.events(4).await;
        assert_eq!(names(&later), ["hello", "point", "point", "state"]);
        let everything = ["hello", "point", "point", "point", "point", "state"];
        for foreign in ["1-1", "nonsense", "18446744073709551615-9"] {
            let header = format!("last-event-id: {foreign}\r\n");
            let all = Client::view(&live, &header).await.events(6).await;
            assert_eq!(names(&all), everything, "{foreign}");
        }
    });
}

#[test]
fn ten_minutes_are_kept_and_no_more() {
    run(async {
        let live = live();
        (0..POINTS_MAX + 50).for_each(|_| live.tick());
        let events = Client::view(&live, "").await.events(POINTS_MAX + 2).await;
        let points = events.iter().filter(|event| event.name == "point").count();
        assert_eq!(points, POINTS_MAX);
        assert_eq!(events.last().map(|event| &*event.name), Some("state"));
    });
}

#[test]
fn a_warning_comes_with_the_size_that_would_have_held() {
    run(async {
        let notices = Notices::default();
        let live = Live::manual(Arc::new(Told::default()), notices.clone());
        let mut viewer = Client::view(&live, "").await;
        viewer.events(1).await;
        let monitor = Monitor::manual(Thresholds {
            acquires_min: 3,
            ..Thresholds::default()
        });
        let pool = BufferPool::builder("warned")
            .pool_size(1)
            .build()
            .expect("a pool");
        let out: Vec<_> = (0..3).map(|_| pool.acquire()).collect();
        let subscriber = tracing_subscriber::registry().with(notices);
        tracing::subscriber::with_default(subscriber, || monitor.tick());
        live.tick();
        drop(out);
        // Other tests have pools that are too small, too, and the monitor sees them all.
        let mut attributes = viewer.event().await.expect("a point").data;
        while attributes["knhk.buffer_pool.name"] != "warned" {
            let event = viewer.event().await.expect("a notice");
            assert_eq!(event.name, "notice", "{event:?}");
            attributes = event.data["attributes"].clone();
        }
        assert_eq!(attributes["knhk.buffer_pool.recommended_size"], 3);
        assert_eq!(attributes["knhk.buffer_pool.size"], 1);
    });
}

#[test]
fn the_newest_word_on_a_pool_outlasts_whatever_happens_since() {
    const POOL: &str = "outlasting";
    let notices = Notices::default();
    let live = Live::manual(Arc::new(Told::default()), notices.clone());
    let monitor = Monitor::manual(Thresholds {
        acquires_min: 3,
        ..Thresholds::default()
    });
    let pool = BufferPool::builder(POOL)
        .pool_size(1)
        .build()
        .expect("a pool");
    let others = || {
        (0..NOTICES_MAX + 50).for_each(|_| tracing::info!(name: "other", "something else"));
    };
    // What a viewer who comes now is told of the pool.
    let told = || {
        live.tick();
        let mut words = Vec::new();
        run(async {
            let mut viewer = Client::view(&live, "").await;
            let mut event = viewer.event().await.expect("a greeting");
            while event.name != "state" {
                if event.data["attributes"]["knhk.buffer_pool.name"] == POOL {
                    words.push(event.data["name"].to_string());
                }
                event = viewer.event().await.expect("it goes on until the state");
            }
        });
        words
    };
    let subscriber = tracing_subscriber::registry().with(notices);
    tracing::subscriber::with_default(subscriber, || {
        let out: Vec<_> = (0..3).map(|_| pool.acquire()).collect();
        monitor.tick();
        drop(out);
        // Within one interval of the sampler, and after it.
        for _ in 0..2 {
            others();
            assert_eq!(told(), ["\"knhk.buffer_pool.low_hit_rate\""]);
        }
        (0..100).for_each(|_| drop(pool.acquire()));
        monitor.tick();
        for _ in 0..2 {
            others();
            assert_eq!(told(), ["\"knhk.buffer_pool.hit_rate_recovered\""]);
        }
    });
}

#[test]
fn a_name_that_imitates_an_event_is_text_in_one() {
    const HOSTILE: &str = "\n\nevent: notice\ndata: {\"x\":1}\r\n\r\n<script>\"\u{2028}</script>\0";
    run(async {
        let pool = BufferPool::builder(HOSTILE).build().expect("a pool");
        let live = live();
        drop(pool.acquire());
        live.tick();
        let events = Client::view(&live, "").await.events(3).await;
        assert_eq!(names(&events), ["hello", "point", "state"]);
        for event in &events[1..] {
            let pools = event.data["pools"].as_array().expect("a list");
            assert!(
                pools.iter().any(|pool| pool["name"] == HOSTILE),
                "{event:?}"
            );
        }
    });
}

#[test]
fn stopping_ends_every_stream() {
    run(async {
        let live = live();
        live.tick();
        let mut viewers = [Client::view(&live, "").await, Client::view(&live, "").await];
        viewers[0].events(3).await;
        live.stop();
        live.tick();
        // One had seen all there was, the other not yet: neither waits for more.
        for viewer in &mut viewers {
            while viewer.event().await.is_some() {}
        }
    });
}

#[test]
fn the_sampler_goes_on_by_itself_until_it_is_stopped() {
    run(async {
        let told = Arc::new(Told::default());
        let live = Live::start(told, Notices::default()).expect("a thread can be started");
        let mut viewer = Client::view(&live, "").await;
        let mut seen = names(&viewer.events(1).await).join("");
        assert_eq!(seen, "hello");
        // Who looks late is given several points and then the newest state.
        while seen.matches("point").count() < 3 || !seen.ends_with("state") {
            let event = viewer.event().await.expect("it goes on");
            let is_known = ["point", "state", "notice"].contains(&&*event.name);
            assert!(is_known, "{event:?}");
            seen += &event.name;
        }
        live.stop();
        while viewer.event().await.is_some() {}
    });
}

#[test]
fn viewers_have_seats_and_who_leaves_frees_one() {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    run(async {
        let live = live();
        let app = router(live.clone());
        let mut viewers = Vec::new();
        for _ in 0..VIEWERS_MAX {
            viewers.push(Client::view(&live, "").await);
        }
        let (head, _) = get(&app, "/v1/live", "").await;
        assert!(head.starts_with("http/1.1 503 "), "{head}");
        assert!(head.contains("retry-after: "), "{head}");
        drop(viewers.pop());
        live.tick();
        while Client::get(&app, "/v1/live", "")
            .await
            .head()
            .await
            .contains(" 503 ")
        {
            tokio::task::yield_now().await;
        }
    });
}

/// Resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .expect("in kB");
    kib.parse::<u64>().expect("a number") * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn viewers_that_do_not_read_hold_no_memory() {
    const VIEWERS: usize = 500;
    const MIB: u64 = 1 << 20;
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    run(async {
        let live = live();
        let busy = BufferPool::builder("busy").build().expect("a pool");
        let work = async |ticks: usize| {
            for _ in 0..ticks {
                drop(busy.acquire());
                live.tick();
                tokio::task::yield_now().await;
            }
        };
        work(POINTS_MAX).await;
        let app = router(live.clone());
        let mut stalled = Vec::new();
        let alone = resident();
        for _ in 0..VIEWERS {
            stalled.push(Client::get(&app, "/v1/live", "").await);
        }
        work(POINTS_MAX).await;
        let watched = resident();
        work(3 * POINTS_MAX).await;
        let later = resident();
        println!("{alone}, with viewers {watched}, later {later} bytes");
        // A copy of what each has missed would be some 600 MiB by now.
        assert!(watched < alone + 64 * MIB, "{alone} to {watched} bytes");
        assert!(later < watched + 16 * MIB, "{watched} to {later} bytes");
        drop(stalled);
    });
}
