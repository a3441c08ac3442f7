//! Routes and their rules.

use weft_snapshot::plan::{Condition, PathPattern, PathRewrite};
use weft_space::{Predicate, Ranked, Repeats};
use weft_spec::units::{HostPattern, Method};
use weft_spec::{Span, Spanned};

use super::action::{Changes, HeaderChanges, Redirect, Respond, Rewrite, Scheme};
use super::{GatewayId, ServiceId, TeamId};
use crate::settings::Said;

/// The rules for one host of one listener, or for several.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: Spanned<String>,
    /// The team it names.
    pub team: Option<Spanned<TeamId>>,
    /// The gateway.
    pub gateway: GatewayId,
    /// The position of the listener in the gateway.
    pub listener: usize,
    /// Where the listener is written.
    pub on: Span,
    /// The hosts, each once; at least one.
    pub hosts: Vec<Spanned<HostPattern>>,
    /// The rules as written; those that make no sense are left out.
    pub rules: Vec<Rule>,
}

/// Which requests, and what becomes of them.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `<route>/<rule>`: the rule's name, else its position from 0.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<Spanned<String>>,
    /// The whole rule.
    pub span: Span,
    /// Which requests.
    pub matched: Match,
    /// Decides before anything else; the larger wins.
    pub priority: Option<Spanned<i32>>,
    /// What becomes of them.
    pub action: Action,
    /// The settings that it says.
    pub said: Said,
    /// Changes to the request. What few rules say lies apart, because a spec may have hundreds of thousands of them.
    pub request_headers: Option<Box<HeaderChanges>>,
    /// Changes to the response.
    pub response_headers: Option<Box<HeaderChanges>>,
    /// Changes to path and host.
    pub rewrite: Option<Box<Rewrite>>,
}

/// Which requests a rule takes.
#[derive(Clone, Debug)]
pub struct Match {
    /// The paths; the place is that of no file when nothing is said.
    pub path: Spanned<PathPattern>,
    /// The methods, sorted; empty means all.
    pub methods: Vec<Spanned<Method>>,
    /// Conditions on headers, sorted by name, each name once; names in lower case.
    pub headers: Vec<Spanned<Condition>>,
    /// Conditions on query parameters, sorted by name, each name once.
    pub query: Vec<Spanned<Condition>>,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Action {
    /// It goes to backends.
    Forward(Vec<Backend>),
    /// It is redirected.
    Redirect(Box<Redirect>),
    /// It is answered.
    Respond(Box<Respond>),
}

/// One backend of a rule.
#[derive(Clone, Debug)]
pub struct Backend {
    /// The service.
    pub service: ServiceId,
    /// The position of the version in the service; none for its `endpoints`.
    pub version: Option<usize>,
    /// Parts of a million.
    pub share: u32,
    /// Where the backend is written.
    pub span: Span,
    /// Where the share is written; in no file when there is one backend without a share.
    pub share_span: Span,
}

impl Route {
    /// Where it names a host, as it is written.
    pub fn host(&self, host: &str) -> Option<&Spanned<HostPattern>> {
        self.hosts.iter().find(|one| one.value.as_str() == host)
    }

    /// Its hosts as texts.
    pub fn host_names(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(|host| host.value.as_str())
    }
}

impl Predicate for Match {
    fn path(&self) -> &PathPattern {
        &self.path.value
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(|method| method.value.as_str())
    }

    fn headers(&self) -> impl Iterator<Item = &Condition> {
        self.headers.iter().map(|header| &header.value)
    }

    fn query(&self) -> impl Iterator<Item = &Condition> {
        self.query.iter().map(|parameter| &parameter.value)
    }
}

impl Predicate for Rule {
    fn path(&self) -> &PathPattern {
        self.matched.path()
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        self.matched.methods()
    }

    fn headers(&self) -> impl Iterator<Item = &Condition> {
        self.matched.headers()
    }

    fn query(&self) -> impl Iterator<Item = &Condition> {
        self.matched.query()
    }

    fn repeats(&self) -> Repeats {
        Repeats::Refused
    }
}

impl Ranked for Rule {
    fn id(&self) -> &str {
        &self.id
    }

    fn priority(&self) -> i32 {
        self.priority.as_ref().map_or(0, |priority| priority.value)
    }
}

impl Rule {
    /// The smallest place that stands for the rule: its name, else its path, else its start.
    pub fn place(&self) -> Span {
        let name = self.name.as_ref().map(|name| name.span);
        let path = self.matched.path.span;
        match name {
            Some(name) => name,
            None if !path.is_none() => path,
            None => self.start(),
        }
    }

    /// Whether it redirects to where requests come encrypted.
    pub fn leads_to_https(&self) -> bool {
        match &self.action {
            Action::Redirect(redirect) => {
                let scheme = redirect.scheme.as_ref();
                scheme.is_some_and(|scheme| scheme.value == Scheme::Https)
            }
            Action::Forward(_) | Action::Respond(_) => false,
        }
    }

    /// What it changes.
    pub fn changes(&self) -> Changes<'_> {
        Changes {
            rewrite: self.rewrite.as_deref(),
            request_headers: self.request_headers.as_deref(),
            response_headers: self.response_headers.as_deref(),
        }
    }

    /// The new path of what is forwarded, unless it is the old one for every path of the rule.
    pub fn new_path(&self) -> Option<&PathRewrite> {
        self.rewrite.as_ref()?.other_path()
    }

    /// The backends; none for redirects and answers.
    pub fn backends(&self) -> &[Backend] {
        match &self.action {
            Action::Forward(backends) => backends,
            Action::Redirect(_) | Action::Respond(_) => &[],
        }
    }

    /// The backends that get requests: those with a share.
    pub fn live_backends(&self) -> impl Iterator<Item = &Backend> {
        self.backends().iter().filter(|backend| 0 < backend.share)
    }

    // A whole rule can span many lines; its first byte is enough to find it.
    fn start(&self) -> Span {
        let end = self.span.start.saturating_add(1).min(self.span.end);
        Span::new(self.span.file, self.span.start, end)
    }
}
