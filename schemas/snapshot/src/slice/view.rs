//! Routes and outcomes of a slice, read in place.

use zerocopy::little_endian::U32;

use super::{Reader, part};
use crate::number::wide;
use crate::plan::{Backend, Timeouts};
use crate::records::{self, NONE, Span, flag};

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
    pub fn outcome(&self) -> Outcome<'s> {
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
            attempts: U32::ZERO,
            flags: U32::ZERO,
            statuses: Span {
                start: U32::ZERO,
                count: U32::ZERO,
            },
            budget: U32::ZERO,
            backoff_base: U32::ZERO,
            backoff_max: U32::ZERO,
            request_headers: Span {
                start: U32::ZERO,
                count: U32::ZERO,
            },
            response_headers: Span {
                start: U32::ZERO,
                count: U32::ZERO,
            },
            path: U32::new(NONE),
            host: records::Text {
                offset: U32::new(NONE),
                length: U32::ZERO,
            },
            max_body: zerocopy::little_endian::U64::ZERO,
        };
        // A checked slice has the outcome; the stand-in answers 500 and forwards nothing.
        let record = self
            .reader
            .outcomes()
            .get(wide(self.record.outcome.get()))
            .unwrap_or(NOTHING);
        Outcome {
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
pub struct Outcome<'s> {
    reader: Reader<'s>,
    record: &'s records::Outcome,
}

/// Forward, redirect or answer.
#[derive(Clone, Debug)]
pub enum Action<'s> {
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

impl<'s> Outcome<'s> {
    /// Forward, redirect or answer.
    pub fn action(&self) -> Action<'s> {
        let targets = self.record.targets;
        if self.record.action.get() == 0 {
            let records = part(self.reader.backends(), targets).iter();
            return Action::Forward(Backends { records });
        }
        let reader = self.reader;
        let Some(answer) = part(reader.answers(), targets).first() else {
            return Action::Respond(Respond {
                status: 500,
                body: "",
                content_type: "",
            });
        };
        let status = narrow(answer.status.get());
        if self.record.action.get() == 2 {
            let (body, content_type) = (reader.text(answer.text), reader.text(answer.kind));
            return Action::Respond(Respond {
                status,
                body,
                content_type,
            });
        }
        let port = answer.port.get();
        Action::Redirect(Redirect {
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

    /// Retries.
    pub fn retry(&self) -> Retry<'s> {
        let flags = self.record.flags.get();
        Retry {
            attempts: u8::try_from(self.record.attempts.get()).unwrap_or(1),
            on_connect_failure: flags & flag::CONNECT_FAILURE != 0,
            on_refused_stream: flags & flag::REFUSED_STREAM != 0,
            on_reset: flags & flag::RESET != 0,
            on_backend_timeout: flags & flag::BACKEND_TIMEOUT != 0,
            on_5xx: flags & flag::SERVER_ERROR != 0,
            statuses: part(self.reader.statuses(), self.record.statuses),
            budget: Some(self.record.budget.get()).filter(|share| *share != NONE),
            backoff_base: self.record.backoff_base.get(),
            backoff_max: self.record.backoff_max.get(),
            idempotent: flags & flag::IDEMPOTENT != 0,
        }
    }

    /// Changes to the request before it is forwarded.
    pub fn request_headers(&self) -> HeaderChanges<'s> {
        HeaderChanges::new(self.reader, self.record.request_headers)
    }

    /// Changes to the response before it is sent.
    pub fn response_headers(&self) -> HeaderChanges<'s> {
        HeaderChanges::new(self.reader, self.record.response_headers)
    }

    /// The new path, if it is rewritten.
    pub fn path(&self) -> Option<Rewrite<'s>> {
        rewrite(self.reader, self.record.path.get())
    }

    /// The new host, if it is rewritten.
    pub fn host(&self) -> Option<&'s str> {
        self.reader.optional_text(self.record.host)
    }

    /// Whether a WebSocket upgrade passes.
    pub fn websocket(&self) -> bool {
        self.record.flags.get() & flag::WEBSOCKET != 0
    }

    /// Whether trailers of requests pass; those of gRPC always do.
    pub fn trailers(&self) -> bool {
        self.record.flags.get() & flag::TRAILERS != 0
    }

    /// The largest request body in bytes.
    pub fn max_body(&self) -> Option<u64> {
        Some(self.record.max_body.get()).filter(|bytes| *bytes != u64::MAX)
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

/// When and how often a request is tried again; see [`crate::plan::Retry`].
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent condition of the spec"
)]
pub struct Retry<'s> {
    /// The number of tries: 1 means none again.
    pub attempts: u8,
    /// After a connection could not be opened.
    pub on_connect_failure: bool,
    /// After a stream was refused unseen.
    pub on_refused_stream: bool,
    /// After the connection broke before a response head.
    pub on_reset: bool,
    /// After an attempt timed out.
    pub on_backend_timeout: bool,
    /// After any status from 500 to 599.
    pub on_5xx: bool,
    /// The largest share of retries among requests, in parts of a million; none means "no bound".
    pub budget: Option<u32>,
    /// The upper bound of the first wait, in milliseconds.
    pub backoff_base: u32,
    /// The upper bound of every wait, in milliseconds.
    pub backoff_max: u32,
    /// Whether methods that are not idempotent may be repeated too.
    pub idempotent: bool,
    statuses: &'s [U32],
}

impl Retry<'_> {
    /// Whether a response with `status` is worth another try.
    pub fn on_status(&self, status: u16) -> bool {
        (self.on_5xx && (500..=599).contains(&status))
            || self.statuses().any(|known| known == status)
    }

    /// The statuses that are worth another try, beside `on_5xx`.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.statuses.iter().map(|status| narrow(status.get()))
    }
}

/// Changes to headers, to be applied in the order remove, set, add.
#[derive(Clone, Copy, Debug)]
pub struct HeaderChanges<'s> {
    reader: Reader<'s>,
    records: &'s [records::HeaderChange],
}

impl<'s> HeaderChanges<'s> {
    fn new(reader: Reader<'s>, changes: Span) -> Self {
        Self {
            reader,
            records: part(reader.header_changes(), changes),
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Names of which all values are removed.
    pub fn remove(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.of_form(0).map(|(name, _)| name)
    }

    /// Names with the one value they get.
    pub fn set(&self) -> impl Iterator<Item = (&'s str, &'s str)> + use<'s> {
        self.of_form(1)
    }

    /// Names with a value they get beside others.
    pub fn add(&self) -> impl Iterator<Item = (&'s str, &'s str)> + use<'s> {
        self.of_form(2)
    }

    fn of_form(&self, form: u32) -> impl Iterator<Item = (&'s str, &'s str)> + use<'s> {
        let reader = self.reader;
        self.records
            .iter()
            .filter(move |change| change.form.get() == form)
            .map(move |change| {
                (
                    reader.text(change.name),
                    reader.optional_text(change.value).unwrap_or(""),
                )
            })
    }
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
