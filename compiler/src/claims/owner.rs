//! Which host takes a request, and which rule.

use weft_snapshot::canonical::{self, host_matches};
use weft_snapshot::choice::specificity;
use weft_spec::gateway::ListenerProtocol;

use crate::model::Rule;
use crate::model::languages::Languages;
use crate::rules::{AnalysedHost, Facts};
use crate::space::{Entry, Match, Served, WitnessRequest, matched};
use crate::why::Question;

/// How closely a listener, and a host of its table, name a host: the lengths of their patterns.
type Fit = (Option<usize>, Option<usize>);

/// The host that owns a request of a client, with the request in canonical form.
pub(crate) fn owner<'facts, 'mesh>(
    facts: &'facts Facts<'mesh>,
    question: &Question,
) -> Option<(&'facts AnalysedHost<'mesh>, WitnessRequest)> {
    if question.from.is_some() {
        return None;
    }
    let host = question.host().ok()?;
    let mut best: Option<(Fit, Option<&AnalysedHost<'mesh>>)> = None;
    for (id, gateway) in facts.mesh.gateways.iter() {
        for (position, listener) in gateway.listeners.iter().enumerate() {
            let is_tls = listener.protocol.value == ListenerProtocol::Https;
            let is_asked = question.port.is_none_or(|port| port == listener.port.value)
                && question.is_https.is_none_or(|is_https| is_https == is_tls);
            if !is_asked || !Served::of_listener(facts.mesh, id, position).has(&host) {
                continue;
            }
            let served = listener.hosts.iter().map(|served| served.value.as_str());
            // Without hosts it serves all, as `*` does.
            let served = specificity(served, &host).or(Some(0));
            let hosts = facts.hosts_of(id, position).iter();
            let owner = hosts.filter_map(|one| Some((host_matches(one.host.host, &host)?, one)));
            let owner = owner.max_by_key(|(length, _)| *length);
            // The listener that names the host most specifically gets it, whether a rule is there for it or not.
            let how = (served, owner.map(|(length, _)| length));
            if best.as_ref().is_none_or(|(known, _)| *known < how) {
                best = Some((how, owner.map(|(_, one)| one)));
            }
        }
    }
    let one = best?.1?;
    let rules = one.analysis.as_ref().ok()?.path_rules;
    let (path, query) = canonical::split_target(&question.target);
    let path = canonical::path(path, rules).ok()?;
    let headers = question.headers.iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.clone().into_bytes()));
    Some((
        one,
        WitnessRequest {
            method: question.method.clone(),
            host: host.into_owned(),
            path: path.into_owned(),
            query: query.map(str::to_owned),
            headers: headers.collect(),
            source: None,
        },
    ))
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decided<'mesh> {
    /// This rule takes it.
    By(&'mesh Rule),
    /// A rule refuses it, because it asks for the value of a header that came in several lines.
    Refused,
    /// No rule takes it.
    ByNobody,
}

/// What becomes of a request, among rules in the order in which they are tried.
pub(crate) fn decided<'mesh>(
    rules: &[&'mesh Rule],
    request: &WitnessRequest,
    languages: &mut Languages,
) -> Decided<'mesh> {
    for rule in rules {
        match matched(&Entry::of_rule(rule), request, languages) {
            Match::Passes => {}
            Match::Takes => return Decided::By(rule),
            Match::Refuses => return Decided::Refused,
        }
    }
    Decided::ByNobody
}

/// The rule that takes a request, among rules in the order in which they are tried.
pub(crate) fn first_taker<'mesh>(
    rules: &[&'mesh Rule],
    request: &WitnessRequest,
    languages: &mut Languages,
) -> Option<&'mesh Rule> {
    match decided(rules, request, languages) {
        Decided::By(rule) => Some(rule),
        Decided::Refused | Decided::ByNobody => None,
    }
}
