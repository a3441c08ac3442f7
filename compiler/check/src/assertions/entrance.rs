//! Requests of clients that come to a service by a rule of a gateway, and that the service admits.
//!
//! Sets of methods and paths are intersected: those that the rule takes, those that are asked about, and those of a permission,
//! without what is denied ([`Forwarding`]). Only where a regular expression stands behind a rewrite does that stay open.

use weft_front::model::{Caller, Operation, Rule, ServiceId};
use weft_space::{Entry, Unknown, work};

use super::arriving::Forwarding;
use crate::rules::Facts;

/// A request that a rule of a gateway takes and forwards to a service that admits it: the rule, and how the request is sent.
///
/// # Errors
///
/// Why it is not known whether there is one, in words.
pub(super) fn entrance<'mesh>(
    facts: &Facts<'mesh>,
    to: ServiceId,
    operation: Option<&Operation>,
) -> Result<Option<(&'mesh Rule, String)>, String> {
    let service = facts.mesh.services.entry(to);
    let wanted: Vec<Entry<'_>> = operation.map(Entry::of).into_iter().collect();
    let wanted: Vec<&Entry<'_>> = wanted.iter().collect();
    let mut doubt = None;
    for host in facts.hosts() {
        if !work::spend(host.host.rules.len().saturating_mul(4).saturating_add(16)) {
            return Err(Unknown::TooManySteps.to_string());
        }
        let caller = Caller::Gateway(host.host.gateway);
        let analysis = match &host.analysis {
            Ok(analysis) => analysis,
            Err(unknown) => {
                if host.host.rules.iter().any(|rule| leads_to(rule, to)) {
                    doubt = Some(format!("host `{}`: {unknown}", host.host.host));
                }
                continue;
            }
        };
        let rules = analysis.rules.iter().copied().enumerate();
        for (position, rule) in rules.filter(|(_, rule)| leads_to(rule, to)) {
            let Some(forwarding) = Forwarding::new(facts.mesh, analysis, position) else {
                continue;
            };
            match forwarding.admitted_of(&wanted, service, caller) {
                Ok(None) => {}
                Ok(Some(witness)) => {
                    return Ok(Some((rule, witness.curl(host.url(facts.mesh)))));
                }
                Err(unknown) => doubt = doubt.or(Some(format!("rule `{}`: {unknown}", rule.id))),
            }
        }
    }
    doubt.map_or(Ok(None), Err)
}

fn leads_to(rule: &Rule, to: ServiceId) -> bool {
    let mut live = rule.live_backends();
    live.any(|backend| backend.service == to)
}
