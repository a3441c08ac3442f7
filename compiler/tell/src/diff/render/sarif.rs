//! A report as SARIF: a result for each statement, with its id as fingerprint, and one for each host about which nothing is
//! proved.

use std::collections::BTreeMap;

use serde_json::json;
use weft_front::sarif::{Level, Location, Outcome, Region, Rule, log};
use weft_front::settings::risk::Risk;

use super::super::promises::Broken;
use super::super::report::{Foreign, Report, Statement, UnprovenHost};
use super::lines;

/// What is found beside the classes of risk: id, meaning, level.
const OTHERS: [(&str, &str, Level); 3] = [
    ("unknown", "Nothing is proved about a host.", Level::Warning),
    (
        "broken-promise",
        "The spec promises that this does not change.",
        Level::Error,
    ),
    (
        "requests-of-others",
        "A team alters requests of another one.",
        Level::Error,
    ),
];

/// The report as a SARIF log, indented.
pub fn sarif(report: &Report) -> String {
    let risks = Risk::ALL.into_iter();
    let rules = risks
        .map(|risk| Rule::new(risk.name(), risk.meaning(), level(risk)))
        .chain(OTHERS.map(|(id, text, level)| Rule::new(id, text, level)));
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

fn result(statement: &Statement) -> Outcome {
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
    Outcome {
        locations: place.map(|place| location(place, "")).into_iter().collect(),
        related_locations: related
            .map(|place| location(place, "before"))
            .into_iter()
            .collect(),
        partial_fingerprints: BTreeMap::from([("weft/statement", statement.id.clone())]),
        ..Outcome::new(statement.risk.name(), level(statement.risk), &text)
    }
}

fn unknown(host: &UnprovenHost) -> Outcome {
    let text = format!(
        "nothing is proved about {} {} host {}: {}",
        host.node, host.listener, host.host, host.explanation
    );
    let culprits = host.culprits.iter();
    Outcome {
        locations: culprits.map(|place| location(place, "")).collect(),
        ..Outcome::new("unknown", Level::Warning, &text)
    }
}

fn broken(broken: &Broken) -> Outcome {
    let place = broken.place.iter();
    Outcome {
        locations: place.map(|place| location(place, "")).collect(),
        ..Outcome::new("broken-promise", Level::Error, &super::broken(broken))
    }
}

fn foreign(foreign: &Foreign) -> Outcome {
    Outcome::new("requests-of-others", Level::Error, &super::foreign(foreign))
}

fn location(place: &str, text: &str) -> Location {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "1"));
    Location::new(file, Region::line(line.parse().unwrap_or(1)), text)
}

fn level(risk: Risk) -> Level {
    match risk {
        Risk::S1 | Risk::S2 | Risk::S3 | Risk::G1 | Risk::A1 => Level::Error,
        Risk::A2 | Risk::R1 | Risk::R2 => Level::Warning,
        Risk::T1 | Risk::C0 => Level::Note,
    }
}
