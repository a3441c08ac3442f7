//! How much of what a caller asks for a service admits, one permission or several together, and what is denied taken away.

use weft_front::diagnostic::Diagnostic;
use weft_front::model::access::{Admission, admission};
use weft_front::model::{Caller, Mesh, Service};
use weft_snapshot::plan::PathPattern;
use weft_space::languages::Languages;
use weft_space::{Entry, Reading, left, meeting, work};
use weft_spec::units::Method;
use weft_spec::{Span, Spanned};

use crate::assertions::permits::{admitted_by, denials, is_guarded, permissions};

/// What it costs to hold calls against a permission or a denial (`weft_space::work`).
const ENTRY_STEPS: usize = 64;

/// Calls of a service that are asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calls<'mesh> {
    pub(super) service: &'mesh Service,
    pub(super) caller: Caller,
    /// The methods; empty means that nothing is said about them.
    pub(super) methods: &'mesh [Spanned<Method>],
    pub(super) path: &'mesh PathPattern,
}

/// How much is admitted, and the denials that stand in the way.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) much: Admission,
    /// Whether what is not admitted is denied, and not just nowhere allowed.
    pub(super) is_excepted: bool,
    pub(super) denied: Vec<Span>,
}

/// Whether a sidecar enforces a list of permissions of which nothing is wrong.
pub(super) fn is_enforced(mesh: &Mesh, service: &Service) -> bool {
    let is_complete = !service.allow_incomplete
        && service
            .access_paths()
            .all(|path| is_whole(mesh, &path.value));
    is_guarded(mesh, service) && is_complete
}

/// Whether a path is none of the expressions that have a finding of their own.
pub(super) fn is_whole(mesh: &Mesh, path: &PathPattern) -> bool {
    match path {
        PathPattern::Segments { .. } => true,
        PathPattern::Regex { regex } => mesh.automata.of(&[regex]).is_ok(),
    }
}

impl Calls<'_> {
    /// How much of them is admitted.
    pub(super) fn admitted(self, mesh: &Mesh, languages: &mut Languages) -> Admitted {
        if !self.is_affordable() {
            // Not known; whoever spent the steps says so.
            return Admitted {
                much: Admission::Fully,
                is_excepted: false,
                denied: Vec::new(),
            };
        }
        let wanted =
            Entry::of_methods(self.methods.iter().map(|one| one.value.as_str()), self.path);
        let allowed = self.allowed(mesh, &wanted, languages);
        let denied = self.denied(mesh, &wanted);
        let much = if denied.is_empty() || allowed < Admission::Partly {
            allowed
        } else if self.is_left(mesh, &wanted) {
            Admission::Partly
        } else {
            Admission::Never
        };
        Admitted {
            much,
            is_excepted: allowed == Admission::Fully,
            denied,
        }
    }

    /// Takes what it costs to hold them against every entry for the caller; false where there is nothing left to take.
    fn is_affordable(self) -> bool {
        let (service, caller) = (self.service, self.caller);
        let named = permissions(service, caller).count() + denials(service, caller).count();
        let all = service.allow.len() + service.deny.len();
        work::spend(named.saturating_mul(ENTRY_STEPS).saturating_add(all / 16))
    }

    /// How much of them is allowed, whatever is denied.
    fn allowed(self, mesh: &Mesh, wanted: &Entry<'_>, languages: &mut Languages) -> Admission {
        languages.go_by(mesh.paths_at(self.service));
        let alone = admission(
            self.service,
            self.caller.into(),
            self.methods,
            self.path,
            languages,
        );
        if alone != Admission::Partly {
            return alone;
        }
        let allows = permissions(self.service, self.caller).map(|allow| {
            let mut entry = Entry::of(allow);
            if self.methods.is_empty() {
                // Nothing is said about methods, so nothing is asked of them.
                entry.conditions.methods.clear();
            }
            entry
        });
        let allows: Vec<Entry<'_>> = allows.collect();
        match left(
            wanted,
            &allows,
            Reading::new(mesh.paths_at(self.service), &mesh.automata),
        ) {
            Ok(None) => Admission::Fully,
            Ok(Some(_)) | Err(_) => Admission::Partly,
        }
    }

    /// The denials that meet them. Where nothing is said about methods, one of some methods takes away nothing that was asked for,
    /// unless nothing else is left.
    fn denied(self, mesh: &Mesh, wanted: &Entry<'_>) -> Vec<Span> {
        let with = Reading::new(mesh.paths_at(self.service), &mesh.automata);
        let denied = denials(self.service, self.caller);
        let met = denied.filter(|deny| {
            let is_asked = !self.methods.is_empty() || deny.methods.is_empty();
            let met = || meeting(wanted, &Entry::of(*deny), with);
            (is_asked || !self.is_left(mesh, wanted)) && met().map_or(true, |met| met.is_some())
        });
        met.map(|deny| deny.span).collect()
    }

    /// Whether any of them is allowed and not denied.
    fn is_left(self, mesh: &Mesh, wanted: &Entry<'_>) -> bool {
        let mut allows = permissions(self.service, self.caller);
        allows.any(|allow| {
            let left = admitted_by(mesh, self.service, allow, self.caller, &[wanted]);
            left.map_or(true, |left| left.is_some())
        })
    }
}

