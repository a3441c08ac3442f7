//! Follows one request from redirect to redirect like a client.
//!
//! Where it goes is what `runtime/src/serve/local.rs` answers and RFC 9110 section 15.4 has followed. A client gives up after 20
//! hops (curl: 50, browsers: 20), and so does this.

use std::collections::BTreeSet;

use weft_front::model::action::{Redirect, Scheme};
use weft_front::model::{Action, GatewayId, ListenerProtocol, Rule};
use weft_snapshot::canonical;
use weft_space::languages::Languages;
use weft_space::{WitnessRequest, work};

use super::places::{NextUrl, Place, Places, Port};
use crate::assertions::owner::first_taker;

pub(super) const HOPS: usize = 20;
/// What a hop costs (`weft_space::work`).
const HOP_STEPS: usize = 200;

/// How a way along redirects ends.
#[derive(Clone, Debug)]
pub(super) enum End<'mesh> {
    /// An answer, or a host that is not of this mesh, or one about which nothing is known.
    Elsewhere,
    /// A host of this mesh that has no rule for the request.
    Nowhere(String),
    /// The rules that lead round, and the way.
    Loop(Vec<&'mesh Rule>, Vec<String>),
}

/// A request where it arrives.
#[derive(Clone, Debug)]
pub(super) struct Stop<'run, 'mesh> {
    place: Place<'run, 'mesh>,
    scheme: Scheme,
    port: Option<u16>,
    request: WitnessRequest,
}

impl<'run, 'mesh> Stop<'run, 'mesh> {
    /// A request to a host of a place.
    pub(super) fn at(
        places: &Places<'run, 'mesh>,
        place: Place<'run, 'mesh>,
        request: &WitnessRequest,
        host: &str,
    ) -> Option<Self> {
        let request = WitnessRequest {
            host: host.to_owned(),
            ..request.clone()
        };
        Some(Self {
            place,
            scheme: scheme(places, place)?,
            port: None,
            request,
        })
    }

    fn url(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        let host = &self.request.host;
        format!("{scheme}://{host}{port}{}", self.request.target())
    }

    /// What tells it from others on the way: a URL that comes again with another method is another request, and the first URL
    /// does not say its port.
    fn state(&self) -> (GatewayId, usize, String, String) {
        let (gateway, listener) = (self.place.gateway, self.place.listener);
        (gateway, listener, self.url(), self.request.method.clone())
    }

    /// The URL that a client is led to, and where it arrives with it.
    fn next(&self, places: &Places<'run, 'mesh>, redirect: &Redirect) -> (String, Option<Self>) {
        let mut next = self.clone();
        if let Some(scheme) = redirect.scheme {
            next.scheme = scheme.value;
            next.port = None;
        }
        next.port = redirect.port.map(|port| port.value).or(next.port);
        if let Some(host) = &redirect.host {
            next.request.host.clone_from(&host.value);
        }
        if let Some(new) = &redirect.path {
            next.request.path = new.value.made.apply(&self.request.path);
        }
        let code = redirect.status();
        if !matches!(code, 307 | 308) && next.request.method != "HEAD" {
            "GET".clone_into(&mut next.request.method);
        }
        let url = next.url();
        let place = target(places, self.place, redirect, &self.request.host)
            .and_then(|target| places.after(self.place, target));
        let arrived = place.and_then(|place| {
            let rules = places.listener(place)?.path_rules();
            let path = canonical::path(&next.request.path, rules)
                .ok()?
                .into_owned();
            next.request.path = path;
            next.place = place;
            Some(next)
        });
        (url, arrived)
    }
}

/// What a rule redirects to.
pub(super) fn leads_to(rule: &Rule) -> Option<&Redirect> {
    match &rule.action {
        Action::Redirect(redirect) => Some(redirect),
        Action::Forward(_) | Action::Respond(_) => None,
    }
}

/// Where a redirect leads from a place, for a client that asked for a host there.
pub(super) fn target<'host>(
    places: &Places<'_, '_>,
    place: Place<'_, '_>,
    redirect: &'host Redirect,
    before: &'host str,
) -> Option<NextUrl<'host>> {
    let host = redirect.host.as_ref();
    let host = host.map_or(before, |host| host.value.as_str());
    let port = match (redirect.port, redirect.scheme) {
        (Some(port), _) => Port::Named(port.value),
        (None, Some(_)) => Port::Usual,
        (None, None) => Port::Kept,
    };
    let scheme = match redirect.scheme {
        Some(scheme) => scheme.value,
        None => scheme(places, place)?,
    };
    Some(NextUrl {
        scheme,
        port,
        host,
        is_same_host: before == host,
        is_named: redirect.host.is_some(),
    })
}

fn scheme(places: &Places<'_, '_>, place: Place<'_, '_>) -> Option<Scheme> {
    Some(match places.listener(place)?.protocol.value {
        ListenerProtocol::Http => Scheme::Http,
        ListenerProtocol::Https => Scheme::Https,
    })
}

/// Follows a request of a rule that redirects.
pub(super) fn follow<'run, 'mesh>(
    places: &Places<'run, 'mesh>,
    rule: &'mesh Rule,
    first: &Stop<'run, 'mesh>,
    languages: &mut Languages,
) -> End<'mesh> {
    let mut stop = first.clone();
    let mut at = rule;
    let begun = match first.request.method.as_str() {
        "GET" => first.url(),
        // Most clients go on with GET; whoever tries it that way has to know that it is about another method.
        method => format!("{method} {}", first.url()),
    };
    let (mut rules, mut way) = (vec![rule], vec![begun]);
    let mut seen = BTreeSet::from([first.state()]);
    for hop in 0..HOPS {
        if !work::spend(HOP_STEPS) {
            return End::Elsewhere;
        }
        let Some(redirect) = leads_to(at) else {
            return End::Elsewhere;
        };
        let (url, next) = stop.next(places, redirect);
        way.push(url);
        let Some((next, analysis)) = next.and_then(|next| {
            let analysis = next.place.host.analysis.as_ref().ok()?;
            Some((next, analysis))
        }) else {
            return End::Elsewhere;
        };
        stop = next;
        languages.go_by(analysis.path_rules);
        let rules_at = analysis.rules_at(&stop.request.path);
        if !work::spend(rules_at.len().saturating_mul(8)) {
            return End::Elsewhere;
        }
        match first_taker(&rules_at, &stop.request, languages) {
            // A rule behind another redirect speaks for itself.
            None if hop == 0 => return End::Nowhere(stop.url()),
            None => return End::Elsewhere,
            Some(next) => at = next,
        }
        if leads_to(at).is_none() {
            return End::Elsewhere;
        }
        rules.push(at);
        if !seen.insert(stop.state()) {
            return End::Loop(rules, way);
        }
    }
    End::Loop(rules, way)
}
