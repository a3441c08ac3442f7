//! What the JSON Schema says beyond the types: what is built in, examples, ranges, and the forms of texts.
//!
//! The types say what kind of value a field has; this says what helps somebody who writes one. It stands apart because serde has no place
//! for it, and because the compiler asks it for the range of a number when it refuses one. The rules of the compiler decide what is accepted;
//! tests hold these words against them.

use serde_json::{Map, Value, json};

/// Which whole numbers a field takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whole {
    /// All from the first to the second.
    Range(i64, i64),
    /// These.
    OneOf(&'static [i64]),
}

/// A port of TCP.
const PORT: Whole = Whole::Range(1, 65_535);
/// How many requests at one time, or calls of one request.
const IN_FLIGHT: Whole = Whole::Range(1, 1_000_000);

/// The numbers of fields, by type and field; a field that is not there takes all numbers of its Rust type.
const NUMBERS: &[(&str, &str, Whole)] = &[
    ("Call", "fanOut", Whole::Range(1, 1_000)),
    ("Call", "maxInFlight", IN_FLIGHT),
    ("Expect", "status", Whole::Range(200, 599)),
    ("HeadLimits", "fields", Whole::Range(10, 100)),
    ("Listener", "port", PORT),
    ("Redirect", "code", Whole::OneOf(&[301, 302, 303, 307, 308])),
    ("Redirect", "port", PORT),
    ("Respond", "status", Whole::Range(200, 599)),
    ("Retry", "attempts", Whole::Range(1, 10)),
    ("Rule", "maxInFlight", IN_FLIGHT),
    ("Service", "maxInFlight", IN_FLIGHT),
];

/// A name of a definition.
const LABEL: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
/// The name of a header (RFC 9110 section 5.6.2).
const TOKEN: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$";
/// An address with a port.
pub(crate) const SOCKET: &str = "^(\\[[0-9A-Fa-f:.]+(%[0-9]+)?\\]|[0-9.]+):[0-9]{1,5}$";
/// A method and a path.
const OPERATION: &str = "^[A-Z0-9!#$%&'*+.^_`|~-]{1,32} +/";
/// A gateway and its listener.
const LISTENER: &str = "^[^/]+/[^/]+$";
/// Who calls.
const CALLER: &str = "^((gateway|service)/.+|mesh)$";

/// The forms of texts: of a field, of the entries of a list.
const TEXTS: &[(&str, &str, &str)] = &[
    ("Allow", "from", CALLER),
    ("Call", "operations", OPERATION),
    ("Deny", "from", CALLER),
    ("HeaderChanges", "remove", TOKEN),
    ("Listener", "address", "^[0-9A-Fa-f:.]+$"),
    ("Mesh", "name", LABEL),
    ("Mesh", "trustDomain", "^[a-z0-9._-]{1,255}$"),
    ("Region", "listener", LISTENER),
    ("Respond", "contentType", "^[!-~]([ -~]*[!-~])?$"),
    ("Route", "on", LISTENER),
    ("Service", "app", SOCKET),
    ("Sidecar", "inbound", SOCKET),
    ("Sidecar", "outbound", SOCKET),
    ("Test", "request", "^[A-Z0-9!#$%&'*+.^_`|~-]{1,32} "),
];

/// The forms of names in mappings.
const NAMES: &[(&str, &str, &str)] = &[
    ("File", "certificates", LABEL),
    ("File", "gateways", LABEL),
    ("File", "routes", LABEL),
    ("File", "services", LABEL),
    ("Gateway", "listeners", LABEL),
    ("HeaderChanges", "add", TOKEN),
    ("HeaderChanges", "set", TOKEN),
    ("Rule", "headers", TOKEN),
    ("Service", "versions", LABEL),
];

/// Lists that narrow something, by the type and field: left out, each means all, and an empty one could as well mean none.
const NARROWING: &[(&str, &str)] = &[
    ("Allow", "from"),
    ("Allow", "methods"),
    ("Call", "operations"),
    ("Deny", "from"),
    ("Deny", "methods"),
    ("Except", "methods"),
    ("Listener", "hosts"),
    ("Region", "methods"),
    ("Rule", "methods"),
];

