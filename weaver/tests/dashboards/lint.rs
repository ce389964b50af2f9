//! What makes a dashboard usable on other people's data: the rules of Grafana's dashboard linter, and
//! ours.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::files::{Board, Panel, array, string, yaml};
use crate::promql::{Selector, parse};
use crate::{names, rules};

/// Functions under which a counter may stand: rates, those that only ask whether or when, and those that take
/// a series that is new for all that it counted.
const OF_COUNTERS: [&str; 6] = [
    "rate",
    "increase",
    "timestamp",
    "group",
    "max_over_time",
    "last_over_time",
];

/// The templated data source.
fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

#[test]
fn the_board_is_set_up_as_a_provisioned_one() {
    let Board(board) = Board::read();
    let expected = json!({
        "uid": "knhk-pool", "editable": false, "graphTooltip": 1, "refresh": "10s", "schemaVersion": 42,
    });
    for (key, value) in expected.as_object().expect("it is one") {
        assert_eq!(&board[key], value, "{key}");
    }
    assert!(!array(&board["tags"]).is_empty());
    assert!(board.get("id").is_none(), "Grafana gives the id");
}

#[test]
fn variables_are_data_source_job_instance_and_the_pools() {
    let board = Board::read();
    let names: Vec<&str> = board
        .variables()
        .iter()
        .map(|it| string(&it["name"]))
        .collect();
    let expected = [
        "datasource",
        "job",
        "instance",
        "pool",
        "object_pool",
        "runbook",
    ];
    assert_eq!(names, expected);
    for variable in board.variables().iter().filter(|it| it["type"] == "query") {
        let name = &variable["name"];
        assert_eq!(variable["datasource"], datasource(), "{name}");
        assert_eq!(variable["multi"], true, "{name}");
        assert_eq!(variable["includeAll"], true, "{name}");
        assert_eq!(variable["allValue"], ".+", "{name}");
        assert_eq!(
            variable["refresh"], 2,
            "{name}: on every change of the time"
        );
        assert_eq!(variable["definition"], variable["query"]["query"], "{name}");
    }
}

#[test]
fn every_query_asks_the_chosen_data_source_for_the_chosen_job_and_instance() {
    for panel in Board::read().panels() {
        assert_eq!(panel.0["datasource"], datasource(), "{}", panel.title());
        for target in panel.targets() {
            assert_eq!(*target.datasource, datasource(), "{}", panel.title());
            for selector in parse(target.expr).selectors {
                for label in ["job", "instance"] {
                    let fault = format!("{}: {label} in {}", panel.title(), target.expr);
                    let matcher = selector.matcher(label).expect(&fault);
                    // An alert of all instances has neither.
                    let is_alert = selector.metric.as_deref() == Some("ALERTS");
                    let none = if is_alert { "|" } else { "" };
                    assert_eq!(matcher.value, format!("${label}{none}"), "{fault}");
                    assert_eq!(matcher.operator, "=~", "{fault}");
                }
                assert_pool_is_chosen(&panel, &selector);
            }
        }
    }
}

fn assert_pool_is_chosen(panel: &Panel<'_>, selector: &Selector) {
    let metric = selector.metric.as_deref().unwrap_or_default();
    for (prefix, label, variable) in [
        ("knhk_buffer_pool_", "knhk_buffer_pool_name", "$pool"),
        ("knhk_object_pool_", "knhk_object_pool_name", "$object_pool"),
    ] {
        if metric.starts_with(prefix) {
            let value = selector.matcher(label).map(|it| &*it.value);
            assert_eq!(value, Some(variable), "{}: {metric}", panel.title());
        }
    }
}

#[test]
fn counters_stand_under_rates_and_rates_fit_the_resolution() {
    let names = names();
    for panel in Board::read().panels() {
        for target in panel.targets() {
            for selector in parse(target.expr).selectors {
                let fault = format!("{}: {}", panel.title(), target.expr);
                let inner = selector.within.last().map_or("", String::as_str);
                let known = names.selected(&selector);
                if selector.metric.is_some() && known.iter().any(|it| it.is_counter) {
                    assert!(OF_COUNTERS.contains(&inner), "{fault}");
                }
                if let Some(range) = &selector.range {
                    let fits = ["$__rate_interval", "$__range", "1h"].contains(&&**range);
                    assert!(fits, "{fault}: [{range}]");
                    let is_counter = known.iter().all(|it| it.is_counter);
                    assert!(is_counter || inner == "sum_over_time", "{fault}");
                }
            }
        }
    }
}

#[test]
fn legends_show_labels_that_the_query_keeps() {
    let names = names();
    for panel in Board::read().panels() {
        for target in panel.targets() {
            let query = parse(target.expr);
            for label in &target.legend {
                let is_kept = query.groupings.iter().any(|it| it == label);
                assert!(is_kept, "{}: {label} of {}", panel.title(), target.expr);
                assert!(names.has_label(&query, label), "{}: {label}", panel.title());
            }
            let is_split = query.groupings.iter().any(|it| it.ends_with("_name"));
            let is_table = ["table", "stat"].contains(&string(&panel.0["type"]));
            assert!(
                !is_split || is_table || !target.legend.is_empty(),
                "{}: series by name, and no legend",
                panel.title()
            );
        }
    }
}

