# Our own rules on the registry, for `weaver registry check --v2 -p weaver/policies`. The crate
# knhk-semconv holds the same, and more, where Weaver is absent (weaver/src/rules.rs).
package after_resolution

import rego.v1

fault(id, context, message) := {"id": id, "context": context, "message": message, "level": "violation"}

metrics := input.registry.metrics

# Everything stands below `knhk.`, in lower case.
deny contains fault("name_form", {"name": metric.name}, sprintf("the metric '%s' is not of the form knhk.noun.part", [metric.name])) if {
	some metric in metrics
	not regex.match(`^knhk(\.[a-z][a-z0-9_]*)+$`, metric.name)
}

deny contains fault("name_form", {"name": attribute.key}, sprintf("the attribute '%s' is not of the form knhk.noun.part", [attribute.key])) if {
	some attribute in input.registry.attributes
	not regex.match(`^knhk(\.[a-z][a-z0-9_]*)+$`, attribute.key)
}

deny contains fault("name_form", {"name": event.name}, sprintf("the event '%s' is not of the form knhk.noun.part", [event.name])) if {
	some event in input.registry.events
	not regex.match(`^knhk(\.[a-z][a-z0-9_]*)+$`, event.name)
}

deny contains fault("name_form", {"name": span_name(span)}, sprintf("the span '%s' is not of the form knhk.noun.part", [span_name(span)])) if {
	some span in input.registry.spans
	not regex.match(`^knhk(\.[a-z][a-z0-9_]*)+$`, span_name(span))
}

# Weaver calls a span's name its type.
span_name(span) := span.type

# Units: a share, bytes, seconds, or {things} in the singular.
deny contains fault("unit", {"name": metric.name}, sprintf("the metric '%s' has the unit '%s'", [metric.name, metric.unit])) if {
	some metric in metrics
	not regex.match(`^(1|By|s|\{[a-z_]*[a-rt-z]\})$`, metric.unit)
}

# A share is a gauge of doubles, and says its range.
deny contains fault("share", {"name": metric.name}, sprintf("the share '%s' is no gauge, no double, or has no range", [metric.name])) if {
	some metric in metrics
	metric.unit == "1"
	not is_share(metric)
}

is_share(metric) if {
	metric.instrument == "gauge"
	metric.annotations.code_generation.metric_value_type == "double"
	metric.annotations.knhk.range.min <= metric.annotations.knhk.range.max
}

# No pool metric lacks the pool's name, no arena metric the arena's.
deny contains fault("owner", {"name": metric.name}, sprintf("the metric '%s' lacks the required attribute '%s.name'", [metric.name, owner])) if {
	some owner in ["knhk.buffer_pool", "knhk.object_pool", "knhk.arena"]
	some metric in metrics
	startswith(metric.name, concat("", [owner, "."]))
	not has_required(metric, concat("", [owner, ".name"]))
}

has_required(metric, key) if {
	some attribute in metric.attributes
	attribute.key == key
	attribute.requirement_level == "required"
}

# An event says its severity, as OpenTelemetry numbers them.
deny contains fault("severity", {"name": event.name}, sprintf("the event '%s' has no severity from 1 to 24", [event.name])) if {
	some event in input.registry.events
	not has_severity(event)
}

has_severity(event) if {
	event.annotations.knhk.severity_number >= 1
	event.annotations.knhk.severity_number <= 24
}
