//! The schemas that are checked in are those of the types, and they say what the language says.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weft_spec::schema;

fn checked_in(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Compares a file with what the types give; `UPDATE=1 cargo test` writes it anew.
fn is_current(name: &str, schema: &Value) {
    let path = checked_in(name);
    let current = schema::pretty(schema);
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch for whoever runs the test"
    )]
    let update = std::env::var("UPDATE").is_ok();
    if update {
        assert!(
            std::fs::write(&path, &current).is_ok(),
            "cannot write {name}"
        );
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == current,
        "{name} is not current; run `UPDATE=1 cargo test -p weft-spec`"
    );
}

#[test]
fn the_schema_for_editors_is_current() {
    is_current("weft.v1.draft-07.json", &schema::draft07());
}

#[test]
fn the_schema_for_tools_is_current() {
    is_current("weft.v1.json", &schema::draft2020());
}

#[test]
fn both_are_valid_schemas() {
    assert!(jsonschema::draft7::meta::is_valid(&schema::draft07()));
    assert!(jsonschema::draft202012::meta::is_valid(&schema::draft2020()));
}

/// Whether both schemas accept a value; they must agree.
fn accepts(value: &Value) -> bool {
    let verdicts = [schema::draft07(), schema::draft2020()].map(|schema| {
        jsonschema::validator_for(&schema).is_ok_and(|validator| validator.is_valid(value))
    });
    assert_eq!(verdicts[0], verdicts[1], "{value}");
    verdicts[0]
}

fn whole() -> Value {
    json!({
        "weft": "v1",
        "mesh": {
            "name": "shop", "trustDomain": "shop.example", "mtls": "strict",
            "defaults": {"timeout": {"request": "15s", "backendRequest": "5s", "connect": "1s", "idle": "5m"},
                         "retry": {"attempts": 2, "on": ["connect-failure", 503], "budget": "10%", "backoff": {"base": "25ms"}},
                         "keepAlive": "30s"},
            "teams": {"payments": {"files": ["payments/**"], "services": ["payments"], "hosts": ["*.shop.example"]}},
            "guardrails": [{"bound": "timeout.request", "max": "30s", "why": "because"}],
            "snapshotHeader": true,
        },
        "gateways": {"public": {"listeners": {"web": {"address": "0.0.0.0", "port": 8443, "protocol": "https", "hosts": ["*"],
                     "tls": {"certificate": "web", "default": "web"}, "maxBody": "10MiB", "tracing": "restart",
                     "underscores": "refuse", "limits": {"head": "16KiB", "fields": 50, "target": "2KiB"}}}}},
        "certificates": {"web": {"chain": "a.pem", "key": "a.key"}},
        "services": {"orders": {
            "team": "payments", "protocol": "http", "app": "127.0.0.1:8080", "endpoints": ["10.0.1.5:15443"],
            "versions": {"v2": {"endpoints": {"dns": "orders.internal:15443"}}, "v3": {"endpoints": {"file": "orders.json"}}},
            "keepAlive": "off", "host": "keep", "retry": {"budget": "off"},
            "calls": {"payments": {"operations": ["POST /v1/charges"], "timeout": {"request": "800ms"}, "trailers": "pass"}},
            "allow": [{"from": ["gateway/public"], "methods": ["GET"], "path": "/orders/**"}],
        }},
        "routes": {"orders": {"on": "public/web", "host": "api.shop.example", "rules": [
            {"path": "/orders/{id}", "headers": {"x-beta": "1", "x-flag": {"present": true}, "x-old": {"absent": true},
             "x-v": {"regex": "v[0-9]+"}, "x-n": "1"}, "to": "orders@v2"},
            {"path": {"regex": "/a+"}, "to": {"orders": "90%", "orders@v2": "10%"}, "priority": -1, "trailers": "drop"},
            {"redirect": {"scheme": "https", "code": 308}},
            {"respond": {"status": 204}, "responseHeaders": {"set": {"x-a": "b"}, "remove": ["x-c"]}},
        ]}},
    })
}

#[test]
fn a_whole_file_is_accepted() {
    assert!(accepts(&whole()));
    assert!(accepts(&json!({"weft": "v1"})));
}

#[test]
fn every_scalar_with_a_form_may_be_an_expression() {
    let mut file = whole();
    for place in [
        "/weft",
        "/mesh/mtls",
        "/mesh/snapshotHeader",
        "/mesh/defaults/timeout/request",
        "/mesh/defaults/retry/attempts",
        "/gateways/public/listeners/web/port",
        "/gateways/public/listeners/web/hosts/0",
        "/gateways/public/listeners/web/maxBody",
        "/gateways/public/listeners/web/tracing",
        "/gateways/public/listeners/web/underscores",
        "/gateways/public/listeners/web/limits/fields",
        "/services/orders/keepAlive",
        "/services/orders/retry/budget",
        "/routes/orders/rules/1/trailers",
        "/services/orders/calls/payments/timeout/request",
        "/services/orders/allow/0/methods/0",
        "/services/orders/allow/0/path",
        "/routes/orders/rules/1/priority",
        "/routes/orders/rules/1/to/orders",
        "/routes/orders/rules/2/redirect/code",
        "/mesh/defaults/retry/on/1",
    ] {
        *file.pointer_mut(place).unwrap() = json!("{{ value }}");
        assert!(accepts(&file), "{place}");
    }
}

