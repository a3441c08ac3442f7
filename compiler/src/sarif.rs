//! SARIF 2.1.0, the format of code scanners: what findings and statements of a diff are written as.
//!
//! Source: OASIS Static Analysis Results Interchange Format 2.1.0. Columns count Unicode characters. Words pass [`crate::text::sarif`]
//! and paths [`uri`] here, so that no caller can forget it.

use std::collections::BTreeMap;

use serde::Serialize;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<serde_json::Value>,
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

/// A kind of result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    id: &'static str,
    short_description: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_description: Option<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Message>,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: Level,
}

/// How bad a result is.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Level {
    Error,
    Warning,
    // Section 3.27.10 has its own word for the lowest level.
    Note,
}

/// Words for people.
#[derive(Serialize)]
pub(crate) struct Message {
    text: String,
}

/// A part of a file, as it is.
#[derive(Serialize)]
struct Content {
    text: String,
}

/// A result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule_index: Option<usize>,
    pub(crate) level: Level,
    pub(crate) message: Message,
    pub(crate) locations: Vec<Location>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fixes: Vec<Fix>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) suppressions: Vec<Suppression>,
}

/// Section 3.35: a reader that knows it hides the result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Suppression {
    kind: &'static str,
    justification: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

/// A place, perhaps with words.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Location {
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

/// Lines and columns, counted from 1; a line alone stands for all of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    pub(crate) start_line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_column: Option<usize>,
}

/// Edits that end a result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fix {
    description: Message,
    artifact_changes: Vec<Change>,
}

/// One edit of a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    artifact_location: Artifact,
    replacements: [Replacement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Content,
}

/// A log of one run, indented.
pub(crate) fn log(
    rules: Vec<Rule>,
    results: Vec<Outcome>,
    properties: Option<serde_json::Value>,
) -> String {
    let driver = Driver {
        name: "weft",
        version: env!("CARGO_PKG_VERSION"),
        rules,
    };
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver },
            column_kind: "unicodeCodePoints",
            results,
            properties,
        }],
    };
    // Serialising plain strings and numbers cannot fail.
    let text = serde_json::to_string_pretty(&log).unwrap_or_default();
    format!("{text}\n")
}

impl Rule {
    /// A kind with its meaning.
    pub(crate) fn new(id: &'static str, meaning: &str, level: Level) -> Self {
        Self {
            id,
            short_description: message(meaning),
            full_description: None,
            help: None,
            default_configuration: Configuration { level },
        }
    }

    /// The same with more to read and something to do.
    pub(crate) fn explained(self, more: &str, help: &str) -> Self {
        Self {
            full_description: Some(message(more)),
            help: Some(message(help)),
            ..self
        }
    }
}

impl Outcome {
    /// A result of a kind, without a place.
    pub(crate) fn new(rule_id: &'static str, level: Level, text: &str) -> Self {
        Self {
            rule_id,
            rule_index: None,
            level,
            message: message(text),
            locations: Vec::new(),
            partial_fingerprints: BTreeMap::new(),
            related_locations: Vec::new(),
            fixes: Vec::new(),
            suppressions: Vec::new(),
        }
    }

    /// The same with the position of its kind among the rules.
    pub(crate) fn of_rule(self, position: usize) -> Self {
        Self {
            rule_index: Some(position),
            ..self
        }
    }
}

impl Location {
    /// A place in the file of a path, with words unless they are empty.
    pub(crate) fn new(path: &str, region: Region, text: &str) -> Self {
        Self {
            physical_location: PhysicalLocation {
                artifact_location: artifact(path),
                region,
            },
            message: (!text.is_empty()).then(|| message(text)),
        }
    }
}

impl Suppression {
    /// One that is written in the spec.
    pub(crate) fn in_source(justification: String, location: Option<Location>) -> Self {
        Self {
            kind: "inSource",
            justification,
            location,
        }
    }
}

impl Fix {
    /// Edits with words.
    pub(crate) fn new(text: &str, artifact_changes: Vec<Change>) -> Self {
        Self {
            description: message(text),
            artifact_changes,
        }
    }
}

impl Change {
    /// Another text for a part of the file of a path.
    pub(crate) fn new(path: &str, deleted_region: Region, text: &str) -> Self {
        let inserted_content = Content {
            text: text.to_owned(),
        };
        Self {
            artifact_location: artifact(path),
            replacements: [Replacement {
                deleted_region,
                inserted_content,
            }],
        }
    }
}

impl Region {
    /// A whole line.
    pub(crate) fn line(start_line: usize) -> Self {
        Self {
            start_line,
            start_column: None,
            end_line: None,
            end_column: None,
        }
    }
}

fn message(text: &str) -> Message {
    Message {
        text: crate::text::sarif(text),
    }
}

fn artifact(path: &str) -> Artifact {
    Artifact { uri: uri(path) }
}

/// A path as a relative reference: everything but unreserved characters and `/` is escaped (RFC 3986, section 2).
fn uri(path: &str) -> String {
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
