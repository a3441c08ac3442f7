//! Outcomes and what hangs on them; equal outcomes are stored once.

#[expect(
    clippy::disallowed_types,
    reason = "looked up by key only; records keep the order of first use"
)]
use std::collections::HashMap;

use foldhash::fast::RandomState;
use zerocopy::little_endian::U32;

use super::strings::{Strings, no_text};
use super::{number, span};
use crate::plan::{self, Action, PathRewrite};
use crate::records::{Answer, Backend, NONE, Outcome, Rewrite, RewritePart, Span};

/// The sections of outcomes as they grow.
#[derive(Default)]
pub(super) struct Outcomes {
    pub(super) records: Vec<Outcome>,
    pub(super) backends: Vec<Backend>,
    /// The policies, each once, in the order of first use.
    pub(super) policies: Vec<plan::Policy>,
    pub(super) rewrites: Vec<Rewrite>,
    pub(super) rewrite_parts: Vec<RewritePart>,
    pub(super) answers: Vec<Answer>,
    #[expect(clippy::disallowed_types, reason = "looked up by key only")]
    known: HashMap<plan::Outcome, u32, RandomState>,
    #[expect(clippy::disallowed_types, reason = "looked up by key only")]
    known_policies: HashMap<plan::Policy, u32, RandomState>,
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
        let limit = |millis: Option<u32>| U32::new(millis.unwrap_or(NONE));
        Outcome {
            action: U32::new(action),
            targets,
            request_timeout: limit(outcome.timeouts.request),
            backend_request_timeout: limit(outcome.timeouts.backend_request),
            connect_timeout: limit(outcome.timeouts.connect),
            idle_timeout: limit(outcome.timeouts.idle),
            path: U32::new(self.rewrite(outcome.path.as_ref(), strings)),
            host: outcome
                .host
                .as_deref()
                .map_or_else(no_text, |host| strings.add(host)),
            policy: U32::new(self.policy(&outcome.policy)),
        }
    }

    fn policy(&mut self, policy: &plan::Policy) -> u32 {
        if let Some(position) = self.known_policies.get(policy) {
            return *position;
        }
        let position = number(self.policies.len());
        self.policies.push(policy.clone());
        self.known_policies.insert(policy.clone(), position);
        position
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
