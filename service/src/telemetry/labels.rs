//! Label names as Prometheus takes them: a resource's attributes, which an operator names, become labels of
//! `target_info`, and one name that is none would cost the whole scrape.

use prometheus::proto::{LabelPair, MetricFamily};

/// Renames what is no label name. Of labels that have one name then, the values are joined by `;`, as the
/// OpenTelemetry specification has it.
pub(super) fn rename_invalid(families: &mut [MetricFamily]) {
    for family in families {
        for metric in family.mut_metric() {
            if !metric.get_label().iter().all(|it| is_label(it.name())) {
                let labels = renamed(metric.take_label());
                metric.set_label(labels);
            }
        }
    }
}

fn renamed(labels: Vec<LabelPair>) -> Vec<LabelPair> {
    let mut renamed: Vec<LabelPair> = Vec::with_capacity(labels.len());
    for mut label in labels {
        let name = label_name(label.name());
        if let Some(same) = renamed.iter_mut().find(|it| it.name() == name) {
            same.set_value(format!("{};{}", same.value(), label.value()));
        } else {
            label.set_name(name);
            renamed.push(label);
        }
    }
    renamed
}

/// Letters, digits and `_`, not a digit first, and not two `_` first, which Prometheus keeps for itself.
fn is_label(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.starts_with(|first: char| !first.is_ascii_digit())
        && !name.starts_with("__")
        && name.bytes().all(is_part)
}

fn label_name(name: &str) -> String {
    if is_label(name) {
        return name.to_owned();
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let parts: String = name
        .chars()
        .map(|c| if is_part(c) { c } else { '_' })
        .collect();
    if is_label(&parts) {
        parts
    } else {
        format!("key_{}", parts.trim_start_matches('_'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_becomes_one_that_prometheus_takes() {
        for (name, expected) in [
            ("region", "region"),
            ("_a", "_a"),
            ("2nd_region", "key_2nd_region"),
            ("a:b", "a_b"),
            ("__name__", "key_name__"),
            (":", "_"),
            ("::", "key_"),
            ("é", "_"),
            ("", "key_"),
        ] {
            assert_eq!(label_name(name), expected, "{name:?}");
            assert!(is_label(&label_name(name)));
        }
    }
}
