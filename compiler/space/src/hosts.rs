//! Which hosts reach which table: the first dimension of every request.
//!
//! The listener that names a host most specifically gets its requests, and the most specific host of that listener's table owns
//! them. Patterns of listeners and tables cut all hosts into parts ([`parts`]); hosts of one part are treated alike by all of
//! them, so one host stands for a part. Every verdict about requests asks here which parts a table has ([`Served::parts`]); the
//! choice itself is that of the proxies, `weft_snapshot::choice`.

use std::collections::BTreeSet;

use weft_snapshot::choice::{HostIndex, most_specific};
use weft_snapshot::{canonical, settings};

/// Host patterns with their positions, by text.
#[derive(Clone, Debug, Default)]
pub struct Patterns<'a> {
    index: HostIndex<(usize, &'a str)>,
}

impl<'a> Patterns<'a> {
    /// Of some patterns; of equal ones the first counts.
    pub fn new(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut index = HostIndex::default();
        for (at, pattern) in patterns.into_iter().enumerate() {
            index.insert(pattern, (at, pattern));
        }
        Self { index }
    }

    /// The most specific pattern that matches a canonical host: how specifically, and its position.
    pub fn best(&self, host: &str) -> Option<(usize, usize)> {
        let best = self.index.best(host);
        best.map(|(specific, (at, _))| (specific, *at))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.index.values().map(|(_, pattern)| *pattern)
    }
}

/// Hosts that some patterns do not tell apart: those of one pattern that none of the more specific ones has.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Part {
    /// The pattern.
    pub pattern: String,
    /// One of the hosts; one label below a wildcard with a suffix.
    pub host: String,
    /// One that has a label more; none for a pattern of one host.
    pub deeper: Option<String>,
}

/// The parts into which patterns cut all hosts, in the order of their patterns; that of `*` is always among them.
pub fn parts<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Vec<Part> {
    let all: BTreeSet<&str> = patterns.into_iter().chain(["*"]).collect();
    let known = Patterns::new(all.iter().copied());
    let part = |(at, pattern): (usize, &&str)| {
        Some(Part {
            pattern: (*pattern).to_owned(),
            host: one_host(pattern, "", at, &known)?,
            deeper: pattern
                .starts_with('*')
                .then(|| one_host(pattern, "x.", at, &known))
                .flatten(),
        })
    };
    all.iter().enumerate().filter_map(part).collect()
}

/// A host of a pattern at a position that belongs to none of the more specific ones, begun with some labels.
fn one_host(pattern: &str, first: &str, at: usize, known: &Patterns<'_>) -> Option<String> {
    let is_its = |host: &String| known.best(host).is_some_and(|(_, best)| best == at);
    free_host(pattern, first, known.index.len(), is_its)
}

/// A host of a pattern, begun with some labels, that `is_its` takes for the pattern's own, where each of `others` takes one
/// label away at most.
pub(super) fn free_host(
    pattern: &str,
    first: &str,
    others: usize,
    is_its: impl Fn(&String) -> bool,
) -> Option<String> {
    let Some(suffix) = pattern.strip_prefix('*') else {
        return Some(pattern.to_owned());
    };
    // Below `*`, a host of one label is in no other wildcard; one with a domain looks better.
    let endings: &[&str] = if suffix.is_empty() {
        &[".example", ""]
    } else {
        &[suffix]
    };
    let below = |ending: &&str| {
        let mut labels = (0..=others).map(|number| match number {
            0 => format!("{first}x{ending}"),
            number => format!("{first}x{number}{ending}"),
        });
        labels.find(&is_its)
    };
    endings.iter().find_map(below)
}

/// The hosts whose requests a listener gets: those that it serves, without those that another listener of its address and port
/// serves more specifically.
#[derive(Clone, Debug, Default)]
pub struct Served<'a> {
    own: Patterns<'a>,
    /// Of the listeners that come before it, which have a host that both name alike.
    before: Patterns<'a>,
    after: Patterns<'a>,
}

impl<'a> Served<'a> {
    /// Of a listener with these patterns, none for every host, among others of its address and port: those before and after it,
    /// whose patterns include `*` where they serve every host.
    pub fn new(own: Patterns<'a>, before: Patterns<'a>, after: Patterns<'a>) -> Self {
        Self { own, before, after }
    }

