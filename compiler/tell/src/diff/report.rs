//! What a diff says, as values: the form `weft.diff/1` of JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use weft_front::model::owners::PLATFORM;
use weft_front::settings::risk::{Facet, Risk};
use weft_snapshot::layout::Digest;
use weft_space::{ListenerUrl, WitnessRequest};

use super::findings::{Burst, Finding};
use super::inputs::Inputs;
use super::promises::{Broken, Promise, broken};
use super::stake::Stake;

/// Everything that a diff has to say.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `weft.diff/1`.
    pub format: &'static str,
    /// The name of the old side.
    pub old: String,
    /// The digest of what the snapshot of the old side holds, the same in every generation.
    pub old_digest: String,
    /// What the old side was compiled from, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_inputs: Option<Inputs>,
    /// The name of the new side.
    pub new: String,
    /// The same of the new side.
    pub new_digest: String,
    /// What the new side was compiled from, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_inputs: Option<Inputs>,
    /// The only facet that the statements are about; all of them when absent.
    pub facet: Option<Facet>,
    /// Whether everything that is not stated is proved to be unchanged.
    pub complete: bool,
    /// Hosts about which nothing is proved.
    pub unknown: Vec<UnprovenHost>,
    /// The statements, the gravest first.
    pub statements: Vec<Statement>,
    /// What running proxies do with their connections, by node; nodes that do nothing are left out.
    pub connections: BTreeMap<String, Connections>,
    /// What the compiler warns of now and did not before; known of two specs alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_findings: Vec<Finding>,
    /// Services to which one request can become another number of requests than before; known of two specs alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bursts: Vec<Burst>,
    /// How far the proof reaches.
    pub unchanged: Reach,
    /// Files of endpoints, as the specs name them: proxies read them, and what stands in them is not compared.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub not_compared: BTreeSet<String>,
    /// Promises (`noChange`) that the change breaks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<Broken>,
    /// Statements about requests of other teams than the one that makes the change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<Foreign>,
    /// Whether neither side is a spec.
    #[serde(skip)]
    pub(super) is_of_snapshots: bool,
    /// The promises of both sides.
    #[serde(skip)]
    pub(super) promises: Vec<Promise>,
    /// What `--exit-code` would exit with.
    pub exit: u8,
}

/// A statement about requests that are not those of the team that makes the change.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Foreign {
    /// The id of the statement.
    pub statement: String,
    /// The teams whose approval is missing.
    pub teams: Vec<String>,
    /// A request of theirs that shows it, if it is about requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Shown>,
}

/// How far a proof reaches.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reach {
    /// The number of hosts that were compared, a host of each listener counted once.
    pub proven_hosts: usize,
    /// The number of those about which nothing is proved.
    pub unproven_hosts: usize,
    /// The number of routes compared.
    pub routes: usize,
}

/// A host about which nothing is proved.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnprovenHost {
    /// The node: `gateway/public` or `service/orders`.
    pub node: String,
    /// The name of the listener; `inbound` for permissions.
    pub listener: String,
    /// The host pattern; the service for permissions.
    pub host: String,
    /// What kind of bound was met, in kebab case.
    pub reason: &'static str,
    /// The reason in words.
    pub explanation: String,
    /// The `file:line` of rules that make it hard.
    pub culprits: Vec<String>,
}

/// What a running proxy does with its connections when it takes the new side.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Connections {
    /// All stay.
    Kept,
    /// All stay; new ones are made otherwise.
    NewOnly,
    /// Those of some ports are drained.
    Drained,
    /// The node is new.
    Added,
    /// The node is gone.
    Removed,
}