#[test]
fn mistakes_of_shape_are_refused() {
    for (place, wrong) in [
        ("/weft", json!("v2")),
        ("/mesh", json!(null)),
        ("/mesh/mtls", json!("strickt")),
        ("/mesh/mtls", json!(null)),
        ("/mesh/defaults/timeout/request", json!("15 seconds")),
        ("/mesh/defaults/timeout/request", json!(15)),
        ("/mesh/defaults/keepAlive", json!("no")),
        ("/mesh/defaults/keepAlive", json!(false)),
        ("/services/orders/retry/budget", json!("Off")),
        ("/gateways/public/listeners/web/tracing", json!("drop")),
        ("/gateways/public/listeners/web/port", json!("8443")),
        ("/gateways/public/listeners/web/port", json!(70_000)),
        ("/gateways/public/listeners/web/port", json!(0)),
        ("/gateways/public/listeners/web/limits/fields", json!(9)),
        ("/mesh/defaults/retry/attempts", json!(11)),
        ("/mesh/name", json!("Shop")),
        ("/routes/orders/on", json!("public")),
        ("/routes/orders/rules/2/redirect/code", json!(300)),
        ("/routes/orders/rules/3/respond/status", json!(199)),
        ("/services/orders/app", json!("localhost:8080")),
        (
            "/services/orders/calls/payments/operations/0",
            json!("/v1/charges"),
        ),
        ("/services/orders/allow/0/from/0", json!("web")),
        ("/services/orders/protocol", json!("htpp")),
        ("/services/orders/allow/0/methods/0", json!("get")),
        ("/services/orders/allow/0/from", json!("gateway/public")),
        (
            "/routes/orders/rules/0/headers/x-flag",
            json!({"present": false}),
        ),
        ("/routes/orders/rules/0/to", json!(["orders"])),
        ("/routes/orders/rules/1/to/orders", json!(90)),
    ] {
        let mut file = whole();
        *file.pointer_mut(place).unwrap() = wrong.clone();
        assert!(!accepts(&file), "{place} = {wrong}");
    }
}

/// What each reader of YAML takes for a number, a boolean or a time is no text for the schema either: whoever reads `1.10` as a number is told
/// by it what the compiler says of the file.
#[test]
fn a_number_is_no_text() {
    for place in [
        "/routes/orders/rules/0/headers/x-n",
        "/routes/orders/rules/3/respond/body",
        "/routes/orders/rules/3/responseHeaders/set/x-a",
        "/mesh/name",
    ] {
        for wrong in [
            json!(1),
            json!(1.1),
            json!(1000.0),
            json!(true),
            json!(null),
        ] {
            let mut file = whole();
            file["routes"]["orders"]["rules"][3]["respond"]["body"] = json!("");
            *file.pointer_mut(place).unwrap() = wrong.clone();
            assert!(!accepts(&file), "{place} = {wrong}");
        }
    }
}

