//! What the compiler says of a value, the schemas that editors load say of it too.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::{Value, json};
use weft_front::Surroundings;
use weft_front::diagnostic::Severity;
use weft_front::parse::Values;
use weft_front::settings::{ALL, Said};
use weft_front::source::{SourceFile, Sources};
use weft_tell::check_spec;

/// How bad the worst is that the compiler finds in the words of a file.
fn worst(text: &str) -> Option<Severity> {
    let file = SourceFile {
        path: "spec.yaml".to_owned(),
        text: text.to_owned(),
    };
    let sources = Sources::new(vec![file]);
    let (_, found) = check_spec(&sources, &Values::default(), &Surroundings::default());
    // Other warnings are about what a rule does, and not about its words.
    let told = found
        .iter()
        .filter(|found| found.severity == Severity::Error || found.code.name == "unquoted-word");
    told.map(|found| found.severity).min()
}

fn validators() -> [jsonschema::Validator; 2] {
    [weft_spec::schema::draft07(), weft_spec::schema::draft2020()]
        .map(|schema| jsonschema::validator_for(&schema).unwrap())
}

/// Whether both schemas accept a document.
fn accepts(validators: &[jsonschema::Validator], document: &Value) -> bool {
    let verdicts: Vec<bool> = validators
        .iter()
        .map(|one| one.is_valid(document))
        .collect();
    let first = verdicts.first().copied().unwrap_or_default();
    assert!(verdicts.iter().all(|one| *one == first), "{document}");
    first
}

/// A spec whose rule has this text, and the place of the value in it.
fn with_rule(rule: &str) -> String {
    format!(
        "weft: v1\nmesh: {{name: shop, trustDomain: shop.example, defaults: {{timeout: {{request: 15s}}}}}}\n\
         gateways: {{public: {{listeners: {{web: {{port: 8080, protocol: http}}}}}}}}\n\
         services: {{orders: {{protocol: http, mtls: disabled, endpoints: [\"127.0.0.1:8081\"]}}}}\n\
         routes:\n  r:\n    on: public/web\n    host: shop.example\n    rules:\n      - {{path: /a, {rule}}}\n      - {{to: orders}}\n"
    )
}

/// Where texts without a form stand.
const PLACES: [(&str, &str); 5] = [
    ("headers: {x-a: VALUE}, to: orders", "/headers/x-a"),
    ("query: {a: VALUE}, to: orders", "/query/a"),
    ("respond: {status: 200, body: VALUE}", "/respond/body"),
    (
        "requestHeaders: {set: {x-a: VALUE}}, to: orders",
        "/requestHeaders/set/x-a",
    ),
    (
        "responseHeaders: {add: {x-a: VALUE}}, to: orders",
        "/responseHeaders/add/x-a",
    ),
];

/// What readers of YAML make of a scalar without quotes, of those in `docs/decisions/a-text-that-is-a-number-elsewhere.md`; a day is a text in JSON.
fn readings() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("1", vec![json!(1)]),
        ("true", vec![json!(true)]),
        ("null", vec![json!(null)]),
        ("1.10", vec![json!(1.1)]),
        ("01234", vec![json!(1234), json!(668)]),
        ("0x1F", vec![json!(31)]),
        ("0o17", vec![json!(15), json!("0o17")]),
        ("0b101", vec![json!(5), json!("0b101")]),
        ("1e3", vec![json!(1000.0), json!("1e3")]),
        ("1_000", vec![json!(1000), json!("1_000")]),
        ("12:30", vec![json!(750), json!("12:30")]),
        ("+5", vec![json!(5)]),
        (".5", vec![json!(0.5)]),
        (
            "9007199254740993",
            vec![
                json!(9_007_199_254_740_992_u64),
                json!(9_007_199_254_740_993_u64),
            ],
        ),
        ("yes", vec![json!(true), json!("yes")]),
        ("No", vec![json!(false), json!("No")]),
        ("off", vec![json!(false), json!("off")]),
        ("y", vec![json!(true), json!("y")]),
        ("2026-12-31", vec![json!("2026-12-31")]),
        ("2026-12-31T10:00:00Z", vec![json!("2026-12-31T10:00:00Z")]),
        ("v1.10", vec![json!("v1.10")]),
        ("1.2.3", vec![json!("1.2.3")]),
        ("10%", vec![json!("10%")]),
    ]
}