/// One change of behaviour.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// `a2-7f3a9c`: stable for the same change made by the same lines.
    pub id: String,
    /// How it is judged.
    pub risk: Risk,
    /// What part of the outcome changed.
    pub facet: Facet,
    /// Whether every part changed, because requests end elsewhere than they did.
    pub is_whole: bool,
    /// The change in one line.
    pub title: String,
    /// Which requests, at most a hundred sets of them.
    pub region: Vec<Region>,
    /// The number of all sets.
    pub regions: usize,
    /// What became of them, and where that was written.
    pub before: Said,
    /// What becomes of them, and where that is written.
    pub after: Said,
    /// The edit behind it.
    pub why: Option<String>,
    /// What to do if it was not meant.
    pub fix: Option<String>,
    /// A request that shows it.
    pub witness: Option<Shown>,
    /// A request nearby that is treated as before.
    pub contrast: Option<Shown>,
    /// Whose requests it is about.
    #[serde(skip)]
    pub(super) stakes: BTreeMap<Stake, Option<Shown>>,
    /// Whom and what it touches.
    pub blast: Blast,
}

/// What becomes of requests.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// In words.
    pub text: String,
    /// The `file:line` that says so.
    pub place: Option<String>,
}

/// A set of requests.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// The node: `gateway/public` or `service/orders`.
    pub node: String,
    /// The listener; absent where all of the node is meant.
    pub listener: Option<String>,
    /// The pattern whose hosts these are, `*` where all of the node are meant.
    pub host: String,
    /// Other host patterns whose requests these are as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The route or permission that takes or took them.
    pub rule: Option<String>,
    /// What that rule matches, as written.
    pub matches: Option<String>,
    /// Whether these are all requests of that rule.
    pub is_whole_rule: bool,
    /// Parts of the set, at most sixteen.
    pub cubes: Vec<Cube>,
    /// The number of all parts.
    pub parts: usize,
}

/// A part of a set of requests.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cube {
    /// The shortest path of it.
    pub path: String,
    /// What holds beside the path, in words such as `method GET`.
    pub conditions: Vec<String>,
}

/// A request to show.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Method and URL; for a question of permission, the path at the service.
    pub request: String,
    /// The headers, `name: value`.
    pub headers: Vec<String>,
    /// The verified identity of the sender, where it matters; `nobody` for a peer without one.
    pub from: Option<String>,
    /// The request as a command; none where only a peer of the mesh can send it.
    pub command: Option<String>,
}

/// Whom and what a change touches.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blast {
    /// The routes and permissions, by id.
    pub routes: Vec<String>,
    /// The services that get or got the requests.
    pub services: Vec<String>,
    /// The identities whose permission it is about, among the parts that are shown.
    pub identities: Vec<String>,
    /// The teams that it concerns, on either side.
    pub owners: Vec<String>,
    /// Whether there may be more of them, because a side is a snapshot.
    pub is_owner_uncertain: bool,
    /// The share of these requests that goes to other backends, in parts of a million.
    pub moved: Option<u32>,
}

/// What a change has to keep to.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The gravest accepted class.
    pub max_risk: Risk,
    /// The teams that accept what concerns them alone.
    pub approved_by: Vec<String>,
    /// The team that makes the change; it may alter its own requests alone. None may alter all, and so may the
    /// platform.
    pub by: Option<String>,
}

impl Default for Gate {
    /// Moved traffic passes, what is graver does not, and nobody has approved.
    fn default() -> Self {
        Self {
            max_risk: Risk::A2,
            approved_by: Vec::new(),
            by: None,
        }
    }
}

impl Statement {
    /// Whether a facet has a part in it. A request that is no longer forwarded has no other security than it
    /// had; one that is forwarded only now has.
    pub(super) fn touches(&self, facet: Facet) -> bool {
        let by_nature = match facet {
            Facet::Security => self.risk.can_be_approved(),
            Facet::Route | Facet::Reliability | Facet::Transform | Facet::Limits => true,
        };
        self.facet == facet || (self.is_whole && by_nature)
    }

    /// What it means for others, if a team makes the change: whose approval it needs, and a request that shows it.
    fn foreign(&self, team: &str, approved_by: &[String]) -> Option<Foreign> {
        let mut teams = BTreeSet::new();
        let mut witness = None;
        for (stake, shown) in &self.stakes {
            let mut others = stake.others(team);
            others.retain(|one| !approved_by.contains(one));
            if !others.is_empty() && witness.is_none() {
                witness.clone_from(shown);
            }
            teams.extend(others);
        }
        (!teams.is_empty()).then(|| Foreign {
            statement: self.id.clone(),
            teams: teams.into_iter().collect(),
            witness,
        })
    }

