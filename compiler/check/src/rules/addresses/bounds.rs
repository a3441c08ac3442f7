//! Endpoints beside the guardrails on them.
//!
//! Addresses are compared with networks and names with patterns, exactly. What a name resolves to is not known here, so a name counts by
//! itself; what a file holds is the matter of whoever writes it, on the proxy's machine.

use std::net::{IpAddr, SocketAddr};

use weft_front::diagnostic::Diagnostics;
use weft_front::model::Endpoints;
use weft_front::model::guardrail::{Bound, Guardrail};
use weft_front::model::{Exemption, Mesh, Service};
use weft_space::work;
use weft_spec::{Span, Spanned};

use super::Networks;
use crate::rules::facts::Facts;
use crate::rules::guardrail_exceeded::{exceeded, exemptions_of};

/// What it costs to look at an endpoint (`weft_space::work`).
const TARGET_STEPS: usize = 8;

/// Where an endpoint leads, as far as the spec says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Target<'mesh> {
    /// To an address.
    Address(IpAddr),
    /// To whatever the name stands for.
    Name(&'mesh str),
}

/// Everything that a list of endpoints says, each with its place.
pub(super) fn targets(endpoints: &Spanned<Endpoints>) -> Vec<(Target<'_>, Span)> {
    match &endpoints.value {
        Endpoints::Static(addresses) => {
            let addresses = addresses.iter();
            let target = |one: &Spanned<SocketAddr>| (Target::Address(one.value.ip()), one.span);
            addresses.map(target).collect()
        }
        Endpoints::Dns(name) => {
            let host = &name.value.host;
            // An address may stand where a name is meant.
            let address = host.parse().map(Target::Address);
            vec![(address.unwrap_or(Target::Name(host)), name.span)]
        }
        Endpoints::File(_) => Vec::new(),
    }
}

/// All endpoints of a service, those of its versions included.
fn of_service(service: &Service) -> impl Iterator<Item = (Target<'_>, Span)> {
    let versions = service.versions.iter().map(|version| &version.endpoints);
    let all = service.endpoints.iter().chain(versions);
    all.flat_map(targets)
}

impl Target<'_> {
    fn is_within(&self, networks: &Networks) -> bool {
        match self {
            Self::Address(address) => networks.has(*address),
            Self::Name(name) => networks.names(name),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Address(address) => format!("endpoint `{address}`"),
            Self::Name(name) => format!("endpoint `{name}`"),
        }
    }
}

/// Whether the mesh has a guardrail on endpoints: then nothing else is said of addresses.
pub(super) fn is_bounded(mesh: &Mesh) -> bool {
    let mut guardrails = mesh.guardrails.iter();
    guardrails.any(|one| one.value.bound.value == Bound::Endpoints)
}

/// Reports every endpoint beyond a guardrail, if it is about endpoints.
pub(in crate::rules) fn bounded(facts: &Facts<'_>, position: usize, diagnostics: &mut Diagnostics) {
    let Some(guardrail) = facts.mesh.guardrails.get(position) else {
        return;
    };
    let Some(networks) = of_guardrail(&guardrail.value) else {
        return;
    };
    let exemptions = exemptions(facts, position);
    for service in facts.mesh.services.values() {
        for (target, span) in of_service(service) {
            if !work::spend(networks.len().saturating_add(TARGET_STEPS)) {
                return;
            }
            if target.is_within(&networks) || is_exempt(&exemptions, &target, span) {
                continue;
            }
            if work::is_spent() {
                return;
            }
            if diagnostics.is_full(span.file) {
                diagnostics.count_error(span.file);
            } else {
                diagnostics.push(exceeded(&guardrail.value, &target.words(), span));
            }
        }
    }
}

/// The exemptions of a guardrail that hold, each with what it accepts.
fn exemptions<'mesh>(facts: &Facts<'mesh>, guardrail: usize) -> Vec<(&'mesh Exemption, Networks)> {
    let of_it = exemptions_of(facts.mesh, guardrail).iter();
    let holding = of_it.filter(|one| !one.grant.is_over(facts.today));
    holding
        .filter_map(|one| Some((one, Networks::parse(&one.max.value).ok()?)))
        .collect()
}

fn of_guardrail(guardrail: &Guardrail) -> Option<Networks> {
    let is_it = guardrail.bound.value == Bound::Endpoints;
    is_it
        .then(|| Networks::parse(&guardrail.max.value).ok())
        .flatten()
}

fn is_exempt(exemptions: &[(&Exemption, Networks)], target: &Target<'_>, span: Span) -> bool {
    let mut exemptions = exemptions.iter();
    exemptions.any(|(one, networks)| {
        let looked_at = one.place.regions.len().saturating_add(networks.len());
        work::spend(looked_at.saturating_add(1))
            && one.place.holds(span)
            && target.is_within(networks)
    })
}

/// Whether some endpoint needs an exemption from a guardrail on endpoints; nothing for one on something else.
pub(in crate::rules) fn is_needed(mesh: &Mesh, one: &Exemption) -> Option<bool> {
    let guardrail = of_guardrail(&mesh.guardrails.get(one.guardrail)?.value)?;
    let own = Networks::parse(&one.max.value).ok()?;
    let mut all = mesh.services.values().flat_map(of_service);
    let steps = one.place.regions.len().saturating_add(TARGET_STEPS);
    let is_needed = all.any(|(target, span)| {
        work::spend(steps);
        one.place.holds(span) && {
            work::spend(guardrail.len().saturating_add(own.len()));
            !target.is_within(&guardrail) && target.is_within(&own)
        }
    });
    Some(is_needed)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn endpoints_lie_within_the_guardrail_or_an_exemption() {
        check(
            r#"
            # now: 2026-11-27
            mesh:
              name: shop
              trustDomain: shop.example
              mtls: disabled
              teams: {t: {}}
              guardrails:
                - bound: endpoints
                  max: [10.0.0.0/8, "*.internal"]
                  why: partners are reached through the egress
                  exempt:
                    - {for: {service: old}, max: [192.168.7.0/24], reason: r, owner: t, until: 2027-01-01}
                    - {for: {service: over}, max: [192.168.7.0/24], reason: r, owner: t, until: 2026-11-26}  #~ warning[stale-exemption]
                    - {for: {service: a}, max: [12.0.0.0/8], reason: r, owner: t, until: 2027-01-01}  #~ warning[stale-exemption]
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["10.1.2.3:1"], versions: {v2: {endpoints: ["11.1.2.3:1"]}}}  #~ error[guardrail-exceeded]
              b: {protocol: http, mtls: disabled, endpoints: {dns: "b.internal:80"}}
              c: {protocol: http, mtls: disabled, endpoints: {dns: "b.example:80"}}  #~ error[guardrail-exceeded]
              d: {protocol: http, mtls: disabled, endpoints: {dns: "127.0.0.1:80"}}  #~ error[guardrail-exceeded]
              e: {protocol: http, mtls: disabled, endpoints: {file: endpoints.json}}
              old: {protocol: http, mtls: disabled, endpoints: ["192.168.7.1:1", "192.168.8.1:1"]}  #~ error[guardrail-exceeded]
              over: {protocol: http, mtls: disabled, endpoints: ["192.168.7.1:1"]}  #~ error[guardrail-exceeded]
            "#,
        );
    }
}
