//! Sets of requests that are redirected on and on, followed set by set.
//!
//! What a rule takes is a set of requests. Those of them whose next URL another redirect takes are a smaller set, and so on: rules
//! take their requests, those before them keep theirs, and paths are taken back to what was asked for first. A request of
//! each set is sent round for real, so a loop is found by a request that is in it, and none is missed
//! within the bounds. In the same way those are found whose next URL no rule takes.

use std::collections::BTreeSet;

use weft_front::model::Rule;
use weft_front::model::access::rewritten;
use weft_front::model::action::Redirect;
use weft_space::languages::Languages;
use weft_space::{Conditions, Entry, WitnessRequest, common, work};

use super::follow::{End, HOPS, Stop, follow, leads_to, target};
use super::path_now::PathNow;
use super::places::{Place, Places, Redirecting};
use super::set::{Method, Set};
use crate::rules::HostAnalysis;

/// What the search for loops may cost, in sets that are looked at, for all redirects of a mesh together.
pub(super) const BUDGET: usize = 300_000;

/// The same of the search for what leads to nowhere.
pub(super) const BUDGET_OF_NOWHERE: usize = 100_000;
/// What it costs to hold a set of requests (`weft_space::work`).
const SET_STEPS: usize = 16;

/// Requests, as they were asked for first, that a redirect takes now.
#[derive(Clone, Debug)]
struct Region<'run, 'mesh> {
    place: Place<'run, 'mesh>,
    rule: &'mesh Rule,
    host: String,
    within: Vec<Set>,
    without: Vec<Set>,
    path: PathNow,
    method: Method,
}

/// The search from one rule on.
pub(super) struct Search<'search, 'run, 'mesh> {
    pub(super) places: &'search Places<'run, 'mesh>,
    pub(super) languages: &'search mut Languages,
    /// What is left to spend.
    pub(super) budget: &'search mut usize,
}

/// Where a search begins: a rule, its place and a host there.
struct Start<'run, 'mesh> {
    rule: &'mesh Rule,
    place: Place<'run, 'mesh>,
    host: String,
}

/// A redirect to where no rule takes the client.
#[derive(Clone, Debug)]
pub(super) struct Nowhere {
    /// The URL that a client asks for there.
    pub(super) url: String,
    /// Whether the redirect is to blame: it leads a path there whatever the method is, and made the path itself or leads all of its
    /// requests there.
    pub(super) is_all: bool,
}

/// The search of a rule at a host, and the requests that it begins with: those that the rule takes.
fn begun<'run, 'mesh>(
    from: Redirecting<'run, 'mesh>,
    host: &str,
) -> Option<(Start<'run, 'mesh>, Region<'run, 'mesh>)> {
    let Redirecting {
        place, position, ..
    } = from;
    let analysis = place.host.analysis.as_ref().ok()?;
    let rule = *analysis.rules.get(position)?;
    let host = host.to_owned();
    let before: Vec<&Rule> = earlier(analysis, position).collect();
    if !work::spend(before.len().saturating_mul(SET_STEPS)) {
        return None;
    }
    let first = Region {
        place,
        rule,
        host: host.clone(),
        within: vec![Set::of(rule)],
        without: before.into_iter().map(Set::of).collect(),
        path: PathNow::Asked,
        method: Method::Asked,
    };
    Some((Start { rule, place, host }, first))
}

