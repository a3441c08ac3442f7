//! How many requests run at one time: `maxInFlight` is counted by rule, so rules that are taken apart or put together let more or fewer
//! of them run, though each is treated as before.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{Action, Condition, NodePlan, PathPattern, RoutePlan};

use super::pairs::Pair;

/// Another number of rules with one limit, or as many that take other requests each.
#[derive(Debug)]
pub(super) struct CapacityChange {
    /// The first of the backends, by name.
    pub(super) cluster: String,
    /// What it is about, in words.
    pub(super) what: String,
    /// The definitions of the rules, those of the new side first.
    pub(super) things: Vec<String>,
    pub(super) before: String,
    pub(super) after: String,
}

/// Rules that count alike: to these backends, so many requests each at one time.
type Counted<'side> = BTreeMap<(Vec<&'side str>, u32), Alike<'side>>;

/// Rules that lead to the same backends with the same limit.
#[derive(Debug, Default)]
struct Alike<'side> {
    /// Their names.
    rules: BTreeSet<&'side str>,
    /// What each takes, in the order in which they are asked.
    taken: Vec<(RuleReach<'side>, &'side str)>,
}

/// The table, the host and the conditions of a rule.
type RuleReach<'side> = (
    usize,
    &'side str,
    &'side PathPattern,
    &'side [String],
    [&'side [Condition]; 2],
);

impl Alike<'_> {
    /// Which requests share places: what each rule takes, the rules by numbers in the order in which they come.
    fn sharing(&self) -> Vec<(&RuleReach<'_>, usize)> {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let taken = self.taken.iter();
        taken
            .map(|(taken, rule)| {
                let next = numbers.len();
                (taken, *numbers.entry(rule).or_insert(next))
            })
            .collect()
    }
}

/// Backends of a gateway to which another number of rules leads, each with the same limit, or as many of which each takes other requests: those
/// that shared the places of one rule may have those of two now. What a rule takes is compared as it is written, so that the same in other words is told too. That a limit is another one, or that rules lead
/// elsewhere, is told of the requests. A sidecar counts the calls to a service together, whatever their operations are.
pub(super) fn places(node: &str, plans: Pair<&NodePlan>) -> Vec<CapacityChange> {
    let Some(both) = plans.present() else {
        return Vec::new();
    };
    if !node.starts_with("gateway/") {
        return Vec::new();
    }
    let counted = both.map(counted);
    let mut found = Vec::new();
    for (alike, was) in &counted.old {
        let (backends, most) = alike;
        let (Some(is), Some(first)) = (counted.new.get(alike), backends.first()) else {
            continue;
        };
        let told = |rules: &BTreeSet<&str>| match rules.len() {
            1 => format!("{most} of 1 rule"),
            several => format!("{most} of each of {several} rules"),
        };
        let (before, mut after) = (told(&was.rules), told(&is.rules));
        if was.rules.len() == is.rules.len() {
            // One rule counts all of its requests, whatever they are; of several, each counts those that it takes.
            if was.rules.len() < 2 || was.sharing() == is.sharing() {
                continue;
            }
            after += " that take other requests";
        }
        found.push(CapacityChange {
            cluster: (*first).to_owned(),
            what: format!("requests of {node} to {} at one time", backends.join(", ")),
            things: routes(&is.rules, &was.rules),
            before,
            after,
        });
    }
    found
}

/// The definitions of rules, those of the new side first.
fn routes(is: &BTreeSet<&str>, was: &BTreeSet<&str>) -> Vec<String> {
    let names = is.iter().chain(was);
    let names = names.map(|id| id.split_once('/').map_or(*id, |(route, _)| route));
    let mut things: Vec<String> = Vec::new();
    let mut known = BTreeSet::new();
    things.extend(
        names
            .filter(|name| known.insert(*name))
            .map(|name| format!("route {name}")),
    );
    things
}