/// What holds where nothing is written.
fn built_in(of: &str, field: &str) -> Option<Value> {
    Some(match (of, field) {
        ("Backoff", "base") => json!("25ms"),
        ("Backoff", "max") => json!("250ms"),
        ("Defaults", "keepAlive") => json!("60s"),
        ("HeadLimits", "fields") => json!(100),
        ("HeadLimits", "head") => json!("60KiB"),
        ("HeadLimits", "target") => json!("8KiB"),
        ("Listener", "address") => json!("0.0.0.0"),
        ("Listener", "escapedSlashes") => json!("refuse"),
        ("Listener", "hosts") => json!(["*"]),
        ("Listener", "normalize" | "slashes") => json!("merge"),
        ("Listener", "tracing") => json!("remove"),
        ("Listener", "trustedHops") | ("Rule", "priority") => json!(0),
        ("Listener", "underscores") | ("Rule" | "Call", "trailers") => json!("drop"),
        ("Mesh", "mtls") => json!("strict"),
        ("Mesh", "snapshotHeader") | ("Retry", "idempotent") | ("Service", "streaming") => {
            json!(false)
        }
        ("Never", "via") => json!("direct"),
        ("Redirect", "code") => json!(302),
        ("Respond", "body") => json!(""),
        ("Respond", "contentType") => json!("text/plain; charset=utf-8"),
        ("Retry", "attempts") => json!(2),
        ("Retry", "budget") => json!("20%"),
        ("Retry", "on") => json!(["connect-failure", "refused-stream"]),
        ("Rule", "path") => json!("/**"),
        ("Sidecar", "inbound") => json!("0.0.0.0:15443"),
        ("Sidecar", "outbound") => json!("127.0.0.1:15001"),
        ("Timeout", "connect") => json!("1s"),
        ("Timeout", "idle") => json!("5m"),
        _ => return None,
    })
}

/// What somebody might write.
fn examples(of: &str, field: &str) -> Option<Value> {
    Some(match (of, field) {
        ("Allow" | "Deny", "from") => json!([["gateway/public"], ["service/web"]]),
        ("Always" | "Bound" | "Exists" | "Total", "for") => json!([{"path": "/admin/**"}]),
        ("Call", "operations") => json!([["POST /v1/charges"]]),
        ("Certificate", "chain") => json!(["certs/public.pem"]),
        ("Certificate", "key") => json!(["certs/public.key"]),
        ("Guardrail", "max") => json!(["30s", ["10.0.0.0/8", "*.internal"]]),
        ("HeaderChanges", "set" | "add") => json!([{"x-team": "orders"}]),
        ("Listener" | "Rule", "maxBody") => json!(["10MiB"]),
        ("Listener", "port") => json!([8080, 8443]),
        ("Mesh", "name") => json!(["shop"]),
        ("Mesh", "trustDomain") => json!(["shop.example"]),
        ("Redirect", "path") => json!(["/new/**"]),
        ("Respond", "status") => json!([204, 403, 404]),
        ("Rewrite", "path") => json!(["/v2/{id}", "/**"]),
        ("Route", "on") => json!(["public/web"]),
        ("Rule", "headers") => json!([{"x-beta": "1"}, {"x-flag": {"present": true}}]),
        ("Rule", "methods") => json!([["GET", "POST"]]),
        ("Rule", "query") => json!([{"page": {"regex": "[0-9]+"}}]),
        ("Rule", "upgrade") => json!([["websocket"]]),
        ("Service", "app") => json!(["127.0.0.1:8080"]),
        ("Service", "host") => json!(["keep", "api.example.com"]),
        ("Service", "slo") => json!(["500ms"]),
        ("Team", "files") => json!([["payments/**"]]),
        ("Test", "request") => json!(["GET https://api.shop.example/orders/1"]),
        ("Timeout", "request") => json!(["15s"]),
        ("Timeout", "backendRequest") => json!(["5s"]),
        _ => return None,
    })
}

