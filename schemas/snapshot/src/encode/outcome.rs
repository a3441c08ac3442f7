//! Outcomes and what hangs on them; equal outcomes are stored once.

#[expect(
    clippy::disallowed_types,
    reason = "looked up by key only; records keep the order of first use"
)]
use std::collections::HashMap;

use zerocopy::little_endian::{U32, U64};

use super::strings::{Strings, no_text};
use super::{number, span};
use crate::plan::{self, Action, PathRewrite};
use crate::records::{
    Answer, Backend, HeaderChange, NONE, Outcome, Rewrite, RewritePart, Span, flag,
};

/// The sections of outcomes as they grow.
#[derive(Default)]
pub(super) struct Outcomes {
    pub(super) records: Vec<Outcome>,
    pub(super) backends: Vec<Backend>,
    pub(super) header_changes: Vec<HeaderChange>,
    pub(super) statuses: Vec<U32>,
    pub(super) rewrites: Vec<Rewrite>,
    pub(super) rewrite_parts: Vec<RewritePart>,
    pub(super) answers: Vec<Answer>,
    #[expect(clippy::disallowed_types, reason = "looked up by key only")]
    known: HashMap<plan::Outcome, u32>,
}

impl Outcomes {
    /// The position of `outcome`, which is stored when it is new.
    pub(super) fn add(&mut self, outcome: &plan::Outcome, strings: &mut Strings) -> u32 {
        if let Some(position) = self.known.get(outcome) {
            return *position;
        }
        let record = self.record(outcome, strings);
        self.records.push(record);
        let position = number(self.records.len() - 1);
        self.known.insert(outcome.clone(), position);
        position
    }

    fn record(&mut self, outcome: &plan::Outcome, strings: &mut Strings) -> Outcome {
        let (action, targets) = self.action(&outcome.action, strings);
        let statuses = self.statuses.len();
        self.statuses.extend(
            outcome
                .retry
                .on_statuses
                .iter()
                .map(|status| U32::new(u32::from(*status))),
        );
        let limit = |millis: Option<u32>| U32::new(millis.unwrap_or(NONE));
        Outcome {
            action: U32::new(action),
            targets,
            request_timeout: limit(outcome.timeouts.request),
            backend_request_timeout: limit(outcome.timeouts.backend_request),
            connect_timeout: limit(outcome.timeouts.connect),
            idle_timeout: limit(outcome.timeouts.idle),
            attempts: U32::new(u32::from(outcome.retry.attempts)),
            flags: U32::new(flags(outcome)),
            statuses: span(statuses, self.statuses.len()),
            budget: U32::new(outcome.retry.budget.unwrap_or(NONE)),
            backoff_base: U32::new(outcome.retry.backoff_base),
            backoff_max: U32::new(outcome.retry.backoff_max),
            request_headers: self.headers(&outcome.request_headers, strings),
            response_headers: self.headers(&outcome.response_headers, strings),
            path: U32::new(self.rewrite(outcome.path.as_ref(), strings)),
            host: outcome
                .host
                .as_deref()
                .map_or_else(no_text, |host| strings.add(host)),
            max_body: U64::new(outcome.max_body.unwrap_or(u64::MAX)),
        }
    }

    fn action(&mut self, action: &Action, strings: &mut Strings) -> (u32, Span) {
        match action {
            Action::Forward { backends } => {
                let start = self.backends.len();
                self.backends.extend(backends.iter().map(|backend| Backend {
                    cluster: U32::new(backend.cluster),
                    share: U32::new(backend.share),
                }));
                (0, span(start, self.backends.len()))
            }
            Action::Redirect {
                status,
                scheme,
                host,
                port,
                path,
            } => {
                let answer = Answer {
                    status: U32::new(u32::from(*status)),
                    text: host
                        .as_deref()
                        .map_or_else(no_text, |host| strings.add(host)),
                    kind: scheme
                        .as_deref()
                        .map_or_else(no_text, |scheme| strings.add(scheme)),
                    port: U32::new(port.map_or(NONE, u32::from)),
                    path: U32::new(self.rewrite(path.as_ref(), strings)),
                };
                self.answers.push(answer);
                (1, span(self.answers.len() - 1, self.answers.len()))
            }
            Action::Respond {
                status,
                body,
                content_type,
            } => {
                self.answers.push(Answer {
                    status: U32::new(u32::from(*status)),
                    text: strings.add(body),
                    kind: strings.add(content_type),
                    port: U32::new(NONE),
                    path: U32::new(NONE),
                });
                (2, span(self.answers.len() - 1, self.answers.len()))
            }
        }
    }

    fn headers(&mut self, changes: &plan::HeaderChanges, strings: &mut Strings) -> Span {
        let start = self.header_changes.len();
        for name in &changes.remove {
            let change = HeaderChange {
                form: U32::new(0),
                name: strings.add(name),
                value: no_text(),
            };
            self.header_changes.push(change);
        }
        for (form, pairs) in [(1, &changes.set), (2, &changes.add)] {
            for (name, value) in pairs {
                let (name, value) = (strings.add(name), strings.add(value));
                self.header_changes.push(HeaderChange {
                    form: U32::new(form),
                    name,
                    value,
                });
            }
        }
        span(start, self.header_changes.len())
    }

    fn rewrite(&mut self, rewrite: Option<&PathRewrite>, strings: &mut Strings) -> u32 {
        let Some(rewrite) = rewrite else { return NONE };
        let start = self.rewrite_parts.len();
        for part in &rewrite.parts {
            let (form, text, index) = match part {
                plan::RewritePart::Literal { text } => (0, strings.add(text), 0),
                plan::RewritePart::Segment { index } => (1, no_text(), *index),
            };
            let (form, index) = (U32::new(form), U32::new(index));
            self.rewrite_parts.push(RewritePart { form, text, index });
        }
        self.rewrites.push(Rewrite {
            parts: span(start, self.rewrite_parts.len()),
            rest_from: U32::new(rewrite.rest_from.unwrap_or(NONE)),
        });
        number(self.rewrites.len() - 1)
    }
}

fn flags(outcome: &plan::Outcome) -> u32 {
    let retry = &outcome.retry;
    [
        (retry.on_connect_failure, flag::CONNECT_FAILURE),
        (retry.on_refused_stream, flag::REFUSED_STREAM),
        (retry.on_reset, flag::RESET),
        (retry.on_backend_timeout, flag::BACKEND_TIMEOUT),
        (retry.on_5xx, flag::SERVER_ERROR),
        (retry.idempotent, flag::IDEMPOTENT),
        (outcome.websocket, flag::WEBSOCKET),
        (outcome.trailers, flag::TRAILERS),
    ]
    .into_iter()
    .filter_map(|(is_set, bit)| is_set.then_some(bit))
    .fold(0, |bits, bit| bits | bit)
}
