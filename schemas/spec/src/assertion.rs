//! What a spec says must hold of all requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::matching::{PathMatch, ValueMatch};
use crate::mesh::Mtls;
use crate::named::Named;
use crate::spanned::Spanned;
use crate::units::{Duration, HostPattern, Method};

/// A statement about all requests: exactly one of `never`, `only`, `always`, `bound`, `exists`, `total`, `same` and `noChange`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assertion {
    /// What messages call it.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// Nobody can make this call.
    #[serde(default)]
    pub never: Option<Box<Spanned<Never>>>,
    /// Nobody but these can call a service.
    #[serde(default)]
    pub only: Option<Box<Spanned<Only>>>,
    /// Every request of a region is treated so.
    #[serde(default)]
    pub always: Option<Box<Spanned<Always>>>,
    /// No setting of a region is larger.
    #[serde(default)]
    pub bound: Option<Box<Spanned<AtMost>>>,
    /// Some request of a region goes to a service.
    #[serde(default)]
    pub exists: Option<Box<Spanned<Exists>>>,
    /// Some rule takes every request of a region.
    #[serde(default)]
    pub total: Option<Box<Spanned<Region>>>,
    /// Every request of a region is treated as in a snapshot.
    #[serde(default)]
    pub same: Option<Box<Spanned<Same>>>,
    /// No edit changes how requests are treated; asked by `weft diff`.
    #[serde(default)]
    pub no_change: Option<Box<Spanned<NoChange>>>,
}

/// A call that must not be possible.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Never {
    /// `internet` (any client of a gateway), `gateway/<name>` or `service/<name>`.
    pub from: Spanned<String>,
    /// The service called.
    pub to: Spanned<String>,
    /// The requests, as `METHOD /path`; all by default.
    #[serde(default)]
    pub operation: Option<Spanned<String>>,
    /// Whether other services may stand between them; `direct` by default.
    #[serde(default)]
    pub via: Option<Spanned<Via>>,
}

/// How many steps a call may take.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// One.
    Direct,
    /// Any number: a chain of calls, each declared and allowed.
    Any,
}

/// The only callers of a service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Only {
    /// The service called.
    pub to: Spanned<String>,
    /// Who may call it, as `gateway/<name>` or `service/<name>`.
    pub callers: Vec<Spanned<String>>,
    /// The requests, as `METHOD /path`; all by default.
    #[serde(default)]
    pub operation: Option<Spanned<String>>,
}

/// How all requests of a region are treated; those that no rule takes are left out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Always {
    /// The region.
    #[serde(rename = "for")]
    pub region: Spanned<Region>,
    /// They come encrypted, or are redirected to where they do.
    #[serde(default)]
    pub https: Option<Spanned<bool>>,
    /// `strict`: the proxies of the services authenticate each other.
    #[serde(default)]
    pub mtls: Option<Spanned<Mtls>>,
    /// Those that are forwarded go to these services.
    #[serde(default)]
    pub to: Vec<Spanned<String>>,
}

/// The largest settings of all forwarding rules that take requests of a region.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AtMost {
    /// The region; all requests by default.
    #[serde(rename = "for", default)]
    pub region: Option<Spanned<Region>>,
    /// The service whose amplification is bounded.
    #[serde(default)]
    pub to: Option<Spanned<String>>,
    /// The timeout of the whole request.
    #[serde(default)]
    pub timeout: Option<Spanned<Duration>>,
    /// The number of tries.
    #[serde(default)]
    pub attempts: Option<Spanned<u8>>,
    /// How many requests one can become on its way to `to`, by the tries of all layers.
    #[serde(default)]
    pub amplification: Option<Spanned<u64>>,
}

/// A request that must be possible.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exists {
    /// The region.
    #[serde(rename = "for")]
    pub region: Spanned<Region>,
    /// The service that it goes to.
    pub to: Spanned<String>,
}

/// Requests that are treated as before.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Same {
    /// The region; all requests by default.
    #[serde(rename = "for", default)]
    pub region: Option<Spanned<Region>>,
    /// The folder of the snapshot, as `weft build` writes it, from the folder of the spec.
    #[serde(rename = "as")]
    pub snapshot: Spanned<String>,
}

/// What no edit changes, as long as nobody approves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoChange {
    /// The part of what becomes of requests; all of it by default.
    #[serde(default)]
    pub facet: Option<Spanned<Facet>>,
    /// The teams one of which may approve a change (`weft diff --approved-by`); by default nobody.
    #[serde(default)]
    pub unless_approved_by: Vec<Spanned<String>>,
}

/// A part of what becomes of a request.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Facet {
    /// Where it goes.
    Route,
    /// Who may send it, and how hops are protected.
    Security,
    /// How long it may take and how often it is tried.
    Reliability,
    /// How it is rewritten.
    Transform,
    /// How large it may be.
    Limits,
}

impl Facet {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Route,
        Self::Security,
        Self::Reliability,
        Self::Transform,
        Self::Limits,
    ];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Security => "security",
            Self::Reliability => "reliability",
            Self::Transform => "transform",
            Self::Limits => "limits",
        }
    }
}

/// A set of requests to gateways; every field that is left out means all.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Region {
    /// The listener, as `gateway/listener`.
    #[serde(default)]
    pub listener: Option<Spanned<String>>,
    /// The hosts: exact, `*.suffix`, or `*`.
    #[serde(default)]
    pub host: Option<Spanned<HostPattern>>,
    /// The paths.
    #[serde(default)]
    pub path: Option<Spanned<PathMatch>>,
    /// The methods.
    #[serde(default)]
    pub methods: Vec<Spanned<Method>>,
    /// Conditions on headers, all of which hold.
    #[serde(default)]
    pub headers: Named<ValueMatch>,
    /// Conditions on query parameters, all of which hold.
    #[serde(default)]
    pub query: Named<ValueMatch>,
    /// Requests that are left out.
    #[serde(default)]
    pub except: Vec<Spanned<Except>>,
}

/// Requests that are left out of a region.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Except {
    /// The paths.
    #[serde(default)]
    pub path: Option<Spanned<PathMatch>>,
    /// The methods.
    #[serde(default)]
    pub methods: Vec<Spanned<Method>>,
    /// Conditions on headers, all of which hold.
    #[serde(default)]
    pub headers: Named<ValueMatch>,
    /// Conditions on query parameters, all of which hold.
    #[serde(default)]
    pub query: Named<ValueMatch>,
}
