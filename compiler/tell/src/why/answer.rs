//! What happens to a request, hop by hop, as values.

use serde::Serialize;
use weft_snapshot::Reason;
use weft_snapshot::plan::Outcome;

/// What happens to a request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `weft.why/1`.
    pub format: &'static str,
    /// The request in canonical form, `GET host/path`.
    pub request: String,
    /// The proxies that it passes, in order.
    pub hops: Vec<Hop>,
}

/// What one proxy does with it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// `gateway/<name>` or `service/<name>`.
    pub node: String,
    /// The name of the listener by which the request comes.
    pub listener: String,
    /// The pattern that owns the host, if one does.
    pub host: Option<String>,
    /// The permission that admits it, at a sidecar that asks for one.
    pub allowed_by: Option<Permission>,
    /// The port that is bound, and what is spoken there: `:8443 https`.
    pub bound: String,
    /// Headers of the request that do not arrive as they came, and why.
    pub headers: Vec<String>,
    /// Less specific hosts of the listener that would own the request without this one.
    pub beats: Vec<String>,
    /// Other routes of the host for this path, in their order; at most 8.
    pub candidates: Vec<Candidate>,
    /// Why the route that was asked about does not decide.
    pub why_not: Option<Candidate>,
    /// The route that decides.
    pub route: Option<RouteAnswer>,
    /// Why it ends here, if it does.
    pub refusal: Option<RefusalAnswer>,
}

/// A route that does not decide.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The id of its rule: `api/orders`, or `api/0` for a rule without a name.
    pub id: String,
    /// File and line of its rule.
    pub place: Option<String>,
    /// What it matches, as a person writes it.
    pub matches: String,
    /// Why it does not decide.
    pub why: String,
}

/// What a less specific level says of a setting.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overridden {
    /// `rule`, `call`, `service` or `mesh`.
    pub level: String,
    /// What it says.
    pub value: String,
    /// File and line.
    pub place: String,
}

/// The permission that admits a request at a sidecar.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// The id of the entry of `allow`.
    pub id: String,
    /// The verified identity of the caller.
    pub identity: String,
    /// File and line; none where the snapshot does not say.
    pub place: Option<String>,
}

/// The route that takes a request, and what it does with it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteAnswer {
    /// The id of its rule: `api/orders`, or `api/0` for a rule without a name.
    pub id: String,
    /// File and line of its rule.
    pub place: Option<String>,
    /// What becomes of its requests, in numbers.
    #[serde(skip)]
    pub outcome: Outcome,
    /// What it matches, as a person writes it.
    pub matches: String,
    /// What becomes of the request.
    pub action: ActionAnswer,
    /// Limits and retries, by name.
    pub settings: Vec<Setting>,
    /// Why less is tried again than `retry` names, where that is so for the method of the request.
    pub repeats: Option<String>,
}

/// What becomes of the request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ActionAnswer {
    /// It is forwarded.
    Forward {
        /// Those that the rule names, the ones without a share included.
        backends: Vec<BackendAnswer>,
        /// The path that is forwarded.
        path: String,
        /// The host that is forwarded, if it is not that of the request: the rule's, else the one that all of the backends
        /// are to see.
        host: Option<String>,
    },
    /// It is redirected; what is not named is that of the request.
    Redirect {
        /// `301`, `302`, `303`, `307` or `308`.
        status: u16,
        /// `http` or `https`.
        scheme: Option<String>,
        /// The host that the client is sent to.
        host: Option<String>,
        /// The port, where the rule names one.
        port: Option<u16>,
        /// The path that the client is sent to, made from that of the request.
        path: Option<String>,
    },
    /// It is answered.
    Respond {
        /// The status that the rule answers with; its body is not told.
        status: u16,
    },
}

/// One of the backends that share the requests of a rule.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendAnswer {
    /// `orders` or `orders@v2`.
    pub cluster: String,
    /// Its share, as `90%`.
    pub share: String,
    /// How the hop is protected.
    pub security: String,
    /// Where its endpoints are.
    pub endpoints: String,
    /// The host that they see, if it is not that of the request.
    pub host: Option<String>,
    /// How long idle connections to them are kept.
    pub keep_alive: String,
}

/// A limit or retry.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// `timeout.request` and the like.
    pub name: String,
    /// Its value, as a spec writes it: `15s`.
    pub value: String,
    /// File and line; nothing for what is built in.
    pub place: Option<String>,
    /// What less specific levels say.
    pub over: Vec<Overridden>,
}

/// Why a request ends at a proxy.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalAnswer {
    /// The status of the reason.
    pub status: u16,
    /// The reason, as `x-weft-reason` gives it.
    pub reason: Reason,
    /// What is missing.
    pub explanation: String,
}

impl RefusalAnswer {
    /// A request ends for this reason.
    pub fn new(reason: Reason, explanation: String) -> Self {
        Self {
            status: reason.status(),
            reason,
            explanation,
        }
    }
}

impl Answer {
    /// Whether the request gets through to a backend, a redirect or an answer of the spec.
    pub fn is_accepted(&self) -> bool {
        self.hops.iter().all(|hop| hop.refusal.is_none())
    }
}
