//! What a spec says must hold of all requests, with names followed.

use weft_snapshot::plan::PathPattern;
use weft_spec::assertion::Facet;
use weft_spec::units::{Duration, HostPattern};
use weft_spec::{Span, Spanned};

use super::{Caller, Callers, GatewayId, Match, Operation, ServiceId};

/// A statement about all requests.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// What messages call it: its name, else what it says in short.
    pub name: String,
    /// The smallest place that stands for it.
    pub place: Span,
    /// What it says.
    pub form: Form,
}

/// What an assertion says.
#[derive(Clone, Debug)]
pub enum Form {
    /// Nobody can make this call.
    Never {
        /// Who does not.
        from: Source,
        /// The service.
        to: Spanned<ServiceId>,
        /// The requests; none means all.
        operation: Option<Operation>,
        /// Whether other services may stand between them.
        by_any_way: bool,
    },
    /// Nobody else can call a service.
    Only {
        /// The service.
        to: Spanned<ServiceId>,
        /// Who may.
        callers: Vec<Callers>,
        /// The requests; none means all.
        operation: Option<Operation>,
    },
    /// Every request of a region is treated so.
    Always {
        /// The region.
        region: Region,
        /// Encrypted, or redirected to where it is.
        https: bool,
        /// Between proxies that authenticate each other.
        mtls: bool,
        /// Forwarded to these services, if any are named.
        to: Vec<ServiceId>,
    },
    /// No setting of a region is larger.
    Bound {
        /// The region.
        region: Region,
        /// The timeout of the whole request.
        timeout: Option<Spanned<Duration>>,
        /// The number of tries.
        attempts: Option<Spanned<u8>>,
        /// The number of requests that one can become on its way to a service.
        amplification: Option<(ServiceId, u64)>,
    },
    /// Some request of a region goes to a service.
    Exists {
        /// The region.
        region: Region,
        /// The service.
        to: ServiceId,
    },
    /// Some rule takes every request of a region.
    Total {
        /// The region.
        region: Region,
    },
    /// Every request of a region is treated as in a snapshot.
    Same {
        /// The region.
        region: Region,
        /// The folder of the snapshot, from the folder of the spec.
        snapshot: Spanned<String>,
    },
    /// No edit changes how requests are treated.
    NoChange {
        /// The part of it; none means all.
        facet: Option<Facet>,
        /// The teams one of which may approve a change.
        unless: Vec<String>,
    },
}

/// Where a call begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// At any client of any gateway.
    Internet,
    /// At a gateway or a service.
    Node(Caller),
}

/// A set of requests to gateways.
#[derive(Clone, Debug)]
pub struct Region {
    /// The listener; none means all.
    pub listener: Option<(GatewayId, usize)>,
    /// The hosts; none means all.
    pub host: Option<Spanned<HostPattern>>,
    /// What else holds.
    pub matched: Match,
    /// Requests that are left out.
    pub except: Vec<Match>,
}

impl Region {
    /// The hosts as a pattern.
    pub fn host_pattern(&self) -> &str {
        self.host.as_ref().map_or("*", |host| host.value.as_str())
    }

    /// Whether the region has all requests of its hosts.
    pub fn has_all_of_its_hosts(&self) -> bool {
        let Match {
            path,
            methods,
            headers,
            query,
        } = &self.matched;
        let has_all_paths = match &path.value {
            PathPattern::Segments { segments, rest } => segments.is_empty() && *rest,
            PathPattern::Regex { .. } => false,
        };
        let is_free = methods.is_empty() && headers.is_empty() && query.is_empty();
        has_all_paths && is_free && self.except.is_empty()
    }
}
