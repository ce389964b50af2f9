//! The variables that the SDK takes from the environment itself: it says nothing, or nothing that
//! anybody would see, about a value that it cannot read. So they are checked here.

use super::environment::Variables;

/// Tells of each of them that the SDK will ignore.
pub(super) fn check(variables: &Variables<'_>) {
    for what in ["", "METRICS_", "TRACES_", "LOGS_"] {
        let name = |rest: &str| format!("OTEL_EXPORTER_OTLP_{what}{rest}");
        variables.one_of(&name("COMPRESSION"), &["gzip", "none"]);
        check_headers(variables, &name("HEADERS"));
        for rest in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            variables.refuse(&name(rest), "this program was built without TLS");
        }
    }
    let temporality = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    variables.one_of(temporality, &["cumulative", "delta", "lowmemory"]);
    check_sampler(variables);
    for what in ["ATTRIBUTE", "EVENT", "LINK"] {
        variables.number(
            &format!("OTEL_SPAN_{what}_COUNT_LIMIT"),
            0..=u64::from(u32::MAX),
        );
    }
    for name in [
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "OTEL_CONFIG_FILE",
    ] {
        variables.refuse(name, "the OpenTelemetry SDK for Rust does not support it");
    }
}

fn check_headers(variables: &Variables<'_>, name: &str) {
    let Some(list) = variables.text(name) else {
        return;
    };
    for (nth, pair) in list.split_terminator(',').enumerate() {
        let key = pair.split_once('=').map(|(key, _)| key.trim().parse());
        let key: Option<Result<http::HeaderName, _>> = key;
        if !matches!(key, Some(Ok(_))) {
            // Its value may be a secret.
            let which = format!("(pair {})", nth + 1);
            variables.ignore(name, &which, "key=value pairs with commas between");
        }
    }
}

fn check_sampler(variables: &Variables<'_>) {
    let known = [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ];
    let sampler = variables.one_of("OTEL_TRACES_SAMPLER", &known);
    let name = "OTEL_TRACES_SAMPLER_ARG";
    let Some(argument) = variables.text(name) else {
        return;
    };
    let is_ratio = |ratio: f64| (0.0..=1.0).contains(&ratio);
    let takes_one = sampler.is_some_and(|sampler| sampler.ends_with("traceidratio"));
    if takes_one && !argument.parse().is_ok_and(is_ratio) {
        variables.ignore(name, &argument, "0 to 1");
    }
}
