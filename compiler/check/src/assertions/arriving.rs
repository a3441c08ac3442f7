//! What of the requests of a rule arrives at a service within a permission or denial.
//!
//! Exact: a rule has the requests that it takes, not all that it matches, and a policy is about the paths that arrive. So the
//! paths of a policy are taken back through the rewrite of the rule, and rules that are tried before keep what is theirs.
//! An expression behind a rewrite that keeps parts of the path cannot be taken back; the paths that the rule makes are held against
//! it instead. Where other rules are in the way, some of them are, and what none of those shows stays unknown.

use std::collections::BTreeSet;

use weft_front::model::access::rewritten;
use weft_front::model::{Caller, Mesh, Rule, Service};
use weft_snapshot::plan::{PathPattern, PathRewrite, RewritePart, Segment};
use weft_snapshot::settings::PathRules;
use weft_space::languages::Languages;
use weft_space::path::Relation;
use weft_space::preimage::preimage;
use weft_space::{Entry, Reading, Unknown, WitnessRequest, common, takes_path};

use super::permits::{denials, is_guarded, permissions};
use crate::rules::HostAnalysis;

/// A rule of a gateway whose requests are followed to a service.
#[derive(Debug)]
pub struct Forwarding<'run, 'mesh> {
    mesh: &'mesh Mesh,
    analysis: &'run HostAnalysis<'mesh>,
    position: usize,
    rule: &'mesh Rule,
    rewrite: Option<PathRewrite>,
}

/// So many paths that a rule may make are held against the requests that it takes.
const TRIED: usize = 4;

/// A set of requests as they arrive: methods of an entry, and its paths as they were asked for.
struct TakenBack<'entry> {
    entry: &'entry Entry<'entry>,
    paths: Vec<PathPattern>,
}

impl TakenBack<'_> {
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.paths.iter().map(|path| Entry {
            path,
            conditions: self.entry.conditions.clone(),
        })
    }
}

impl<'run, 'mesh> Forwarding<'run, 'mesh> {
    /// The rule at a position of its host; nothing if it takes no request.
    pub fn new(
        mesh: &'mesh Mesh,
        analysis: &'run HostAnalysis<'mesh>,
        position: usize,
    ) -> Option<Self> {
        analysis.witness.get(position)?.as_ref()?;
        let rule = *analysis.rules.get(position)?;
        Some(Self {
            mesh,
            analysis,
            position,
            rule,
            rewrite: rule.new_path().cloned(),
        })
    }

    /// How the listener of the rule makes paths canonical.
    pub(crate) fn path_rules(&self) -> PathRules {
        self.analysis.path_rules
    }

