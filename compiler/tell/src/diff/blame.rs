//! Which edit a change comes from, how to take it back, and whose it is.

use std::collections::BTreeSet;

use weft_front::model::owners::PLATFORM;
use weft_front::settings::risk::Risk;
use weft_snapshot::plan::{Action, Backend, RoutePlan};
use weft_snapshot::settings::service_of;

use super::change::{Change, ChangeKind, RuleAt};
use super::side::Side;
use super::words;
use crate::both::Both;

/// Why requests are treated differently, and what to do if that was not meant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Blame {
    pub(super) why: Option<String>,
    pub(super) fix: Option<String>,
}

impl Blame {
    fn new(why: String, fix: Option<String>) -> Self {
        Self {
            why: Some(why),
            fix,
        }
    }
}

/// Names the edit behind a change.
pub(super) fn blame(sides: Both<&Side>, change: &Change) -> Blame {
    match &change.kind {
        ChangeKind::Permission => permission(sides, change),
        ChangeKind::RepeatedHeader { header, is_refused } => {
            let node = change.node.as_str();
            let (side, at, word) = if *is_refused {
                (sides.new, change.new, "now asks")
            } else {
                (sides.old, change.old, "no longer asks")
            };
            let rule = at.and_then(|at| side.route(node, at));
            let rule = rule.map_or("a rule".to_owned(), |rule| format!("`{}`", rule.id));
            Blame::new(
                format!("{rule} {word} for the value of {header} before another rule takes them"),
                None,
            )
        }
        ChangeKind::Route => route(sides, change),
    }
}

fn permission(sides: Both<&Side>, change: &Change) -> Blame {
    let Both { old, new } = sides;
    let node = change.node.as_str();
    let id = |side: &Side, at| side.access(node, at).map(|access| access.id.clone());
    let opens = new.admits(node, change.new);
    match (id(old, change.old), id(new, change.new)) {
        (Some(denied), Some(id)) if opens => Blame::new(
            format!("`{denied}` refused it, and now `{id}` allows it"),
            None,
        ),
        (_, Some(id)) if opens => Blame::new(format!("`{id}` allows it now"), None),
        (_, Some(id)) => Blame::new(
            format!("`{id}` refuses it now"),
            Some("deny less, or take the calls out of the callers first".to_owned()),
        ),
        (Some(id), None) => Blame::new(
            format!("`{id}` allowed it, and nothing does now"),
            Some("allow it again, or take the calls out of the callers first".to_owned()),
        ),
        (None, None) => Blame::default(),
    }
}

/// A rule of one side, which takes the requests there.
#[derive(Clone, Copy)]
struct SideRule<'side> {
    side: &'side Side,
    at: RuleAt,
    rule: &'side RoutePlan,
}

impl<'side> SideRule<'side> {
    /// The pattern of the host that owns the requests.
    fn host(self, node: &str) -> Option<&'side str> {
        let host = self.side.host(node, self.at.host_at())?;
        Some(&host.host)
    }
}

fn route(sides: Both<&Side>, change: &Change) -> Blame {
    let takers = sides.zip(change.takers()).map(|(side, at)| {
        let at = at?;
        let rule = side.route(&change.node, at)?;
        Some(SideRule { side, at, rule })
    });
    match (takers.old, takers.new) {
        (Some(was), None) => {
            let id = &was.rule.id;
            if counterpart(was, sides.new, change).is_some() {
                let why = format!("`{id}` no longer matches them");
                return Blame::new(why, Some(format!("let `{id}` match them again")));
            }
            let why = format!("`{id}` is deleted");
            Blame::new(why, Some(format!("restore `{id}`")))
        }
        (None, Some(is)) => {
            let word = match counterpart(is, sides.old, change) {
                Some(_) => "matches more than before",
                None => "is new",
            };
            Blame::new(format!("`{}` {word}", is.rule.id), None)
        }
        (Some(old), Some(new)) => between(Both { old, new }, change),
        (None, None) => Blame::default(),
    }
}

/// Another rule than before takes the requests.
fn between(takers: Both<SideRule<'_>>, change: &Change) -> Blame {
    let Both { old, new } = takers;
    let (was, is) = (old.rule, new.rule);
    let (was_id, is_id) = (&was.id, &is.id);
    let hosts = takers.map(|taker| taker.host(&change.node).unwrap_or_default());
    if hosts.old != hosts.new {
        let why = format!(
            "host `{}` owns the requests now, as `{}` did",
            hosts.new, hosts.old
        );
        return Blame::new(why, None);
    }
    let order = || Some(format!("give `{was_id}` a priority, or narrow `{is_id}`"));
    let still = counterpart(old, new.side, change);
    let already = counterpart(new, old.side, change);
    if still.is_some_and(|now| now.id == *is_id) {
        // The line that says what they come to now says it all.
        return Blame::default();
    }
    match (still, already) {
        (None, None) if was_id == is_id => Blame::new(format!("`{is_id}` is changed"), None),
        (None, None) => Blame::new(format!("`{is_id}` stands where `{was_id}` stood"), None),
        (None, Some(_)) => Blame::new(
            format!("`{was_id}` is deleted, and `{is_id}` is next"),
            Some(format!("restore `{was_id}`")),
        ),
        (Some(_), None) => Blame::new(
            format!("`{is_id}` is new and decides before `{was_id}`"),
            order(),
        ),
        (Some(now), Some(_)) if has_other_match(was, now) => Blame::new(
            format!("`{was_id}` matches less than before, and `{is_id}` is next"),
            Some(format!("let `{was_id}` match them again")),
        ),
        (Some(_), Some(then)) if has_other_match(is, then) => Blame::new(
            format!("`{is_id}` matches more than before and decides before `{was_id}`"),
            order(),
        ),
        (Some(_), Some(_)) => {
            Blame::new(format!("`{is_id}` now decides before `{was_id}`"), order())
        }
    }
}

