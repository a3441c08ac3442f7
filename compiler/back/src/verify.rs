//! The compile checks itself: what was written is what was meant.
//!
//! The plan of each node is compared with the one read back from the bytes of its slice, and `decide` is asked about one request of every route that can receive one, about the same
//! with each header repeated whose value the route asks for, and about one that none takes. The first finds what encoding lost, the second what an index of the slice would
//! miss. A difference is a mistake of the compiler, never of the spec, and no snapshot is written.
//! (Translation validation: Pnueli, Siegel and Singerman, 1998.)

use weft_front::diagnostic::{Code, Severity};
use weft_snapshot::canonical::{Lines, lines};
use weft_snapshot::layout::{Bundle, Manifest};
use weft_snapshot::plan::{
    Condition, Effect, HostPlan, NodePlan, PathPattern, RoutePlan, ValueTest,
};
use weft_snapshot::settings::Role;
use weft_snapshot::{Access, Refusal, Slice};
use weft_space::{Served, Unknown, WitnessRequest, Witnesses, analyse_access, analyse_plan};

/// A mistake of the compiler. No spec shows it, so it has no example and is not among the codes that are
/// explained.
pub static INTERNAL_ERROR: Code = Code {
    name: "internal-error",
    severity: Severity::Error,
    finds: "A slice that does not do what the spec says: a mistake of the compiler.",
    why: "A snapshot that was not proved to be what was meant is not written.",
    bad: "",
    good: "",
};

/// A slice that does not do what its plan says.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the slice of `{node}` is not what the spec says: {what}; please report this")]
pub struct Mistake {
    /// The node.
    pub node: String,
    /// How it differs, with a request that shows it.
    pub what: String,
}

/// Compares a slice with the plan that it was made of; `difference` finds a request that two plans treat differently.
///
/// # Errors
///
/// A [`Mistake`] if they differ.
pub fn verify(
    plan: &NodePlan,
    slice: &Slice,
    difference: impl FnOnce(&NodePlan, &NodePlan) -> Option<String>,
) -> Result<(), Mistake> {
    let mistake = |what: String| Mistake {
        node: plan.settings.node.clone(),
        what,
    };
    let read = slice.plan();
    if read == *plan {
        let is_meant = decided(plan, slice).and_then(|()| authorized(plan, slice));
        return is_meant.map_err(mistake);
    }
    Err(mistake(match difference(plan, &read) {
        Some(witness) => format!("`{witness}` is treated differently"),
        None => "its settings are different".to_owned(),
    }))
}

/// Compares the bytes of a manifest with what was put together, once for a snapshot.
///
/// # Errors
///
/// A [`Mistake`] if they differ.
pub fn verify_manifest(bundle: &Bundle) -> Result<(), Mistake> {
    let mistake = |what: String| Mistake {
        node: "the manifest".to_owned(),
        what,
    };
    is_manifest_of(bundle.contents(), &bundle.numbered(1).manifest).map_err(mistake)
}

fn is_manifest_of(contents: &Manifest, written: &[u8]) -> Result<(), String> {
    match Manifest::parse(written) {
        Err(error) => Err(error.to_string()),
        Ok((read, Some(1))) if read == *contents => Ok(()),
        Ok(_) => Err("it names other slices".to_owned()),
    }
}

/// Asks `decide` about a request of every route and of none.
fn decided(plan: &NodePlan, slice: &Slice) -> Result<(), String> {
    let mut first = 0_u32;
    for listener in &plan.settings.listeners {
        let Some(table) = usize::try_from(listener.table)
            .ok()
            .and_then(|table| plan.tables.get(table))
        else {
            continue;
        };
        let patterns: Vec<&str> = table.hosts.iter().map(|host| host.host.as_str()).collect();
        // The table is asked, not the listener, so that all of it is looked at.
        let owned = Served::default().witnesses(&patterns);
        let mut before: Option<(&HostPlan, Found)> = None;
        for (host, owned) in table.hosts.iter().zip(owned) {
            let owned = owned.unwrap_or_else(|| host.host.clone());
            // A sidecar has a host for each call, and most of them are for the same paths.
            let found = match before {
                Some((other, found)) if takes_alike(other, host) => of_host(found, &owned),
                Some(_) | None => analyse_plan(&host.routes, listener.path, &owned),
            };
            asked(slice, (listener.table, first), host, &found)?;
            before = Some((host, found));
            first = first.saturating_add(u32::try_from(host.routes.len()).unwrap_or(u32::MAX));
        }
    }
    Ok(())
}