impl<'run, 'mesh> Search<'_, 'run, 'mesh> {
    /// A loop that some request of a rule goes round in, sent to a host.
    pub(super) fn from(
        &mut self,
        from: Redirecting<'run, 'mesh>,
        host: &str,
    ) -> Option<End<'mesh>> {
        let (start, first) = begun(from, host)?;
        let end = self.sent(from.taken, &start);
        end.or_else(|| self.explore(&first, &start, 1))
    }

    /// Where some request of a rule, sent to a host, is led to that no rule takes.
    pub(super) fn nowhere(
        &mut self,
        from: Redirecting<'run, 'mesh>,
        host: &str,
    ) -> Option<Nowhere> {
        let (start, first) = begun(from, host)?;
        let redirect = leads_to(start.rule)?;
        let (arrived, rules) = self.arrived(&first, redirect)?;
        // Where the path stays the same, one says enough.
        let most = if redirect.path.is_none() {
            1
        } else {
            rules.len()
        };
        let met = self.met(&arrived, &rules, most, &start);
        // What is asked for under another name was not there before either.
        let is_kept = redirect.path.is_none() && !met.is_empty();
        let whole = arrived.iter().filter(|_| !is_kept).find_map(|part| {
            let left = self.without(part, &met, &|conditions| conditions.methods.clear())?;
            let witness = self.witness(&left, &start)?;
            self.ends_nowhere(&witness, &start)
        });
        if let Some(url) = whole {
            return Some(Nowhere { url, is_all: true });
        }
        let some = self.ends_nowhere(from.taken, &start).or_else(|| {
            let mut arrived = arrived.iter();
            arrived.find_map(|part| {
                let left = self.without(part, &rules, &|_| {})?;
                let witness = self.witness(&left, &start)?;
                self.ends_nowhere(&witness, &start)
            })
        });
        some.map(|url| Nowhere { url, is_all: false })
    }

    /// The requests of a region where they arrive when clients follow, and the rules that could take them there.
    fn arrived(
        &self,
        region: &Region<'run, 'mesh>,
        redirect: &Redirect,
    ) -> Option<(Vec<Region<'run, 'mesh>>, Vec<&'mesh Rule>)> {
        let (place, host) = self.lead(region, redirect)?;
        let analysis = place.host.analysis.as_ref().ok()?;
        let path = path_after(region, redirect)?;
        let rules = positions(analysis, region, &path).into_iter();
        let rules = rules.filter_map(|at| analysis.rules.get(at).copied());
        let mut methods = region.rule.matched.methods.iter();
        let names_head = methods.any(|method| method.value.as_str() == "HEAD");
        if !region.is_affordable() {
            return None;
        }
        let arrived = parted(region, redirect).into_iter().map(|mut part| {
            if !names_head {
                part.without.push(Set::of_heads());
            }
            Region {
                place,
                host: host.clone(),
                path: path.clone(),
                ..part
            }
        });
        Some((arrived.collect(), rules.collect()))
    }

    /// The rules, so many at most, that match some request of some regions; also those of which that is not known.
    fn met(
        &mut self,
        regions: &[Region<'run, 'mesh>],
        rules: &[&'mesh Rule],
        most: usize,
        start: &Start<'run, 'mesh>,
    ) -> Vec<&'mesh Rule> {
        let mut is_met = |rule: &'mesh Rule| {
            regions.iter().any(|region| {
                if !region.is_affordable() {
                    // Not known.
                    return true;
                }
                let next = Region {
                    rule,
                    ..region.clone()
                };
                self.own(&next).is_none_or(|parts| {
                    let mut parts = parts.iter();
                    parts.any(|part| !matches!(self.asked(part, start), Ok(None)))
                })
            })
        };
        let rules = rules.iter().copied();
        rules.filter(|rule| is_met(rule)).take(most).collect()
    }

    /// The URL at which a request ends that no rule takes there.
    fn ends_nowhere(
        &mut self,
        request: &WitnessRequest,
        start: &Start<'run, 'mesh>,
    ) -> Option<String> {
        let stop = Stop::at(self.places, start.place, request, &start.host)?;
        match follow(self.places, start.rule, &stop, self.languages) {
            End::Nowhere(url) => Some(url),
            End::Elsewhere | End::Loop(..) => None,
        }
    }

    /// Looks at all sets of requests that redirects lead on from one.
    fn explore(
        &mut self,
        region: &Region<'run, 'mesh>,
        start: &Start<'run, 'mesh>,
        hop: usize,
    ) -> Option<End<'mesh>> {
        if HOPS < hop {
            return None;
        }
        for next in self.next(region) {
            let Some(witness) = self.witness(&next, start) else {
                continue;
            };
            let end = self.sent(&witness, start);
            let end = end.or_else(|| self.explore(&next, start, hop + 1));
            if end.is_some() {
                return end;
            }
        }
        None
    }

    /// The loop that a request goes round in, if it comes back to where it begins or never to the same rule twice. One that only
    /// leads into a loop is not what is to be mended.
    fn sent(&mut self, request: &WitnessRequest, start: &Start<'run, 'mesh>) -> Option<End<'mesh>> {
        let stop = Stop::at(self.places, start.place, request, &start.host)?;
        let end = follow(self.places, start.rule, &stop, self.languages);
        let End::Loop(rules, _) = &end else {
            return None;
        };
        let mut later = rules.iter().skip(1);
        let is_part = later.any(|rule| rule.id == start.rule.id);
        let different: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        let is_told = is_part || different.len() == rules.len();
        is_told.then_some(end)
    }

    /// A request of a region; none if there is none, or where a bound keeps it unknown.
    fn witness(
        &mut self,
        region: &Region<'_, '_>,
        start: &Start<'_, '_>,
    ) -> Option<WitnessRequest> {
        self.asked(region, start).ok().flatten()
    }

    /// A request of a region, if there is one; an error where a bound keeps it unknown.
    fn asked(
        &mut self,
        region: &Region<'_, '_>,
        start: &Start<'_, '_>,
    ) -> Result<Option<WitnessRequest>, ()> {
        let cost = region.within.len() + region.without.len();
        *self.budget = self.budget.checked_sub(cost).ok_or(())?;
        let within: Vec<Entry<'_>> = region.within.iter().map(Set::entry).collect();
        let without: Vec<Entry<'_>> = region.without.iter().map(Set::entry).collect();
        let within: Vec<&Entry<'_>> = within.iter().collect();
        let analysis = start.place.host.analysis.as_ref().map_err(|_| ())?;
        common(&within, &without, analysis.with()).map_err(|_| ())
    }

    /// The sets of requests that redirects take next.
    fn next(&mut self, region: &Region<'run, 'mesh>) -> Vec<Region<'run, 'mesh>> {
        let Some(redirect) = leads_to(region.rule) else {
            return Vec::new();
        };
        let Some((place, host, analysis)) =
            self.lead(region, redirect).and_then(|(place, host)| {
                let analysis = place.host.analysis.as_ref().ok()?;
                Some((place, host, analysis))
            })
        else {
            return Vec::new();
        };
        let Some(path) = path_after(region, redirect) else {
            return Vec::new();
        };
        let constant = path.constant();
        let asked = positions(analysis, region, &path);
        let mut found = Vec::new();
        for region in parted(region, redirect) {
            for (nth, position) in asked.iter().enumerate() {
                let Some(rule) = analysis.rules.get(*position).copied() else {
                    continue;
                };
                let is_live = analysis.witness.get(*position).is_some_and(Option::is_some);
                let Some(left) = self.budget.checked_sub(1) else {
                    return found;
                };
                *self.budget = left;
                if leads_to(rule).is_none() || !is_live {
                    continue;
                }
                let before: Vec<&Rule> = match &constant {
                    Some(_) => asked
                        .iter()
                        .take(nth)
                        .filter_map(|at| analysis.rules.get(*at).copied())
                        .collect(),
                    None => earlier(analysis, *position).collect(),
                };
                let sets = region.within.len() + region.without.len() + before.len();
                if !work::spend(sets.saturating_mul(SET_STEPS)) {
                    return found;
                }
                let next = Region {
                    place,
                    rule,
                    host: host.clone(),
                    path: path.clone(),
                    ..region.clone()
                };
                found.extend(self.taken(&next, &before));
            }
        }
        found
    }

    /// Where the clients of a region are led, and the host that they ask for there.
    fn lead(
        &self,
        region: &Region<'run, 'mesh>,
        redirect: &Redirect,
    ) -> Option<(Place<'run, 'mesh>, String)> {
        let leads = target(self.places, region.place, redirect, &region.host)?;
        let place = self.places.after(region.place, leads)?;
        Some((place, leads.host.to_owned()))
    }

    /// The requests of a region, which come to a host, that its rule takes; as many sets as its pattern has parts.
    fn taken(
        &mut self,
        region: &Region<'run, 'mesh>,
        before: &[&Rule],
    ) -> Vec<Region<'run, 'mesh>> {
        let left = self.without(region, before, &|_| {});
        left.and_then(|left| self.own(&left)).unwrap_or_default()
    }

    /// The requests of a region, which come to a host, without those of some rules, whose conditions may be made weaker; none
    /// where these are no sets.
    fn without(
        &mut self,
        region: &Region<'run, 'mesh>,
        rules: &[&Rule],
        weaken: &dyn Fn(&mut Conditions),
    ) -> Option<Region<'run, 'mesh>> {
        if !region.is_affordable() {
            return None;
        }
        let mut region = region.clone();
        for rule in rules {
            if !work::spend(SET_STEPS) {
                return None;
            }
            let asked = region.method.asked(Entry::of(*rule).conditions);
            let Some(mut conditions) = asked else {
                continue;
            };
            weaken(&mut conditions);
            let kept = region
                .path
                .within(&rule.matched.path.value, self.languages)?;
            region.without.extend(kept.into_iter().map(|(path, _)| Set {
                path,
                conditions: conditions.clone(),
            }));
        }
        Some(region)
    }

    /// The requests of a region, which come to a host, that its rule matches; none where these are no sets.
    fn own(&mut self, region: &Region<'run, 'mesh>) -> Option<Vec<Region<'run, 'mesh>>> {
        let Some(conditions) = region.method.asked(Entry::of(region.rule).conditions) else {
            return Some(Vec::new());
        };
        let path = &region.rule.matched.path.value;
        let parts = region.path.within(path, self.languages)?.into_iter();
        let parts = parts.take_while(|_| region.is_affordable());
        let parts = parts.map(|(asked, now)| {
            let mut part = region.clone();
            part.path = now;
            part.within.push(Set {
                path: asked,
                conditions: conditions.clone(),
            });
            part
        });
        Some(parts.collect())
    }
}

