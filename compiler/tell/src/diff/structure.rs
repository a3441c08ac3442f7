//! What changes beside routes, as statements: listeners, what backends are, and what connections make of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::{
    Certificate, Endpoints, Listener, ListenerSecurity, UpstreamProtocol, UpstreamSecurity,
};

use super::arrivals::{answered_by, at_listener, to_backend};
use super::beside::{About, Beside, beside, until};
use super::blame::Owners;
use super::pairs::{NodeListener, Pair};
use super::report::{Blast, Connections, Region, Said, Shown, Statement, id};
use super::side::Side;
use super::stake::Stake;
use crate::both::Both;

/// Statements about listeners and backends that both sides have, and about listeners that one side has.
pub(super) fn statements(old: &Side, new: &Side) -> Vec<Statement> {
    let nodes = old.changed(new).into_iter();
    let sides = Both { old, new };
    let found = nodes.flat_map(|node| {
        let differences = beside(node, sides.map(|side| side.plan(node))).into_iter();
        differences.map(move |one| statement(sides, node, one))
    });
    found.collect()
}

/// The owners of definitions, on both sides.
fn owners_of(sides: Both<&Side>, things: &[String]) -> Owners {
    let mut owners = Owners::default();
    for thing in things {
        owners.add(sides, thing);
    }
    owners
}

/// All requests that have to do with a definition of a node.
fn all_of(node: &str, what: &str) -> Region {
    Region {
        node: node.to_owned(),
        listener: None,
        host: "*".to_owned(),
        also: Vec::new(),
        rule: Some(what.to_owned()),
        matches: None,
        is_whole_rule: true,
        cubes: Vec::new(),
        parts: 1,
    }
}

/// A statement about definitions; it stands in the lines of the first.
fn statement(sides: Both<&Side>, node: &str, difference: Beside) -> Statement {
    let title = difference.title();
    let Beside {
        about,
        class: (risk, facet),
        what,
        things,
        before,
        after,
    } = difference;
    let owners = owners_of(sides, &things);
    let is_owner_uncertain = owners.is_uncertain;
    let owners = owners.into_names();
    let witness = witness(sides.map(|side| side.plan(node)), &about);
    // Behind the listener of the new side stands the one that had the requests before, if that is another.
    let is_moved = match &about {
        About::Listener(Both {
            old: Some(was),
            new: Some(is),
        }) => was != is,
        About::Listener(_)
        | About::Node
        | About::Cluster(_)
        | About::Places(_)
        | About::Unrouted(_) => false,
    };
    let place = |side: &Side, at: usize| side.place(things.get(at)?);
    // How a service is reached is its owner's matter, whoever calls it.
    let stake = match about {
        About::Cluster(_) => owners_of(sides, things.get(..1).unwrap_or_default()).into_names(),
        About::Listener(_) | About::Node | About::Places(_) | About::Unrouted(_) => owners.clone(),
    };
    Statement {
        id: id(risk, &[&what, &before, &after]),
        risk,
        facet,
        is_whole: false,
        title,
        region: vec![all_of(node, &what)],
        regions: 1,
        before: Said {
            text: before,
            place: place(sides.old, usize::from(is_moved)),
        },
        after: Said {
            text: after,
            place: place(sides.new, 0),
        },
        why: None,
        fix: None,
        witness,
        contrast: None,
        stakes: [(Stake::of_teams(&stake), None)].into(),
        blast: Blast {
            owners,
            is_owner_uncertain,
            ..Blast::default()
        },
    }
}

/// A request that meets a difference, where there is one.
fn witness(plans: Pair<&NodePlan>, about: &About) -> Option<Shown> {
    match about {
        About::Listener(names) => {
            let sides = plans.zip(names.as_ref());
            at_listener(sides.map(|(plan, name)| named(plan?, name.as_ref()?)))
        }
        About::Node => answered_by(plans.new),
        // No request of a route meets it.
        About::Unrouted(_) => None,
        About::Cluster(name) | About::Places(name) => to_backend(plans.new?, name),
    }
}

fn named<'side>(plan: &'side NodePlan, name: &str) -> Option<NodeListener<'side>> {
    let mut listeners = plan.settings.listeners.iter();
    let listener = listeners.find(|one| one.name == name)?;
    Some(NodeListener { plan, listener })
}

/// What running proxies do with their connections, as `control/publish` of the proxy does it: ports that are
/// gone or whose peers are authenticated in another way are drained; another certificate, backend or identity
/// is for new connections.
pub(super) fn connections(old: &Side, new: &Side) -> BTreeMap<String, Connections> {
    let mut found = BTreeMap::new();
    for node in old.changed(new) {
        let said = match (old.plan(node), new.plan(node)) {
            (Some(was), Some(is)) if was == is => continue,
            (Some(was), Some(is)) => {
                let ports = ports(is);
                let is_kept = |(port, kind)| ports.get(port) == Some(kind);
                if !self::ports(was).iter().all(is_kept) {
                    Connections::Drained
                } else if !reached(was).eq(reached(is)) || certificates(was) != certificates(is) {
                    Connections::NewOnly
                } else {
                    Connections::Kept
                }
            }
            (None, Some(_)) => Connections::Added,
            (Some(_), None) => Connections::Removed,
            (None, None) => continue,
        };
        found.insert(node.to_owned(), said);
    }
    found
}

/// What connections to backends are made of; how long idle ones are kept and which host is named are matters of requests.
fn reached(
    plan: &NodePlan,
) -> impl Iterator<Item = (&str, UpstreamProtocol, &UpstreamSecurity, &Endpoints)> {
    let clusters = plan.settings.clusters.iter();
    clusters.map(|one| {
        (
            one.name.as_str(),
            one.protocol,
            &one.security,
            &one.endpoints,
        )
    })
}

/// How peers are authenticated on each port; which certificate is shown does not matter to those who came in.
fn ports(plan: &NodePlan) -> BTreeMap<(IpAddr, u16), (u8, Option<i64>)> {
    let listeners = plan.settings.listeners.iter();
    let kind = |listener: &Listener| match listener.security {
        ListenerSecurity::Plaintext => 0,
        ListenerSecurity::Tls { .. } => 1,
        ListenerSecurity::Mtls => 2,
        ListenerSecurity::Permissive { .. } => 3,
    };
    listeners
        .map(|one| ((one.address, one.port), (kind(one), until(one))))
        .collect()
}

fn certificates(plan: &NodePlan) -> BTreeMap<&str, &Certificate> {
    let listeners = plan.settings.listeners.iter();
    listeners
        .filter_map(|listener| {
            let shown = NodeListener { plan, listener }.certificate()?;
            Some((listener.name.as_str(), shown))
        })
        .collect()
}
