//! Who can call whom: what is allowed, what is declared, and chains of calls.
//!
//! A sidecar that asks for identities admits what one of its permissions has; without one, or without mTLS, everybody
//! is admitted. Direct calls are decided exactly. A chain counts each step as possible if some of its requests
//! are declared and allowed, whatever the step before was about: what holds of no such chain holds.

use std::collections::{BTreeMap, VecDeque};

use weft_snapshot::plan::PathPattern;
use weft_snapshot::settings::PathRules;
use weft_spec::mesh::Mtls;
use weft_spec::{Span, Spanned};

use super::region::{Taker, takers};
use super::{Counterexample, Verdict};
use crate::model::assertion::Region;
use crate::model::languages::Languages;
use crate::model::path::all_paths;
use crate::model::{Allow, Caller, Match, Mesh, Operation, Rule, Service, ServiceId};
use crate::rules::Facts;
use crate::space::{Entry, Unknown, WitnessRequest, meeting, takes};

/// Whether the sidecar of a service asks who calls.
pub(crate) fn is_guarded(mesh: &Mesh, service: &Service) -> bool {
    service.app.is_some() && mesh.service_mtls(service) != Mtls::Disabled
}

/// The permissions of a service that name a caller.
pub(crate) fn permissions(service: &Service, caller: Caller) -> impl Iterator<Item = &Allow> {
    let names = move |allow: &&Allow| allow.from.iter().any(|from| from.value == caller);
    service.allow.iter().filter(names)
}