impl Admitted {
    /// Adds to a finding what stands in the way, and what to do.
    pub(super) fn explain(
        &self,
        mesh: &Mesh,
        service: &Service,
        caller: Caller,
        mut finding: Diagnostic,
    ) -> Diagnostic {
        let (node, name) = (mesh.caller_node(caller), &service.name.value);
        if !self.denied.is_empty() {
            for denied in self.denied.iter().take(3) {
                finding = finding.label(*denied, "denied here");
            }
            return finding.help(format!(
                "narrow `deny` of service `{name}`, or do not call it so"
            ));
        }
        if self.much == Admission::NoCaller {
            finding = finding.label(service.name.span, format!("`allow` does not name `{node}`"));
        } else {
            let from = service.allow.iter().flat_map(|allow| &allow.from);
            for from in from.filter(|from| from.value.has(caller)).take(3) {
                finding = finding.label(from.span, "allows other requests");
            }
        }
        finding.help(format!(
            "add it to `allow` of service `{name}`: `from: [{node}]` with method and path, or do not call it"
        ))
    }
}

#[cfg(test)]
mod tests {
    use weft_front::model::Caller;
    use weft_front::model::access::Admission;
    use weft_front::testing::unchecked;
    use weft_space::languages::Languages;
    use weft_space::path::all_paths;
    use weft_space::work;

    use super::Calls;

    #[test]
    fn calls_are_held_against_permissions_within_the_steps() {
        let permissions: Vec<String> = (0..100)
            .map(|at| format!("{{from: [service/a], path: /a{at}}}"))
            .collect();
        let text = format!(
            r#"
services:
  a: {{protocol: http, app: "127.0.0.1:1", calls: {{b: {{}}}}}}
  b: {{protocol: http, app: "127.0.0.1:2", endpoints: ["10.0.0.1:3"], allow: [{}]}}
"#,
            permissions.join(", ")
        );
        let (checked, _) = unchecked(&text);
        let mesh = checked.mesh();
        let of = |name: &str| {
            let mut services = mesh.services.iter();
            services.find(|(_, one)| one.name.value == name).unwrap()
        };
        let path = all_paths();
        let calls = Calls {
            service: of("b").1,
            caller: Caller::Service(of("a").0),
            methods: &[],
            path: &path,
        };
        let asked = |steps: usize| {
            let admitted = || calls.admitted(mesh, &mut Languages::default()).much;
            work::within(steps, admitted)
        };
        let (much, spent) = asked(1 << 20);
        assert!(much == Admission::Partly && !spent.is_exceeded);
        // Nothing is said of them then but that they were not looked at.
        let (much, spent) = asked(1_000);
        assert!(much == Admission::Fully && spent.is_exceeded);
    }
}