    /// How many rules of the host are tried before.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// A request that the rule takes and that arrives in one set, if there is one, and in none of others.
    ///
    /// # Errors
    ///
    /// [`Unknown`] when a bound is met, or where an expression cannot be taken back.
    pub(crate) fn arriving(
        &self,
        within: Option<&Entry<'_>>,
        others: &[Entry<'_>],
    ) -> Result<Option<WitnessRequest>, Unknown> {
        self.arriving_in_all(within.as_slice(), others)
    }

    /// The same in all of some sets.
    ///
    /// # Errors
    ///
    /// As [`Self::arriving`].
    pub(crate) fn arriving_in_all(
        &self,
        within: &[&Entry<'_>],
        others: &[Entry<'_>],
    ) -> Result<Option<WitnessRequest>, Unknown> {
        match (self.asked(within, others), &self.rewrite) {
            (Err(Unknown::RewrittenPaths), Some(rewrite)) => self.made(rewrite, within, others),
            (found, _) => found,
        }
    }

    /// The same in the space of what is asked for.
    fn asked(
        &self,
        within: &[&Entry<'_>],
        others: &[Entry<'_>],
    ) -> Result<Option<WitnessRequest>, Unknown> {
        let (mut sets, mut unclear) = (Vec::new(), None);
        for one in within {
            match self.taken_back(one) {
                // Nothing of it is made by the rewrite, whatever the others are.
                Ok(back) if back.paths.is_empty() => return Ok(None),
                Ok(back) => sets.push(back),
                Err(unknown) => unclear = Some(unknown),
            }
        }
        if let Some(unknown) = unclear {
            return Err(unknown);
        }
        let back = others.iter().map(|one| self.taken_back(one));
        let back: Vec<TakenBack<'_>> = back.collect::<Result<_, _>>()?;
        let others: Vec<Entry<'_>> = back.iter().flat_map(TakenBack::entries).collect();
        // A set may come of two patterns, so that there are some combinations.
        let mut combined: Vec<Vec<Entry<'_>>> = vec![Vec::new()];
        for set in &sets {
            let longer = combined.iter().flat_map(|known| {
                let entries = set.entries();
                entries.map(move |one| known.iter().cloned().chain([one]).collect())
            });
            let longer: Vec<Vec<Entry<'_>>> = longer.collect();
            combined = longer;
        }
        for sets in &combined {
            let sets: Vec<&Entry<'_>> = sets.iter().collect();
            let found = self.analysis.taken_of(self.position, &sets, &others)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether every path that the rule can make is made of a request that it takes: no other rule is before it, and no part
    /// of a path is used twice.
    fn is_alone(&self, rewrite: &PathRewrite) -> bool {
        let mut used = BTreeSet::new();
        let mut parts = rewrite.parts.iter();
        let is_used_once = parts.all(|part| match part {
            RewritePart::Literal { .. } => true,
            RewritePart::Segment { index } => used.insert(*index),
        });
        let first = self.analysis.meeting(self.position).into_iter().next();
        is_used_once && first.is_none_or(|first| self.position <= first)
    }

    /// The same in the space of what arrives. What the rule never makes does not arrive; what it may make does where a request for
    /// it is taken, which some are asked about.
    fn made(
        &self,
        rewrite: &PathRewrite,
        within: &[&Entry<'_>],
        others: &[Entry<'_>],
    ) -> Result<Option<WitnessRequest>, Unknown> {
        let asked = &self.rule.matched.path.value;
        let image = rewritten(asked, rewrite);
        let own = Entry {
            path: &image,
            conditions: Entry::of(self.rule).conditions,
        };
        let sets = within.iter().copied();
        let sets: Vec<&Entry<'_>> = [&own].into_iter().chain(sets).collect();
        let with = Reading::new(self.analysis.path_rules, &self.mesh.automata);
        let mut tried: Vec<PathPattern> = Vec::new();
        while tried.len() < TRIED {
            let others = others.iter().cloned();
            let others: Vec<Entry<'_>> = others.chain(tried.iter().map(Entry::of_path)).collect();
            let Some(made) = common(&sets, &others, with)? else {
                break;
            };
            let one = exact(&made.path);
            for path in preimage(asked, rewrite, &one).unwrap_or_default() {
                let mut entry = Entry::of_path(&path);
                entry.conditions.methods.push(made.method.clone());
                let found = self.analysis.taken_of(self.position, &[&entry], &[])?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            if self.is_alone(rewrite) {
                return Ok(Some(made));
            }
            tried.push(one);
        }
        if tried.is_empty() {
            return Ok(None);
        }
        Err(Unknown::RewrittenPaths)
    }

    /// A request that a service admits from the gateway of the rule, whatever it asks of callers.
    ///
    /// # Errors
    ///
    /// As [`Self::arriving`].
    pub fn admitted(
        &self,
        service: &Service,
        caller: Caller,
    ) -> Result<Option<WitnessRequest>, Unknown> {
        self.admitted_of(&[], service, caller)
    }

    /// The same of the requests that arrive in all of some sets.
    ///
    /// # Errors
    ///
    /// As [`Self::arriving`].
    pub(crate) fn admitted_of(
        &self,
        wanted: &[&Entry<'_>],
        service: &Service,
        caller: Caller,
    ) -> Result<Option<WitnessRequest>, Unknown> {
        if !is_guarded(self.mesh, service) {
            return self.arriving_in_all(wanted, &[]);
        }
        let denied: Vec<Entry<'_>> = denials(service, caller).map(Entry::of).collect();
        let mut unknown = None;
        for allow in permissions(service, caller) {
            let allowed = Entry::of(allow);
            let sets: Vec<&Entry<'_>> = wanted.iter().copied().chain([&allowed]).collect();
            match self.arriving_in_all(&sets, &denied) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(reason) => unknown = Some(reason),
            }
        }
        unknown.map_or(Ok(None), Err)
    }

    fn taken_back<'entry>(
        &self,
        entry: &'entry Entry<'entry>,
    ) -> Result<TakenBack<'entry>, Unknown> {
        let paths = match &self.rewrite {
            None => vec![entry.path.clone()],
            Some(rewrite) => self.paths_of(rewrite, entry.path)?,
        };
        Ok(TakenBack { entry, paths })
    }

    /// The paths that a rewrite turns into those of a pattern.
    fn paths_of(
        &self,
        rewrite: &PathRewrite,
        arriving: &PathPattern,
    ) -> Result<Vec<PathPattern>, Unknown> {
        let asked = &self.rule.matched.path.value;
        if let Some(paths) = preimage(asked, rewrite, arriving) {
            return Ok(paths);
        }
        // Where nothing of the old path is kept, one path arrives, and an expression has it or not.
        if let Some(new) = rewrite.constant() {
            let mut languages = Languages::sharing(&self.mesh.automata);
            let has = takes_path(arriving, &new, &mut languages);
            Ok(has.then(|| asked.clone()).into_iter().collect())
        } else {
            let mut languages = self.analysis.languages();
            let arrives = rewritten(asked, rewrite);
            match languages.relate_paths(&arrives, arriving).relation {
                Relation::Disjoint => Ok(Vec::new()),
                Relation::Equal | Relation::Narrower => Ok(vec![asked.clone()]),
                Relation::Wider | Relation::Overlapping => Err(Unknown::RewrittenPaths),
            }
        }
    }
}

fn exact(path: &str) -> PathPattern {
    let segments = path.split('/').skip(1).map(|text| Segment::Literal {
        text: text.to_owned(),
    });
    PathPattern::Segments {
        segments: segments.collect(),
        rest: false,
    }
}
