//! Every panel and every alert leads to its section of the runbook, and the runbook knows every alert.

use std::collections::BTreeSet;

use crate::files::{Board, array, string, text};
use crate::rules;

/// Sections of the runbook by their anchors.
struct Runbook(Vec<(String, String)>);

impl Runbook {
    fn read() -> Self {
        let text = text("runbook.md");
        let sections = text.split("\n## ").skip(1).map(|section| {
            let (title, body) = section.split_once('\n').expect("a section has a body");
            (anchor(title), body.to_owned())
        });
        Self(sections.collect())
    }

    fn section(&self, anchor: &str) -> Option<&str> {
        let found = self.0.iter().find(|(it, _)| it == anchor);
        found.map(|(_, body)| &**body)
    }
}

/// As GitHub makes them of headings in plain words.
fn anchor(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
    kept.collect::<String>().replace(' ', "-")
}

/// Where the dashboard's variable says that the runbook is.
fn base(board: &Board) -> &str {
    let mut variables = board.variables().iter();
    let runbook = variables
        .find(|it| it["name"] == "runbook")
        .expect("it has one");
    string(&runbook["query"])
}

/// The sections that panels lead to.
fn panel_anchors(board: &Board) -> BTreeSet<&str> {
    board
        .panels()
        .map(|panel| {
            let url = string(&panel.0["links"][0]["url"]);
            let anchor = url.strip_prefix("${runbook}#");
            anchor.unwrap_or_else(|| panic!("{}: links to {url}", panel.title()))
        })
        .collect()
}

#[test]
fn every_panel_leads_to_a_section_of_the_runbook() {
    let (board, runbook) = (Board::read(), Runbook::read());
    for anchor in panel_anchors(&board) {
        assert!(runbook.section(anchor).is_some(), "no section {anchor}");
    }
    assert_eq!(string(&array(&board.0["links"])[0]["url"]), "${runbook}");
}

#[test]
fn every_alert_leads_to_the_section_that_names_it() {
    let (board, runbook) = (Board::read(), Runbook::read());
    for rule in rules() {
        let Some(alert) = rule.alert else { continue };
        let url = &rule.annotations["runbook_url"];
        let (page, anchor) = url.split_once('#').expect("a section");
        assert_eq!(page, base(&board), "{alert}: one place for the runbook");
        let section = runbook.section(anchor);
        let section = section.unwrap_or_else(|| panic!("{alert}: no section {anchor}"));
        assert!(
            section.contains(&format!("`{alert}`")),
            "{anchor} does not name {alert}"
        );
    }
}

#[test]
fn every_section_of_the_runbook_is_led_to() {
    let board = Board::read();
    let mut anchors: BTreeSet<String> = panel_anchors(&board)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let alerts = rules().into_iter().filter(|rule| rule.alert.is_some());
    anchors.extend(alerts.filter_map(|rule| {
        let url = &rule.annotations["runbook_url"];
        Some(url.split_once('#')?.1.to_owned())
    }));
    for (anchor, _) in Runbook::read().0 {
        assert!(anchors.contains(&anchor), "nothing leads to {anchor}");
    }
}

#[test]
fn the_runbook_names_no_alert_that_is_not_there() {
    let alerts: BTreeSet<String> = rules().into_iter().filter_map(|rule| rule.alert).collect();
    for (_, body) in Runbook::read().0 {
        for word in body.split('`').skip(1).step_by(2) {
            let is_alert = word.starts_with("Knhk") && word.chars().all(char::is_alphanumeric);
            assert!(!is_alert || alerts.contains(word), "{word}");
        }
    }
}
