//! Settings: whatever a person can write on a rule, a call, a service, a listener or the mesh, one thing each.
//!
//! A setting says in one place where it may be written and how levels inherit, its unit and bounds, what is built in, its place
//! in the plan, how grave a change of it is, whether a test may expect it and a guardrail bound it, and how `weft test --mutate`
//! changes it. Whoever treats settings iterates [`ALL`] and knows none by name: inheritance ([`decide`]), plans, origins,
//! `why`, `diff`, `test`, mutants, coverage, guardrails, and the page of settings. A part that is missing does not compile.
//!
//! | file | holds |
//! |---|---|
//! | `value.rs` | values and units |
//! | `said.rs` | what one place says |
//! | `decide.rs` | which level decides |
//! | `page.rs` | the table of all settings, for the manual |
//! | the others | one setting each, or the parts of one |

mod attempts;
mod backoff;
mod budget;
pub mod decide;
mod escaped_slashes;
mod head_limits;
mod headers;
mod idempotent;
mod keep_alive;
mod max_body;
mod max_in_flight;
mod normalize;
mod page;
mod reasons;
mod rewrite;
pub mod risk;
mod said;
mod slashes;
mod timeout;
mod tracing;
mod trailers;
mod trusted_hops;
mod underscores;
mod upgrade;
mod value;

use std::fmt;
use std::ops::RangeInclusive;

use weft_snapshot::plan::Outcome;
use weft_snapshot::settings::{Cluster, HeadRules, Listener, PathRules};
use weft_spec::{Spanned, gateway, mesh, route, service};

use crate::model::action::Changes;
use crate::settings::risk::{Facet, Risk};

pub use attempts::ATTEMPTS;
pub use backoff::{BACKOFF_BASE, BACKOFF_MAX};
pub use budget::BUDGET;
pub use decide::{Among, Decided, Level, SettingSources, Settled};
pub use escaped_slashes::ESCAPED_SLASHES;
pub use head_limits::{HEAD_FIELDS, HEAD_SIZE, TARGET_SIZE};
pub use headers::{REQUEST_HEADERS, RESPONSE_HEADERS};
pub use idempotent::IDEMPOTENT;
pub use keep_alive::KEEP_ALIVE;
pub use max_body::MAX_BODY;
pub use max_in_flight::MAX_IN_FLIGHT;
pub use normalize::NORMALIZE;
pub use page::page;
pub use reasons::REASONS;
pub use rewrite::{REWRITE_HOST, REWRITE_PATH};
pub use said::Said;
pub use slashes::SLASHES;
pub use timeout::{BACKEND_REQUEST, CONNECT, IDLE, REQUEST, TIMEOUTS};
pub use tracing::TRACING;
pub use trailers::TRAILERS;
pub use trusted_hops::TRUSTED_HOPS;
pub use underscores::UNDERSCORES;
pub use upgrade::UPGRADE;
pub use value::path as new_path;
pub use value::{Unit, Value};

/// The settings of routes, in the order in which people read them.
pub static ROUTE: [&Setting; ROUTES] = [
    &REQUEST,
    &BACKEND_REQUEST,
    &CONNECT,
    &IDLE,
    &ATTEMPTS,
    &REASONS,
    &BUDGET,
    &BACKOFF_BASE,
    &BACKOFF_MAX,
    &IDEMPOTENT,
    &MAX_BODY,
    &MAX_IN_FLIGHT,
    &TRAILERS,
    &UPGRADE,
    &REQUEST_HEADERS,
    &RESPONSE_HEADERS,
    &REWRITE_PATH,
    &REWRITE_HOST,
];

/// The settings of connections to services.
pub static BACKEND: [&Setting; BACKENDS] = [&KEEP_ALIVE];

/// The settings of listeners.
pub static LISTENER: [&Setting; LISTENERS] = [
    &TRUSTED_HOPS,
    &ESCAPED_SLASHES,
    &NORMALIZE,
    &SLASHES,
    &TRACING,
    &UNDERSCORES,
    &HEAD_SIZE,
    &HEAD_FIELDS,
    &TARGET_SIZE,
];

