//! Statements: the differences of two models put together by the edit that caused them.
//!
//! All sets of requests in which the same facet changes in the same way, because the same line was changed,
//! are one statement. Its id is made of that, so it stays the same while the change does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use weft_snapshot::layout::Digest;

use super::change::{Change, ChangeKind, Changes};
use super::delta::{Delta, Facet, Risk, Seen, action, deltas};
use super::side::{Places, Side};
use super::structure;
use crate::space::WitnessRequest;

/// So many sets of requests are described; all are counted.
const SHOWN: usize = 3;

/// Everything that a diff has to say.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `weft.diff/1`.
    pub format: &'static str,
    /// The name of the old side.
    pub old: String,
    /// The name of the new side.
    pub new: String,
    /// The only facet that the statements are about; all of them when absent.
    pub facet: Option<Facet>,
    /// Whether everything that is not stated is proved to be unchanged.
    pub complete: bool,
    /// Hosts about which nothing is proved, each with the reason.
    pub unknown: Vec<String>,
    /// The statements, the gravest first.
    pub statements: Vec<Statement>,
    /// What running proxies do with their connections, by node.
    pub connections: BTreeMap<String, String>,
    /// The number of hosts compared.
    pub hosts: usize,
    /// The number of routes compared.
    pub routes: usize,
}

/// One change of behaviour.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// `a2-7f3a9c`: stable for the same change made by the same lines.
    pub id: String,
    /// How it is judged.
    pub risk: Risk,
    /// What part of the outcome changed.
    pub facet: Facet,
    /// The change in one line.
    pub title: String,
    /// Which requests, at most three sets of them.
    pub region: Vec<String>,
    /// The number of all sets.
    pub regions: usize,
    /// What became of them.
    pub before: String,
    /// Where that was written.
    pub before_place: Option<String>,
    /// What becomes of them.
    pub after: String,
    /// Where that is written.
    pub after_place: Option<String>,
    /// A request that shows it, as a command.
    pub witness: Option<String>,
    /// A request nearby that is treated as before.
    pub contrast: Option<String>,
    /// The routes and permissions that are touched, by id.
    pub routes: Vec<String>,
    /// Who owns them; empty when that is not known.
    pub owners: Vec<String>,
}

#[derive(Default)]
struct Group {
    region: Vec<String>,
    regions: usize,
    witness: Option<String>,
    contrast: Option<String>,
    routes: BTreeSet<String>,
    owners: BTreeSet<String>,
}

impl Report {
    /// Keeps the statements about one facet; what is said about all other requests is about it alone then.
    pub fn only(&mut self, facet: Facet) {
        self.facet = Some(facet);
        self.statements.retain(|statement| statement.facet == facet);
    }
}

/// Puts the differences of two sides into statements.
pub fn report(old: &Side, new: &Side, changes: &Changes) -> Report {
    let mut groups: BTreeMap<Delta, Group> = BTreeMap::new();
    for change in &changes.changes {
        for delta in of_change(old, new, change) {
            let group = groups.entry(delta).or_default();
            add(group, old, new, change);
        }
    }
    let mut statements: Vec<Statement> = groups
        .into_iter()
        .map(|(delta, group)| statement(delta, group))
        .collect();
    statements.extend(structure::statements(old, new));
    statements.sort_by(|left, right| (left.risk, &left.id).cmp(&(right.risk, &right.id)));
    let unknown: Vec<String> = changes
        .unknown
        .iter()
        .map(|host| {
            format!(
                "{} {} host {}: {}",
                host.node, host.listener, host.host, host.reason
            )
        })
        .collect();
    Report {
        format: "weft.diff/1",
        old: old.name.clone(),
        new: new.name.clone(),
        facet: None,
        complete: unknown.is_empty(),
        unknown,
        statements,
        connections: structure::connections(old, new),
        hosts: changes.hosts,
        routes: changes.routes,
    }
}

fn of_change(old: &Side, new: &Side, change: &Change) -> Vec<Delta> {
    match &change.kind {
        ChangeKind::Route => routes(old, new, change),
        ChangeKind::Permission => {
            let places = |side: &Side, at: Option<super::RuleAt>| {
                at.map_or_else(Places::default, |at| {
                    side.permission_places(&change.node, at.route)
                })
            };
            let opens = change.new.is_some();
            let word = |is_allowed| {
                if is_allowed {
                    "allowed"
                } else {
                    "denied (403)"
                }
            };
            vec![Delta {
                risk: if opens { Risk::S1 } else { Risk::A1 },
                facet: Facet::Security,
                before: word(!opens).to_owned(),
                after: word(opens).to_owned(),
                old_place: places(old, change.old).rule,
                new_place: places(new, change.new).rule,
            }]
        }
        ChangeKind::RepeatedHeader { header, is_refused } => {
            let word = |is_refused| {
                if is_refused {
                    format!("a request that repeats {header} is refused (400)")
                } else {
                    format!("a request may repeat {header}")
                }
            };
            vec![Delta {
                risk: Risk::T1,
                facet: Facet::Route,
                before: word(!is_refused),
                after: word(*is_refused),
                old_place: None,
                new_place: None,
            }]
        }
    }
}