    fn passes(&self, gate: &Gate) -> bool {
        let is_approved = self.risk.can_be_approved()
            && !self.blast.is_owner_uncertain
            && !self.blast.owners.is_empty()
            && self
                .blast
                .owners
                .iter()
                .all(|owner| gate.approved_by.contains(owner));
        // The platform approves what governs the mesh by making the change.
        let is_own = self.risk == Risk::G1 && gate.by.as_deref() == Some(PLATFORM);
        gate.max_risk <= self.risk || is_approved || is_own
    }
}

impl Report {
    /// Keeps the statements that one facet has a part in; what is said about all other requests is about it
    /// alone then.
    pub fn only(&mut self, facet: Facet) {
        self.facet = Some(facet);
        self.statements.retain(|statement| statement.touches(facet));
    }

    /// Finds the promises that the change breaks, and what of it concerns the requests of other teams. Statements that
    /// [`Report::only`] takes away do not count any more, so this comes first.
    pub fn keep(&mut self, gate: &Gate) {
        self.broken = broken(self, &self.promises, &gate.approved_by);
        let team = gate.by.as_deref().filter(|team| *team != PLATFORM);
        let statements = self.statements.iter();
        let foreign = statements.filter_map(|one| one.foreign(team?, &gate.approved_by));
        self.foreign = foreign.collect();
    }

    /// Sets [`Report::exit`]: 0 nothing changes, 2 all changes pass the gate, 3 some does not or breaks a promise, 4 not
    /// all is proved.
    pub fn judge(&mut self, gate: &Gate) {
        let is_accepted = self.broken.is_empty() && self.foreign.is_empty();
        self.exit = if !self.complete {
            4
        } else if !is_accepted || !self.statements.iter().all(|one| one.passes(gate)) {
            3
        } else if self.statements.is_empty() {
            0
        } else {
            2
        };
    }
}

impl Connections {
    /// What happens, as the rest of a sentence about the node.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kept => "keeps its connections",
            Self::NewOnly => {
                "keeps its connections; new ones use the new backends and certificates"
            }
            Self::Drained => "drains the connections of changed ports",
            Self::Added => "is new",
            Self::Removed => "is gone",
        }
    }
}

impl Shown {
    /// A request that anybody can send.
    pub(super) fn open(request: &WitnessRequest, listener: ListenerUrl) -> Self {
        let url = listener.to(&request.host, &request.target());
        Self {
            request: format!("{} {url}", request.method),
            headers: headers(request),
            from: request.source.clone(),
            command: Some(request.curl(listener)),
        }
    }

    /// A request between two nodes of the mesh.
    pub(super) fn inside(request: &WitnessRequest) -> Self {
        let source = request.source.as_deref().unwrap_or("nobody");
        Self {
            request: format!("{} {}{}", request.method, request.host, request.target()),
            headers: headers(request),
            from: Some(source.to_owned()),
            command: None,
        }
    }

    /// The request in one line.
    pub fn line(&self) -> String {
        match (&self.command, &self.from) {
            (Some(command), _) => command.clone(),
            (None, Some(from)) => format!("{}  from {from}", self.request),
            (None, None) => self.request.clone(),
        }
    }
}

fn headers(request: &WitnessRequest) -> Vec<String> {
    let said =
        |(name, value): &(String, Vec<u8>)| format!("{name}: {}", String::from_utf8_lossy(value));
    request.headers.iter().map(said).collect()
}

/// The id of a statement by what makes it the same statement.
pub(super) fn id(risk: Risk, parts: &[&str]) -> String {
    let digest = Digest::of(parts.join("\n").as_bytes()).hex();
    let short: String = digest.chars().take(6).collect();
    format!("{}-{short}", format!("{risk:?}").to_lowercase())
}
