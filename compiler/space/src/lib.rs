//! The algebra of requests: exact answers about all requests at once.
//!
//! A table of one host is an ordered list of entries, each a set of paths with conditions on method,
//! headers, query and source. Its requests are partitioned in two steps, and the product of all
//! dimensions is never formed: first by which path patterns a path matches ([`walk`]), then, for the
//! entries of one path alone, by the values that they tell apart ([`leaf`]). Within a path each entry is a
//! cube ([`cube`]), and what it takes is its cube without those before it; where that has too many pieces,
//! a SAT solver looks for one request ([`solver`]).
//!
//! For example, three rules of one host, in the order of precedence:
//!
//! | entry | path | asks |
//! |---|---|---|
//! | 0 | `/a/{id}` | method GET, header x: 1 |
//! | 1 | `/a/{id}` | method GET |
//! | 2 | `/a/**` | |
//!
//! The walk finds four sets of entries that one path matches: {0, 1, 2} with the path `/a/x`, {2} with `/a` (and with
//! `/a/x/y`, which is the same set and is not looked at again), and the empty one with `/`. For {0, 1, 2} the leaf has two
//! dimensions, since those entries mention no more: the method (GET, any other) and x (1, any other, absent). As cubes, entry 0 is
//! {GET} × {1}, entry 1 is {GET} × {1, other, absent}, entry 2 is everything. Entry 1 takes its cube without that of entry 0, which
//! is {GET} × {other, absent}: a request of it is `GET /a/x`. Entry 2 takes {any other} × everything there and all of
//! {2}. Were there an entry 3 with `/a/{id}` and header x: 1, nothing would be left of its cube on any path that it matches: it is
//! dead, and the entries before it that met it are what takes its requests.
//!
//! Every answer is exact or is [`Unknown`], by bounds that count steps. What is true of all requests here
//! is true of the proxy, because paths are canonical, expressions are the automata of the slice, and
//! absent, repeated and decoded values mean what `weft_snapshot` says they mean. A header of one line that comes in
//! several is a value of its own, and that a rule refuses it an outcome of its own ([`leaf::Repeating`]).
//!
//! | file | holds |
//! |---|---|
//! | [`predicate`] | what a rule or a permission asks for, whoever holds it |
//! | [`entry`] | one entry of a table |
//! | [`canonical`], [`spelling`], [`walk`] | the partition of paths |
//! | [`values`], [`sources`], [`leaf`], [`cube`], [`solver`] | the partition of the rest |
//! | [`table`] | who takes what in one table |
//! | [`compare`], [`part`] | which requests two tables treat differently |
//! | [`sets`] | one set of requests, or two, beside every table |
//! | [`request`] | witnesses |
//! | [`path`], [`mod@condition`] | patterns and conditions, and which of two is narrower |
//! | [`automata`], [`languages`] | the same questions for regular expressions |
//! | [`precedence`] | the order of overlapping rules |
//! | [`routes`] | the rules of one host, in that order, as a table |
//! | [`mod@rewrite`], [`agreement`], [`preimage`] | new paths, those that two rewrites make the same, and those that one makes into others |
//! | [`work`] | how many steps all of this may take |
//! | [`hosts`], [`classes`] | which hosts reach which table, and hosts that stand for others |

pub mod agreement;
pub mod automata;
mod canonical;
mod classes;
mod compare;
pub mod condition;
mod cube;
mod entry;
mod hosts;
pub mod languages;
mod leaf;
mod matches;
mod meant;
mod meeting;
mod order;
mod part;
pub mod path;
pub mod precedence;
pub mod predicate;
pub mod preimage;
mod reading;
mod request;
mod residual;
pub mod rewrite;
mod routes;
mod sets;
mod sharing;
mod solver;
mod sources;
mod spelling;
mod table;
mod undecided;
mod unknown;
mod url;
mod values;
mod walk;
pub mod work;

pub use classes::HostClasses;
pub use compare::{Cell, Difference, Region, Within, differences, differences_within};
pub use entry::{Conditions, Entry, Repeats};
pub use hosts::{HostTable, Part, Patterns, Served, host_covers, hosts_overlap, parts};
pub use matches::{Match, first_failure, matched, takes, takes_path};
pub use order::decides_over;
pub use predicate::{Predicate, Ranked};
pub use reading::Reading;
pub use request::WitnessRequest;
pub use routes::{
    Host, HostAnalysis, Undecided, Witnesses, analyse_access, analyse_plan, analyse_rules,
    taken_route,
};
pub use sets::{Extent, common, extent, left, meeting, parting};
pub use unknown::Unknown;
pub use url::ListenerUrl;

#[cfg(test)]
mod drawn;
#[cfg(test)]
mod tests;