#[test]
fn texts_without_quotes_are_judged_alike() {
    let validators = validators();
    for (place, pointer) in PLACES {
        let quoted = with_rule(&place.replace("VALUE", "\"text\""));
        let document: Value = serde_yaml::from_str(&quoted).unwrap();
        assert!(accepts(&validators, &document));
        assert_eq!(worst(&quoted), None, "{quoted}");
        for (text, readings) in readings() {
            let is_number = readings.iter().any(Value::is_number);
            let is_other = readings.iter().any(|reading| !reading.is_string());
            let is_only_other = readings.iter().all(|reading| !reading.is_string());
            let found = worst(&with_rule(&place.replace("VALUE", text)));
            // What everybody takes for something else is no text here either.
            let expected = if is_number || is_only_other {
                Some(Severity::Error)
            } else if is_other || text.starts_with("2026") {
                Some(Severity::Warning)
            } else {
                None
            };
            assert_eq!(found, expected, "{place} {text}");
            for reading in readings {
                let mut document = document.clone();
                *document
                    .pointer_mut(&format!("/routes/r/rules/0{pointer}"))
                    .unwrap() = reading.clone();
                assert_eq!(
                    accepts(&validators, &document),
                    reading.is_string(),
                    "{place} {text}"
                );
            }
        }
    }
}

/// A number with its bounds, and a spec that has it.
fn numbers() -> Vec<(String, Vec<i64>, Vec<i64>)> {
    let rule = |text: &str| with_rule(text);
    let of_listener = |field: &str| with_rule("to: orders").replace("port: 8080", field);
    let of_service = |field: &str| {
        with_rule("to: orders").replace("mtls: disabled", &format!("mtls: disabled, {field}"))
    };
    vec![
        (
            of_listener("port: VALUE"),
            vec![1, 65_535],
            vec![0, 65_536, -1],
        ),
        (
            of_listener("port: 8080, limits: {fields: VALUE}"),
            vec![10, 100],
            vec![9, 101],
        ),
        (
            of_service("retry: {attempts: VALUE}"),
            vec![1, 10],
            vec![0, 11, 256],
        ),
        (
            of_service("maxInFlight: VALUE"),
            vec![1, 1_000_000],
            vec![0, 1_000_001],
        ),
        (
            rule("respond: {status: VALUE}"),
            vec![200, 599],
            vec![199, 600],
        ),
        (
            rule("redirect: {host: a.example, code: VALUE}"),
            vec![301, 302, 303, 307, 308],
            vec![300, 304, 309],
        ),
        (
            rule("redirect: {host: a.example, port: VALUE}"),
            vec![1, 65_535],
            vec![0, 65_536],
        ),
        (
            rule("maxInFlight: VALUE, to: orders"),
            vec![1, 1_000_000],
            vec![0, 1_000_001],
        ),
    ]
}

#[test]
fn numbers_are_judged_alike() {
    let validators = validators();
    for (spec, good, bad) in numbers() {
        for (value, is_good) in good
            .iter()
            .map(|one| (one, true))
            .chain(bad.iter().map(|one| (one, false)))
        {
            let text = spec.replace("VALUE", &value.to_string());
            let document: Value = serde_yaml::from_str(&text).unwrap();
            assert_eq!(accepts(&validators, &document), is_good, "{text}");
            assert_eq!(worst(&text) != Some(Severity::Error), is_good, "{text}");
        }
    }
}

/// Where the schema says what is built in, it is what the settings say.
#[test]
fn defaults_are_what_is_built_in() {
    let schema = weft_spec::schema::draft2020();
    let mut held = 0;
    for setting in ALL.iter() {
        let (group, field) = setting.name.rsplit_once('.').unwrap_or(("", setting.name));
        let types: &[&str] = match group {
            "timeout" => &["Timeout"],
            "retry" => &["Retry"],
            "retry.backoff" => &["Backoff"],
            "limits" => &["HeadLimits"],
            "" => &["Listener", "Defaults", "Rule", "Call"],
            _ => &[],
        };
        for of in types {
            let default = &schema["$defs"][of]["properties"][field]["default"];
            if default.is_null() {
                continue;
            }
            let built_in = setting.unit.written(&(setting.built_in)(&Said::default()));
            let said = match default {
                Value::String(text) => setting
                    .unit
                    .read(text)
                    .map_or(text.clone(), |value| setting.unit.written(&value)),
                Value::Array(list) => {
                    let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                    format!("[{}]", words.join(", "))
                }
                other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                    other.to_string()
                }
            };
            // A setting may have one more word for another protocol.
            let built_in = built_in.split(", but").next().unwrap_or_default();
            assert_eq!(said, built_in, "{of}.{field}");
            held += 1;
        }
    }
    assert!(15 <= held, "{held}");
}

