//! Which host takes a request, and which rule.

use weft_snapshot::canonical;
use weft_spec::gateway::ListenerProtocol;

use crate::model::Rule;
use crate::model::languages::Languages;
use crate::rules::{AnalysedHost, Facts};
use crate::space::{Entry, WitnessRequest, takes};
use crate::why::Question;

/// The host that owns a request of a client, with the request in canonical form.
pub(crate) fn owner<'facts, 'mesh>(
    facts: &'facts Facts<'mesh>,
    question: &Question,
) -> Option<(&'facts AnalysedHost<'mesh>, WitnessRequest)> {
    if question.from.is_some() {
        return None;
    }
    let host = canonical::host(&question.authority).ok()?;
    let mut best: Option<(usize, &AnalysedHost<'mesh>)> = None;
    for one in facts.hosts() {
        let gateway = facts.mesh.gateways.entry(one.host.gateway);
        let listener = gateway.listeners.get(one.host.listener)?;
        let hits = |pattern: &str| canonical::host_matches(pattern, &host);
        let is_served = listener.hosts.is_empty()
            || listener
                .hosts
                .iter()
                .any(|served| hits(served.value.as_str()).is_some());
        let is_tls = listener.protocol.value == ListenerProtocol::Https;
        let is_asked = question.port.is_none_or(|port| port == listener.port.value)
            && question.is_https.is_none_or(|is_https| is_https == is_tls);
        if let Some(length) = hits(one.host.host).filter(|_| is_served && is_asked)
            && best.is_none_or(|(known, _)| known < length)
        {
            best = Some((length, one));
        }
    }
    let (_, one) = best?;
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

/// The rule that takes a request, among rules in the order in which they are tried.
pub(crate) fn first_taker<'mesh>(
    rules: &[&'mesh Rule],
    request: &WitnessRequest,
    languages: &mut Languages,
) -> Option<&'mesh Rule> {
    let mut rules = rules.iter();
    let found = rules.find(|rule| takes(&Entry::of_rule(rule), request, languages));
    found.copied()
}
