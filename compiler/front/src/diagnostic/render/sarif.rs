//! Findings as SARIF.

use std::collections::BTreeMap;

use weft_spec::Span;

use super::places::Places;
use crate::diagnostic::{Code, Diagnostic, Label, Severity};
use crate::sarif::{
    Proposed, SarifChange, SarifFix, SarifLevel, SarifLocation, SarifRegion, SarifResult,
    SarifRule, SarifSuppression, log,
};

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
        .map(|found| outcome(found, index(found.code.name), places));
    let rules = codes.values().map(|code| rule(code));
    log(rules.collect(), results.collect(), None)
}

fn rule(code: &'static Code) -> SarifRule {
    let more = format!("{} {}", code.finds, code.why);
    let help = format!("Run `weft explain {}`.", code.name);
    SarifRule::new(code.name, code.finds, level(code.severity)).explained(&more, &help)
}

fn outcome(found: &Diagnostic, rule_index: usize, places: &Places<'_>) -> SarifResult {
    let mut text = found.message.clone();
    for more in found.notes.iter().chain(&found.help) {
        text.push('\n');
        text.push_str(more);
    }
    let primary = location(&found.primary, places);
    let secondary = found.secondary.iter();
    let edits: Vec<SarifFix> = fix(found, places).into_iter().collect();
    let (fixes, proposed_fixes) = if found.is_proposal {
        (Vec::new(), edits)
    } else {
        (edits, Vec::new())
    };
    SarifResult {
        locations: primary.into_iter().collect(),
        related_locations: secondary
            .filter_map(|label| location(label, places))
            .collect(),
        fixes,
        proposed: Proposed { proposed_fixes },
        suppressions: suppression(found, places).into_iter().collect(),
        ..SarifResult::new(found.code.name, level(found.severity), &text).of_rule(rule_index)
    }
}

fn suppression(found: &Diagnostic, places: &Places<'_>) -> Option<SarifSuppression> {
    let suppressed = found.suppressed.as_ref()?;
    let label = Label {
        span: suppressed.span,
        text: String::new(),
    };
    let why = format!(
        "{} (team `{}`, until {})",
        suppressed.reason, suppressed.owner, suppressed.until
    );
    Some(SarifSuppression::in_source(why, location(&label, places)))
}

fn location(label: &Label, places: &Places<'_>) -> Option<SarifLocation> {
    let region = region(label.span, places)?;
    let path = places.path(label.span.file);
    Some(SarifLocation::new(&path, region, &label.text))
}

fn fix(found: &Diagnostic, places: &Places<'_>) -> Option<SarifFix> {
    let changes = found.edits.iter().filter_map(|edit| {
        let region = region(edit.span, places)?;
        let path = places.path(edit.span.file);
        Some(SarifChange::new(&path, region, &edit.replacement))
    });
    let changes: Vec<SarifChange> = changes.collect();
    let help = found.help.as_deref().unwrap_or("correct it");
    (!changes.is_empty()).then(|| SarifFix::new(help, changes))
}

fn region(span: Span, places: &Places<'_>) -> Option<SarifRegion> {
    let region = places.region(span)?;
    Some(SarifRegion {
        start_line: region.line,
        start_column: Some(region.column),
        end_line: Some(region.end_line),
        end_column: Some(region.end_column),
    })
}

fn level(severity: Severity) -> SarifLevel {
    match severity {
        Severity::Error => SarifLevel::Error,
        Severity::Warning => SarifLevel::Warning,
        Severity::Info => SarifLevel::Note,
    }
}