/// How many there are.
const COUNT: usize = ROUTES + BACKENDS + LISTENERS;
const ROUTES: usize = 18;
const BACKENDS: usize = 1;
const LISTENERS: usize = 9;

/// All settings.
pub static ALL: std::sync::LazyLock<Vec<&'static Setting>> = std::sync::LazyLock::new(|| {
    let all = ROUTE.iter().chain(&BACKEND).chain(&LISTENER);
    all.copied().collect()
});

/// One setting.
pub struct Setting {
    /// Its name in the language, with the fields around it: `timeout.request`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Why the built-in value is what it is.
    pub why: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// What the proxy accepts, where not every value of the unit is.
    pub range: Option<Range>,
    /// Where it may be written, and what is written there.
    pub read: Read,
    /// The value where nobody says anything, by what else the place says.
    pub built_in: fn(&Said) -> Value,
    /// How the contracts of several backends are one.
    pub among: Among,
    /// Limits around it, which it cannot exceed.
    pub within: &'static [&'static Self],
    /// A limit that it is never less than.
    pub at_least: Option<&'static Self>,
    /// Its place in the plan of a node.
    pub plan: Plan,
    /// Whether it means nothing in an outcome because of another setting.
    pub is_idle: fn(&Outcome) -> bool,
    /// Which hops it holds for.
    pub hops: Hops,
    /// How grave a change is, from one value to another.
    pub class: fn(&Value, &Value) -> (Risk, Facet),
    /// How a test expects a value of it; none where it cannot.
    pub expected: Option<Expected>,
    /// Whether a guardrail may bound it.
    pub is_bounded: bool,
    /// Another value that tests should notice, with what it is in words; none where leaving the setting out is enough.
    pub mutant: fn(&Value) -> Option<(&'static str, Value)>,
}

/// Reads what a place of a spec says of a setting, if anything.
pub type Reader<T> = fn(&T) -> Option<Spanned<Value>>;

/// The same of a rule of which the names are followed.
pub type ResolvedReader = fn(&Changes<'_>) -> Option<Spanned<Value>>;

/// The places where a setting may be written; none where it may not.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// `mesh.defaults`.
    pub defaults: Option<Reader<mesh::Defaults>>,
    /// A service, as its contract.
    pub service: Option<Reader<service::Service>>,
    /// A call.
    pub call: Option<Reader<service::Call>>,
    /// A rule of a route.
    pub rule: Option<Reader<route::Rule>>,
    /// A listener of a gateway.
    pub listener: Option<Reader<gateway::Listener>>,
    /// A rule of a route, for what means something by the paths of the rule or names more than one place.
    pub resolved: Option<ResolvedReader>,
}

impl Read {
    /// Nowhere.
    const NOWHERE: Self = Self {
        defaults: None,
        service: None,
        call: None,
        rule: None,
        listener: None,
        resolved: None,
    };
}

/// Where a test writes the value that it expects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// In a field of `expect` with a name of its own.
    Field(&'static str),
    /// In `settings` of `expect`, by the name of the setting.
    Settings,
}

/// The hops that a setting of routes holds for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hops {
    /// Between a proxy and what a rule or call leads to.
    Called,
    /// The same, and between the sidecar of the callee and its app.
    All,
    /// The same as [`Hops::Called`], and what a rule answers itself.
    Answers,
}

/// What a proxy accepts of a number.
#[derive(Clone, Debug)]
pub struct Range {
    /// The numbers, in the unit.
    pub numbers: RangeInclusive<u64>,
    /// What to do about others.
    pub help: &'static str,
}

/// Where a setting stands in the plan of a node.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    /// In the outcome of a route.
    Route {
        /// Writes it.
        put: fn(&mut Outcome, &Value),
        /// Reads it.
        of: fn(&Outcome) -> Value,
    },
    /// In a listener.
    Listener {
        /// Writes it.
        put: fn(&mut Received, &Value),
        /// Reads it.
        of: fn(&Listener) -> Value,
    },
    /// In what is known of a backend.
    Backend {
        /// Writes it.
        put: fn(&mut Cluster, &Value),
        /// Reads it.
        of: fn(&Cluster) -> Value,
    },
}

