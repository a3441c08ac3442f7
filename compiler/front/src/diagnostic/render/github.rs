//! Findings as GitHub workflow commands, shown beside the lines of a change.
//!
//! Source: GitHub documentation, "Workflow commands for GitHub Actions": data escapes `%`, CR and LF (here no CR is left);
//! properties escape `:` and `,` as well.

use super::places::Places;
use crate::diagnostic::{Diagnostic, Severity};
use crate::text::visible;

pub(super) fn render(found: &[Diagnostic], places: &Places<'_>) -> String {
    let told = found.iter().filter(|found| found.suppressed.is_none());
    told.map(|found| command(found, places)).collect()
}

fn command(found: &Diagnostic, places: &Places<'_>) -> String {
    let mut properties = Vec::new();
    if let Some(region) = places.region(found.primary.span) {
        let file = property(&places.path(found.primary.span.file));
        properties.push(format!("file={file}"));
        properties.push(format!("line={},endLine={}", region.line, region.end_line));
        if region.line == region.end_line {
            let (from, to) = (region.column, region.end_column);
            properties.push(format!("col={from},endColumn={to}"));
        }
    }
    properties.push(format!("title={}", property(found.code.name)));
    let mut message = vec![found.message.clone()];
    message.extend(found.notes.iter().map(|note| format!("note: {note}")));
    message.extend(found.help.iter().map(|help| format!("help: {help}")));
    format!(
        "::{} {}::{}\n",
        word(found.severity),
        properties.join(","),
        data(&message.join("\n"))
    )
}

/// One command about a `file:line`, or about nothing in particular.
pub fn command_at(word: &str, place: Option<&str>, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some((file, line)) = place.and_then(|place| place.rsplit_once(':')) {
        properties.push(format!("file={},line={line}", property(file)));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{word} {}::{}\n", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    let text = text.replace('\r', "\n");
    visible(&text).replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

// The three annotations that GitHub knows.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    }
}
