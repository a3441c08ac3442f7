//! Services, what they call and who may call them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use weft_snapshot::plan::{Condition, PathPattern};
use weft_space::Predicate;
use weft_spec::mesh::Mtls;
use weft_spec::service::{Sensitivity, ServiceProtocol};
use weft_spec::units::{Date, Duration, Method};
use weft_spec::{Span, Spanned};

use super::{Callers, Endpoints, GatewayId, ServiceId, TeamId};
use crate::settings::Said;

/// Where a sidecar hears other proxies when nothing is said.
pub const DEFAULT_INBOUND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 15_443);
/// Where a sidecar hears its app when nothing is said.
pub const DEFAULT_OUTBOUND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 15_001);

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: Spanned<String>,
    /// The team it names.
    pub team: Option<Spanned<TeamId>>,
    /// What it speaks.
    pub protocol: Spanned<ServiceProtocol>,
    /// The process behind the sidecar; absent without a sidecar.
    pub app: Option<Spanned<SocketAddr>>,
    /// Where the sidecar hears other proxies, if said.
    pub inbound: Option<Spanned<SocketAddr>>,
    /// Where the sidecar hears its app, if said.
    pub outbound: Option<Spanned<SocketAddr>>,
    /// Its instances, unless it has only versions.
    pub endpoints: Option<Spanned<Endpoints>>,
    /// Its versions, in the order of their names.
    pub versions: Vec<Version>,
    /// Its contract: the settings that it says.
    pub said: Said,
    /// The host that it sees, if said.
    pub host: Option<Spanned<ServiceHost>>,
    /// Whether its answers are streams without an end.
    pub streaming: bool,
    /// How long an answer takes at most, as it promises.
    pub slo: Option<Spanned<Duration>>,
    /// What it calls, in the order of the names of the services called.
    pub calls: Vec<Call>,
    /// How carefully its data is to be handled, if said.
    pub sensitivity: Option<Spanned<Sensitivity>>,
    /// Its calls for one request, as positions in `calls`: steps one after the other, the calls of one step together.
    pub plan: Vec<Vec<Spanned<usize>>>,
    /// Who may call it, as written.
    pub allow: Vec<Allow>,
    /// What it refuses although `allow` admits it, as written.
    pub deny: Vec<Deny>,
    /// Whether a part of `allow` or `deny` was left out because it was wrong.
    pub allow_incomplete: bool,
    /// Its own mTLS mode.
    pub mtls: Option<Spanned<Mtls>>,
    /// The last day of `mtls: permissive`.
    pub until: Option<Spanned<Date>>,
    /// TLS to a service without a sidecar.
    pub tls: Option<Spanned<UpstreamTls>>,
}

/// The host that a service sees.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ServiceHost {
    /// That of the request.
    Keep,
    /// This one, perhaps with a port.
    Name(String),
}

/// TLS to a service without a sidecar.
#[derive(Clone, Debug)]
pub struct UpstreamTls {
    /// The name that its certificate has, which is sent as SNI too.
    pub verify: Spanned<String>,
    /// The path of a PEM file with the certificates that may sign it.
    pub roots: Spanned<String>,
}

/// A version of a service.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its name.
    pub name: Spanned<String>,
    /// Its instances.
    pub endpoints: Spanned<Endpoints>,
}

/// A call to another service.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service called; the place is its name in `calls`.
    pub to: Spanned<ServiceId>,
    /// The operations; empty means everything.
    pub operations: Vec<Operation>,
    /// The settings that it says.
    pub said: Said,
    /// How many of these calls one request causes, if said.
    pub fan_out: Option<Spanned<u32>>,
}

/// An operation: `POST /v1/charges`.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The paths.
    pub path: PathPattern,
    /// The operation as written.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// Who calls.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Caller {
    /// A gateway.
    Gateway(GatewayId),
    /// A service.
    Service(ServiceId),
}

/// A permission to call.
#[derive(Clone, Debug)]
pub struct Allow {
    /// Its position in the list, from 0.
    pub position: usize,
    /// The callers.
    pub from: Vec<Spanned<Callers>>,
    /// The methods; empty means all.
    pub methods: Vec<Spanned<Method>>,
    /// The paths.
    pub path: Spanned<PathPattern>,
    /// The whole permission.
    pub span: Span,
}

