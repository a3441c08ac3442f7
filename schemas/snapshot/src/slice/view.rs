//! Routes and outcomes of a slice, read in place.

use std::sync::LazyLock;

use zerocopy::little_endian::U32;

use super::{Reader, part};
use crate::number::wide;
use crate::plan::{Backend, Timeouts};
use crate::policy::Policy;
use crate::records::{self, NONE, Span};

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route<'s> {
    reader: Reader<'s>,
    record: &'s records::Route,
    index: u32,
}

impl<'s> Route<'s> {
    pub(super) fn new(reader: Reader<'s>, record: &'s records::Route, index: u32) -> Self {
        Self {
            reader,
            record,
            index,
        }
    }

    /// Its position in the slice.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its stable name.
    pub fn id(&self) -> &'s str {
        self.reader.text(self.record.id)
    }

    /// The pattern of its host.
    pub fn host(&self) -> &'s str {
        let host = self.reader.hosts().get(wide(self.record.host.get()));
        host.map_or("", |host| self.reader.text(host.pattern))
    }

    /// What becomes of its requests.
    pub fn outcome(&self) -> OutcomeView<'s> {
        const NOTHING: &records::Outcome = &records::Outcome {
            action: U32::new(2),
            targets: Span {
                start: U32::ZERO,
                count: U32::ZERO,
            },
            request_timeout: U32::ZERO,
            backend_request_timeout: U32::ZERO,
            connect_timeout: U32::ZERO,
            idle_timeout: U32::ZERO,
            path: U32::new(NONE),
            host: records::Text {
                offset: U32::new(NONE),
                length: U32::ZERO,
            },
            policy: U32::new(NONE),
        };
        // A checked slice has the outcome; the stand-in answers 500 and forwards nothing.
        let record = self
            .reader
            .outcomes()
            .get(wide(self.record.outcome.get()))
            .unwrap_or(NOTHING);
        OutcomeView {
            reader: self.reader,
            record,
        }
    }

    /// Its record, for reading the plan back.
    pub(super) fn record(&self) -> &'s records::Route {
        self.record
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub struct OutcomeView<'s> {
    reader: Reader<'s>,
    record: &'s records::Outcome,
}

/// Forward, redirect or answer.
#[derive(Clone, Debug)]
pub enum ActionView<'s> {
    /// To these backends.
    Forward(Backends<'s>),
    /// A redirect.
    Redirect(Redirect<'s>),
    /// A fixed answer.
    Respond(Respond<'s>),
}

/// A redirect; see [`crate::plan::Action::Redirect`].
#[derive(Clone, Copy, Debug)]
pub struct Redirect<'s> {
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// `http` or `https`; that of the request when absent.
    pub scheme: Option<&'s str>,
    /// The host; that of the request when absent.
    pub host: Option<&'s str>,
    /// The port; when absent, that of the request unless `scheme` is given.
    pub port: Option<u16>,
    /// The path; that of the request when absent.
    pub path: Option<Rewrite<'s>>,
}

/// A fixed answer.
#[derive(Clone, Copy, Debug)]
pub struct Respond<'s> {
    /// 200 to 599.
    pub status: u16,
    /// The body.
    pub body: &'s str,
    /// The `content-type`; none when empty.
    pub content_type: &'s str,
}

/// The backends of a route.
#[derive(Clone, Debug)]
pub struct Backends<'s> {
    records: std::slice::Iter<'s, records::Backend>,
}