type Found = Result<Witnesses, Unknown>;

/// Whether the routes of two hosts take the same requests but for their host.
fn takes_alike(one: &HostPlan, other: &HostPlan) -> bool {
    let mut pairs = one.routes.iter().zip(&other.routes);
    one.routes.len() == other.routes.len() && pairs.all(|(one, other)| asks(one) == asks(other))
}

/// What a route asks of a request.
fn asks(route: &RoutePlan) -> (&PathPattern, &[String], &[Condition], &[Condition]) {
    let RoutePlan {
        id: _,
        path,
        methods,
        headers,
        query,
        outcome: _,
    } = route;
    (path, methods, headers, query)
}

/// The requests that were found for another host, for this one.
fn of_host(found: Found, host: &str) -> Found {
    let (mut witnesses, mut uncovered) = found?;
    let requests = witnesses.iter_mut().flatten();
    for request in requests.chain(uncovered.as_mut()) {
        host.clone_into(&mut request.host);
    }
    Ok((witnesses, uncovered))
}

fn asked(
    slice: &Slice,
    (table, first): (u32, u32),
    host: &HostPlan,
    found: &Found,
) -> Result<(), String> {
    // Beyond the bounds of the analysis there are no requests to ask about; the rules say so.
    let Ok((witnesses, uncovered)) = found else {
        return Ok(());
    };
    let decide = |request: &WitnessRequest| {
        let request = request.as_request();
        let route = slice.decide(table, &request).map_err(Refusal::from);
        route.map(|route| route.map(|route| route.index()))
    };
    for ((number, route), witness) in (first..).zip(&host.routes).zip(witnesses) {
        if let Some(witness) = witness
            && decide(witness) != Ok(Some(number))
        {
            return Err(format!("route `{}` does not take `{witness}`", route.id));
        }
    }
    for (route, witness) in host.routes.iter().zip(witnesses) {
        for request in repeating(route, witness.as_ref()) {
            // By this route, or by one before it that asks for the value of the same header.
            if decide(&request) != Err(Refusal::RepeatedHeader) {
                return Err(format!("`{request}` is not refused"));
            }
        }
    }
    match uncovered {
        Some(request) if decide(request) != Ok(None) => {
            Err(format!("`{request}` is taken by a route"))
        }
        Some(_) | None => Ok(()),
    }
}

/// A request that a route takes with one of the headers repeated whose value the route asks for, for each of them.
fn repeating<'run>(
    route: &'run RoutePlan,
    witness: Option<&'run WitnessRequest>,
) -> impl Iterator<Item = WitnessRequest> + 'run {
    let asked = route.headers.iter().filter(|one| match one.test {
        ValueTest::Exact { .. } | ValueTest::Regex { .. } => lines(&one.name) == Lines::Single,
        ValueTest::Present | ValueTest::Absent => false,
    });
    asked.filter_map(move |one| {
        let mut twice = witness?.clone();
        twice.repeat(&one.name);
        Some(twice)
    })
}

