//! Who can call whom, directly.
//!
//! A sidecar that asks for identities admits what one of its permissions has; without one, or without mTLS, everybody
//! is admitted. That is decided exactly.

use weft_front::model::assertion::Region;
use weft_front::model::{Caller, Callers, Match, Mesh, Operation, Rule, ServiceId};
use weft_snapshot::plan::{PathPattern, PathRewrite};
use weft_space::Entry;
use weft_space::path::all_paths;
use weft_spec::units::Method;
use weft_spec::{Span, Spanned};

use super::entrance::entrance;
use super::permits::{admitted, admitted_by, is_guarded};
use super::{Counterexample, Verdict};
use crate::rules::Facts;

/// Nobody else can call a service.
pub(super) fn only(
    mesh: &Mesh,
    to: ServiceId,
    callers: &[Callers],
    operation: Option<&Operation>,
) -> Verdict {
    let service = mesh.services.entry(to);
    let name = &service.name.value;
    if !is_guarded(mesh, service) {
        let text = format!("`{name}` does not ask who calls");
        let place = service.mtls.map_or(service.name.span, |mtls| mtls.span);
        return refuted(text, place, None);
    }
    let all = all_paths();
    let wanted = wanted(operation, &all);
    let mut admits_any = false;
    for (allow, from) in service
        .allow
        .iter()
        .flat_map(|allow| allow.from.iter().map(move |from| (allow, from)))
    {
        let is_meant = callers.iter().any(|meant| meant.has(from.value));
        if is_meant && admits_any {
            continue;
        }
        let met = match admitted_by(mesh, service, allow, from.value, &[&wanted]) {
            Ok(Some(met)) => met,
            Ok(None) => continue,
            Err(unknown) => return Verdict::Unknown(format!("service `{name}`: {unknown}")),
        };
        admits_any = true;
        if !is_meant {
            let node = mesh.callers_text(from.value);
            let request = format!("{} {} from {node}", met.method, met.target());
            let text = format!("`{name}` allows calls from `{node}`");
            return refuted(text, from.span, Some(request));
        }
    }
    if admits_any {
        Verdict::Proved
    } else {
        Verdict::Vacuous(format!("`{name}` allows nobody to make this call"))
    }
}

/// A node cannot call a service itself.
pub(super) fn never(
    mesh: &Mesh,
    caller: Caller,
    to: ServiceId,
    operation: Option<&Operation>,
) -> Verdict {
    let service = mesh.services.entry(to);
    let all = all_paths();
    let (name, node) = (&service.name.value, mesh.caller_node(caller));
    match admitted(mesh, service, caller, &[&wanted(operation, &all)]) {
        Err(unknown) => Verdict::Unknown(format!("service `{name}`: {unknown}")),
        Ok(None) => Verdict::Proved,
        Ok(Some((met, allow))) => {
            let text = match allow {
                Some(_) => format!("`{name}` allows calls from `{node}`"),
                None => format!("`{name}` does not ask who calls"),
            };
            let place = allow.map_or(service.name.span, |allow| allow.span);
            let request = format!("{} {} from {node}", met.method, met.target());
            refuted(text, place, Some(request))
        }
    }
}

/// No client of a gateway reaches a service through a rule.
pub(crate) fn from_internet(
    facts: &Facts<'_>,
    to: ServiceId,
    operation: Option<&Operation>,
) -> Verdict {
    match entrance(facts, to, operation) {
        Err(unknown) => Verdict::Unknown(unknown),
        Ok(found) => match found {
            None => Verdict::Proved,
            Some((rule, witness)) => {
                let name = &facts.mesh.services.entry(to).name.value;
                let text = format!("rule `{}` leads to `{name}`", rule.id);
                refuted(text, rule.place(), Some(witness))
            }
        },
    }
}

/// The requests to gateways that have the methods and paths of a permission or denial.
pub fn region_of_calls(methods: &[Spanned<Method>], path: &Spanned<PathPattern>) -> Region {
    everything(Match {
        path: path.clone(),
        methods: methods.to_vec(),
        ..anything()
    })
}

fn everything(matched: Match) -> Region {
    Region {
        listener: None,
        host: None,
        matched,
        except: Vec::new(),
    }
}

fn refuted(text: String, place: Span, shown: Option<String>) -> Verdict {
    Verdict::Refuted(Counterexample { text, place, shown })
}

/// The requests of an operation; all of them without one.
pub(super) fn wanted<'a>(operation: Option<&'a Operation>, all: &'a PathPattern) -> Entry<'a> {
    operation.map_or_else(|| Entry::of_path(all), Entry::of)
}

fn anything() -> Match {
    Match {
        path: Spanned::built_in(all_paths()),
        methods: Vec::new(),
        headers: Vec::new(),
        query: Vec::new(),
    }
}

/// The paths of a rule as the service sees them.
pub(crate) fn forwarded_path(rule: &Rule) -> PathPattern {
    let pattern = &rule.matched.path.value;
    match new_path(rule) {
        Some(new) => weft_front::model::access::rewritten(pattern, new),
        None => pattern.clone(),
    }
}

fn new_path(rule: &Rule) -> Option<&PathRewrite> {
    let new = rule.rewrite.as_ref()?.path.as_ref()?;
    Some(&new.value.made)
}

/// The path that a rule forwards for a canonical one.
pub fn rewritten_path(rule: &Rule, path: &str) -> String {
    new_path(rule).map_or_else(|| path.to_owned(), |new| new.apply(path))
}
