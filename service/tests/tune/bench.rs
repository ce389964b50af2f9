//! `knhk-poold bench`, as short as it can be.

use crate::program::ended;

const NAMES: [&str; 4] = [
    "LocalPool",
    "BufferPool",
    "the allocator at hand",
    "the system's malloc",
];

#[test]
fn every_case_is_measured_one_deep_and_sixteen_deep() {
    let json = ended(&["bench", "--for", "1ms", "--json"]).json();
    assert!(json["rounds"].as_u64().is_some_and(|rounds| rounds >= 1));
    assert!(json["core_ghz"].as_f64().is_some_and(|ghz| ghz > 0.0));
    let cases = json["cases"].as_array().expect("cases");
    for depth in [1, 16] {
        let names: Vec<_> = cases
            .iter()
            .filter(|case| case["depth"] == depth)
            .map(|case| case["name"].as_str().expect("a name"))
            .collect();
        assert_eq!(names, NAMES);
    }
    for case in cases {
        for key in [
            "ticks_fastest_tenth",
            "ticks_median",
            "ns_fastest_tenth",
            "ns_median",
        ] {
            assert!(
                case[key].as_f64().is_some_and(|figure| figure > 0.0),
                "{case}"
            );
        }
        assert!(
            case["ns_fastest_tenth"].as_f64() <= case["ns_median"].as_f64(),
            "{case}"
        );
    }
}

#[test]
fn the_bars_are_plain_text_where_nobody_sees_colours() {
    let ended = ended(&["bench", "--for", "1ms"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.is_ascii(), "{}", ended.stdout);
    for name in NAMES {
        let rows = ended.stdout.lines().filter(|line| line.starts_with(name));
        assert_eq!(
            rows.filter(|row| row.trim_end().ends_with('#')).count(),
            2,
            "{name}"
        );
    }
    assert!(ended.stdout.contains("a tick is a core cycle"));
}

#[test]
fn a_time_that_is_none_is_refused() {
    for time in ["0s", "10", "fast"] {
        let refused = ended(&["bench", "--for", time]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("--for"), "{refused:?}");
    }
}