#[test]
fn every_panel_says_what_it_means_in_which_unit_and_what_it_shows_when_it_is_empty() {
    for panel in Board::read().panels() {
        let title = panel.title();
        let description = string(&panel.0["description"]);
        assert!(
            description.len() > 40 && description.ends_with('.'),
            "{title}: {description}"
        );
        assert!(!panel.unit().is_empty(), "{title}: no unit");
        let no_value = panel.0["fieldConfig"]["defaults"]["noValue"].as_str();
        assert!(
            no_value.is_some_and(|text| !text.is_empty()),
            "{title}: no noValue"
        );
        assert!(!panel.targets().is_empty(), "{title}: no query");
    }
}

#[test]
fn shares_have_a_range_and_the_hit_rates_have_the_line_at_90_percent() {
    let board = Board::read();
    for panel in board.panels().filter(|panel| panel.unit() == "percentunit") {
        let defaults = &panel.0["fieldConfig"]["defaults"];
        let range = (&defaults["min"], &defaults["max"]);
        assert_eq!(range, (&json!(0), &json!(1)), "{}", panel.title());
    }
    for title in ["Buffer pools", "Object pools", "Hit rate over threads"] {
        let panel = board.panels().find(|panel| panel.title() == title);
        let defaults = &panel.expect(title).0["fieldConfig"]["defaults"];
        assert_eq!(
            defaults["custom"]["thresholdsStyle"]["mode"], "line+area",
            "{title}"
        );
        let steps = array(&defaults["thresholds"]["steps"]);
        assert!(
            steps.iter().any(|step| step["value"] == json!(0.9)),
            "{title}"
        );
    }
}

#[test]
fn panels_have_ids_of_their_own_and_do_not_overlap() {
    let Board(board) = Board::read();
    let mut ids = BTreeSet::new();
    let mut cells = BTreeSet::new();
    for panel in array(&board["panels"]) {
        assert!(
            ids.insert(panel["id"].as_u64().expect("an id")),
            "{}",
            panel["title"]
        );
        let side = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        assert!(
            side("x") + side("w") <= 24,
            "{}: over the edge",
            panel["title"]
        );
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(cells.insert((x, y)), "{}: on another", panel["title"]);
            }
        }
    }
}

#[test]
fn the_rows_are_those_that_an_operator_looks_for() {
    let Board(board) = Board::read();
    let rows = array(&board["panels"])
        .iter()
        .filter(|it| it["type"] == "row");
    let titles: Vec<&str> = rows.map(|row| string(&row["title"])).collect();
    let expected = [
        "Healthy?",
        "Hit rate",
        "Misses by cause",
        "Memory",
        "Threads",
        "Pipeline",
        "Arenas",
        "Hot path violations",
        "Telemetry itself",
        "Service",
    ];
    assert_eq!(titles, expected);
}

#[test]
fn alerts_and_restarts_are_annotated() {
    let board = Board::read();
    let annotations = board.annotations().join("\n");
    assert!(annotations.contains("ALERTS{") && annotations.contains("alertstate=\"firing\""));
    assert!(annotations.contains("changes(knhk_service_start_time_seconds{"));
    for annotation in array(&board.0["annotations"]["list"]) {
        if annotation["builtIn"] != 1 {
            assert_eq!(annotation["datasource"], datasource());
        }
    }
}

#[test]
fn every_alert_has_a_severity_a_summary_and_a_description() {
    for rule in rules().iter().filter(|rule| rule.alert.is_some()) {
        let severity = rule.labels.get("severity").map(String::as_str);
        assert!(
            matches!(severity, Some("critical" | "warning" | "info")),
            "{rule:?}"
        );
        for key in ["summary", "description", "runbook_url"] {
            assert!(
                rule.annotations
                    .get(key)
                    .is_some_and(|text| !text.is_empty()),
                "{rule:?}"
            );
        }
    }
}

#[test]
fn grafana_knows_how_often_prometheus_scrapes() {
    let scrape = &yaml("prometheus/prometheus.yml")["global"]["scrape_interval"];
    let sources = yaml("grafana/provisioning/datasources/prometheus.yaml");
    assert_eq!(
        &sources["datasources"][0]["jsonData"]["timeInterval"],
        scrape
    );
}

#[test]
fn images_are_pinned_to_a_release() {
    let compose = yaml("compose.yaml");
    let services = compose["services"].as_object().expect("services");
    assert_eq!(services.len(), 2);
    for (name, service) in services {
        let (_, tag) = string(&service["image"]).rsplit_once(':').expect("a tag");
        let numbers: Vec<&str> = tag.trim_start_matches('v').split('.').collect();
        let is_release = numbers.len() == 3 && numbers.iter().all(|it| it.parse::<u32>().is_ok());
        assert!(is_release, "{name}: {tag}");
    }
}