/// Asks `authorize` about a call of every access rule and of none.
fn authorized(plan: &NodePlan, slice: &Slice) -> Result<(), String> {
    let mut inbound = plan.settings.listeners.iter();
    let inbound = inbound.find(|listener| listener.role == Role::Inbound);
    let rules = inbound.map(|listener| listener.path).unwrap_or_default();
    let found = analyse_access(&plan.access, rules, &plan.settings.node);
    let Ok((witnesses, unmatched)) = found else {
        return Ok(());
    };
    let decided = |call: &WitnessRequest| {
        let source = call.source.as_deref().unwrap_or_default();
        slice.authorize(source, &call.method, &call.path)
    };
    for ((position, rule), witness) in (0_u32..).zip(&plan.access).zip(&witnesses) {
        let expected = match rule.effect {
            Effect::Admit => Access::Admitted(position),
            Effect::Refuse => Access::Refused(Some(position)),
        };
        if let Some(call) = witness
            && decided(call) != expected
        {
            return Err(format!("`{}` does not decide about `{call}`", rule.id));
        }
    }
    match unmatched {
        Some(call) if decided(&call) != Access::Refused(None) => {
            Err(format!("`{call}` is matched by an access rule"))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use weft_front::testing::unchecked;
    use weft_snapshot::settings::PathRules;

    use super::*;
    use crate::emit::emit;
    use crate::lower::{Lowered, lower};

    /// Compares the first slice of one mesh with the first plan of another.
    fn first(plans: &Lowered, written: &Lowered) -> Result<(), Mistake> {
        let slice = written.plans[0].encode_slice().unwrap();
        verify(&plans.plans[0], &slice, |_, _| None)
    }

    fn lowered() -> Lowered {
        let (checked, sources) = unchecked(
            r#"
            routes:
              r:
                on: public/web
                host: "*.example"
                rules:
                  - {path: "/a/{x}", headers: {v: {regex: "[0-9]+"}}, to: s}
                  - {path: {regex: "/[ab]/.*"}, methods: [GET], respond: {status: 404}}
                  - {path: /**, to: s}
            "#,
        );
        lower(&checked, &sources)
    }

    #[test]
    fn what_was_written_is_what_was_meant() {
        let lowered = lowered();
        assert_eq!(first(&lowered, &lowered), Ok(()));
        assert_eq!(verify_manifest(&emit(&lowered).unwrap()), Ok(()));
    }

    #[test]
    fn a_manifest_that_names_other_slices_is_found() {
        let mut other = lowered();
        other.plans[0].tables[0].hosts[0].routes.remove(0);
        let (bundle, other) = (emit(&lowered()).unwrap(), emit(&other).unwrap());
        let found = is_manifest_of(bundle.contents(), &other.numbered(1).manifest);
        assert_eq!(found, Err("it names other slices".to_owned()));
    }

    #[test]
    fn an_access_rule_that_does_not_decide_is_found() {
        let (checked, sources) = unchecked(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {b: {operations: [GET /x]}}}
              b: {protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:2"], allow: [{from: [service/a]}], deny: [{path: /y}]}
            "#,
        );
        let lowered = lower(&checked, &sources);
        let mut swapped = lowered.clone();
        let at = lowered.plans.iter().position(|plan| plan.access.len() == 2);
        let at = at.unwrap();
        let written = |lowered: &Lowered| lowered.plans[at].encode_slice().unwrap();
        let found = verify(&lowered.plans[at], &written(&lowered), |_, _| None);
        assert_eq!(found, Ok(()));
        swapped.plans[at].access.swap(0, 1);
        let slice = written(&swapped);
        let what = authorized(&lowered.plans[at], &slice).unwrap_err();
        assert!(what.contains("`b/deny/0` does not decide"), "{what}");
    }

    #[test]
    fn hosts_with_the_same_paths_are_each_asked_about() {
        let (checked, sources) = unchecked(
            r"
            routes:
              a: {on: public/web, host: a.test, rules: [{path: /x, methods: [GET], to: s}, {path: /**, to: s, timeout: {request: 1s}}]}
              b: {on: public/web, host: b.test, rules: [{path: /x, methods: [GET], to: s}, {path: /**, to: s, timeout: {request: 2s}}]}
            ",
        );
        let lowered = lower(&checked, &sources);
        let hosts = &lowered.plans[0].tables[0].hosts;
        assert!(takes_alike(&hosts[0], &hosts[1]));
        let found =
            |host: usize, name: &str| analyse_plan(&hosts[host].routes, PathRules::default(), name);
        assert_eq!(of_host(found(0, "a.test"), "b.test"), found(1, "b.test"));
        assert_eq!(first(&lowered, &lowered), Ok(()));
        let mut swapped = lowered.clone();
        swapped.plans[0].tables[0].hosts[1].routes.swap(0, 1);
        let slice = swapped.plans[0].encode_slice().unwrap();
        let what = decided(&lowered.plans[0], &slice).unwrap_err();
        assert!(what.contains("b.test"), "{what}");
        assert!(!takes_alike(
            &hosts[0],
            &swapped.plans[0].tables[0].hosts[1]
        ));
    }

    #[test]
    fn an_index_that_loses_a_route_is_found() {
        let lowered = lowered();
        let mut swapped = lowered.clone();
        swapped.plans[0].tables[0].hosts[0].routes.swap(0, 2);
        let slice = swapped.plans[0].encode_slice().unwrap();
        // The plan says one order and the slice decides by another.
        let what = decided(&lowered.plans[0], &slice).unwrap_err();
        assert!(what.contains("does not take"), "{what}");
    }
}
