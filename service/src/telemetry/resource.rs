//! Who emits: the resource, by the semantic conventions.

use std::hash::{BuildHasher as _, RandomState};

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

use super::environment::Variables;

const SERVICE_NAME: &str = "service.name";

/// The program's own attributes, under those of `OTEL_RESOURCE_ATTRIBUTES`, under `OTEL_SERVICE_NAME`.
pub(super) fn resource(variables: &Variables<'_>) -> Resource {
    let own = [
        KeyValue::new(SERVICE_NAME, env!("CARGO_PKG_NAME")),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", instance_id()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    let name = variables.text("OTEL_SERVICE_NAME");
    Resource::builder_empty()
        .with_attributes(own)
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(given(variables))
        .with_attributes(name.map(|name| KeyValue::new(SERVICE_NAME, name)))
        .build()
}

/// Different for every process: a random UUID. The standard library seeds its hashers from the
/// system's randomness.
fn instance_id() -> String {
    let [high, low] = [0, 1].map(|half: u8| RandomState::new().hash_one(half));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff,
    )
}

/// `key=value,…`, percent-encoded. One bad pair, and all of it is ignored, as the specification has it.
fn given(variables: &Variables<'_>) -> Vec<KeyValue> {
    let name = "OTEL_RESOURCE_ATTRIBUTES";
    let Some(text) = variables.text(name) else {
        return Vec::new();
    };
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let pairs: Option<Vec<KeyValue>> = pairs.map(pair).collect();
    pairs.unwrap_or_else(|| {
        variables.ignore(
            name,
            &text,
            "key=value pairs with commas between, percent-encoded",
        );
        Vec::new()
    })
}

fn pair(text: &str) -> Option<KeyValue> {
    let (key, value) = text.split_once('=')?;
    let key = decoded(key.trim())?;
    (!key.is_empty()).then_some(KeyValue::new(key, decoded(value.trim())?))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = after;
            continue;
        }
        let digits = after.get(..2)?;
        let value = |digit: u8| char::from(digit).to_digit(16);
        bytes.push((value(digits[0])? * 16 + value(digits[1])?) as u8);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use opentelemetry::Key;

    use super::*;

    fn resource_of(attributes: &'static str, name: &'static str) -> (Resource, Vec<String>) {
        let variables = Variables::of(move |variable| match variable {
            "OTEL_RESOURCE_ATTRIBUTES" => Some(attributes.into()),
            "OTEL_SERVICE_NAME" => Some(name.into()),
            _ => None,
        });
        (resource(&variables), variables.notes())
    }

    fn text(resource: &Resource, key: &'static str) -> String {
        let value = resource.get(&Key::from_static_str(key));
        value.map(|value| value.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_environment_wins_over_the_program_and_the_name_variable_over_all() {
        let (plain, _) = resource_of("", "");
        assert_eq!(text(&plain, SERVICE_NAME), "knhk-poold");
        assert_eq!(text(&plain, "telemetry.sdk.language"), "rust");
        let (named, _) = resource_of("service.name=a,service.version=9", "");
        assert_eq!(text(&named, SERVICE_NAME), "a");
        assert_eq!(text(&named, "service.version"), "9");
        let (renamed, _) = resource_of("service.name=a", "b");
        assert_eq!(text(&renamed, SERVICE_NAME), "b");
    }

    #[test]
    fn attributes_are_percent_decoded_and_all_ignored_if_one_is_bad() {
        let (decoded, notes) = resource_of("team=a%2Cb%3D%C3%A9, k = v ", "");
        assert_eq!(
            (text(&decoded, "team"), notes.len()),
            ("a,b=é".to_owned(), 0)
        );
        assert_eq!(text(&decoded, "k"), "v");
        for bad in [
            "team", "=v", "team=%4", "team=%zz", "team=%+4", "team=%ff", "k=v,team",
        ] {
            let (ignored, notes) = resource_of(bad, "");
            assert_eq!(text(&ignored, "team") + &text(&ignored, "k"), "", "{bad}");
            assert!(
                notes[0].starts_with("OTEL_RESOURCE_ATTRIBUTES is"),
                "{notes:?}"
            );
        }
    }

    #[test]
    fn each_instance_has_an_id_of_its_own() {
        assert_ne!(instance_id(), instance_id());
        assert_eq!(instance_id().len(), 36);
    }
}
