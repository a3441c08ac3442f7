//! The differences between two models, before anybody puts them into words.

use weft_space::{Cell, Part, Unknown, WitnessRequest};

use crate::both::Both;

/// The requests for which one outcome of the old side is replaced by one of the new side.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The node: `gateway/public` or `service/orders`.
    pub node: String,
    /// The listener, by the name on the side that has it; the new one if both do.
    pub listener: String,
    /// The host pattern whose requests these are: of the hosts that belong to none of the narrower patterns.
    pub host: String,
    /// Other host patterns whose requests these are as well, each with one host of it; witnesses name the first.
    pub also: Vec<Part>,
    /// What kind of outcome changed.
    pub kind: ChangeKind,
    /// What took the requests on the old side; none: nothing did.
    pub old: Option<RuleAt>,
    /// What takes them on the new side; none: nothing does.
    pub new: Option<RuleAt>,
    /// Parts of the set, at most 16, each with one request.
    pub cells: Vec<Cell>,
    /// The number of all parts.
    pub count: usize,
    /// Whether these are all requests that the old route or permission took.
    pub is_all_of_old: bool,
    /// Whether these are all requests that the new one takes.
    pub is_all_of_new: bool,
    /// A request nearby that is treated as before.
    pub contrast: Option<WitnessRequest>,
}

impl Change {
    /// One host of each pattern whose requests these are.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let first = self.cells.first();
        let first = first.map_or(self.host.as_str(), |cell| cell.witness.host.as_str());
        [first]
            .into_iter()
            .chain(self.also.iter().map(|part| part.host.as_str()))
    }

    /// What took the requests, and what takes them.
    pub(super) fn takers(&self) -> Both<Option<RuleAt>> {
        Both {
            old: self.old,
            new: self.new,
        }
    }
}

/// What kind of outcome changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ChangeKind {
    /// The route: `RuleAt` points into the tables, and none is an answer of 404.
    Route,
    /// The admission: `RuleAt::route` is a position in `access`, and none is an answer of 403.
    Permission,
    /// Requests that repeat this header: the rule of one side refuses them with 400, because it asks for the value, and
    /// the rule of the other side takes them, or none does.
    RepeatedHeader {
        /// Its name, in lower case.
        header: String,
        /// Whether the new side refuses.
        is_refused: bool,
    },
}

/// A position in the plan of one side.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RuleAt {
    /// The position of the table in the plan.
    pub table: usize,
    /// The position of the host in the table.
    pub host: usize,
    /// The position of the route among those of the host.
    pub route: usize,
}

impl RuleAt {
    /// The host whose rule it is.
    pub(super) fn host_at(self) -> HostAt {
        HostAt {
            table: self.table,
            host: self.host,
        }
    }
}

/// The position of a host in the plan of one side.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct HostAt {
    /// The position of the table in the plan.
    pub table: usize,
    /// The position of the host in the table.
    pub host: usize,
}

/// A host about which nothing is proved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownHost {
    /// The node: `gateway/public` or `service/orders`.
    pub node: String,
    /// The listener, by the name on the side that has it; `inbound` for permissions.
    pub listener: String,
    /// The host pattern; the service for permissions.
    pub host: String,
    /// The host on the old side; none for permissions, and where it has no owner.
    pub old: Option<HostAt>,
    /// The same of the new side.
    pub new: Option<HostAt>,
    /// The bound that was met.
    pub reason: Unknown,
}

/// Everything that differs, and how far the proof reaches.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// The differences, by node, listener and host.
    pub changes: Vec<Change>,
    /// The hosts about which nothing is proved.
    pub unknown: Vec<UnknownHost>,
    /// The number of hosts that were compared, equal ones included.
    pub hosts: usize,
    /// The number of those that differ in some way, perhaps in none that a request notices.
    pub changed_hosts: usize,
    /// The number of routes of both sides together, each route of equal hosts counted once.
    pub routes: usize,
}
