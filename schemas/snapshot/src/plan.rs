//! What one node is to do, as plain values: the input of the encoder and what `weft inspect` prints.
//!
//! A plan is complete: defaults, inheritance, precedence and shares were settled by the compiler. The
//! encoder adds nothing but indexes. Reading a slice back gives the plan that was written.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::settings::NodeSettings;
use crate::view::{Part, rewritten};

pub use crate::policy::{HeaderChanges, Policy, Retry};

/// Everything one node does.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodePlan {
    /// The listeners, clusters and certificates.
    pub settings: NodeSettings,
    /// One route table per listener, at the position that [`crate::settings::Listener::table`] names.
    pub tables: Vec<TablePlan>,
    /// Who may call this node, in order of precedence: the first that matches decides, and what none matches is
    /// refused. Consulted for requests to [`crate::settings::Role::Inbound`] listeners.
    pub access: Vec<AccessPlan>,
}

/// The routes of one listener.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TablePlan {
    /// One entry per host pattern, each pattern once; the most specific one owns a request.
    pub hosts: Vec<HostPlan>,
}

/// The routes of one host.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostPlan {
    /// A canonical host, `*.suffix`, or `*`.
    pub host: String,
    /// The routes in order of precedence: the first that matches decides.
    pub routes: Vec<RoutePlan>,
}

/// One route: which requests, and what becomes of them.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutePlan {
    /// Stable name: `<route>/<rule>`, where the rule is its `name` or its position from 0.
    pub id: String,
    /// The paths.
    pub path: PathPattern,
    /// The methods; empty means all.
    pub methods: Vec<String>,
    /// Conditions on headers; names in lower case.
    pub headers: Vec<Condition>,
    /// Conditions on query parameters.
    pub query: Vec<Condition>,
    /// What becomes of the request.
    pub outcome: Outcome,
}

/// A set of canonical paths.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum PathPattern {
    /// Segments from the left. `/` is one empty segment; `/**` is no segment and a rest.
    Segments {
        /// The segments.
        segments: Vec<Segment>,
        /// Whether anything may follow, from a `/` on (`/**`).
        rest: bool,
    },
    /// A regular expression over the whole path; bytes, no Unicode classes.
    Regex {
        /// The expression as written.
        regex: String,
    },
}

impl PathPattern {
    /// The pattern as text: `/a/{id}/**`, or the expression. A literal segment never starts with `{` and is
    /// never `**`, because canonical paths escape `{` and a spec cannot write `**` in the middle.
    pub fn to_text(&self) -> String {
        match self {
            Self::Segments { segments, rest } => {
                let mut text = String::new();
                for segment in segments {
                    match segment {
                        Segment::Literal { text: literal } => {
                            text.push('/');
                            text.push_str(literal);
                        }
                        Segment::Any { name } => {
                            text.push_str("/{");
                            text.push_str(name);
                            text.push('}');
                        }
                    }
                }
                if *rest {
                    text.push_str("/**");
                }
                text
            }
            Self::Regex { regex } => regex.clone(),
        }
    }

    /// Reads [`PathPattern::to_text`] of segments back.
    pub fn from_segments_text(text: &str) -> Self {
        let (fixed, rest) = match text.strip_suffix("/**") {
            Some(fixed) => (fixed, true),
            None => (text, false),
        };
        let segments = fixed.split('/').skip(1).map(|segment| {
            match segment
                .strip_prefix('{')
                .and_then(|open| open.strip_suffix('}'))
            {
                Some(name) => Segment::Any {
                    name: name.to_owned(),
                },
                None => Segment::Literal {
                    text: segment.to_owned(),
                },
            }
        });
        Self::Segments {
            segments: segments.collect(),
            rest,
        }
    }
}

/// One segment of a path pattern.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Segment {
    /// This text, canonical; empty only for a trailing slash.
    Literal {
        /// The text.
        text: String,
    },
    /// Any one segment that is not empty; the name is for rewrites and for people.
    Any {
        /// The name in the spec.
        name: String,
    },
}

/// What must hold for one header or one query parameter.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The name of the header (lower case) or of the parameter (decoded).
    pub name: String,
    /// What must hold for its value.
    pub test: ValueTest,
}

/// What must hold for a value.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ValueTest {
    /// It is this text.
    Exact {
        /// The text.
        text: String,
    },
    /// There is one.
    Present,
    /// There is none.
    Absent,
    /// All of it matches.
    Regex {
        /// The expression as written.
        regex: String,
    },
}

/// What becomes of a request. Equal outcomes are stored once.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outcome {
    /// Forward, redirect or answer.
    pub action: Action,
    /// Limits on waiting.
    pub timeouts: Timeouts,
    /// The new path, if it is rewritten.
    pub path: Option<PathRewrite>,
    /// The new host, if it is rewritten.
    pub host: Option<String>,
    /// Everything else that is settled for these requests.
    pub policy: Policy,
}