/// What a listener does with requests before rules see them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Received {
    /// How many proxies in front are trusted.
    pub trusted_hops: u8,
    /// How paths become canonical.
    pub path: PathRules,
    /// What becomes of heads beside their path.
    pub heads: HeadRules,
}

impl Received {
    /// What comes of the settings that a listener says.
    pub fn by(said: &Said) -> Self {
        let mut received = Self {
            trusted_hops: 0,
            path: PathRules::default(),
            heads: HeadRules::MESH,
        };
        for setting in LISTENER {
            if let Plan::Listener { put, of: _ } = setting.plan {
                match said.get(setting) {
                    Some(said) => put(&mut received, &said.value),
                    None => put(&mut received, &(setting.built_in)(said)),
                }
            }
        }
        received
    }
}

impl Setting {
    /// Its value in the outcome of a route; none for settings of other things.
    pub fn of_outcome(&self, outcome: &Outcome) -> Option<Value> {
        match self.plan {
            Plan::Route { put: _, of } => Some(of(outcome)),
            Plan::Listener { .. } | Plan::Backend { .. } => None,
        }
    }

    /// Its value in a listener; none for settings of other things.
    pub fn of_listener(&self, listener: &Listener) -> Option<Value> {
        match self.plan {
            Plan::Listener { put: _, of } => Some(of(listener)),
            Plan::Route { .. } | Plan::Backend { .. } => None,
        }
    }

    /// Its value in what is known of a backend; none for settings of other things.
    pub fn of_cluster(&self, cluster: &Cluster) -> Option<Value> {
        match self.plan {
            Plan::Backend { put: _, of } => Some(of(cluster)),
            Plan::Route { .. } | Plan::Listener { .. } => None,
        }
    }

    /// How a test names it.
    pub fn expected_as(&self) -> &'static str {
        match self.expected {
            Some(Expected::Field(field)) => field,
            Some(Expected::Settings) | None => self.name,
        }
    }

    /// A value in words, without the name of the setting.
    pub fn in_words(&self, value: &Value) -> String {
        self.unit.in_words(value)
    }

    /// Its position in [`ALL`].
    fn position(&'static self) -> usize {
        let mut all = ROUTE.iter().chain(&BACKEND).chain(&LISTENER);
        let found = all.position(|setting| std::ptr::eq(*setting, self));
        found.unwrap_or(COUNT)
    }

    /// The setting of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|setting| setting.name == name)
    }
}

impl PartialEq for Setting {
    /// Each is there once.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Setting {}

impl fmt::Debug for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Nothing makes it mean nothing.
fn never_idle(_outcome: &Outcome) -> bool {
    false
}

/// Nothing but leaving it out.
fn no_mutant(_value: &Value) -> Option<(&'static str, Value)> {
    None
}

/// Time limits and retries.
fn reliability(_was: &Value, _is: &Value) -> (Risk, Facet) {
    (Risk::R1, Facet::Reliability)
}

/// Whether more of what clients send is believed, requests are refused that were not, or they arrive in another form.
fn reception(believes_more: bool, refuses_more: bool) -> (Risk, Facet) {
    if believes_more {
        (Risk::S2, Facet::Security)
    } else if refuses_more {
        (Risk::A1, Facet::Security)
    } else {
        (Risk::T1, Facet::Transform)
    }
}

/// Headers and paths.
fn transform(_was: &Value, _is: &Value) -> (Risk, Facet) {
    (Risk::T1, Facet::Transform)
}

/// A spanned value of a field.
fn told<T: Copy>(said: Option<&Spanned<T>>, value: impl Fn(T) -> Value) -> Option<Spanned<Value>> {
    said.map(|said| Spanned::new(value(said.value), said.span))
}
