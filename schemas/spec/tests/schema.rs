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
             "x-v": {"regex": "v[0-9]+"}, "x-n": 1}, "to": "orders@v2"},
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
