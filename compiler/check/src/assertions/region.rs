//! Which rules take the requests of a region.

use std::collections::BTreeMap;

use weft_front::model::assertion::Region;
use weft_front::model::{GatewayId, Listener, ListenerProtocol, Rule};
use weft_snapshot::settings::PathRules;
use weft_space::{
    Difference, Entry, ListenerUrl, Reading, Unknown, WitnessRequest, differences, work,
};
use weft_spec::Span;

use super::Counterexample;
use crate::rules::{AnalysedHost, Facts};

/// What it costs to look at a rule (`weft_space::work`).
const RULE_STEPS: usize = 16;
/// What it costs to find the hosts that patterns tell apart, each.
const PART_STEPS: usize = 64;

/// A rule that takes some request of a region, with such a request; without a rule it is answered with 404.
#[derive(Clone, Debug)]
pub struct Taker<'mesh> {
    /// None where no rule takes the request.
    pub rule: Option<&'mesh Rule>,
    /// What its listener speaks.
    pub protocol: ListenerProtocol,
    /// How its listener is named.
    pub url: ListenerUrl,
    /// One of the requests, of a host that the region is about.
    pub witness: WitnessRequest,
}

impl Taker<'_> {
    /// A counterexample with the request of this rule.
    pub fn counterexample(&self, text: String, place: Span) -> Counterexample {
        Counterexample {
            text,
            place,
            shown: Some(self.witness.curl(self.url)),
        }
    }
}

/// Every rule that takes a request of the region, on every listener and host, each with a request.
///
/// # Errors
///
/// The host about which nothing is known.
pub fn takers<'mesh>(facts: &Facts<'mesh>, region: &Region) -> Result<Vec<Taker<'mesh>>, String> {
    let mut takers = Vec::new();
    for (id, gateway) in facts.mesh.gateways.iter() {
        for position in 0..gateway.listeners.len() {
            if region
                .listener
                .is_none_or(|wanted| wanted == (id, position))
            {
                on_listener(facts, region, id, position, &mut takers)?;
            }
        }
    }
    Ok(takers)
}

fn on_listener<'mesh>(
    facts: &Facts<'mesh>,
    region: &Region,
    id: GatewayId,
    position: usize,
    takers: &mut Vec<Taker<'mesh>>,
) -> Result<(), String> {
    let Some(listener) = facts.mesh.gateways.entry(id).listeners.get(position) else {
        return Ok(());
    };
    let hosts = facts.hosts_of(id, position);
    let table = facts.table(id, position);
    if !work::spend(table.steps(region.host_pattern())) {
        let name = &listener.name.value;
        return Err(format!("listener `{name}`: {}", Unknown::TooManySteps));
    }
    let taker = |rule: Option<&'mesh Rule>, witness: WitnessRequest| Taker {
        rule,
        protocol: listener.protocol.value,
        url: Listener::url(listener),
        witness,
    };
    // All hosts of one owner are treated alike.
    let mut owners = BTreeMap::new();
    let parts = table.parts(region.host_pattern());
    if !work::spend(parts.len().saturating_mul(PART_STEPS)) {
        let name = &listener.name.value;
        return Err(format!("listener `{name}`: {}", Unknown::TooManySteps));
    }
    for (part, owner) in parts {
        owners.entry(owner).or_insert(part.host);
    }
    let unowned = owners.remove(&None);
    for (owner, host) in owners {
        let Some(one) = owner.and_then(|owner| hosts.get(owner)) else {
            continue;
        };
        let found = of_host(one, region, &host).map_err(|unknown| {
            let at = one.host.host;
            format!("host `{at}`: {unknown}")
        })?;
        let found = found.into_iter();
        takers.extend(found.map(|taken| taker(taken.rule, taken.witness)));
    }
    if let Some(host) = unowned {
        let entry = Entry::of(&region.matched);
        let except: Vec<Entry<'_>> = region.except.iter().map(Entry::of).collect();
        let rules = listener.path_rules();
        let left = weft_space::left(&entry, &except, Reading::new(rules, &facts.mesh.automata));
        let left = left.map_err(|unknown| format!("hosts without routes: {unknown}"))?;
        takers.extend(left.map(|witness| taker(None, WitnessRequest { host, ..witness })));
    }
    Ok(())
}

