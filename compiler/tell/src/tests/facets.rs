//! What happens to a request, as far as a test can expect something of it.

use weft_back::lower::outcome;
use weft_check::assertions::owner::Decided;
use weft_front::model::test::Expect;
use weft_front::model::{Backend, Mesh, Rule};
use weft_front::settings::{Expected, ROUTE, Setting, Unit, Value};
use weft_front::words;
use weft_snapshot::Reason;
use weft_snapshot::plan::{Action, Outcome};
use weft_snapshot::reason::Sender;

use crate::why::{ActionAnswer, Answer};

/// What happens to a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Facets {
    /// The rule that decides.
    pub route: Option<String>,
    /// The status, where no service gives it.
    pub status: Option<u16>,
    /// The backends with their shares in parts of a million, by name.
    pub backends: Vec<(String, u32)>,
    /// The path that is forwarded.
    pub path: Option<String>,
    /// The settings that a test can expect, in their order; none unless it is forwarded.
    pub settings: Vec<(&'static Setting, Value)>,
    /// Whether the service called refuses the caller.
    pub is_refused: bool,
}

impl Facets {
    /// What happens by the answer of the slices.
    pub fn of_answer(answer: &Answer) -> Self {
        let mut facets = Self::default();
        let Some(first) = answer.hops.first() else {
            return facets;
        };
        if let Some(route) = &first.route {
            facets = Self::of_outcome(&route.outcome);
            facets.route = Some(route.id.clone());
            if let (
                ActionAnswer::Forward { backends, path, .. },
                Action::Forward { backends: shares },
            ) = (&route.action, &route.outcome.action)
            {
                let named = backends.iter().zip(shares);
                let named = named.map(|(backend, share)| (backend.cluster.clone(), share.share));
                facets.backends = named.collect();
                facets.backends.sort();
                facets.path = Some(path.clone());
            }
        }
        let refusal = answer.hops.iter().find_map(|hop| hop.refusal.as_ref());
        if let Some(refusal) = refusal {
            facets.status = Some(refusal.status);
            facets.is_refused = refusal.reason.sender() == Sender::Callee;
        }
        facets
    }

    /// The service called refuses the caller.
    pub(crate) fn refuse(&mut self) {
        self.status = Some(Reason::NotAllowed.status());
        self.is_refused = true;
    }

    /// What happens by a rule of the spec, or without one.
    pub(crate) fn of_rule(mesh: &Mesh, rule: Option<&Rule>) -> Self {
        let Some(rule) = rule else {
            return Self {
                status: Some(Reason::NoRoute.status()),
                ..Self::default()
            };
        };
        let mut facets = Self::of_outcome(&outcome::of_rule(mesh, rule, &mut |_| 0));
        facets.route = Some(rule.id.clone());
        facets.backends = backends(mesh, rule.backends());
        facets
    }

    /// What happens by the rules of a host.
    pub(crate) fn of_decided(mesh: &Mesh, decided: Decided<'_>) -> Self {
        match decided {
            Decided::By(rule) => Self::of_rule(mesh, Some(rule)),
            Decided::ByNobody => Self::of_rule(mesh, None),
            Decided::Refused(reason) => Self {
                status: Some(reason.status()),
                ..Self::default()
            },
        }
    }

    fn of_outcome(outcome: &Outcome) -> Self {
        let mut facets = Self::default();
        match &outcome.action {
            Action::Forward { .. } => {
                let expected = ROUTE.iter().filter(|setting| setting.expected.is_some());
                let values = expected.filter_map(|setting| {
                    let is_idle = (setting.is_idle)(outcome);
                    let value = setting.of_outcome(outcome).filter(|_| !is_idle)?;
                    Some((*setting, value))
                });
                facets.settings = values.collect();
            }
            Action::Redirect { status, .. } | Action::Respond { status, .. } => {
                facets.status = Some(*status);
            }
        }
        facets
    }