impl Outcome {
    /// An outcome of which nothing is settled but the action: no limits, no changes, one try.
    pub fn of(action: Action) -> Self {
        Self {
            action,
            timeouts: Timeouts::default(),
            path: None,
            host: None,
            policy: Policy::default(),
        }
    }

    /// Forwards everything to one cluster, at this position in [`NodeSettings::clusters`], and settles nothing else.
    pub fn to(cluster: u32) -> Self {
        Self::of(Action::Forward {
            backends: vec![Backend {
                cluster,
                share: limits::SHARES,
            }],
        })
    }
}

/// Forward, redirect or answer.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Action {
    /// To backends with shares.
    Forward {
        /// At least one; shares sum to a million.
        backends: Vec<Backend>,
    },
    /// A redirect.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// `http` or `https`; that of the request when absent.
        scheme: Option<String>,
        /// The host; that of the request when absent.
        host: Option<String>,
        /// The port; when absent, that of the request unless `scheme` is given.
        port: Option<u16>,
        /// The path; that of the request when absent. The query is kept.
        path: Option<PathRewrite>,
    },
    /// A fixed answer.
    Respond {
        /// 200 to 599.
        status: u16,
        /// At most 64 KiB.
        body: String,
        /// The `content-type`; none when empty.
        content_type: String,
    },
}

/// One backend of a route.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backend {
    /// Position in [`NodeSettings::clusters`].
    pub cluster: u32,
    /// Its share in parts of a million; 0 keeps it declared but idle.
    pub share: u32,
}

/// Limits on waiting, in milliseconds; absent means "no limit", never "the default".
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timeouts {
    /// From the request head being read to the response being complete, retries included.
    pub request: Option<u32>,
    /// The same for one attempt.
    pub backend_request: Option<u32>,
    /// Opening a connection, TLS included.
    pub connect: Option<u32>,
    /// Silence in either direction.
    pub idle: Option<u32>,
}

/// How a new path is made from the old one.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathRewrite {
    /// The parts, joined by `/`.
    pub parts: Vec<RewritePart>,
    /// From which segment of the old path on the rest is appended; none when absent.
    pub rest_from: Option<u32>,
}

impl PathRewrite {
    /// The new path for a canonical one, as the proxy makes it.
    pub fn apply(&self, path: &str) -> String {
        let parts = self.parts.iter().map(|part| match part {
            RewritePart::Literal { text } => Part::Literal(text),
            RewritePart::Segment { index } => Part::Segment(*index),
        });
        rewritten(parts, self.rest_from, path)
    }

    /// The new path where nothing of the old one is kept.
    pub fn constant(&self) -> Option<String> {
        let is_literal = |part: &RewritePart| matches!(part, RewritePart::Literal { .. });
        let is_constant = self.rest_from.is_none() && self.parts.iter().all(is_literal);
        is_constant.then(|| self.apply("/"))
    }

    /// Whether it gives every path of a pattern back as it is; not told of expressions.
    pub fn is_identity(&self, pattern: &PathPattern) -> bool {
        let PathPattern::Segments { segments, rest } = pattern else {
            return false;
        };
        let kept = (0_u32..).zip(segments).zip(&self.parts);
        let is_kept = kept.clone().all(|((position, old), new)| match (old, new) {
            (Segment::Literal { text }, RewritePart::Literal { text: new }) => text == new,
            (Segment::Any { .. }, RewritePart::Segment { index }) => *index == position,
            (Segment::Any { .. }, RewritePart::Literal { .. })
            | (Segment::Literal { .. }, RewritePart::Segment { .. }) => false,
        });
        let is_rest_kept = match self.rest_from {
            Some(from) => usize::try_from(from) == Ok(self.parts.len()),
            None => !rest && self.parts.len() == segments.len(),
        };
        is_kept && kept.count() == self.parts.len() && is_rest_kept
    }
}

/// One segment of a new path.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum RewritePart {
    /// This text.
    Literal {
        /// The text.
        text: String,
    },
    /// A segment of the old path, by position.
    Segment {
        /// The position, from 0.
        index: u32,
    },
}

/// Which calls of this node are admitted or refused.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPlan {
    /// Stable name: `<service>/allow/<position>` or `<service>/deny/<position>`.
    pub id: String,
    /// What becomes of them.
    pub effect: Effect,
    /// The identities, in full: `spiffe://…`; one that ends with `/*` or `/**` is all below a place ([`crate::identity`]).
    pub from: Vec<String>,
    /// The methods; empty means all.
    pub methods: Vec<String>,
    /// The paths.
    pub path: PathPattern,
}

/// What an access rule does with the calls that it matches.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// They go on to the app.
    Admit,
    /// They are answered with 403.
    Refuse,
}