fn has_other_match(left: &RoutePlan, right: &RoutePlan) -> bool {
    (&left.path, &left.methods, &left.headers, &left.query)
        != (&right.path, &right.methods, &right.headers, &right.query)
}

/// The same rule on the other side, in the listener and host that belong to it there.
///
/// A rule without a name is known by what it matches: its position moves with its neighbours. Where nothing matches the same,
/// the rule of its position is taken, unless that one only moved there. A named one is known by its name, whatever it matches.
fn counterpart<'side>(
    taker: SideRule<'_>,
    other: &'side Side,
    change: &Change,
) -> Option<&'side RoutePlan> {
    let host = taker.host(&change.node)?;
    let rule = taker.rule;
    let (route, name) = rule.id.rsplit_once('/')?;
    let is_named = name.parse::<u32>().is_err();
    if is_named {
        let mut named = other.routes_called(&change.node, host, &rule.id);
        return named.next();
    }
    let mut alike = other.routes_for(&change.node, host, &rule.path);
    let same = alike.find(|one| {
        let is_of_route = one.id.rsplit_once('/').is_some_and(|(of, _)| of == route);
        is_of_route && !has_other_match(one, rule)
    });
    if same.is_some() {
        return same;
    }
    // At the same place, unless what stands there now is another rule that has moved.
    let has_moved = |one: &RoutePlan| {
        let mut known = taker.side.routes_for(&change.node, host, &one.path);
        known.any(|other| !has_other_match(one, other))
    };
    let mut placed = other.routes_called(&change.node, host, &rule.id);
    placed.find(|one| !has_moved(one))
}

/// The teams that a change concerns, and whether they are known for certain.
///
/// A thing is asked for on both sides: an edit that makes a team the owner of something concerns the team that
/// owned it before. A snapshot says nothing about owners, so beside one nothing is certain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Owners {
    pub(super) names: BTreeSet<String>,
    pub(super) is_uncertain: bool,
}

impl Owners {
    /// Adds the owners of a definition such as `route api`.
    pub(super) fn add(&mut self, sides: Both<&Side>, thing: &str) {
        for side in sides {
            match side.definitions() {
                Some(definitions) => {
                    let owner = definitions.owner(thing);
                    self.names.extend(owner.map(str::to_owned));
                }
                None => self.is_uncertain = true,
            }
        }
    }

    /// The names; what nobody owns is the platform's.
    pub(super) fn into_names(mut self) -> Vec<String> {
        if self.names.is_empty() && !self.is_uncertain {
            self.names.insert(PLATFORM.to_owned());
        }
        self.names.into_iter().collect()
    }
}

/// Adds the owners of everything that a change touches, the services that it exposes among them.
pub(super) fn own(owners: &mut Owners, sides: Both<&Side>, change: &Change, risk: Risk) {
    let node = change.node.as_str();
    let name = node.rsplit('/').next().unwrap_or(node);
    if !node.starts_with("gateway/") {
        owners.add(sides, &format!("service {name}"));
        return;
    }
    let mut has_route = false;
    for (side, at) in sides.zip(change.takers()) {
        let Some(route) = at.and_then(|at| side.route(node, at)) else {
            continue;
        };
        has_route = true;
        let first = route.id.split('/').next().unwrap_or_default();
        owners.add(sides, &format!("route {first}"));
        if risk.can_be_approved() {
            for service in services(side, node, route) {
                owners.add(sides, &format!("service {service}"));
            }
        }
    }
    if !has_route {
        owners.add(sides, &format!("gateway {name}"));
    }
}

/// The services that a route forwards to.
pub(super) fn services(side: &Side, node: &str, route: &RoutePlan) -> BTreeSet<String> {
    match &route.outcome.action {
        Action::Forward { backends } => services_of(side, node, backends),
        Action::Redirect { .. } | Action::Respond { .. } => BTreeSet::new(),
    }
}

/// The services of backends.
pub(super) fn services_of(side: &Side, node: &str, backends: &[Backend]) -> BTreeSet<String> {
    let Some(plan) = side.plan(node) else {
        return BTreeSet::new();
    };
    let services = backends
        .iter()
        .map(|backend| service_of(words::cluster(plan, backend.cluster), node).to_owned());
    services.collect()
}