    /// Of a listener of a plan, among all of its node.
    pub fn of_plan(own: &'a settings::Listener, all: &'a [settings::Listener]) -> Self {
        let bound = |one: &settings::Listener| (one.address, one.port);
        let patterns = |one: &'a settings::Listener| one.hosts.iter().map(String::as_str);
        let beside = |some: &'a [settings::Listener]| {
            let beside = some.iter();
            let beside = beside.filter(|one| one.name != own.name && bound(one) == bound(own));
            Patterns::new(beside.flat_map(patterns))
        };
        let position = all.iter().position(|one| one.name == own.name);
        let (before, after) = all.split_at(position.unwrap_or(all.len()));
        Self {
            own: Patterns::new(patterns(own)),
            before: beside(before),
            after: beside(after),
        }
    }

    /// Whether the listener gets the requests of a host.
    pub fn has(&self, host: &str) -> bool {
        if self.own.is_empty() {
            return true;
        }
        let specific = |patterns: &Patterns<'_>| patterns.best(host).map(|(specific, _)| specific);
        let chosen = most_specific([
            (specific(&self.before), false),
            (specific(&self.own), true),
            (specific(&self.after), false),
        ]);
        chosen.unwrap_or(false)
    }

    /// The parts of the hosts of the pattern `within` that the listener gets, each with the position of the host that owns it
    /// among those of its `table`; without an owner, no rule takes its requests.
    pub fn parts(&self, table: &[&str], within: &str) -> Vec<(Part, Option<usize>)> {
        let owners = Patterns::new(table.iter().copied());
        self.parts_of((table, &owners), within)
    }

    fn parts_of(
        &self,
        (table, owners): (&[&str], &Patterns<'_>),
        within: &str,
    ) -> Vec<(Part, Option<usize>)> {
        let owned = |part: Part| {
            let owner = owners.best(&part.host).map(|(_, at)| at);
            (part, owner)
        };
        if !within.starts_with('*') {
            let one = self.has(within).then(|| Part {
                pattern: within.to_owned(),
                host: within.to_owned(),
                deeper: None,
            });
            return one.map(owned).into_iter().collect();
        }
        let others = self.before.texts().chain(self.after.texts());
        let served = self.own.texts().chain(others);
        // What is wider tells no two hosts of the pattern apart.
        let all = served.chain(table.iter().copied());
        let all = all.filter(|one| host_covers(within, one));
        let mut found = parts(all.chain([within]));
        found.retain(|part| {
            canonical::host_matches(within, &part.host).is_some() && self.has(&part.host)
        });
        found.into_iter().map(owned).collect()
    }

    /// For each host of a table one whose requests it gets here; none where the listener, others of its port or other hosts of
    /// the table leave it nothing.
    pub fn witnesses(&self, table: &[&str]) -> Vec<Option<String>> {
        let mut found = vec![None; table.len()];
        for (part, owner) in self.parts(table, "*") {
            let place = owner.and_then(|owner| Some((found.get_mut(owner)?, *table.get(owner)?)));
            // The most general part of a host is the one of its own pattern, if it gets that.
            if let Some((place, pattern)) = place
                && (place.is_none() || part.pattern == pattern)
            {
                *place = Some(part.host);
            }
        }
        found
    }
}

/// What it costs to ask about one host ([`crate::work`]).
const EXACT_STEPS: usize = 64;

/// The hosts whose requests a listener gets, and those of its table that own them, for whoever asks often.
#[derive(Clone, Debug)]
pub struct HostTable<'a> {
    served: Served<'a>,
    table: Vec<&'a str>,
    owners: Patterns<'a>,
}

impl<'a> HostTable<'a> {
    /// Of a listener of a mesh and the hosts of its table.
    pub fn new(served: Served<'a>, table: Vec<&'a str>) -> Self {
        Self {
            served,
            owners: Patterns::new(table.iter().copied()),
            table,
        }
    }

    /// As [`Served::parts`].
    pub fn parts(&self, within: &str) -> Vec<(Part, Option<usize>)> {
        self.served.parts_of((&self.table, &self.owners), within)
    }

    /// What it costs to ask about the hosts of a pattern ([`crate::work`]).
    pub fn steps(&self, within: &str) -> usize {
        if !within.starts_with('*') {
            return EXACT_STEPS;
        }
        let served = &self.served;
        let patterns = [&served.own, &served.before, &served.after, &self.owners];
        let count: usize = patterns.iter().map(|one| one.index.len()).sum();
        count.saturating_mul(2).saturating_add(EXACT_STEPS)
    }

    /// Whether the listener gets any host of a pattern.
    pub fn reaches(&self, within: &str) -> bool {
        !self.parts(within).is_empty()
    }
}

/// Whether every host that `inner` matches is matched by `outer` too.
pub fn host_covers(outer: &str, inner: &str) -> bool {
    if outer == "*" || outer == inner {
        return true;
    }
    let Some(suffix) = outer.strip_prefix('*') else {
        return false;
    };
    let below = inner.strip_prefix('*').unwrap_or(inner);
    suffix.len() < below.len() && below.ends_with(suffix)
}

