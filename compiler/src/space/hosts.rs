//! Hosts that stand for all hosts of a pattern.
//!
//! Hosts that no pattern tells apart behave alike, so one free label below each pattern is enough to try.

use weft_snapshot::canonical;
use weft_snapshot::settings;

use crate::model::{GatewayId, Listener, Mesh};

/// The hosts whose requests a listener gets: those that it serves, without those that another listener of its address and port
/// serves more specifically.
#[derive(Clone, Debug, Default)]
pub struct Served<'a> {
    own: Vec<&'a str>,
    others: Vec<&'a str>,
}

impl<'a> Served<'a> {
    /// Of a listener of a mesh.
    pub fn of_listener(mesh: &'a Mesh, gateway: GatewayId, position: usize) -> Self {
        let listeners = &mesh.gateways.entry(gateway).listeners;
        let bound = |one: &Listener| (one.address.value, one.port.value);
        let patterns = |one: &'a Listener| {
            let hosts = one.hosts.iter().map(|host| host.value.as_str());
            let all = one.hosts.is_empty().then_some("*");
            hosts.chain(all)
        };
        let Some(own) = listeners.get(position) else {
            return Self::default();
        };
        let others = listeners.iter().enumerate();
        let others = others.filter(|(at, one)| *at != position && bound(one) == bound(own));
        Self {
            own: patterns(own).collect(),
            others: others.flat_map(|(_, one)| patterns(one)).collect(),
        }
    }

    /// Of a listener of a plan, among all of its node.
    pub fn of_plan(own: &'a settings::Listener, all: &'a [settings::Listener]) -> Self {
        let bound = |one: &settings::Listener| (one.address, one.port);
        let others = all.iter();
        let others = others.filter(|one| one.name != own.name && bound(one) == bound(own));
        Self {
            own: own.hosts.iter().map(String::as_str).collect(),
            others: others
                .flat_map(|one| one.hosts.iter().map(String::as_str))
                .collect(),
        }
    }

    /// Whether the listener gets the requests of a host.
    pub fn has(&self, host: &str) -> bool {
        let best = |patterns: &[&str]| {
            let matching = patterns.iter();
            matching
                .filter_map(|pattern| canonical::host_matches(pattern, host))
                .max()
        };
        if self.own.is_empty() {
            return true;
        }
        best(&self.own).is_some_and(|own| best(&self.others).is_none_or(|other| other <= own))
    }
}

/// A host that `pattern` owns among the `patterns` of a table, on a listener that gets the hosts of `served`; the most
/// likely one when there is none.
pub fn host_witness(pattern: &str, patterns: &[&str], served: &Served<'_>) -> String {
    let owned = owned_host("*", Some(pattern), patterns, served);
    owned.unwrap_or_else(|| pattern.replace('*', "x"))
}

/// A host of the pattern `within` that `owner` owns among the `patterns` of a table, on a listener that gets the hosts of
/// `served`; without an owner, one that no pattern of the table has. None if there is no such host.
pub fn owned_host(
    within: &str,
    owner: Option<&str>,
    patterns: &[&str],
    served: &Served<'_>,
) -> Option<String> {
    let owner_of = |host: &str| {
        let known = patterns.iter().copied().chain(owner);
        let best = known.filter_map(|known| Some((canonical::host_matches(known, host)?, known)));
        best.max().map(|(_, known)| known)
    };
    let hits = |pattern: &str, host: &str| canonical::host_matches(pattern, host).is_some();
    let mut candidates: Vec<&str> = owner.into_iter().chain([within]).collect();
    candidates.extend(&served.own);
    let is_it = |host: &String| owner_of(host) == owner && served.has(host) && hits(within, host);
    for candidate in candidates {
        let Some(suffix) = candidate.strip_prefix('*') else {
            let host = candidate.to_owned();
            if is_it(&host) {
                return Some(host);
            }
            continue;
        };
        // Below `*`, a host of one label is in no other wildcard; one with a domain looks better.
        let endings: &[&str] = if suffix.is_empty() {
            &[".example", ""]
        } else {
            &[suffix]
        };
        for ending in endings {
            let named = patterns.len().saturating_add(served.others.len());
            let labels = (0..=named.saturating_add(1)).map(|number| match number {
                0 => "x".to_owned(),
                number => format!("x{number}"),
            });
            let mut hosts = labels.map(|label| format!("{label}{ending}"));
            if let Some(host) = hosts.find(is_it) {
                return Some(host);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Served, owned_host};

    #[test]
    fn a_host_is_found_wherever_there_is_one() {
        let patterns = ["*.a.example", "b.a.example", "*.c.a.example"];
        let owned = |within, owner| owned_host(within, owner, &patterns, &Served::default());
        assert_eq!(
            owned("*", Some("*.a.example")).as_deref(),
            Some("x.a.example")
        );
        assert_eq!(owned("b.a.example", Some("*.a.example")), None);
        assert_eq!(owned("*.c.a.example", Some("*.a.example")), None);
        assert_eq!(
            owned("*.d.a.example", Some("*.a.example")).as_deref(),
            Some("x.d.a.example")
        );
        assert_eq!(owned("*", None).as_deref(), Some("x.example"));
        assert_eq!(owned("*.a.example", None), None);
        assert_eq!(owned("a.example", None).as_deref(), Some("a.example"));
        let any = owned_host("*", Some("*"), &["*", "*.example", "x"], &Served::default());
        assert_eq!(any.as_deref(), Some("x1"));
        let served = |own: &'static str, others: &[&'static str]| Served {
            own: vec![own],
            others: others.to_vec(),
        };
        let on = |served| owned_host("*", Some("*.a.example"), &patterns, &served);
        assert_eq!(on(served("b.a.example", &[])), None);
        // Another listener of the port gets what it serves more specifically.
        let beside = on(served("*", &["x.a.example", "*.x1.a.example"]));
        assert_eq!(beside.as_deref(), Some("x1.a.example"));
        assert_eq!(on(served("*", &["*.a.example"])), None);
        assert_eq!(
            on(served("*.a.example", &["*"])).as_deref(),
            Some("x.a.example")
        );
        let nested = on(served("*.y.a.example", &["*.a.example"]));
        assert_eq!(nested.as_deref(), Some("x.y.a.example"));
    }
}
