//! The mesh itself: its name, its defaults, its teams and the bounds they must keep.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::maximum::Maximum;
use crate::named::Named;
use crate::policy::{Retry, Timeout};
use crate::spanned::Spanned;
use crate::suppression::Place;
use crate::units::{Date, Duration, HostPattern, Switch};

/// The platform team's settings for everything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mesh {
    /// The name of the mesh.
    pub name: Spanned<String>,
    /// The SPIFFE trust domain; identities are `spiffe://<trustDomain>/service/<name>`.
    pub trust_domain: Spanned<String>,
    /// Whether traffic between proxies is mutually authenticated; `strict` unless said otherwise.
    #[serde(default)]
    pub mtls: Option<Spanned<Mtls>>,
    /// The last day of `mtls: permissive`, which needs it.
    #[serde(default)]
    pub until: Option<Spanned<Date>>,
    /// What holds where nothing more specific is said.
    #[serde(default)]
    pub defaults: Defaults,
    /// Who owns what, by team. Once there are teams, every file of the spec belongs to one of them or to the platform.
    #[serde(default)]
    pub teams: Named<Team>,
    /// What the platform keeps for itself. The file of the mesh is always among it.
    #[serde(default)]
    pub platform: Team,
    /// Bounds that no setting of the mesh may exceed.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub guardrails: Vec<Spanned<Guardrail>>,
    /// The headers that rules may match, each with the values that it may have; an empty list means any. Rules may match any
    /// header if none is named.
    #[serde(default)]
    pub routing_keys: Named<Vec<Spanned<String>>>,
    /// Headers that services trust, so that no client may set them.
    #[serde(default)]
    pub trusted_headers: Vec<Spanned<String>>,
    /// Whether every response carries the generation of the snapshot as `x-weft-snapshot`; off by default.
    #[serde(default)]
    pub snapshot_header: Option<Spanned<bool>>,
}

/// Whether traffic between proxies is mutually authenticated.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Mtls {
    /// Only authenticated peers are heard.
    Strict,
    /// Plaintext is heard too, until the date given by `until`.
    Permissive,
    /// Nothing is authenticated.
    Disabled,
}

/// What holds where nothing more specific is said.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Defaults {
    /// Timeouts.
    #[serde(default)]
    pub timeout: Timeout,
    /// Retries.
    #[serde(default)]
    pub retry: Option<Box<Spanned<Retry>>>,
    /// How long idle connections to services are kept, from `1s` to `24h`, or `off`; `60s` by default.
    #[serde(default)]
    pub keep_alive: Option<Spanned<Switch<Duration>>>,
}

/// A team, or the platform, and what it owns.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Team {
    /// The files that the team may edit, as globs relative to the folder of the file of the mesh (`payments/**`,
    /// `../payments/**`). A file belongs to one owner, and a glob that matches none is an error.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub files: Vec<Spanned<String>>,
    /// The services that the team owns.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub services: Vec<Spanned<String>>,
    /// The hosts that the team may route.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub hosts: Vec<Spanned<HostPattern>>,
}

/// A bound on a setting, for the whole mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrail {
    /// What is bounded.
    pub bound: Spanned<Bound>,
    /// The largest accepted value: a duration for timeouts and `keepAlive`, a number for attempts, a share for budgets, days
    /// (`90d`) for terms, a list of networks and names for endpoints.
    pub max: Spanned<Maximum>,
    /// Why the bound exists; shown to whoever exceeds it.
    pub why: Spanned<String>,
    /// Where a larger value is accepted.
    #[serde(default)]
    pub exempt: Vec<Spanned<Exemption>>,
}

/// A place where a larger value than that of the guardrail is accepted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exemption {
    /// The place.
    #[serde(rename = "for")]
    pub place: Spanned<Place>,
    /// The largest value that is accepted there.
    pub max: Spanned<Maximum>,
    /// Why.
    pub reason: Spanned<String>,
    /// The team that answers for it.
    pub owner: Spanned<String>,
    /// The last day on which it holds.
    pub until: Spanned<Date>,
}

/// What a guardrail can bound: two things that are no settings, and settings; a test of the compiler holds those against the settings
/// themselves.
pub const BOUNDED: &[&str] = &[
    "endpoints",
    "suppression.term",
    "timeout.request",
    "timeout.backendRequest",
    "timeout.connect",
    "timeout.idle",
    "retry.attempts",
    "retry.budget",
    "maxBody",
    "keepAlive",
];

/// What a guardrail bounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bound {
    /// A setting, by one of the names in [`BOUNDED`].
    Setting(&'static str),
    /// Where services may be reached: networks for addresses (`10.0.0.0/8`), patterns for names (`*.internal`).
    Endpoints,
    /// How long a suppression may still hold, in days; a year without a bound.
    SuppressionTerm,
}

impl Bound {
    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Setting(name) => name,
            Self::Endpoints => "endpoints",
            Self::SuppressionTerm => "suppression.term",
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BoundVisitor;

        impl Visitor<'_> for BoundVisitor {
            type Value = Bound;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "one of `{}`", BOUNDED.join("`, `"))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Bound, E> {
                match name {
                    "endpoints" => Ok(Bound::Endpoints),
                    "suppression.term" => Ok(Bound::SuppressionTerm),
                    name => BOUNDED
                        .iter()
                        .find(|known| **known == name)
                        .map(|known| Bound::Setting(known))
                        .ok_or_else(|| E::unknown_variant(name, BOUNDED)),
                }
            }
        }

        deserializer.deserialize_str(BoundVisitor)
    }
}

impl JsonSchema for Bound {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bound".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What a guardrail bounds: a setting, `endpoints` (networks and names), or `suppression.term` (days).",
            "type": "string",
            "enum": BOUNDED,
        })
    }
}