/// Examples of the types that have a form.
fn examples_of_type(name: &str) -> Option<Value> {
    Some(match name {
        "Date" => json!(["2026-12-31"]),
        "Duration" => json!(["800ms", "2s", "5m", "1h"]),
        "Endpoints" => {
            json!([["10.0.1.5:15443"], {"dns": "orders.internal:15443"}, {"file": "endpoints/orders.json"}])
        }
        "HostPattern" => json!(["api.shop.example", "*.shop.example", "*"]),
        "Method" => json!(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
        "PathMatch" => {
            json!(["/orders", "/orders/**", "/orders/{id}", {"regex": "/orders/[0-9]+"}])
        }
        "Share" => json!(["10%", "0.5%"]),
        "Size" => json!(["512B", "64KiB", "10MiB"]),
        "To" => json!(["orders", "orders@v2", {"orders": "90%", "orders@v2": "10%"}]),
        "ValueMatch" => json!(["1", {"present": true}, {"absent": true}, {"regex": "v[0-9]+"}]),
        _ => return None,
    })
}

/// The numbers that the field of a type takes; nothing where those of its Rust type are all good.
pub fn numbers(of: &str, field: &str) -> Option<Whole> {
    let mut numbers = NUMBERS.iter();
    let found = numbers.find(|(name, known, _)| *name == of && *known == field);
    found.map(|(_, _, numbers)| *numbers)
}

/// Whether a list that is there has an entry.
pub fn is_never_empty(of: &str, field: &str) -> bool {
    NARROWING.contains(&(of, field))
}

/// Writes everything that is said of a type into its definition.
pub(crate) fn annotate(name: &str, definition: &mut Map<String, Value>) {
    if let Some(examples) = examples_of_type(name) {
        definition.insert("examples".to_owned(), examples);
    }
    let Some(Value::Object(properties)) = definition.get_mut("properties") else {
        return;
    };
    for (field, property) in properties {
        let Value::Object(property) = property else {
            continue;
        };
        if let Some(numbers) = numbers(name, field) {
            narrow(property, numbers);
        }
        for (_, _, pattern) in TEXTS.iter().filter(|one| (one.0, one.1) == (name, field)) {
            let text = match property.get_mut("items") {
                Some(Value::Object(items)) => items,
                Some(_) | None => &mut *property,
            };
            text.insert("pattern".to_owned(), json!(pattern));
        }
        for (_, _, pattern) in NAMES.iter().filter(|one| (one.0, one.1) == (name, field)) {
            property.insert("propertyNames".to_owned(), json!({"pattern": pattern}));
        }
        if is_never_empty(name, field) {
            property.insert("minItems".to_owned(), json!(1));
        }
        if let Some(value) = built_in(name, field) {
            property.insert("default".to_owned(), value);
        }
        if let Some(examples) = examples(name, field) {
            property.insert("examples".to_owned(), examples);
        }
    }
}

fn narrow(property: &mut Map<String, Value>, numbers: Whole) {
    match numbers {
        Whole::Range(least, most) => {
            property.insert("minimum".to_owned(), json!(least));
            property.insert("maximum".to_owned(), json!(most));
        }
        Whole::OneOf(all) => {
            property.remove("minimum");
            property.remove("maximum");
            property.insert("enum".to_owned(), json!(all));
        }
    }
}

/// Every field of which something is said.
#[cfg(test)]
fn fields() -> Vec<(&'static str, &'static str)> {
    let numbers = NUMBERS.iter().map(|(name, field, _)| (*name, *field));
    let texts = TEXTS
        .iter()
        .chain(NAMES)
        .map(|(name, field, _)| (*name, *field));
    numbers
        .chain(texts)
        .chain(NARROWING.iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn all_that_is_said_is_said_of_a_field() {
        let schema = schema::draft2020();
        for (name, field) in fields() {
            let definition = if name == "File" {
                Some(&schema)
            } else {
                schema["$defs"].get(name)
            };
            let property = definition.and_then(|definition| definition["properties"].get(field));
            assert!(property.is_some(), "there is no {name}.{field}");
        }
    }
}
