//! A report as SARIF 2.1.0: a result for each statement, with its id as fingerprint, and one for each host
//! about which nothing is proved.
//!
//! Source: OASIS Static Analysis Results Interchange Format 2.1.0.

use serde_json::{Value, json};

use super::super::promises::Broken;
use super::super::report::{Foreign, Report, Statement, UnknownHost};
use super::super::risk::Risk;
use super::lines;
use crate::diagnostic::uri;
use crate::text::sarif as escaped;

/// What is found beside the classes of risk: id, meaning, level.
const OTHERS: [(&str, &str, &str); 3] = [
    ("unknown", "Nothing is proved about a host.", "warning"),
    (
        "broken-promise",
        "The spec promises that this does not change.",
        "error",
    ),
    (
        "requests-of-others",
        "A team alters requests of another one.",
        "error",
    ),
];

/// The report as a SARIF log, indented.
pub fn sarif(report: &Report) -> String {
    let rules: Vec<Value> = Risk::ALL
        .into_iter()
        .map(|risk| {
            json!({
                "id": risk.name(),
                "shortDescription": {"text": risk.meaning()},
                "defaultConfiguration": {"level": level(risk)},
            })
        })
        .chain(OTHERS.map(|(id, text, level)| {
            json!({
                "id": id,
                "shortDescription": {"text": text},
                "defaultConfiguration": {"level": level},
            })
        }))
        .collect();
    let statements = report.statements.iter().map(result);
    let results: Vec<Value> = statements
        .chain(report.unknown.iter().map(unknown))
        .chain(report.broken.iter().map(broken))
        .chain(report.foreign.iter().map(foreign))
        .collect();
    let mut properties = json!({
        "old": report.old_digest,
        "new": report.new_digest,
        "complete": report.complete,
    });
    let inputs = [
        ("oldInputs", &report.old_inputs),
        ("newInputs", &report.new_inputs),
    ];
    for (name, inputs) in inputs {
        if let (Some(inputs), Some(object)) = (inputs, properties.as_object_mut()) {
            object.insert(name.to_owned(), json!(inputs));
        }
    }
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "weft", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": properties,
        }],
    });
    // Serialising plain values cannot fail.
    format!(
        "{}\n",
        serde_json::to_string_pretty(&log).unwrap_or_default()
    )
}

fn result(statement: &Statement) -> Value {
    let said: Vec<String> = lines(statement)
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let place = statement.after.place.as_ref();
    let place = place.or(statement.before.place.as_ref());
    // Where a line is gone, its place is one of the old side; it still names the file.
    let related = statement
        .before
        .place
        .as_ref()
        .filter(|_| statement.after.place.is_some());
    let mut result = json!({
        "ruleId": statement.risk.name(),
        "level": level(statement.risk),
        "message": {"text": escaped(&format!("{}\n{}", statement.title, said.join("\n")))},
        "locations": place.map(|place| location(place, None)).into_iter().collect::<Vec<_>>(),
        "partialFingerprints": {"weft/statement": statement.id},
    });
    if let (Some(related), Some(object)) = (related, result.as_object_mut()) {
        let related = vec![location(related, Some("before"))];
        object.insert("relatedLocations".to_owned(), Value::Array(related));
    }
    result
}

fn unknown(host: &UnknownHost) -> Value {
    json!({
        "ruleId": "unknown",
        "level": "warning",
        "message": {"text": escaped(&format!(
            "nothing is proved about {} {} host {}: {}",
            host.node, host.listener, host.host, host.explanation
        ))},
        "locations": host.culprits.iter().map(|place| location(place, None)).collect::<Vec<_>>(),
    })
}

fn broken(broken: &Broken) -> Value {
    let place = broken.place.as_ref();
    json!({
        "ruleId": "broken-promise",
        "level": "error",
        "message": {"text": escaped(&super::broken(broken))},
        "locations": place.map(|place| location(place, None)).into_iter().collect::<Vec<_>>(),
    })
}

fn foreign(foreign: &Foreign) -> Value {
    json!({
        "ruleId": "requests-of-others",
        "level": "error",
        "message": {"text": escaped(&super::foreign(foreign))},
        "locations": [],
    })
}

fn location(place: &str, message: Option<&str>) -> Value {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "1"));
    let line: usize = line.parse().unwrap_or(1);
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(file)},
            "region": {"startLine": line},
        },
    });
    if let (Some(message), Some(object)) = (message, location.as_object_mut()) {
        object.insert("message".to_owned(), json!({"text": message}));
    }
    location
}

fn level(risk: Risk) -> &'static str {
    match risk {
        Risk::S1 | Risk::S2 | Risk::S3 | Risk::G1 | Risk::A1 => "error",
        Risk::A2 | Risk::R1 | Risk::R2 => "warning",
        Risk::T1 | Risk::C0 => "note",
    }
}