impl Region<'_, '_> {
    /// Takes what it costs to have it once more; false where there is nothing left to take.
    fn is_affordable(&self) -> bool {
        let sets = self.within.len().saturating_add(self.without.len());
        work::spend(sets.saturating_mul(SET_STEPS))
    }
}

/// The rules that may take the requests of a region, whose path is this one now: an index finds those of one path, and of a pattern.
fn positions(analysis: &HostAnalysis<'_>, region: &Region<'_, '_>, path: &PathNow) -> Vec<usize> {
    match (path.constant(), path) {
        (Some(path), _) => analysis.positions_at(&path),
        (None, PathNow::Asked) => analysis.sharing(&region.rule.matched.path.value),
        (None, PathNow::New { pattern, rewrite }) => analysis.sharing(&rewritten(pattern, rewrite)),
    }
}

/// The rules of a host that may take requests of one before it does.
fn earlier<'mesh>(
    analysis: &HostAnalysis<'mesh>,
    position: usize,
) -> impl Iterator<Item = &'mesh Rule> {
    let before = analysis.meeting(position).into_iter();
    let before = before.take_while(move |one| *one < position);
    before.filter_map(|one| analysis.rules.get(one).copied())
}

/// A region by what becomes of its methods when clients follow: all but HEAD may turn into GET (RFC 9110, section 15.4).
fn parted<'run, 'mesh>(
    region: &Region<'run, 'mesh>,
    redirect: &Redirect,
) -> Vec<Region<'run, 'mesh>> {
    let code = redirect.status();
    if matches!(code, 307 | 308) || region.method == Method::Get {
        return vec![region.clone()];
    }
    let (mut heads, mut others) = (region.clone(), region.clone());
    others.method = Method::Get;
    others.without.push(Set::of_heads());
    let methods = &region.rule.matched.methods;
    if !methods.is_empty() && methods.iter().all(|one| one.value.as_str() != "HEAD") {
        return vec![others];
    }
    heads.within.push(Set::of_heads());
    vec![others, heads]
}

/// The path that clients ask for when they follow; none where it cannot be said.
fn path_after(region: &Region<'_, '_>, redirect: &Redirect) -> Option<PathNow> {
    let Some(new) = &redirect.path else {
        return Some(region.path.clone());
    };
    let pattern = &region.rule.matched.path.value;
    let new = new.value.made.clone();
    region.path.clone().redirected(pattern, new)
}
