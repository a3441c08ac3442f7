//! Findings as SARIF 2.1.0, the format of code scanners.
//!
//! Source: OASIS Static Analysis Results Interchange Format 2.1.0. Columns count Unicode characters.

use std::collections::BTreeMap;

use serde::Serialize;
use weft_spec::Span;

use super::places::Places;
use crate::diagnostic::Severity;
use crate::diagnostic::{Code, Diagnostic, Label};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Outcome>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Message,
    full_description: Message,
    help: Message,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

/// Words for people.
#[derive(Serialize)]
struct Message {
    text: String,
}

/// A part of a file, as it is.
#[derive(Serialize)]
struct Content {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<SuppressionLine>,
}

/// SARIF 2.1.0 section 3.35: a reader that knows it hides the result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SuppressionLine {
    kind: &'static str,
    justification: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix {
    description: Message,
    artifact_changes: Vec<Change>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact_location: Artifact,
    replacements: Vec<Replacement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Content,
}

pub(super) fn render(found: &[Diagnostic], places: &Places<'_>) -> String {
    let codes: BTreeMap<&str, &'static Code> = found
        .iter()
        .map(|found| (found.code.name, found.code))
        .collect();
    let index = |name: &str| {
        codes
            .keys()
            .position(|known| *known == name)
            .unwrap_or_default()
    };
    let results = found
        .iter()
        .map(|found| outcome(found, index(found.code.name), places))
        .collect();
    let driver = Driver {
        name: "weft",
        version: env!("CARGO_PKG_VERSION"),
        rules: codes.values().map(|code| rule(code)).collect(),
    };
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver },
            column_kind: "unicodeCodePoints",
            results,
        }],
    };
    // Serialising plain strings and numbers cannot fail.
    format!(
        "{}\n",
        serde_json::to_string_pretty(&log).unwrap_or_default()
    )
}

fn rule(code: &'static Code) -> Rule {
    Rule {
        id: code.name,
        short_description: message(code.finds),
        full_description: message(format!("{} {}", code.finds, code.why)),
        help: message(format!("Run `weft explain {}`.", code.name)),
        default_configuration: Configuration {
            level: sarif_level(code.severity),
        },
    }
}

fn outcome(found: &Diagnostic, rule_index: usize, places: &Places<'_>) -> Outcome {
    let mut text = found.message.clone();
    for more in found.notes.iter().chain(&found.help) {
        text.push('\n');
        text.push_str(more);
    }
    Outcome {
        rule_id: found.code.name,
        rule_index,
        level: sarif_level(found.severity),
        message: message(text),
        locations: location(&found.primary, places).into_iter().collect(),
        related_locations: found
            .secondary
            .iter()
            .filter_map(|label| location(label, places))
            .collect(),
        fixes: fix(found, places).into_iter().collect(),
        suppressions: suppression(found, places).into_iter().collect(),
    }
}

fn suppression(found: &Diagnostic, places: &Places<'_>) -> Option<SuppressionLine> {
    let suppressed = found.suppressed.as_ref()?;
    let label = Label {
        span: suppressed.span,
        text: String::new(),
    };
    Some(SuppressionLine {
        kind: "inSource",
        justification: format!(
            "{} (team `{}`, until {})",
            suppressed.reason, suppressed.owner, suppressed.until
        ),
        location: location(&label, places),
    })
}

fn location(label: &Label, places: &Places<'_>) -> Option<Location> {
    Some(Location {
        physical_location: PhysicalLocation {
            artifact_location: artifact(label.span, places),
            region: region(label.span, places)?,
        },
        message: (!label.text.is_empty()).then(|| message(label.text.as_str())),
    })
}

fn fix(found: &Diagnostic, places: &Places<'_>) -> Option<Fix> {
    let changes: Vec<Change> = found
        .edits
        .iter()
        .filter_map(|edit| {
            Some(Change {
                artifact_location: artifact(edit.span, places),
                replacements: vec![Replacement {
                    deleted_region: region(edit.span, places)?,
                    inserted_content: Content {
                        text: edit.replacement.clone(),
                    },
                }],
            })
        })
        .collect();
    (!changes.is_empty()).then(|| Fix {
        description: message(found.help.as_deref().unwrap_or("correct it")),
        artifact_changes: changes,
    })
}

fn message(text: impl AsRef<str>) -> Message {
    Message {
        text: crate::text::sarif(text.as_ref()),
    }
}

fn artifact(span: Span, places: &Places<'_>) -> Artifact {
    let uri = uri(&places.path(span.file));
    Artifact { uri }
}

/// A path as a relative reference: everything but unreserved characters and `/` is escaped (RFC 3986, section 2).
pub(crate) fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    path.bytes()
        .map(|byte| {
            if is_plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn region(span: Span, places: &Places<'_>) -> Option<Region> {
    let region = places.region(span)?;
    Some(Region {
        start_line: region.line,
        start_column: region.column,
        end_line: region.end_line,
        end_column: region.end_column,
    })
}

// SARIF 2.1.0 section 3.27.10 has its own word for the lowest level.
fn sarif_level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}
