//! Which host takes a request, and which rule.

use weft_front::model::Rule;
use weft_front::question::Question;
use weft_snapshot::canonical::{self, Field, host_matches};
use weft_snapshot::choice::{Addressed, addressed, most_specific};
use weft_snapshot::head::admit_method;
use weft_snapshot::plan::ValueTest;
use weft_snapshot::{Headers as _, Reason};
use weft_space::languages::Languages;
use weft_space::{Entry, Match, WitnessRequest, matched};

use crate::rules::{AnalysedHost, Facts};

/// The host that owns a request of a client, with the request in canonical form.
pub fn owner<'facts, 'mesh>(
    facts: &'facts Facts<'mesh>,
    question: &Question,
) -> Option<(&'facts AnalysedHost<'mesh>, WitnessRequest)> {
    if question.from.is_some() {
        return None;
    }
    let host = question.host().ok()?;
    let to = Addressed {
        port: question.port,
        is_https: question.is_https,
        host: Some(&host),
    };
    let mut takers = facts.mesh.gateways.iter().filter_map(|(id, gateway)| {
        let chosen = addressed(&gateway.listeners, to)?;
        let mut listeners = gateway.listeners.iter();
        Some((id, listeners.position(|one| std::ptr::eq(one, chosen))?))
    });
    // Where several gateways take it, which one gets it is nobody's to say: `why` asks for `--node` then.
    let (gateway, listener) = takers.next().filter(|_| takers.next().is_none())?;
    // Its table alone decides, whether a rule is there for the host or not.
    let hosts = facts.hosts_of(gateway, listener).iter();
    let one = most_specific(hosts.map(|one| (host_matches(one.host.host, &host), one)))?;
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
pub enum Decided<'mesh> {
    /// This rule takes it.
    By(&'mesh Rule),
    /// It is refused: by the gate for methods, or by a rule that asks for the value of a header that came in several lines.
    Refused(Reason),
    /// No rule takes it.
    ByNobody,
}

/// What becomes of a request, among rules in the order in which they are tried.
pub fn decided<'mesh>(
    rules: &[&'mesh Rule],
    request: &WitnessRequest,
    languages: &mut Languages,
) -> Decided<'mesh> {
    if let Err(reason) = admit_method(&request.method) {
        return Decided::Refused(reason);
    }
    for rule in rules {
        if asks_for_another(rule, request) {
            continue;
        }
        match matched(&Entry::of(*rule), request, languages) {
            Match::Passes => {}
            Match::Takes => return Decided::By(rule),
            Match::Refuses => return Decided::Refused(Reason::RepeatedHeader),
        }
    }
    Decided::ByNobody
}

/// Whether a rule asks for another value of a header than the request has: most rules for one path do, and this is soon known.
fn asks_for_another(rule: &Rule, request: &WitnessRequest) -> bool {
    rule.matched.headers.iter().any(|header| {
        let ValueTest::Exact { text } = &header.value.test else {
            return false;
        };
        let field = request.field(&header.value.name);
        matches!(field, Field::Value(value) if *value != *text.as_bytes())
    })
}

/// The rule that takes a request, among rules in the order in which they are tried.
pub(crate) fn first_taker<'mesh>(
    rules: &[&'mesh Rule],
    request: &WitnessRequest,
    languages: &mut Languages,
) -> Option<&'mesh Rule> {
    match decided(rules, request, languages) {
        Decided::By(rule) => Some(rule),
        Decided::Refused(_) | Decided::ByNobody => None,
    }
}
