//! Findings as text: for people, for machines, for code scanners and for GitHub.
//!
//! Renderers decide nothing; they all show the same findings in the same order.

mod discreet;
mod github;
mod human;
mod json;
mod places;
mod sarif;
mod short;
#[cfg(test)]
mod tests;

pub use github::command_at;

use std::collections::BTreeMap;

use places::Places;

use super::{Diagnostic, Severity};
use crate::source::Sources;

/// How findings are shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// Text with the lines of the file, for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
    /// SARIF 2.1.0, for code scanners.
    Sarif,
    /// Workflow commands, which GitHub shows beside the lines of a change.
    Github,
}

/// Whether text for people has colours, as escape sequences.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colour {
    /// Without.
    Plain,
    /// With.
    Styled,
}

/// All findings as text; `colour` matters to people only. Ends with a newline unless it is empty.
pub fn render(found: &[Diagnostic], sources: &Sources, format: Format, colour: Colour) -> String {
    let (found, sources) = discreet::without_secrets(found, sources);
    let places = Places::new(&sources);
    match format {
        Format::Human => human::render(&found, (&found, None), &places, colour),
        Format::Json => json::render(&found, &places),
        Format::Sarif => sarif::render(&found, &places),
        Format::Github => github::render(&found, &places),
    }
}

/// The first findings of each severity as text for people, and how many there are of all.
pub fn render_first(
    found: &[Diagnostic],
    sources: &Sources,
    (most, is_short): (usize, bool),
    colour: Colour,
) -> String {
    let (all, sources) = discreet::without_secrets(found, sources);
    let places = Places::new(&sources);
    let shown = first(&all, most);
    let told = |found: &[Diagnostic]| found.iter().filter(|one| one.suppressed.is_none()).count();
    let rest = told(&all).saturating_sub(told(&shown));
    let rest = (0 < rest).then(|| format!("{rest} more are not shown; `--max-errors 0` shows all"));
    if is_short {
        return short::render(&shown, (&all, rest), &places);
    }
    human::render(&shown, (&all, rest), &places, colour)
}

/// At most so many findings of each severity, in their order; those that are accepted are not shown anyway.
pub fn first(found: &[Diagnostic], most: usize) -> Vec<Diagnostic> {
    let mut counts = BTreeMap::new();
    let mut is_first = |one: &&Diagnostic| {
        let count = counts.entry(one.severity).or_insert(0_usize);
        *count += usize::from(one.suppressed.is_none());
        *count <= most
    };
    found.iter().filter(|one| is_first(one)).cloned().collect()
}

/// How many there are: `2 errors, 1 warning, 3 suppressed`.
pub fn summary(found: &[Diagnostic]) -> String {
    let count = |severity: Severity| {
        found
            .iter()
            .filter(|found| found.suppressed.is_none() && found.severity == severity)
            .count()
    };
    let suppressed = found.iter().filter(|found| found.suppressed.is_some());
    let say = |count: usize, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {one}s")),
    };
    let parts = [
        say(count(Severity::Error), "error"),
        say(count(Severity::Warning), "warning"),
        say(count(Severity::Info), "remark"),
    ];
    let mut parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        parts.push("no findings".to_owned());
    }
    match suppressed.count() {
        0 => {}
        count => parts.push(format!("{count} suppressed")),
    }
    parts.join(", ")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}
