//! The files below `dashboards/`, read.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The dashboard.
#[derive(Debug)]
pub(crate) struct Board(pub(crate) Value);

/// A panel that shows something: not a row.
#[derive(Debug)]
pub(crate) struct Panel<'b>(pub(crate) &'b Value);

/// One of a panel's queries.
#[derive(Debug)]
pub(crate) struct Target<'b> {
    pub(crate) expr: &'b str,
    /// Labels that the legend shows.
    pub(crate) legend: Vec<&'b str>,
    pub(crate) datasource: &'b Value,
}

/// `groups:` of a file of rules.
#[derive(Debug, Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// A recorded query or an alert.
#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    pub(crate) record: Option<String>,
    pub(crate) alert: Option<String>,
    pub(crate) expr: String,
    #[serde(default)]
    pub(crate) labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: std::collections::BTreeMap<String, String>,
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards")
}

pub(crate) fn text(path: &str) -> String {
    let path = folder().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A YAML file, as JSON has it.
pub(crate) fn yaml(path: &str) -> Value {
    serde_yaml_ng::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn rules() -> Vec<Rule> {
    let file: RuleFile = serde_yaml_ng::from_str(&text("prometheus/knhk.rules.yml"))
        .expect("the rules are in Prometheus' format");
    file.groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect()
}

impl Board {
    pub(crate) fn read() -> Self {
        let json = serde_json::from_str(&text("grafana/dashboards/knhk-pool.json"));
        Self(json.expect("the dashboard is JSON"))
    }

    pub(crate) fn panels(&self) -> impl Iterator<Item = Panel<'_>> {
        array(&self.0["panels"])
            .iter()
            .filter(|panel| panel["type"] != "row")
            .map(Panel)
    }

    pub(crate) fn variables(&self) -> &[Value] {
        array(&self.0["templating"]["list"])
    }

    /// Queries of the variables: the selector in `label_values(selector, label)`, and the label.
    pub(crate) fn variable_queries(&self) -> Vec<(&str, &str)> {
        let queries = self.variables().iter().filter(|it| it["type"] == "query");
        let parts = queries.map(|it| {
            let query = string(&it["query"]["query"]);
            let inner = query
                .strip_prefix("label_values(")
                .and_then(|rest| rest.strip_suffix(')'));
            let inner = inner.expect("variables are label_values(selector, label)");
            inner.rsplit_once(", ").expect("it names a label")
        });
        parts.collect()
    }

    /// Queries of the annotations.
    pub(crate) fn annotations(&self) -> Vec<&str> {
        let list = array(&self.0["annotations"]["list"]).iter();
        list.filter_map(|it| it["target"]["expr"].as_str())
            .collect()
    }
}

impl<'b> Panel<'b> {
    pub(crate) fn title(&self) -> &'b str {
        string(&self.0["title"])
    }

    pub(crate) fn unit(&self) -> &'b str {
        string(&self.0["fieldConfig"]["defaults"]["unit"])
    }

    pub(crate) fn targets(&self) -> Vec<Target<'b>> {
        let target = |it: &'b Value| Target {
            expr: string(&it["expr"]),
            legend: placeholders(it["legendFormat"].as_str().unwrap_or_default()),
            datasource: &it["datasource"],
        };
        array(&self.0["targets"]).iter().map(target).collect()
    }
}

/// `a` and `b` of `{{a}} · {{b}}`.
fn placeholders(legend: &str) -> Vec<&str> {
    let parts = legend.split("{{").skip(1);
    parts
        .filter_map(|part| Some(part.split_once("}}")?.0))
        .collect()
}

pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn string(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("expected a string: {value}"))
}
