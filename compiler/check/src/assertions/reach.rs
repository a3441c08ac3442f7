//! Who can call whom, directly.
//!
//! A sidecar that asks for identities admits what one of its permissions has; without one, or without mTLS, everybody
//! is admitted. That is decided exactly.

use weft_front::model::assertion::Region;
use weft_front::model::{Allow, Caller, Deny, Match, Mesh, Operation, Rule, Service, ServiceId};
use weft_snapshot::plan::{PathPattern, PathRewrite};
use weft_space::languages::Languages;
use weft_space::path::all_paths;
use weft_space::{Entry, Unknown, WitnessRequest, common, takes};
use weft_spec::mesh::Mtls;
use weft_spec::units::Method;
use weft_spec::{Span, Spanned};

use super::entrance::entrance;
use super::{Counterexample, Verdict};
use crate::rules::Facts;

/// Whether the sidecar of a service asks who calls.
pub(crate) fn is_guarded(mesh: &Mesh, service: &Service) -> bool {
    service.app.is_some() && mesh.service_mtls(service) != Mtls::Disabled
}

/// The permissions of a service that name a caller.
pub(crate) fn permissions(service: &Service, caller: Caller) -> impl Iterator<Item = &Allow> {
    service
        .allow
        .iter()
        .filter(move |allow| allow.names(caller))
}

/// What a service denies to a caller.
pub(crate) fn denials(service: &Service, caller: Caller) -> impl Iterator<Item = &Deny> {
    service.deny.iter().filter(move |deny| deny.names(caller))
}

/// Whether a service lets a request in, as it arrives there from a caller.
pub fn lets_in(
    mesh: &Mesh,
    service: &Service,
    caller: Caller,
    seen: &WitnessRequest,
    languages: &mut Languages,
) -> bool {
    let mut has = |entry: Entry<'_>| takes(&entry, seen, languages);
    let mut allows = permissions(service, caller);
    let mut denied = denials(service, caller);
    !is_guarded(mesh, service)
        || (allows.any(|allow| has(Entry::of(allow))) && !denied.any(|deny| has(Entry::of(deny))))
}

/// The requests of all of some sets that a permission admits from a caller, and nothing denies: one of them.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub(crate) fn admitted_by(
    mesh: &Mesh,
    service: &Service,
    allow: &Allow,
    caller: Caller,
    wanted: &[&Entry<'_>],
) -> Result<Option<WitnessRequest>, Unknown> {
    let denied: Vec<Entry<'_>> = denials(service, caller).map(Entry::of).collect();
    let allowed = Entry::of(allow);
    let mut sets = wanted.to_vec();
    sets.push(&allowed);
    common(&sets, &denied, (mesh.paths_at(service), &mesh.automata))
}

/// The requests of all of some sets that a service admits from a caller: one of them, with the permission that admits it.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub(crate) fn admitted<'mesh>(
    mesh: &'mesh Mesh,
    service: &'mesh Service,
    caller: Caller,
    wanted: &[&Entry<'_>],
) -> Result<Option<(WitnessRequest, Option<&'mesh Allow>)>, Unknown> {
    if !is_guarded(mesh, service) {
        let with = (mesh.paths_at(service), &mesh.automata);
        return Ok(common(wanted, &[], with)?.map(|witness| (witness, None)));
    }
    for allow in permissions(service, caller) {
        if let Some(witness) = admitted_by(mesh, service, allow, caller, wanted)? {
            return Ok(Some((witness, Some(allow))));
        }
    }
    Ok(None)
}

/// Nobody else can call a service.
pub(super) fn only(
    mesh: &Mesh,
    to: ServiceId,
    callers: &[Caller],
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
        let is_meant = callers.contains(&from.value);
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
            let node = mesh.caller_node(from.value);
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
