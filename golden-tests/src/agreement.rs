//! What `weft why` says of a refusal is what the proxy answers.
//!
//! Every exchange of a `serve` case is asked of `why`, too. Where one of both refuses the request before it is forwarded, the other has to
//! refuse it for the same reason. What only a running proxy can know is left out: connections, bodies, time, and what upstreams do.

use anyhow::{Context, bail};
use weft_back::snapshot::Snapshot;
use weft_examples::client::Answer;
use weft_front::question::Question;
use weft_snapshot::Reason;
use weft_snapshot::reason::Group;
use weft_tell::why::{WhyError, why};

use crate::exchange::{Ask, Asker};
use crate::stand::Stand;

/// Compares what a proxy answered with what `why` says.
///
/// # Errors
///
/// When they do not agree.
pub(crate) fn check(
    stand: &Stand,
    snapshot: &Snapshot,
    ask: &Ask,
    answer: &Answer,
) -> anyhow::Result<()> {
    let told = answer.headers.get("x-weft-reason");
    let told = told.map(|name| name.to_str()).transpose()?;
    let told = told.map(|name| Reason::parse(name).context("an unknown reason"));
    let told = told.transpose()?;
    if told.is_some_and(|reason| !is_for_why(reason)) {
        return Ok(());
    }
    let said = said(snapshot, &question(stand, ask)?)?;
    if said != told {
        bail!("`why` says {said:?}, and the proxy {told:?}");
    }
    Ok(())
}

/// Whether `why` can know the reason.
fn is_for_why(reason: Reason) -> bool {
    // Which certificate a connection was made with is not part of a question, nor is the body, nor how busy a proxy is.
    let is_beyond = matches!(
        reason,
        Reason::BadBody
            | Reason::BodyTimeout
            | Reason::BodyTooLarge
            | Reason::HeadTimeout
            | Reason::Misdirected
            | Reason::OverloadedMemory
    );
    reason.group() == Group::Request && !is_beyond
}

/// The reason for which `why` says that a proxy on the way refuses the request.
fn said(snapshot: &Snapshot, question: &Question) -> anyhow::Result<Option<Reason>> {
    match why(snapshot, question) {
        Ok(answer) => {
            let mut refusals = answer.hops.into_iter().filter_map(|hop| hop.refusal);
            Ok(refusals.next().map(|refusal| refusal.reason))
        }
        Err(WhyError::NoListener { .. }) => Ok(Some(Reason::UnknownHost)),
        Err(error) => Err(error.into()),
    }
}

/// The question about a request.
fn question(stand: &Stand, ask: &Ask) -> anyhow::Result<Question> {
    let call = &ask.call;
    let headers = call.headers.iter();
    let target = if call.target.starts_with('/') {
        call.target.clone()
    } else {
        // The target of a CONNECT is an authority.
        "/".to_owned()
    };
    let is_own_app = ask.listener == "outbound";
    let asker = match &ask.asker {
        Asker::Node(node) => Some(node.clone()),
        Asker::Client | Asker::Nobody | Asker::Plain => None,
    };
    Ok(Question {
        method: call.method.clone(),
        is_https: None,
        authority: call.host.clone(),
        port: Some(stand.address(ask)?.port()).filter(|_| ask.node.starts_with("gateway/")),
        target,
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect(),
        // An app is who its sidecar says it is.
        from: if is_own_app {
            Some(ask.node.clone())
        } else {
            asker
        },
        node: Some(ask.node.clone()).filter(|_| !is_own_app),
        why_not: None,
    })
}