/// The subschemas of a schema, with their pointers.
fn each<'s>(schema: &'s Value, at: &str, found: &mut Vec<(String, &'s Value)>) {
    found.push((at.to_owned(), schema));
    match schema {
        Value::Object(entries) => {
            for (key, value) in entries
                .iter()
                .filter(|(key, _)| *key != "default" && *key != "examples")
            {
                each(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(list) => {
            for (position, value) in list.iter().enumerate() {
                each(value, &format!("{at}/{position}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// In draft-07 nothing beside a `$ref` counts, so a description there is one that nobody sees.
#[test]
fn nothing_stands_beside_a_reference_in_draft_07() {
    let schema = schema::draft07();
    let mut all = Vec::new();
    each(&schema, "", &mut all);
    for (at, one) in all {
        let keys = one.as_object().map_or(0, serde_json::Map::len);
        assert!(one.get("$ref").is_none() || keys == 1, "{at}");
    }
    let properties = schema["definitions"]["Service"]["properties"]
        .as_object()
        .unwrap();
    assert!(properties["keepAlive"]["description"].is_string());
    assert_eq!(
        properties["keepAlive"]["allOf"][0]["$ref"],
        "#/definitions/DurationOrOff"
    );
}

#[test]
fn both_have_a_name_of_their_own() {
    assert_eq!(schema::draft07()["$id"], "urn:weft:spec:v1:draft-07");
    assert_eq!(schema::draft2020()["$id"], "urn:weft:spec:v1");
}

/// Whether a value is one of a part of the schema.
fn is_of(schema: &Value, part: &Value, value: &Value) -> bool {
    let mut part = part.clone();
    if let (Some(part), Some(definitions)) = (part.as_object_mut(), schema.get("$defs")) {
        part.insert("$defs".to_owned(), definitions.clone());
    }
    jsonschema::validator_for(&part).is_ok_and(|validator| validator.is_valid(value))
}

#[test]
fn defaults_and_examples_are_values_of_their_fields() {
    let schema = schema::draft2020();
    let mut all = Vec::new();
    each(&schema, "", &mut all);
    let (mut defaults, mut examples) = (0, 0);
    for (at, one) in all {
        if let Some(value) = one.get("default") {
            defaults += 1;
            assert!(is_of(&schema, one, value), "{at}: {value}");
        }
        for value in one
            .get("examples")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            examples += 1;
            assert!(is_of(&schema, one, value), "{at}: {value}");
        }
    }
    assert!(25 < defaults && 60 < examples, "{defaults} and {examples}");
}

/// A description that names what is built in, and the schema's own word for it, say the same.
#[test]
fn what_descriptions_call_the_default_is_the_default() {
    let schema = schema::draft2020();
    let mut held = 0;
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        let properties = definition.get("properties").and_then(Value::as_object);
        for (field, property) in properties.into_iter().flatten() {
            let text = property["description"].as_str().unwrap_or_default();
            let Some((before, behind)) = text.split_once("` by default") else {
                continue;
            };
            if behind.starts_with(" where") || behind.starts_with(", but") {
                continue;
            }
            let word = before.rsplit('`').next().unwrap_or_default();
            // What another place says is no value.
            if word == "mesh.defaults" {
                continue;
            }
            let default = &property["default"];
            let said = match default {
                Value::String(text) => text.clone(),
                Value::Array(list) => {
                    let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                    format!("[{}]", words.join(", "))
                }
                other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                    other.to_string()
                }
            };
            assert_eq!(said, word, "{name}.{field}: {text}");
            held += 1;
        }
    }
    assert!(10 < held, "{held}");
}

#[test]
fn unknown_and_missing_fields_are_refused() {
    let mut file = whole();
    file["services"]["orders"]["protocl"] = json!("http");
    assert!(!accepts(&file));
    let mut file = whole();
    file["services"]["orders"]
        .as_object_mut()
        .unwrap()
        .remove("protocol");
    assert!(!accepts(&file));
}

#[test]
fn nothing_is_nullable_and_every_field_is_described() {
    let schema = schema::draft2020();
    assert!(!schema.to_string().contains("\"null\""));
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        let properties = definition.get("properties").and_then(Value::as_object);
        for (field, property) in properties.into_iter().flatten() {
            assert!(
                property.get("description").is_some(),
                "{name}.{field} has no description"
            );
        }
    }
}

#[test]
fn a_route_says_listener_and_hosts_in_one_way_each() {
    let rules = json!([{"respond": {"status": 204}}]);
    for (route, is_right) in [
        (
            json!({"listener": "g/w", "host": "*", "rules": rules}),
            true,
        ),
        (
            json!({"on": "g/w", "hosts": ["a.example", "*.b.example"], "rules": rules}),
            true,
        ),
        (
            json!({"on": "g/w", "listener": "g/w", "host": "*", "rules": rules}),
            false,
        ),
        (
            json!({"listener": "g/w", "host": "*", "hosts": ["*"], "rules": rules}),
            false,
        ),
        (
            json!({"listener": "g/w", "hosts": [], "rules": rules}),
            false,
        ),
        (json!({"listener": "g/w", "rules": rules}), false),
        (json!({"host": "*", "rules": rules}), false),
        // YAML 1.1 tools read `on` as this.
        (json!({"true": "g/w", "host": "*", "rules": rules}), false),
    ] {
        let mut file = whole();
        *file.pointer_mut("/routes/orders").unwrap() = route.clone();
        assert_eq!(accepts(&file), is_right, "{route}");
    }
}

#[test]
fn needed_fields_are_known_by_type() {
    assert_eq!(
        schema::required_fields("Listener", "port"),
        ["port", "protocol"]
    );
    assert_eq!(schema::required_fields("File", "weft"), ["weft"]);
    assert_eq!(
        schema::required_fields("Version", "endpoints"),
        ["endpoints"]
    );
    assert!(schema::required_fields("Nothing", "port").is_empty());
    assert_eq!(
        schema::required_fields("Route", "rules"),
        ["listener", "host", "rules"]
    );
    assert_eq!(schema::other_ways("Route", "host"), ["hosts"]);
    assert!(schema::other_ways("Route", "rules").is_empty());
}
