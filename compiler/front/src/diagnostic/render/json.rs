//! Findings for machines: one JSON object a line.

use serde::Serialize;
use weft_spec::Span;

use super::level;
use super::places::Places;
use crate::diagnostic::{Diagnostic, Edit, Label};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Option<JsonPlace>,
    labels: Vec<LabelLine<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    edits: Vec<EditLine<'a>>,
    /// Of all edits: they are made together.
    #[serde(skip_serializing_if = "Option::is_none")]
    edits_are: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<SuppressedLine<'a>>,
}

/// Lines and columns count from 1, columns in characters, bytes from 0; ends are excluded.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonPlace {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start: u32,
    end: u32,
}

#[derive(Serialize)]
struct LabelLine<'a> {
    #[serde(flatten)]
    place: Option<JsonPlace>,
    text: &'a str,
}

#[derive(Serialize)]
struct EditLine<'a> {
    #[serde(flatten)]
    place: Option<JsonPlace>,
    replacement: &'a str,
}

#[derive(Serialize)]
struct SuppressedLine<'a> {
    #[serde(flatten)]
    place: Option<JsonPlace>,
    reason: &'a str,
    owner: &'a str,
    until: &'a str,
}

pub(super) fn render(found: &[Diagnostic], places: &Places<'_>) -> String {
    let mut text = String::new();
    for diagnostic in found {
        // Serialising plain strings and numbers cannot fail.
        text.push_str(&serde_json::to_string(&finding(diagnostic, places)).unwrap_or_default());
        text.push('\n');
    }
    text
}

fn finding<'a>(diagnostic: &'a Diagnostic, places: &Places<'_>) -> Finding<'a> {
    let label = |label: &'a Label| LabelLine {
        place: place(label.span, places),
        text: &label.text,
    };
    let edit = |edit: &'a Edit| EditLine {
        place: place(edit.span, places),
        replacement: &edit.replacement,
    };
    let suppressed = diagnostic.suppressed.as_ref();
    let primary = (!diagnostic.primary.text.is_empty()).then_some(&diagnostic.primary);
    Finding {
        code: diagnostic.code.name,
        severity: level(diagnostic.severity),
        message: &diagnostic.message,
        place: place(diagnostic.primary.span, places),
        labels: primary
            .into_iter()
            .chain(&diagnostic.secondary)
            .map(label)
            .collect(),
        notes: &diagnostic.notes,
        help: diagnostic.help.as_deref(),
        edits: diagnostic.edits.iter().map(edit).collect(),
        edits_are: (!diagnostic.edits.is_empty()).then(|| kind_of_edits(diagnostic)),
        suppressed: suppressed.map(|suppressed| SuppressedLine {
            place: place(suppressed.span, places),
            reason: &suppressed.reason,
            owner: &suppressed.owner,
            until: &suppressed.until,
        }),
    }
}

/// Whether `check --fix` makes the edits of a finding, or a person decides.
fn kind_of_edits(diagnostic: &Diagnostic) -> &'static str {
    if diagnostic.is_proposal {
        "proposal"
    } else {
        "certain"
    }
}

fn place(span: Span, places: &Places<'_>) -> Option<JsonPlace> {
    let region = places.region(span)?;
    Some(JsonPlace {
        file: places.path(span.file),
        line: region.line,
        column: region.column,
        end_line: region.end_line,
        end_column: region.end_column,
        start: span.start,
        end: span.end,
    })
}