/// Calls that are refused, whatever is allowed.
#[derive(Clone, Debug)]
pub struct Deny {
    /// Its position in the list, from 0.
    pub position: usize,
    /// The callers; none means everybody.
    pub from: Option<Vec<Spanned<Callers>>>,
    /// The methods; empty means all.
    pub methods: Vec<Spanned<Method>>,
    /// The paths.
    pub path: Spanned<PathPattern>,
    /// The whole entry.
    pub span: Span,
}

impl Predicate for Operation {
    fn path(&self) -> &PathPattern {
        &self.path
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.method.as_str())
    }

    fn headers(&self) -> impl Iterator<Item = &Condition> {
        std::iter::empty()
    }

    fn query(&self) -> impl Iterator<Item = &Condition> {
        std::iter::empty()
    }
}

/// The requests that a permission admits, whoever sends them.
impl Predicate for Allow {
    fn path(&self) -> &PathPattern {
        &self.path.value
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(|method| method.value.as_str())
    }

    fn headers(&self) -> impl Iterator<Item = &Condition> {
        std::iter::empty()
    }

    fn query(&self) -> impl Iterator<Item = &Condition> {
        std::iter::empty()
    }
}

/// The requests that are denied, whoever sends them.
impl Predicate for Deny {
    fn path(&self) -> &PathPattern {
        &self.path.value
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(|method| method.value.as_str())
    }

    fn headers(&self) -> impl Iterator<Item = &Condition> {
        std::iter::empty()
    }

    fn query(&self) -> impl Iterator<Item = &Condition> {
        std::iter::empty()
    }
}

impl Allow {
    /// Whether it is for all of some callers.
    pub fn names(&self, callers: impl Into<Callers>) -> bool {
        let callers = callers.into();
        self.from.iter().any(|from| from.value.has(callers))
    }
}

impl Deny {
    /// Whether it is for all of some callers.
    pub fn names(&self, callers: impl Into<Callers>) -> bool {
        let callers = callers.into();
        let is_named =
            |from: &Vec<Spanned<Callers>>| from.iter().any(|from| from.value.has(callers));
        self.from.as_ref().is_none_or(is_named)
    }
}

impl Service {
    /// Everybody whom a permission names, each once.
    pub fn callers(&self) -> std::collections::BTreeSet<Callers> {
        let named = self.allow.iter().flat_map(|allow| &allow.from);
        named.map(|from| from.value).collect()
    }

    /// The paths of all permissions and denials.
    pub fn access_paths(&self) -> impl Iterator<Item = &Spanned<PathPattern>> {
        let allowed = self.allow.iter().map(|allow| &allow.path);
        allowed.chain(self.deny.iter().map(|deny| &deny.path))
    }

    /// Where the sidecar hears other proxies.
    pub fn inbound_address(&self) -> SocketAddr {
        self.inbound
            .as_ref()
            .map_or(DEFAULT_INBOUND, |address| address.value)
    }

    /// The host that it sees in requests whose rule does not rewrite theirs; none for that of the request.
    pub fn seen_host(&self) -> Option<&str> {
        match self.host.as_ref().map(|host| &host.value) {
            Some(ServiceHost::Keep) => None,
            Some(ServiceHost::Name(name)) => Some(name),
            // A server elsewhere tells its sites apart by the name that its certificate carries.
            None => self.tls.as_ref().map(|tls| tls.value.verify.value.as_str()),
        }
    }

    /// Where it says that its data is encrypted on every hop, if it does.
    pub fn asks_for_encryption(&self) -> Option<Span> {
        let said = self
            .sensitivity
            .filter(|said| Sensitivity::Internal <= said.value);
        said.map(|said| said.span)
    }

    /// Where the sidecar hears its app.
    pub fn outbound_address(&self) -> SocketAddr {
        self.outbound
            .as_ref()
            .map_or(DEFAULT_OUTBOUND, |address| address.value)
    }
}
