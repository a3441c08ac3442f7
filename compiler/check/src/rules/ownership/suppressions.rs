//! Marks the findings that are accepted, and reports the suppressions that accept nothing.
//!
//! It runs behind all rules, because it looks at what they found. A finding belongs to a place if it points there. Who may accept it
//! is [`super::harm`]'s matter. Errors are never accepted: what is wrong for sure is corrected.

use std::collections::BTreeMap;

use weft_front::diagnostic::{Diagnostic, Diagnostics, Severity, Suppressed};
use weft_front::model::Suppression;
use weft_front::model::suppression::{Place, Subject};

use super::foreign_suppression;
use super::harm::{self, Harmed};
use super::stale_suppression::CODE;
use crate::rules::facts::Facts;

/// Marks what is accepted and reports what accepts nothing.
pub(in crate::rules) fn apply(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let rejected = diagnostics.has_errors();
    // Of what is only counted nobody knows where it is.
    let is_cut = diagnostics.is_cut();
    let suppressions = &facts.mesh.suppressions;
    let mut by_code: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, one) in suppressions.iter().enumerate() {
        if one.code.value != CODE.name && !one.grant.is_over(facts.today) {
            by_code.entry(&one.code.value).or_default().push(position);
        }
    }
    let mut foreign = Vec::new();
    let mut uses = vec![Use::default(); suppressions.len()];
    for finding in diagnostics.each_mut() {
        for position in by_code.get(finding.code.name).into_iter().flatten() {
            let Some((suppression, met)) = suppressions.get(*position).zip(uses.get_mut(*position))
            else {
                continue;
            };
            if !harm::is_about(finding, suppression) {
                continue;
            }
            if finding.severity == Severity::Error {
                met.meets_error = true;
                continue;
            }
            if let Err(harmed) = harm::may_accept(facts.mesh, finding, suppression) {
                // Said once, and not of a code of the platform, which is said without looking at findings.
                if !met.is_foreign && Harmed::by(finding.code.name) != Harmed::Platform {
                    let mesh = facts.mesh;
                    foreign.push(foreign_suppression::harms_others(mesh, suppression, harmed));
                }
                met.is_foreign = true;
                continue;
            }
            met.accepts = true;
            finding
                .suppressed
                .get_or_insert_with(|| accepted(facts, suppression));
        }
    }
    diagnostics.extend(foreign);
    for (one, used) in suppressions.iter().zip(&uses) {
        if one.grant.is_over(facts.today) {
            diagnostics.push(ended(one));
        } else if !used.accepts && !used.is_foreign && !rejected && !is_cut && is_known(facts, one)
        {
            diagnostics.push(accepts_nothing(one));
        } else if !used.accepts && used.meets_error {
            diagnostics.push(meets_errors(one));
        }
    }
}

/// What a suppression met.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    accepts: bool,
    meets_error: bool,
    /// Whether it is about a finding that others have to accept.
    is_foreign: bool,
}

fn accepted(facts: &Facts<'_>, one: &Suppression) -> Suppressed {
    let grant = &one.grant;
    Suppressed {
        span: one.code.span,
        reason: grant.reason.value.clone(),
        owner: facts.mesh.owner_name(grant.owner.value).to_owned(),
        until: grant.until.value.to_string(),
    }
}

// Without a day, rules that need one are silent; without an analysis, so are those about its host. Then there might be something to
// suppress that nobody sees.
fn is_known(facts: &Facts<'_>, one: &Suppression) -> bool {
    let is_code = |code: &&weft_front::diagnostic::Code| code.name == one.code.value;
    facts.today.is_some()
        && one.code.value != CODE.name
        && crate::rules::codes().iter().any(is_code)
        && facts
            .hosts()
            .iter()
            .filter(|host| concerns(facts, &one.place, host.host.host))
            .all(|host| host.analysis.is_ok())
}

fn concerns(facts: &Facts<'_>, place: &Place, host: &str) -> bool {
    match &place.subject {
        Subject::Host(subject) => subject == host,
        Subject::Route(id) => facts.mesh.routes.entry(*id).host.value.as_str() == host,
        Subject::Service(_) | Subject::Gateway(_) => true,
    }
}

fn ended(one: &Suppression) -> Diagnostic {
    let until = &one.grant.until;
    let message = format!("this suppression ended on {}", until.value);
    Diagnostic::new(&CODE, until.span, message)
        .label(one.code.span, "shown again")
        .help("remove it, or agree on another day")
}

fn accepts_nothing(one: &Suppression) -> Diagnostic {
    let message = format!("there is no finding `{}` here to suppress", one.code.value);
    Diagnostic::new(&CODE, one.code.span, message)
        .label(one.place.span, "nothing is found here")
        .help("remove the suppression")
}

fn meets_errors(one: &Suppression) -> Diagnostic {
    let message = format!("what is found of `{}` here are errors", one.code.value);
    Diagnostic::new(&CODE, one.code.span, message)
        .label(one.place.span, "looked for here")
        .note("warnings and remarks can be suppressed, errors cannot")
        .help("correct the errors and remove the suppression")
}