/// The requests of a set that a service admits from a caller: one of them, with the permission that admits it.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub(crate) fn admitted<'mesh>(
    mesh: &'mesh Mesh,
    service: &'mesh Service,
    caller: Caller,
    wanted: &Entry<'_>,
) -> Result<Option<(WitnessRequest, Option<&'mesh Allow>)>, Unknown> {
    let with = (PathRules::default(), &mesh.automata);
    if !is_guarded(mesh, service) {
        return Ok(meeting(wanted, wanted, with)?.map(|witness| (witness, None)));
    }
    for allow in permissions(service, caller) {
        if let Some(witness) = meeting(wanted, &Entry::of_allow(allow), with)? {
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
    let with = (PathRules::default(), &mesh.automata);
    let mut admits_any = false;
    for allow in &service.allow {
        let met = match meeting(&wanted, &Entry::of_allow(allow), with) {
            Ok(Some(met)) => met,
            Ok(None) => continue,
            Err(unknown) => return Verdict::Unknown(format!("service `{name}`: {unknown}")),
        };
        admits_any = true;
        if let Some(other) = allow
            .from
            .iter()
            .find(|from| !callers.contains(&from.value))
        {
            let node = mesh.caller_node(other.value);
            let request = format!("{} {} from {node}", met.method, met.target());
            let text = format!("`{name}` allows calls from `{node}`");
            return refuted(text, other.span, Some(request));
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
    match admitted(mesh, service, caller, &wanted(operation, &all)) {
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
    match entries(facts, to, operation) {
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

/// A rule that leads a client to a service which admits it, with such a request.
///
/// Rules that forward paths as they are, are asked for the requests of each permission, exactly; of a rule with a rewrite one
/// request is tried, and where that is refused but others might not be, nobody knows.
fn entries<'mesh>(
    facts: &Facts<'mesh>,
    to: ServiceId,
    operation: Option<&Operation>,
) -> Result<Option<(&'mesh Rule, String)>, String> {
    let way = Way {
        facts,
        to,
        operation,
    };
    let service = facts.mesh.services.entry(to);
    let mut tried = vec![everything(anything())];
    if let Some(operation) = operation {
        tried.push(everything(Match {
            path: Spanned::built_in(operation.path.clone()),
            methods: vec![Spanned::built_in(operation.method.clone())],
            ..anything()
        }));
    }
    tried.extend(service.allow.iter().map(|allow| {
        everything(Match {
            path: allow.path.clone(),
            methods: allow.methods.clone(),
            ..anything()
        })
    }));
    let mut doubts = BTreeMap::new();
    for region in tried {
        for taker in takers(facts, &region)?
            .iter()
            .filter(|taker| way.leads_there(taker))
        {
            let Some(rule) = taker.rule else {
                continue;
            };
            if way.is_let_in(taker) {
                let shown = taker.counterexample(String::new(), Span::NONE).shown;
                return Ok(Some((rule, shown.unwrap_or_default())));
            }
            if let Some(doubt) = way.doubt(taker, rule)? {
                doubts.insert(rule.id.as_str(), doubt);
            }
        }
    }
    doubts.into_values().next().map_or(Ok(None), Err)
}

/// A way from clients to a service.
struct Way<'run, 'mesh> {
    facts: &'run Facts<'mesh>,
    to: ServiceId,
    operation: Option<&'run Operation>,
}

impl<'mesh> Way<'_, 'mesh> {
    fn leads_there(&self, taker: &Taker<'mesh>) -> bool {
        let backends = taker.rule.map_or(&[][..], Rule::backends);
        let mut live = backends.iter().filter(|backend| 0 < backend.share);
        live.any(|backend| backend.service == self.to)
    }

    /// Whether the request of a taker, as the service sees it, is asked about and admitted.
    fn is_let_in(&self, taker: &Taker<'mesh>) -> bool {
        let mesh = self.facts.mesh;
        let service = mesh.services.entry(self.to);
        let mut languages = Languages::sharing(&mesh.automata);
        let path = taker
            .rule
            .map(|rule| rewritten_path(rule, &taker.witness.path));
        let seen = WitnessRequest {
            path: path.unwrap_or_default(),
            ..taker.witness.clone()
        };
        let is_wanted = self
            .operation
            .is_none_or(|operation| takes(&Entry::of_operation(operation), &seen, &mut languages));
        let caller = Caller::Gateway(taker.gateway);
        let mut allows = permissions(service, caller);
        is_wanted
            && (!is_guarded(mesh, service)
                || allows.any(|allow| takes(&Entry::of_allow(allow), &seen, &mut languages)))
    }

    /// Why it is not known whether some other request of a rule is let in; none if none is.
    fn doubt(&self, taker: &Taker<'mesh>, rule: &Rule) -> Result<Option<String>, String> {
        let mesh = self.facts.mesh;
        let service = mesh.services.entry(self.to);
        // Without a rewrite and without an operation, each permission is a region of its own.
        if rule.rewrite.is_none() && self.operation.is_none() {
            return Ok(None);
        }
        let failed = |unknown: Unknown| format!("rule `{}`: {unknown}", rule.id);
        let path = forwarded_path(rule);
        let mut forwarded = Entry::of_rule(rule);
        forwarded.path = &path;
        let caller = Caller::Gateway(taker.gateway);
        let with = (PathRules::default(), &mesh.automata);
        let wanted = self.operation.map(Entry::of_operation);
        let meets = |left: &Entry<'_>, right: &Entry<'_>| {
            Ok::<bool, String>(meeting(left, right, with).map_err(failed)?.is_some())
        };
        if let Some(wanted) = &wanted
            && !meets(&forwarded, wanted)?
        {
            return Ok(None);
        }
        let everyone = Entry::of_path(&path);
        let allows: Vec<Entry<'_>> = if is_guarded(mesh, service) {
            permissions(service, caller).map(Entry::of_allow).collect()
        } else {
            vec![everyone]
        };
        for allow in &allows {
            let is_wanted = match &wanted {
                Some(wanted) => meets(allow, wanted)?,
                None => true,
            };
            if is_wanted && meets(&forwarded, allow)? {
                return Ok(Some(format!(
                    "rule `{}` and the permissions of `{}` meet, but not in a request that was tried",
                    rule.id, service.name.value
                )));
            }
        }
        Ok(None)
    }
}

fn everything(matched: Match) -> Region {
    Region {
        listener: None,
        host: None,
        matched,
        except: Vec::new(),
    }
}

/// No chain of declared and allowed calls leads from a caller to a service, other than a direct one.
pub(crate) fn no_chain(
    facts: &Facts<'_>,
    starts: &[Caller],
    to: ServiceId,
    operation: Option<&Operation>,
) -> Verdict {
    let mesh = facts.mesh;
    let all = all_paths();
    let mut came_by = begun(facts, starts);
    let mut waiting: VecDeque<ServiceId> = came_by.keys().copied().collect();
    while let Some(id) = waiting.pop_front() {
        for call in &mesh.services.entry(id).calls {
            let called = mesh.services.entry(call.to.value);
            let operations = call.operations.iter().map(Some);
            let everything = call.operations.is_empty().then_some(None);
            let is_possible = operations.chain(everything).try_fold(false, |found, one| {
                let declared = wanted(one, &all);
                let met = admitted(mesh, called, Caller::Service(id), &declared)?;
                let is_wanted = match operation.filter(|_| call.to.value == to) {
                    Some(operation) => {
                        let with = (PathRules::default(), &mesh.automata);
                        meeting(&declared, &Entry::of_operation(operation), with)?.is_some()
                    }
                    None => true,
                };
                Ok::<bool, Unknown>(found || (met.is_some() && is_wanted))
            });
            match is_possible {
                Err(unknown) => {
                    let name = &called.name.value;
                    return Verdict::Unknown(format!("service `{name}`: {unknown}"));
                }
                Ok(false) => {}
                Ok(true) if call.to.value == to => {
                    let first = starts.first().map(|start| match start {
                        Caller::Gateway(_) => "internet",
                        Caller::Service(_) => "",
                    });
                    let ends = (first.unwrap_or_default(), id, to);
                    return chain(facts, &came_by, ends, call.to.span);
                }
                Ok(true) => {
                    came_by.entry(call.to.value).or_insert_with(|| {
                        waiting.push_back(call.to.value);
                        Some(id)
                    });
                }
            }
        }
    }
    Verdict::Proved
}

/// The services at which chains begin, each with the one it was called by: none.
fn begun(facts: &Facts<'_>, starts: &[Caller]) -> BTreeMap<ServiceId, Option<ServiceId>> {
    let mut begun = BTreeMap::new();
    for start in starts {
        match start {
            Caller::Service(id) => {
                begun.insert(*id, None);
            }
            Caller::Gateway(_) => {
                let entries = facts.graph().entries();
                let from_it = entries.filter(|(_, edge)| edge.from == *start);
                begun.extend(from_it.map(|(_, edge)| (edge.to, None)));
            }
        }
    }
    begun
}

fn chain(
    facts: &Facts<'_>,
    came_by: &BTreeMap<ServiceId, Option<ServiceId>>,
    (first, last, to): (&str, ServiceId, ServiceId),
    place: Span,
) -> Verdict {
    let graph = facts.graph();
    let mut names = vec![graph.service(to), graph.service(last)];
    let mut at = last;
    while let Some(Some(before)) = came_by.get(&at) {
        names.push(graph.service(*before));
        at = *before;
    }
    names.extend(Some(first).filter(|first| !first.is_empty()));
    names.reverse();
    let text = format!("a chain of calls leads to `{}`", graph.service(to));
    let chain = format!("{}, each step declared and allowed", names.join(" -> "));
    refuted(text, place, Some(chain))
}

fn refuted(text: String, place: Span, shown: Option<String>) -> Verdict {
    Verdict::Refuted(Counterexample { text, place, shown })
}

fn wanted<'a>(operation: Option<&'a Operation>, all: &'a PathPattern) -> Entry<'a> {
    operation.map_or_else(|| Entry::of_path(all), Entry::of_operation)
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
    let new = rule.rewrite.as_ref();
    let new = new.and_then(|rewrite| rewrite.value.path.as_ref());
    match new.map(|text| crate::lower::outcome::rewrite(&text.value, pattern)) {
        Some(Ok(new)) => crate::model::access::rewritten(pattern, &new),
        Some(Err(_)) | None => pattern.clone(),
    }
}

/// The path that a rule forwards for a canonical one.
pub(crate) fn rewritten_path(rule: &Rule, path: &str) -> String {
    let pattern = &rule.matched.path.value;
    let new = rule.rewrite.as_ref();
    let new = new.and_then(|rewrite| rewrite.value.path.as_ref());
    match new.map(|text| crate::lower::outcome::rewrite(&text.value, pattern)) {
        Some(Ok(new)) => new.apply(path),
        Some(Err(_)) | None => path.to_owned(),
    }
}
