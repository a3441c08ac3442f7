//! SARIF 2.1.0, the format of code scanners: what findings and statements of a diff are written as.
//!
//! Source: OASIS Static Analysis Results Interchange Format 2.1.0. Columns count Unicode characters. Words pass [`crate::text::sarif`]
//! and paths [`uri`] here, so that no caller can forget it.

use std::collections::BTreeMap;

use serde::Serialize;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";

#[derive(Debug, Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<SarifResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<SarifRule>,
}

/// A kind of result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifRule {
    id: &'static str,
    short_description: SarifMessage,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_description: Option<SarifMessage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<SarifMessage>,
    default_configuration: Configuration,
}

#[derive(Debug, Serialize)]
struct Configuration {
    level: SarifLevel,
}

/// How bad a result is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SarifLevel {
    /// The run is rejected.
    Error,
    /// Probably not meant.
    Warning,
    /// Worth knowing; section 3.27.10 has its own word for the lowest level.
    Note,
}

/// Words for people.
#[derive(Debug, Serialize)]
pub struct SarifMessage {
    text: String,
}

/// A part of a file, as it is.
#[derive(Debug, Serialize)]
struct SarifContent {
    text: String,
}

/// A result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifResult {
    /// The name of its kind.
    pub rule_id: &'static str,
    /// The position of its kind in the list of rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_index: Option<usize>,
    /// How bad it is.
    pub level: SarifLevel,
    /// What is wrong, for people.
    pub message: SarifMessage,
    /// Where it is.
    pub locations: Vec<SarifLocation>,
    /// What tells it apart from others in later runs, by the name of the method (section 3.27.17).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub partial_fingerprints: BTreeMap<&'static str, String>,
    /// Places that it conflicts with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_locations: Vec<SarifLocation>,
    /// Edits that mend it and can mean nothing else: readers make them at one click, some all of them together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<SarifFix>,
    /// Edits that may be meant, for a person to decide: no reader makes what stands here.
    #[serde(rename = "properties", skip_serializing_if = "Proposed::is_empty")]
    pub proposed: Proposed,
    /// Why it is accepted, if it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<SarifSuppression>,
}

/// The property bag of a result (section 3.8), with what is no fix as section 3.55 has them.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposed {
    /// In the form of fixes.
    pub proposed_fixes: Vec<SarifFix>,
}

impl Proposed {
    fn is_empty(&self) -> bool {
        self.proposed_fixes.is_empty()
    }
}

/// Section 3.35: a reader that knows it hides the result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifSuppression {
    kind: &'static str,
    justification: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<SarifLocation>,
}

/// A place, perhaps with words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifLocation {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<SarifMessage>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    region: SarifRegion,
}

#[derive(Debug, Serialize)]
struct Artifact {
    uri: String,
}

/// Lines and columns, counted from 1; a line alone stands for all of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifRegion {
    /// The line.
    pub start_line: usize,
    /// The column, in the units that the run names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_column: Option<usize>,
    /// The last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<usize>,
    /// The column behind the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
}

/// Edits that end a result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifFix {
    description: SarifMessage,
    artifact_changes: Vec<SarifChange>,
}

/// One edit of a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifChange {
    artifact_location: Artifact,
    replacements: [Replacement; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: SarifRegion,
    inserted_content: SarifContent,
}

/// A log of one run, indented.
pub fn log(
    rules: Vec<SarifRule>,
    results: Vec<SarifResult>,
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

impl SarifRule {
    /// A kind with its meaning.
    pub fn new(id: &'static str, meaning: &str, level: SarifLevel) -> Self {
        Self {
            id,
            short_description: message(meaning),
            full_description: None,
            help: None,
            default_configuration: Configuration { level },
        }
    }

    /// The same with more to read and something to do.
    #[must_use]
    pub fn explained(self, more: &str, help: &str) -> Self {
        Self {
            full_description: Some(message(more)),
            help: Some(message(help)),
            ..self
        }
    }
}

impl SarifResult {
    /// A result of a kind, without a place.
    pub fn new(rule_id: &'static str, level: SarifLevel, text: &str) -> Self {
        Self {
            rule_id,
            rule_index: None,
            level,
            message: message(text),
            locations: Vec::new(),
            partial_fingerprints: BTreeMap::new(),
            related_locations: Vec::new(),
            fixes: Vec::new(),
            proposed: Proposed::default(),
            suppressions: Vec::new(),
        }
    }

    /// The same with the position of its kind among the rules.
    #[must_use]
    pub fn of_rule(self, position: usize) -> Self {
        Self {
            rule_index: Some(position),
            ..self
        }
    }
}

impl SarifLocation {
    /// A place in the file of a path, with words unless they are empty.
    pub fn new(path: &str, region: SarifRegion, text: &str) -> Self {
        Self {
            physical_location: PhysicalLocation {
                artifact_location: artifact(path),
                region,
            },
            message: (!text.is_empty()).then(|| message(text)),
        }
    }
}

impl SarifSuppression {
    /// One that is written in the spec.
    pub fn in_source(justification: String, location: Option<SarifLocation>) -> Self {
        Self {
            kind: "inSource",
            justification,
            location,
        }
    }
}

impl SarifFix {
    /// Edits with words.
    pub fn new(text: &str, artifact_changes: Vec<SarifChange>) -> Self {
        Self {
            description: message(text),
            artifact_changes,
        }
    }
}

impl SarifChange {
    /// Another text for a part of the file of a path.
    pub fn new(path: &str, deleted_region: SarifRegion, text: &str) -> Self {
        let inserted_content = SarifContent {
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

impl SarifRegion {
    /// A whole line.
    pub fn line(start_line: usize) -> Self {
        Self {
            start_line,
            start_column: None,
            end_line: None,
            end_column: None,
        }
    }
}

fn message(text: &str) -> SarifMessage {
    SarifMessage {
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