fn counted(plan: &NodePlan) -> Counted<'_> {
    let mut found = Counted::new();
    let hosts = plan.tables.iter().enumerate();
    let hosts = hosts.flat_map(|(at, table)| table.hosts.iter().map(move |host| (at, host)));
    for (table, host) in hosts {
        for route in &host.routes {
            if let Some(most) = route.outcome.policy.max_in_flight {
                let alike = found.entry((backends(plan, route), most)).or_default();
                alike.rules.insert(&route.id);
                let conditions = [route.headers.as_slice(), route.query.as_slice()];
                let taken = (
                    table,
                    host.host.as_str(),
                    &route.path,
                    route.methods.as_slice(),
                    conditions,
                );
                alike.taken.push((taken, &route.id));
            }
        }
    }
    found
}

/// The backends of a rule that get requests, by name.
fn backends<'side>(plan: &'side NodePlan, route: &RoutePlan) -> Vec<&'side str> {
    let backends = match &route.outcome.action {
        Action::Forward { backends } => backends.as_slice(),
        Action::Redirect { .. } | Action::Respond { .. } => &[],
    };
    let live = backends.iter().filter(|backend| backend.share != 0);
    let mut names: Vec<&str> = live
        .map(|backend| super::words::cluster(plan, backend.cluster))
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use crate::diff::tests::reported;

    const SPEC: &str = r#"
    mesh: {name: m, trustDomain: m.x, defaults: {timeout: {request: 5s}}}
    gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
    services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
    routes: {r: {on: g/w, host: a.x, rules: [{path: /**, to: s, maxInFlight: 9}]}}
    "#;

    fn titles(old: &str, new: &str) -> Vec<String> {
        let found = reported(old, new);
        found.statements.into_iter().map(|one| one.title).collect()
    }

    #[test]
    fn a_rule_that_is_taken_apart_lets_more_requests_run() {
        let apart = SPEC.replace("rules: [", "rules: [{path: /b, to: s, maxInFlight: 9}, ");
        let more = "requests of gateway/g to s at one time: 9 of 1 rule -> 9 of each of 2 rules";
        assert_eq!(titles(SPEC, &apart), [more]);
        let fewer = "requests of gateway/g to s at one time: 9 of each of 2 rules -> 9 of 1 rule";
        assert_eq!(titles(&apart, SPEC), [fewer]);
        // The hosts of a rule share its places, and two routes do not.
        let hosts = SPEC.replace("host: a.x", "hosts: [a.x, b.x]");
        let route =
            "routes: {q: {on: g/w, host: b.x, rules: [{path: /**, to: s, maxInFlight: 9}]}, ";
        let routes = SPEC.replace("routes: {", route);
        assert_eq!(titles(&hosts, &routes), [more]);
        // Another name, or the same rules without a limit, are none of this.
        let named = SPEC.replace("maxInFlight: 9}", "maxInFlight: 9, name: n}");
        assert_eq!(titles(SPEC, &named), Vec::<String>::new());
        let open = |spec: &str| spec.replace(", maxInFlight: 9", "");
        assert_eq!(titles(&open(SPEC), &open(&apart)), Vec::<String>::new());
    }

    #[test]
    fn rules_that_take_other_requests_of_one_limit_are_told() {
        let spec = |first: &str, second: &str| {
            let rules = format!(
                "{{name: x, path: {first}, to: s, maxInFlight: 1}}, {{name: y, path: {second}, to: s, maxInFlight: 1}}"
            );
            SPEC.replace("{path: /**, to: s, maxInFlight: 9}", &rules)
        };
        let old = spec(r#"{regex: "/[ab]"}"#, "/c");
        let new = spec("/a", r#"{regex: "/[bc]"}"#);
        let told = "requests of gateway/g to s at one time: 1 of each of 2 rules -> 1 of each of 2 rules that take other requests";
        assert_eq!(titles(&old, &new), [told]);
        assert_eq!(titles(&new, &old), [told]);
        // Which of them is called how is nothing that requests meet.
        let called = old.replace("name: x", "name: z");
        assert_eq!(titles(&old, &called), Vec::<String>::new());
    }
}
