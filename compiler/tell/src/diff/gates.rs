//! Which requests of a rule one list of access rules admits and another does not.
//!
//! The service sees what the rule forwards; what it asks of rewritten paths is asked of those that they come from. Sets of
//! methods and paths are intersected, so the answer is exact, or unknown where an expression stands behind a rewrite.

use weft_snapshot::identity::names;
use weft_snapshot::plan::{AccessPlan, Effect, PathPattern, RoutePlan};
use weft_snapshot::settings::PathRules;
use weft_space::automata::Automata;
use weft_space::preimage::preimage;
use weft_space::{Entry, Reading, Within, WitnessRequest, common};

/// The requests that come to a service: some of a region that a rule of a gateway takes.
pub(crate) struct Forwarded<'run> {
    pub(crate) within: &'run Within<'run>,
    /// The table of the rule, and its position there.
    pub(crate) routes: &'run [RoutePlan],
    pub(crate) at: usize,
    /// The identity of the gateway.
    pub(crate) caller: &'run str,
    /// How the listener makes paths canonical.
    pub(crate) rules: PathRules,
}

/// An access rule as a set of requests to the gateway.
struct AccessGate {
    effect: Effect,
    methods: Vec<String>,
    path: PathPattern,
}

impl AccessGate {
    fn entry(&self) -> Entry<'_> {
        let mut entry = Entry::of_path(&self.path);
        entry.conditions.methods.clone_from(&self.methods);
        entry.conditions.methods.sort();
        entry
    }
}

/// A request of these that `own` admits and `other` does not.
///
/// # Errors
///
/// Why it is not known, in words.
pub(crate) fn admission_parts(
    forwarded: &Forwarded<'_>,
    own: &[AccessPlan],
    other: &[AccessPlan],
) -> Result<Option<WitnessRequest>, String> {
    let Some(route) = forwarded.routes.get(forwarded.at) else {
        return Ok(None);
    };
    let of_caller = |rules: &'_ [AccessPlan]| -> Vec<AccessPlan> {
        let rules = rules.iter();
        let is_named =
            |rule: &&AccessPlan| rule.from.iter().any(|from| names(from, forwarded.caller));
        let rules = rules.filter(is_named);
        rules.cloned().collect()
    };
    let (own, other) = (of_caller(own), of_caller(other));
    let said = |rule: &AccessPlan| (rule.effect, rule.methods.clone(), rule.path.clone());
    if own.iter().map(said).eq(other.iter().map(said)) {
        return Ok(None);
    }
    let seen = |rules: &[AccessPlan]| -> Result<Vec<AccessGate>, String> {
        let rules = rules.iter().map(|rule| before(route, rule));
        let rules: Result<Vec<Vec<AccessGate>>, String> = rules.collect();
        Ok(rules?.into_iter().flatten().collect())
    };
    let (own, other) = (seen(&own)?, seen(&other)?);
    for (at, admit) in own.iter().enumerate() {
        if admit.effect == Effect::Admit {
            let refused = entries(own.get(..at).unwrap_or_default(), Effect::Refuse);
            let found = lost(forwarded, &admit.entry(), &refused, &other)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

fn entries(rules: &[AccessGate], effect: Effect) -> Vec<Entry<'_>> {
    let rules = rules.iter().filter(|rule| rule.effect == effect);
    rules.map(AccessGate::entry).collect()
}

/// A request that a rule admits, without what is refused before, and that other rules do not admit: no rule of them does, or one
/// refuses it before any does.
fn lost(
    forwarded: &Forwarded<'_>,
    admit: &Entry<'_>,
    refused: &[Entry<'_>],
    other: &[AccessGate],
) -> Result<Option<WitnessRequest>, String> {
    let mut cases = vec![(None, entries(other, Effect::Admit))];
    for (at, rule) in other.iter().enumerate() {
        if rule.effect == Effect::Refuse {
            let earlier = other.get(..at).unwrap_or_default();
            cases.push((Some(rule.entry()), entries(earlier, Effect::Admit)));
        }
    }
    for (refusal, admitted) in cases {
        let sets = [admit.clone()].into_iter().chain(refusal).collect();
        let without = refused.iter().cloned().chain(admitted).collect();
        let found = forwarded.one(sets, without)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

impl Forwarded<'_> {
    /// A request of these that all of some sets have and none of others.
    fn one(
        &self,
        sets: Vec<Entry<'_>>,
        without: Vec<Entry<'_>>,
    ) -> Result<Option<WitnessRequest>, String> {
        let (mut sets, mut without): (Vec<Entry<'_>>, Vec<Entry<'_>>) = (sets, without);
        sets.push(self.within.entry.clone());
        sets.extend(self.routes.get(self.at).map(Entry::of));
        without.extend(self.within.except.iter().cloned());
        let automata = Automata::default();
        let ask = |without: &[Entry<'_>]| {
            let sets: Vec<&Entry<'_>> = sets.iter().collect();
            common(&sets, without, Reading::new(self.rules, &automata))
                .map_err(|unknown| unknown.to_string())
        };
        if ask(&without)?.is_none() {
            return Ok(None);
        }
        without.extend(self.routes.iter().take(self.at).map(Entry::of));
        ask(&without)
    }
}

/// An access rule as sets of requests to the gateway; none if the rule of the gateway forwards nothing of it.
fn before(route: &RoutePlan, rule: &AccessPlan) -> Result<Vec<AccessGate>, String> {
    let paths = match &route.outcome.path {
        None => vec![rule.path.clone()],
        Some(rewrite) => preimage(&route.path, rewrite, &rule.path).ok_or_else(|| {
            let id = &rule.id;
            format!("a rewrite stands before the expression of `{id}`")
        })?,
    };
    let rules = paths.into_iter().map(|path| AccessGate {
        effect: rule.effect,
        methods: rule.methods.clone(),
        path,
    });
    Ok(rules.collect())
}