/// A mesh in which every list of the language can stand.
const LISTS: &str = "\
weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}MESH}
gateways: {public: {listeners: {web: {port: 8080, protocol: httpLISTENER}}}}
services:
  orders: {protocol: http, app: \"127.0.0.1:8081\", endpoints: ENDPOINTS, allow: [{from: FROMALLOW}, {from: [service/web]}]SERVICE}
  web: {protocol: http, app: \"127.0.0.1:8082\", calls: {orders: {timeout: {request: 1s}CALL}}}
routes: {r: {listener: public/web, HOSTS, rules: [{to: ordersRULE}]}}
ASSERT";
/// What stands in the places of it.
const USUAL: [(&str, &str); 10] = [
    ("ASSERT", ""),
    ("ENDPOINTS", "[\"10.0.0.1:15443\"]"),
    ("FROM", "[gateway/public]"),
    ("HOSTS", "host: shop.example"),
    ("MESH", ""),
    ("LISTENER", ""),
    ("ALLOW", ""),
    ("SERVICE", ""),
    ("CALL", ""),
    ("RULE", ""),
];
/// Every list, where it stands, and one that is good there.
const EVERY_LIST: &[(&str, &str, &str, &str)] = &[
    ("Allow.from", "FROM", "LIST", "[gateway/public]"),
    ("Allow.methods", "ALLOW", ", methods: LIST", "[GET]"),
    ("Call.operations", "CALL", ", operations: LIST", "[GET /a]"),
    (
        "Deny.from",
        "SERVICE",
        ", deny: [{from: LIST, path: /x}]",
        "[service/web]",
    ),
    (
        "Deny.methods",
        "SERVICE",
        ", deny: [{methods: LIST, path: /x}]",
        "[PUT]",
    ),
    ("Endpoints", "ENDPOINTS", "LIST", "[\"10.0.0.1:15443\"]"),
    (
        "Except.methods",
        "ASSERT",
        "assert: [{name: a, total: {host: shop.example, except: [{methods: LIST}]}}]",
        "[PUT]",
    ),
    (
        "HeaderChanges.remove",
        "RULE",
        ", requestHeaders: {remove: LIST}",
        "[x-a]",
    ),
    (
        "Listener.hosts",
        "LISTENER",
        ", hosts: LIST",
        "[shop.example]",
    ),
    (
        "Mesh.guardrails",
        "MESH",
        ", guardrails: LIST",
        "[{bound: timeout.request, max: 20s, why: because}]",
    ),
    (
        "Region.methods",
        "ASSERT",
        "assert: [{name: a, total: {host: shop.example, methods: LIST}}]",
        "[GET]",
    ),
    (
        "Retry.on",
        "SERVICE",
        ", retry: {on: LIST}",
        "[connect-failure]",
    ),
    ("Route.hosts", "HOSTS", "hosts: LIST", "[shop.example]"),
    ("Rule.methods", "RULE", ", methods: LIST", "[GET]"),
    ("Rule.upgrade", "RULE", ", upgrade: LIST", "[websocket]"),
];

#[test]
fn empty_lists_are_judged_alike() {
    let validators = validators();
    let spec = |place: &str, text: &str| {
        let usual = USUAL.iter().filter(|(known, _)| *known != place);
        let other = LISTS.replace(place, text);
        usual.fold(other, |spec, (known, usual)| spec.replace(known, usual))
    };
    for (list, place, text, good) in EVERY_LIST {
        for (entries, is_good) in [(*good, true), ("[]", false)] {
            let written = spec(place, &text.replace("LIST", entries));
            let document: Value = serde_yaml::from_str(&written).unwrap();
            let found = worst(&written);
            assert!(
                !is_good || found != Some(Severity::Error),
                "{list}: {written}"
            );
            let is_accepted = found != Some(Severity::Error);
            assert_eq!(
                accepts(&validators, &document),
                is_accepted,
                "{list}: {written}"
            );
        }
    }
}

#[test]
fn project_files_are_judged_alike() {
    use weft_front::project_schema;

    let validators = [project_schema::draft07(), project_schema::draft2020()]
        .map(|schema| jsonschema::validator_for(&schema).unwrap());
    for (text, is_good) in [
        ("values: env/a.yaml\ndist: out\ndeny: warnings\n", true),
        ("values: [env/a.yaml, env/b..yaml]\n", true),
        ("deny: [dead-route, cert-lifetime]\n", true),
        ("values: ../a.yaml\n", false),
        ("values: [env/../../a.yaml]\n", false),
        ("values: [a.yaml, env/..]\n", false),
        ("dist: /srv/dist\n", false),
        ("dist: {a: b}\n", false),
        ("values: [[a]]\n", false),
        ("dist: out\nvalus: [x]\n", false),
        ("dist: out\nweft: v1\n", false),
    ] {
        let document: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(accepts(&validators, &document), is_good, "{text}");
        let read = weft_front::project::Project::read(text);
        assert_eq!(matches!(read, Ok(Some(_))), is_good, "{text}");
    }
}