impl Iterator for Backends<'_> {
    type Item = Backend;

    fn next(&mut self) -> Option<Backend> {
        let record = self.records.next()?;
        Some(Backend {
            cluster: record.cluster.get(),
            share: record.share.get(),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl ExactSizeIterator for Backends<'_> {}

impl<'s> OutcomeView<'s> {
    /// Forward, redirect or answer.
    pub fn action(&self) -> ActionView<'s> {
        let targets = self.record.targets;
        if self.record.action.get() == 0 {
            let records = part(self.reader.backends(), targets).iter();
            return ActionView::Forward(Backends { records });
        }
        let reader = self.reader;
        let Some(answer) = part(reader.answers(), targets).first() else {
            return ActionView::Respond(Respond {
                status: 500,
                body: "",
                content_type: "",
            });
        };
        let status = narrow(answer.status.get());
        if self.record.action.get() == 2 {
            let (body, content_type) = (reader.text(answer.text), reader.text(answer.kind));
            return ActionView::Respond(Respond {
                status,
                body,
                content_type,
            });
        }
        let port = answer.port.get();
        ActionView::Redirect(Redirect {
            status,
            scheme: reader.optional_text(answer.kind),
            host: reader.optional_text(answer.text),
            port: (port != NONE).then(|| narrow(port)),
            path: rewrite(reader, answer.path.get()),
        })
    }

    /// Limits on waiting.
    pub fn timeouts(&self) -> Timeouts {
        let limit = |millis: U32| Some(millis.get()).filter(|millis| *millis != NONE);
        Timeouts {
            request: limit(self.record.request_timeout),
            backend_request: limit(self.record.backend_request_timeout),
            connect: limit(self.record.connect_timeout),
            idle: limit(self.record.idle_timeout),
        }
    }

    /// Everything else that is settled for these requests.
    pub fn policy(&self) -> &'s Policy {
        static NONE: LazyLock<Policy> = LazyLock::new(Policy::default);
        // A checked slice has the policy.
        let position = wide(self.record.policy.get());
        self.reader.policies.get(position).unwrap_or_else(|| &NONE)
    }

    /// The new path, if it is rewritten.
    pub fn path(&self) -> Option<Rewrite<'s>> {
        rewrite(self.reader, self.record.path.get())
    }

    /// The new host, if it is rewritten.
    pub fn host(&self) -> Option<&'s str> {
        self.reader.optional_text(self.record.host)
    }
}

fn narrow(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn rewrite(reader: Reader<'_>, index: u32) -> Option<Rewrite<'_>> {
    reader
        .rewrites()
        .get(wide(index))
        .map(|record| Rewrite { reader, record })
}

/// How a new path is made from the old one.
#[derive(Clone, Copy, Debug)]
pub struct Rewrite<'s> {
    reader: Reader<'s>,
    record: &'s records::Rewrite,
}

impl<'s> Rewrite<'s> {
    /// The new path for a canonical one that the route matched.
    pub fn apply(&self, path: &str) -> String {
        rewritten(self.parts(), self.rest_from(), path)
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'s>> + use<'s> {
        let reader = self.reader;
        part(reader.rewrite_parts(), self.record.parts)
            .iter()
            .map(move |part| match part.form.get() {
                0 => Part::Literal(reader.text(part.text)),
                _ => Part::Segment(part.index.get()),
            })
    }

    pub(super) fn rest_from(&self) -> Option<u32> {
        Some(self.record.rest_from.get()).filter(|from| *from != NONE)
    }
}

/// The new path of these parts and the rest of the old one from a segment on.
pub(crate) fn rewritten<'s>(
    parts: impl Iterator<Item = Part<'s>>,
    rest_from: Option<u32>,
    path: &str,
) -> String {
    let old = path.strip_prefix('/').unwrap_or(path);
    let mut new = String::with_capacity(path.len() + 16);
    for part in parts {
        new.push('/');
        match part {
            Part::Literal(text) => new.push_str(text),
            Part::Segment(index) => new.push_str(old.split('/').nth(wide(index)).unwrap_or("")),
        }
    }
    if let Some(from) = rest_from {
        for segment in old.split('/').skip(wide(from)) {
            new.push('/');
            new.push_str(segment);
        }
    }
    if new.is_empty() { "/".to_owned() } else { new }
}

/// One segment of a new path.
pub(crate) enum Part<'s> {
    Literal(&'s str),
    Segment(u32),
}