    /// What is not as expected, one line each.
    pub fn broken(&self, expect: &Expect) -> Vec<String> {
        let Expect {
            route,
            status,
            backends,
            path,
            settings,
            allowed,
            span: _,
        } = expect;
        let mut broken = Vec::new();
        let mut differs = |what: &str, expected: String, got: Option<String>| {
            let why = match (what, self.status) {
                ("status", None) => ", because the service answers, whose status nobody knows here",
                ("route" | "backend", Some(404)) => ", because no rule takes it",
                _ => "",
            };
            let got = got.unwrap_or_else(|| format!("none{why}"));
            broken.push(format!("{what}: expected {expected}, got {got}"));
        };
        if let Some(route) = route.as_ref().filter(|route| !self.is_by(route)) {
            differs("route", route.clone(), self.route.clone());
        }
        if let Some(status) = status.filter(|status| Some(*status) != self.status) {
            let got = self.status.map(|status| status.to_string());
            differs("status", status.to_string(), got);
        }
        if let Some(backends) = backends.as_ref().filter(|one| **one != self.backends) {
            let got = (!self.backends.is_empty()).then(|| shares(&self.backends));
            differs("backend", shares(backends), got);
        }
        if let Some(path) = path
            .as_ref()
            .filter(|path| Some(*path) != self.path.as_ref())
        {
            differs("path", path.clone(), self.path.clone());
        }
        for wanted in settings {
            let found = self.setting(wanted.setting);
            if !found.is_some_and(|found| wanted.is_met_by(found)) {
                let got = found.map(|found| wanted.setting.unit.written(found));
                differs(wanted.setting.expected_as(), wanted.written(), got);
            }
        }
        if let Some(allowed) = allowed.filter(|allowed| *allowed == self.is_refused) {
            let text = |allowed: bool| if allowed { "yes" } else { "no" }.to_owned();
            differs("allowed", text(allowed), Some(text(!self.is_refused)));
        }
        broken
    }

    /// Whether a rule of this id, or of a route of this name, decides.
    fn is_by(&self, wanted: &str) -> bool {
        self.route.as_ref().is_some_and(|id| {
            let rest = id.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The value of a setting; none unless it is forwarded.
    pub fn setting(&self, setting: &'static Setting) -> Option<&Value> {
        let mut settings = self.settings.iter();
        let found = settings.find(|(one, _)| *one == setting);
        found.map(|(_, value)| value)
    }
}

/// Settings as fields of `expect` in a test.
pub(super) fn expectations<'all>(
    settings: impl Iterator<Item = &'all (&'static Setting, Value)>,
) -> Vec<String> {
    let (mut fields, mut others) = (Vec::new(), Vec::new());
    for (setting, value) in settings {
        let written = setting.unit.written(value);
        // No limit of some settings cannot be written.
        if setting.unit.read(&written).is_err() {
            continue;
        }
        // A number or a truth would be no text.
        let is_plain = !matches!(setting.unit, Unit::Count | Unit::Switch(..));
        let written = if is_plain {
            written
        } else {
            format!("\"{written}\"")
        };
        match setting.expected {
            Some(Expected::Field(field)) => fields.push(format!("{field}: {written}")),
            Some(Expected::Settings) => others.push(format!("{}: {written}", setting.name)),
            None => {}
        }
    }
    if !others.is_empty() {
        fields.push(format!("settings: {{{}}}", others.join(", ")));
    }
    fields
}

/// The backends of a rule by name, sorted.
fn backends(mesh: &Mesh, backends: &[Backend]) -> Vec<(String, u32)> {
    let name = |backend: &Backend| {
        let service = mesh.services.entry(backend.service);
        let version = backend.version.and_then(|at| service.versions.get(at));
        match version {
            Some(version) => format!("{}@{}", service.name.value, version.name.value),
            None => service.name.value.clone(),
        }
    };
    let mut named: Vec<(String, u32)> = backends
        .iter()
        .map(|backend| (name(backend), backend.share))
        .collect();
    named.sort();
    named
}

/// Backends with their shares as a spec writes them.
pub(super) fn shares(backends: &[(String, u32)]) -> String {
    match backends {
        [(name, _)] => name.clone(),
        several => {
            let each = several.iter();
            let each = each.map(|(name, share)| format!("{name}: {}", words::percent(*share)));
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
    }
}
