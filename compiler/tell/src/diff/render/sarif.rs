//! A report as SARIF: a result for each statement, with its id as fingerprint, and one for each host about which nothing is
//! proved.

use std::collections::BTreeMap;

use serde_json::json;
use weft_front::sarif::{SarifLevel, SarifLocation, SarifRegion, SarifResult, SarifRule, log};
use weft_front::settings::risk::Risk;

use super::super::promises::Broken;
use super::super::report::{Foreign, Report, Statement, UnprovenHost};
use super::lines;

/// What is found beside the classes of risk: id, meaning, level.
const OTHERS: [(&str, &str, SarifLevel); 3] = [
    (
        "unknown",
        "Nothing is proved about a host.",
        SarifLevel::Warning,
    ),
    (
        "broken-promise",
        "The spec promises that this does not change.",
        SarifLevel::Error,
    ),
    (
        "requests-of-others",
        "A team alters requests of another one.",
        SarifLevel::Error,
    ),
];

/// The report as a SARIF log, indented.
pub fn sarif(report: &Report) -> String {
    let risks = Risk::ALL.into_iter();
    let rules = risks
        .map(|risk| SarifRule::new(risk.name(), risk.meaning(), level(risk)))
        .chain(OTHERS.map(|(id, text, level)| SarifRule::new(id, text, level)));
    let statements = report.statements.iter().map(result);
    let results = statements
        .chain(report.unknown.iter().map(unknown))
        .chain(report.broken.iter().map(broken))
        .chain(report.foreign.iter().map(foreign));
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
    log(rules.collect(), results.collect(), Some(properties))
}

fn result(statement: &Statement) -> SarifResult {
    let said: Vec<String> = lines(statement)
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let text = format!("{}\n{}", statement.title, said.join("\n"));
    let (before, after) = (
        statement.before.place.as_deref(),
        statement.after.place.as_deref(),
    );
    // Where a line is gone, its place is one of the old side; it still names the file.
    let place = after.or(before);
    let related = before.filter(|_| after.is_some());
    SarifResult {
        locations: place.map(|place| location(place, "")).into_iter().collect(),
        related_locations: related
            .map(|place| location(place, "before"))
            .into_iter()
            .collect(),
        partial_fingerprints: BTreeMap::from([("weft/statement", statement.id.clone())]),
        ..SarifResult::new(statement.risk.name(), level(statement.risk), &text)
    }
}

fn unknown(host: &UnprovenHost) -> SarifResult {
    let text = format!(
        "nothing is proved about {} {} host {}: {}",
        host.node, host.listener, host.host, host.explanation
    );
    let culprits = host.culprits.iter();
    SarifResult {
        locations: culprits.map(|place| location(place, "")).collect(),
        ..SarifResult::new("unknown", SarifLevel::Warning, &text)
    }
}

fn broken(broken: &Broken) -> SarifResult {
    let place = broken.place.iter();
    SarifResult {
        locations: place.map(|place| location(place, "")).collect(),
        ..SarifResult::new("broken-promise", SarifLevel::Error, &super::broken(broken))
    }
}

fn foreign(foreign: &Foreign) -> SarifResult {
    SarifResult::new(
        "requests-of-others",
        SarifLevel::Error,
        &super::foreign(foreign),
    )
}

fn location(place: &str, text: &str) -> SarifLocation {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "1"));
    SarifLocation::new(file, SarifRegion::line(line.parse().unwrap_or(1)), text)
}

fn level(risk: Risk) -> SarifLevel {
    match risk {
        Risk::S1 | Risk::S2 | Risk::S3 | Risk::G1 | Risk::A1 => SarifLevel::Error,
        Risk::A2 | Risk::R1 | Risk::R2 => SarifLevel::Warning,
        Risk::T1 | Risk::C0 => SarifLevel::Note,
    }
}