/// A host of a table that a region is about; none if other tables have all of the region's hosts.
pub fn host_in(facts: &Facts<'_>, one: &AnalysedHost<'_>, region: &Region) -> Option<String> {
    let (id, position) = (one.host.gateway, one.host.listener);
    if region
        .listener
        .is_some_and(|wanted| wanted != (id, position))
    {
        return None;
    }
    let hosts = facts.hosts_of(id, position);
    let own = hosts
        .iter()
        .position(|other| other.host.host == one.host.host);
    let parts = facts.table(id, position).parts(region.host_pattern());
    let parts = parts.into_iter();
    let mut its = parts.filter(|(_, owner)| own.is_some() && *owner == own);
    its.next().map(|(part, _)| part.host)
}

/// A rule of a table with a request that it takes.
#[derive(Clone, Debug)]
pub struct Taken<'mesh> {
    /// None stands for the requests that no rule takes.
    pub rule: Option<&'mesh Rule>,
    /// One of them.
    pub witness: WitnessRequest,
}

fn of_host<'mesh>(
    one: &AnalysedHost<'mesh>,
    region: &Region,
    host: &str,
) -> Result<Vec<Taken<'mesh>>, Unknown> {
    let analysis = one.analysis.as_ref().map_err(Clone::clone)?;
    if !work::spend(analysis.rules.len().saturating_mul(RULE_STEPS)) {
        return Err(Unknown::TooManySteps);
    }
    let named = |witness: &WitnessRequest| WitnessRequest {
        host: host.to_owned(),
        ..witness.clone()
    };
    if region.has_all_of_its_hosts() {
        let rules = analysis.rules.iter().zip(&analysis.witness);
        let live = rules.filter_map(|(rule, witness)| {
            Some(Taken {
                rule: Some(*rule),
                witness: named(witness.as_ref()?),
            })
        });
        let none = analysis.uncovered.as_ref().map(|witness| Taken {
            rule: None,
            witness: named(witness),
        });
        return Ok(live.chain(none).collect());
    }
    within(&analysis.rules, analysis.path_rules, region, host)
}

/// The rules of an ordered table that take a request of a region of a host.
///
/// Compares the table with itself below an entry for the region alone: where they differ, there is the region.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn within<'mesh>(
    rules: &[&'mesh Rule],
    path_rules: PathRules,
    region: &Region,
    host: &str,
) -> Result<Vec<Taken<'mesh>>, Unknown> {
    let mut below: Vec<Entry<'_>> = region.except.iter().map(Entry::of).collect();
    let left_out = below.len();
    let mut above = below.clone();
    above.push(Entry::of(&region.matched));
    for rule in rules {
        below.push(Entry::of(*rule));
        above.push(Entry::of(*rule));
    }
    // What is left out is the same on both sides; everything else differs from the region.
    let numbers = |count: usize| (1_u32..).take(count);
    let same = std::iter::repeat_n(0_u32, left_out);
    let count = rules.len();
    let mark = u32::MAX;
    let below = Difference {
        entries: below,
        actions: same.clone().chain(numbers(count)).collect(),
    };
    let above = Difference {
        entries: above,
        actions: same.chain([mark]).chain(numbers(count)).collect(),
    };
    let mut found = BTreeMap::new();
    for part in differences(&below, &above, path_rules, host)? {
        let rule = part.old.and_then(|old| old.checked_sub(left_out));
        if let Some(cell) = part.cells.into_iter().next() {
            found.entry(rule).or_insert(cell.witness);
        }
    }
    let rule = |at: Option<usize>| at.and_then(|at| rules.get(at).copied());
    Ok(found
        .into_iter()
        .map(|(at, witness)| Taken {
            rule: rule(at),
            witness,
        })
        .collect())
}