fn routes(old: &Side, new: &Side, change: &Change) -> Vec<Delta> {
    let node = change.node.as_str();
    let before = change
        .old
        .and_then(|at| Some((at, old.route(node, at)?, old.plan(node)?)));
    let after = change
        .new
        .and_then(|at| Some((at, new.route(node, at)?, new.plan(node)?)));
    let nothing = "no route (404)".to_owned();
    match (before, after) {
        (Some((at, was, plan)), Some((now, is, new_plan))) => {
            let (places, new_places) = (old.places(node, at), new.places(node, now));
            let old = Seen {
                plan,
                outcome: &was.outcome,
                places: &places,
            };
            let new = Seen {
                plan: new_plan,
                outcome: &is.outcome,
                places: &new_places,
            };
            both(old, new)
        }
        (Some((at, was, plan)), None) => {
            let places = old.places(node, at);
            let seen = Seen {
                plan,
                outcome: &was.outcome,
                places: &places,
            };
            vec![Delta {
                risk: Risk::A1,
                facet: Facet::Route,
                before: action(seen),
                after: nothing,
                old_place: places.rule.clone(),
                new_place: None,
            }]
        }
        (None, Some((now, is, plan))) => {
            let places = new.places(node, now);
            let seen = Seen {
                plan,
                outcome: &is.outcome,
                places: &places,
            };
            let is_edge = node.starts_with("gateway/");
            vec![Delta {
                risk: if is_edge { Risk::S3 } else { Risk::A2 },
                facet: Facet::Route,
                before: nothing,
                after: action(seen),
                old_place: None,
                new_place: places.rule.clone(),
            }]
        }
        (None, None) => Vec::new(),
    }
}

/// The facets in which two outcomes differ; the engine tells outcomes apart by every field, and nothing of that
/// may get lost in words.
fn both(old: Seen<'_>, new: Seen<'_>) -> Vec<Delta> {
    let found = deltas(old, new);
    if !found.is_empty() {
        return found;
    }
    vec![Delta {
        risk: Risk::T1,
        facet: Facet::Transform,
        before: format!("{:?}", old.outcome),
        after: format!("{:?}", new.outcome),
        old_place: old.places.rule.clone(),
        new_place: new.places.rule.clone(),
    }]
}

fn add(group: &mut Group, old: &Side, new: &Side, change: &Change) {
    group.regions += change.count;
    let room = SHOWN.saturating_sub(group.region.len());
    for cell in change.cells.iter().take(room) {
        let mut text = format!("{} {} {}", change.node, change.host, cell.witness.path);
        for condition in &cell.conditions {
            text.push_str(", ");
            text.push_str(condition);
        }
        group.region.push(text);
    }
    let scheme = scheme(new, change)
        .or_else(|| scheme(old, change))
        .unwrap_or("http");
    let say = |request: &WitnessRequest| match &request.source {
        Some(source) => format!(
            "{} {}{}  from {source}",
            request.method,
            request.host,
            request.target()
        ),
        None => request.curl(scheme),
    };
    if group.witness.is_none() {
        group.witness = change.cells.first().map(|cell| say(&cell.witness));
        group.contrast = change.contrast.as_ref().map(say);
    }
    for (side, at) in [(old, change.old), (new, change.new)] {
        let Some(at) = at else {
            continue;
        };
        let (id, owned) = match change.kind {
            ChangeKind::Permission => {
                let plan = side.plan(&change.node);
                let allow = plan.and_then(|plan| plan.allow.get(at.route));
                let Some(allow) = allow else {
                    continue;
                };
                (allow.id.clone(), change.node.replace('/', " "))
            }
            ChangeKind::Route | ChangeKind::RepeatedHeader { .. } => {
                let Some(route) = side.route(&change.node, at) else {
                    continue;
                };
                let first = route.id.split('/').next().unwrap_or_default();
                let kind = if change.node.starts_with("gateway/") {
                    "route"
                } else {
                    "service"
                };
                (route.id.clone(), format!("{kind} {first}"))
            }
        };
        group.owners.extend(side.owner(&owned).map(str::to_owned));
        group.routes.insert(id);
    }
}

fn scheme(side: &Side, change: &Change) -> Option<&'static str> {
    use weft_snapshot::settings::ListenerSecurity;
    let listeners = &side.plan(&change.node)?.settings.listeners;
    let listener = listeners.iter().find(|one| one.name == change.listener)?;
    Some(match listener.security {
        ListenerSecurity::Plaintext => "http",
        ListenerSecurity::Tls { .. }
        | ListenerSecurity::Mtls
        | ListenerSecurity::Permissive { .. } => "https",
    })
}

fn statement(delta: Delta, group: Group) -> Statement {
    let Delta {
        risk,
        facet,
        before,
        after,
        old_place,
        new_place,
    } = delta;
    let title = match group.routes.len() {
        0 | 1 => format!("{before} -> {after}"),
        count => format!("{before} -> {after}, on {count} routes"),
    };
    Statement {
        id: id(
            risk,
            &[
                &before,
                &after,
                &format!("{old_place:?}"),
                &format!("{new_place:?}"),
            ],
        ),
        risk,
        facet,
        title,
        region: group.region,
        regions: group.regions,
        before,
        before_place: old_place,
        after,
        after_place: new_place,
        witness: group.witness,
        contrast: group.contrast,
        routes: group.routes.into_iter().collect(),
        owners: group.owners.into_iter().collect(),
    }
}

/// The id of a statement by what makes it the same statement.
pub(super) fn id(risk: Risk, parts: &[&str]) -> String {
    let digest = Digest::of(parts.join("\n").as_bytes()).hex();
    let short: String = digest.chars().take(6).collect();
    format!("{}-{short}", format!("{risk:?}").to_lowercase())
}