/// Whether some host is matched by both patterns.
pub fn hosts_overlap(left: &str, right: &str) -> bool {
    host_covers(left, right) || host_covers(right, left)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use weft_snapshot::canonical::host_matches;
    use weft_testing::{Random, rounds};

    use super::{Patterns, Served, host_covers, hosts_overlap, parts};

    const TABLE: [&str; 3] = ["*.a.example", "b.a.example", "*.c.a.example"];

    fn served(own: &[&'static str], others: &[&'static str]) -> Served<'static> {
        Served {
            own: Patterns::new(own.iter().copied()),
            before: Patterns::default(),
            after: Patterns::new(others.iter().copied()),
        }
    }

    /// A host of `within` that the host of a table at a position owns.
    fn owned(served: &Served<'_>, within: &str, owner: Option<usize>) -> Option<String> {
        let parts = served.parts(&TABLE, within);
        let mut its = parts.into_iter().filter(|(_, own)| *own == owner);
        its.next().map(|(part, _)| part.host)
    }

    #[test]
    fn a_wildcard_covers_what_is_below_and_never_the_apex() {
        assert!(host_covers("*.a.example", "b.a.example"));
        assert!(host_covers("*.a.example", "c.b.a.example"));
        assert!(host_covers("*.a.example", "*.b.a.example"));
        assert!(host_covers("*", "*.a.example"));
        assert!(!host_covers("*.a.example", "a.example"));
        assert!(!host_covers("*.a.example", "ba.example"));
        assert!(!host_covers("*.a.example", "*"));
        assert!(hosts_overlap("b.a.example", "*.a.example"));
    }

    #[test]
    fn a_host_is_found_wherever_there_is_one() {
        let all = Served::default();
        let owned_of_all = |within, owner| owned(&all, within, owner);
        assert_eq!(owned_of_all("*", Some(0)).as_deref(), Some("x.a.example"));
        assert_eq!(owned_of_all("b.a.example", Some(0)), None);
        assert_eq!(owned_of_all("*.c.a.example", Some(0)), None);
        let below = owned_of_all("*.d.a.example", Some(0));
        assert_eq!(below.as_deref(), Some("x.d.a.example"));
        assert_eq!(owned_of_all("*", None).as_deref(), Some("x.example"));
        assert_eq!(owned_of_all("*.a.example", None), None);
        let apex = owned_of_all("a.example", None);
        assert_eq!(apex.as_deref(), Some("a.example"));
        let any = all.witnesses(&["*", "*.example", "x"]);
        assert_eq!(any[0].as_deref(), Some("x1"));
    }

    #[test]
    fn what_a_listener_and_its_neighbours_leave_is_the_space_of_a_table() {
        let on = |own, others| owned(&served(own, others), "*", Some(0));
        assert_eq!(on(&["b.a.example"], &[]), None);
        // Another listener of the port gets what it serves more specifically.
        let beside = on(&["*"], &["x.a.example", "*.x1.a.example"]);
        assert_eq!(beside.as_deref(), Some("x1.a.example"));
        assert_eq!(on(&["*"], &["*.a.example"]), None);
        assert_eq!(on(&["*.a.example"], &["*"]).as_deref(), Some("x.a.example"));
        let nested = on(&["*.y.a.example"], &["*.a.example"]);
        assert_eq!(nested.as_deref(), Some("x.y.a.example"));
        // Of two that name a host alike the first has it, as with proxies.
        let alike = served(&["*"], &["*"]);
        let second = Served {
            before: alike.after.clone(),
            after: Patterns::default(),
            own: alike.own.clone(),
        };
        assert!(alike.has("x") && !second.has("x"));
        // Every host of the listener belongs to another host of the table.
        let left = served(&["b.a.example"], &[]).witnesses(&["*.a.example", "b.a.example"]);
        assert_eq!(left, [None, Some("b.a.example".to_owned())]);
    }

    const SOME: [&str; 9] = [
        "*", "*.b", "*.a.b", "*.x.b", "a.b", "x.b", "x.a.b", "b", "*.x.x.b",
    ];

    fn some(random: &mut Random) -> Vec<&'static str> {
        let mut some = SOME.to_vec();
        some.retain(|_| random.one_in(3));
        some
    }

    #[test]
    fn parts_are_exactly_what_patterns_tell_apart() {
        let labels = ["a", "b", "x", "x1", "y"];
        let mut hosts: Vec<String> = labels.map(str::to_owned).to_vec();
        for _ in 0..2 {
            let longer = hosts.iter();
            let longer = longer.flat_map(|host| labels.map(|label| format!("{label}.{host}")));
            let longer: Vec<String> = longer.collect();
            hosts.extend(longer);
        }
        for seed in 0..rounds(200) {
            let mut random = Random::new(u64::from(seed) + 21_000_000);
            let patterns = some(&mut random);
            let matching = |host: &str| -> BTreeSet<&str> {
                let matching = patterns.iter().copied();
                matching
                    .filter(|one| host_matches(one, host).is_some())
                    .collect()
            };
            let parts = parts(patterns.iter().copied());
            let told: BTreeSet<_> = parts.iter().map(|part| matching(&part.host)).collect();
            for host in &hosts {
                assert!(told.contains(&matching(host)), "{patterns:?} {host}");
                let trial = patterns.iter().enumerate();
                let trial = trial.filter_map(|(at, one)| Some((host_matches(one, host)?, at)));
                let best = Patterns::new(patterns.iter().copied()).best(host);
                assert_eq!(best, trial.max(), "{patterns:?} {host}");
            }
        }
    }
}
