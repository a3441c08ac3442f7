//! Findings as GitHub workflow commands, shown beside the lines of a change.
//!
//! Source: GitHub documentation, "Workflow commands for GitHub Actions": data escapes `%`, CR and LF;
//! properties escape `:` and `,` as well.

use super::level;
use super::places::Places;
use crate::diagnostic::Diagnostic;

pub(super) fn render(found: &[Diagnostic], places: &Places<'_>) -> String {
    found.iter().map(|found| command(found, places)).collect()
}

fn command(found: &Diagnostic, places: &Places<'_>) -> String {
    let mut properties = String::new();
    if let Some(region) = places.region(found.primary.span) {
        let file = property(&places.path(found.primary.span.file));
        properties = format!(
            "file={file},line={},endLine={}",
            region.line, region.end_line
        );
        if region.line == region.end_line {
            properties.push_str(&format!(
                ",col={},endColumn={}",
                region.column, region.end_column
            ));
        }
        properties.push(',');
    }
    let mut message = found.message.clone();
    for note in &found.notes {
        message.push_str(&format!("\nnote: {note}"));
    }
    if let Some(help) = &found.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let title = property(found.code.name);
    format!(
        "::{} {properties}title={title}::{}\n",
        level(found.severity),
        data(&message)
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
