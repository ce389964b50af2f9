# The registry is closed: what it does not list may not be emitted. Weaver by itself lets pass an
# attribute that exists but is not listed for the metric, a value outside its range, an unknown span,
# and a log record that is no event. Ranges and severities stand in the registry, under
# `annotations.knhk`; here is only how they are compared.
package live_check_advice

import rego.v1

violation(id, context, message) := {"id": id, "level": "violation", "context": context, "message": message}

listed(signal) := {attribute.key | some attribute in signal.attributes}

# Names are lower case words between dots.
deny contains violation("invalid_format", {"name": name}, sprintf("the name '%s' is not of the form noun.part", [name])) if {
	some kind in ["metric", "attribute"]
	name := input.sample[kind].name
	not regex.match(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`, name)
}

# A point or a record has only the attributes of its metric or event.
deny contains violation("unexpected_attribute", {"attribute_key": attribute.name}, sprintf("'%s' has '%s', which is not listed for it", [input.registry_group.name, attribute.name])) if {
	some kind in ["number_data_point", "histogram_data_point", "exponential_histogram_data_point", "log"]
	some attribute in input.sample[kind].attributes
	not attribute.name in listed(input.registry_group)
}

deny contains violation("value_out_of_range", {"value": value}, sprintf("'%s' is %v, outside %v to %v", [input.registry_group.name, value, range.min, range.max])) if {
	range := input.registry_group.annotations.knhk.range
	value := input.sample.number_data_point.value
	not between(value, range)
}

between(value, range) if {
	range.min <= value
	value <= range.max
}

declared_span(name) := declared if {
	some declared in data.registry.spans
	declared.type == name
}

deny contains violation("missing_span", {"span_name": span.name}, sprintf("the span '%s' is not declared", [span.name])) if {
	span := input.sample.span
	not declared_span(span.name)
}

deny contains violation("kind_mismatch", {"kind": span.kind}, sprintf("the span '%s' is %s, declared as %s", [span.name, span.kind, declared_span(span.name).kind])) if {
	span := input.sample.span
	span.kind != declared_span(span.name).kind
}

deny contains violation("required_attribute_not_present", {"attribute_key": attribute.key}, sprintf("the span '%s' lacks '%s'", [span.name, attribute.key])) if {
	span := input.sample.span
	some attribute in declared_span(span.name).attributes
	attribute.requirement_level == "required"
	not attribute.key in {seen.name | some seen in span.attributes}
}

deny contains violation("unexpected_attribute", {"attribute_key": seen.name}, sprintf("the span '%s' has '%s', which is not listed for it", [span.name, seen.name])) if {
	span := input.sample.span
	some seen in span.attributes
	not seen.name in listed(declared_span(span.name))
}

# Every log record is an event.
deny contains violation("missing_event_name", {}, "a log record without an event name") if {
	input.sample.log.event_name == ""
}

deny contains violation("severity_mismatch", {"severity_number": number}, sprintf("'%s' has the severity %v, declared is %v", [input.registry_group.name, number, declared])) if {
	declared := input.registry_group.annotations.knhk.severity_number
	number := input.sample.log.severity_number
	number != declared
}
