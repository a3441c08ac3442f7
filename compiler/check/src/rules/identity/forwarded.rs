//! How much of what a rule of a gateway takes a service admits when it arrives.
//!
//! Most rules are settled by one permission. The others are asked about exactly, set by set; where a bound keeps
//! that unknown, a rule of which nothing at all can be admitted is still told from the rest.

use weft_front::model::access::Admission;
use weft_front::model::{Allow, Caller, Deny, Mesh, Rule, Service};
use weft_snapshot::plan::PathPattern;
use weft_space::languages::Languages;
use weft_space::path::Relation;
use weft_space::{Entry, Unknown};
use weft_spec::units::Method;

use super::admitted::{Admitted, Calls};
use crate::assertions::arriving::Forwarding;
use crate::assertions::permits::{denials, permissions};
use crate::assertions::reach::forwarded_path;

/// So many rules of hosts may be looked through for those that are tried before others, in all.
const LOOKED_AT: usize = 20_000_000;

/// What is asked of rules one after the other.
#[derive(Debug)]
pub(super) struct Admissions<'mesh> {
    mesh: &'mesh Mesh,
    languages: Languages,
    looked_at: usize,
}

/// A rule, and a service to which it forwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'run, 'mesh> {
    pub(super) rule: &'mesh Rule,
    pub(super) service: &'mesh Service,
    pub(super) caller: Caller,
    /// The rule among those of its host; none if those are unknown.
    pub(super) forwarding: Option<&'run Forwarding<'run, 'mesh>>,
}

impl Way<'_, '_> {
    /// Whether all methods of the rule are among those of a permission.
    fn has_methods_of(&self, allow: &Allow) -> bool {
        let own = &self.rule.matched.methods;
        let has = |method: &Method| allow.methods.iter().any(|one| one.value == *method);
        let is_within = !own.is_empty() && own.iter().all(|method| has(&method.value));
        allow.methods.is_empty() || is_within
    }

    /// Whether a denial is about some method of the rule.
    fn shares_methods_with(&self, deny: &Deny) -> bool {
        let own = &self.rule.matched.methods;
        let has = |method: &Method| deny.methods.iter().any(|one| one.value == *method);
        own.is_empty() || deny.methods.is_empty() || own.iter().any(|method| has(&method.value))
    }
}

impl<'mesh> Admissions<'mesh> {
    pub(super) fn new(mesh: &'mesh Mesh) -> Self {
        Self {
            mesh,
            languages: Languages::sharing(&mesh.automata),
            looked_at: 0,
        }
    }

    /// How much of what a rule takes is admitted; none where that is all of it, or where a bound keeps it unknown.
    pub(super) fn of(&mut self, way: Way<'_, 'mesh>) -> Option<Admitted> {
        let arrives = forwarded_path(way.rule);
        let Some(forwarding) = way.forwarding else {
            return self.roughly(way, &arrives);
        };
        if self.is_plain(way, forwarding, &arrives) {
            return None;
        }
        self.looked_at = self.looked_at.saturating_add(forwarding.position());
        if LOOKED_AT < self.looked_at {
            return self.roughly(way, &arrives);
        }
        match exactly(way, forwarding) {
            Ok(admitted) => Some(admitted),
            Err(_unknown) => self.roughly(way, &arrives),
        }
    }

    /// Whether one permission has all that the rule matches, and no denial any of it.
    fn is_plain(
        &mut self,
        way: Way<'_, 'mesh>,
        forwarding: &Forwarding<'_, '_>,
        arrives: &PathPattern,
    ) -> bool {
        let languages = &mut self.languages;
        languages.go_by(forwarding.path_rules());
        let mut relation = |path: &PathPattern| languages.relate_paths(arrives, path).relation;
        let mut allows = permissions(way.service, way.caller);
        let is_allowed = allows.any(|allow| {
            let is_within = |relation| matches!(relation, Relation::Equal | Relation::Narrower);
            way.has_methods_of(allow) && is_within(relation(&allow.path.value))
        });
        let mut denied = denials(way.service, way.caller);
        is_allowed
            && !denied.any(|deny| {
                way.shares_methods_with(deny) && relation(&deny.path.value) != Relation::Disjoint
            })
    }

    /// That nothing is admitted of all that a rule matches; none where something is.
    fn roughly(&mut self, way: Way<'_, 'mesh>, arrives: &PathPattern) -> Option<Admitted> {
        let asked = Calls {
            service: way.service,
            caller: way.caller,
            methods: &way.rule.matched.methods,
            path: arrives,
        };
        let admitted = asked.admitted(self.mesh, &mut self.languages);
        (admitted.much < Admission::Partly).then_some(admitted)
    }
}

fn exactly(way: Way<'_, '_>, forwarding: &Forwarding<'_, '_>) -> Result<Admitted, Unknown> {
    let allows = permissions(way.service, way.caller).map(Entry::of);
    let allows: Vec<Entry<'_>> = allows.collect();
    let mut admitted = Admitted {
        much: Admission::NoCaller,
        is_excepted: false,
        denied: Vec::new(),
    };
    if allows.is_empty() {
        return Ok(admitted);
    }
    let mut is_allowed = false;
    for allow in &allows {
        is_allowed = is_allowed || forwarding.arriving(Some(allow), &[])?.is_some();
    }
    admitted.much = Admission::Never;
    if !is_allowed {
        return Ok(admitted);
    }
    let gets_through = forwarding.admitted(way.service, way.caller)?.is_some();
    for deny in denials(way.service, way.caller) {
        let met = forwarding.arriving(Some(&Entry::of(deny)), &[])?;
        admitted.denied.extend(met.map(|_| deny.span));
    }
    admitted.is_excepted = forwarding.arriving(None, &allows)?.is_none();
    admitted.much = match (
        gets_through,
        admitted.is_excepted && admitted.denied.is_empty(),
    ) {
        (false, _) => Admission::Never,
        (true, true) => Admission::Fully,
        (true, false) => Admission::Partly,
    };
    Ok(admitted)
}
