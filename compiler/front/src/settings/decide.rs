//! Which level decides a setting, and what comes of it.
//!
//! The most specific level that says something decides: the rule or call, then the contract of the service called, then the
//! listener, then the defaults of the mesh, then what is built in. Where a rule has several backends, the setting says how
//! their contracts are one ([`Among`]). A limit that is longer than the one around it is that one ([`Setting::within`]).

use weft_snapshot::origins;
use weft_snapshot::plan::Outcome;
use weft_spec::Span;

use super::said::Said;
use super::value::Value;
use super::{Hops, Plan, ROUTE, Setting};
use crate::model::{Backend, Call, Listener, Mesh, Rule, Service};

/// Who says something of a setting; a later one is more specific.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// The compiler.
    BuiltIn,
    /// The defaults of the mesh.
    Mesh,
    /// The listener.
    Listener,
    /// The service called.
    Service,
    /// The call.
    Call,
    /// The rule.
    Rule,
}

impl Level {
    /// The level by which origins call it; what is built in is written nowhere.
    pub fn written(self) -> Option<origins::Level> {
        match self {
            Self::BuiltIn => None,
            Self::Mesh => Some(origins::Level::Mesh),
            Self::Listener => Some(origins::Level::Listener),
            Self::Service => Some(origins::Level::Service),
            Self::Call => Some(origins::Level::Call),
            Self::Rule => Some(origins::Level::Rule),
        }
    }

    /// Whether it is the rule or call itself, and nothing that it inherits.
    pub fn is_own(self) -> bool {
        match self {
            Self::Rule | Self::Call => true,
            Self::BuiltIn | Self::Mesh | Self::Listener | Self::Service => false,
        }
    }
}

/// How the contracts of several backends are one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Among {
    /// The least of those that are said; what is built in counts where none is.
    LeastSaid,
    /// The least, what is built in counted.
    Least,
    /// The most, what is built in counted.
    Most,
    /// What all have in common: reasons, and a yes that all say.
    Common,
}

/// A value with who decided it and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decided {
    /// The value.
    pub value: Value,
    /// By whom.
    pub level: Level,
    /// Where; in no file for what is built in.
    pub span: Span,
}

/// All places that may say something of the settings of a route, a call or a service.
#[derive(Clone, Debug)]
pub struct Sources<'mesh> {
    mesh: &'mesh Mesh,
    rule: Option<&'mesh Rule>,
    own: Option<(Level, &'mesh Said)>,
    services: Vec<&'mesh Said>,
    listener: Option<&'mesh Said>,
    defaults: &'mesh Said,
}

impl<'mesh> Sources<'mesh> {
    /// Of a rule; by its listener, where one is known.
    pub fn of_rule(
        mesh: &'mesh Mesh,
        rule: &'mesh Rule,
        listener: Option<&'mesh Listener>,
    ) -> Self {
        let services = deciding(rule).map(|backend| &mesh.services.entry(backend.service).said);
        Self {
            mesh,
            rule: Some(rule),
            own: Some((Level::Rule, &rule.said)),
            services: services.collect(),
            listener: listener.map(|listener| &listener.said),
            defaults: &mesh.defaults,
        }
    }

    /// Of a call.
    pub fn of_call(mesh: &'mesh Mesh, call: &'mesh Call) -> Self {
        Self {
            own: Some((Level::Call, &call.said)),
            ..Self::of_contract(mesh, mesh.services.entry(call.to.value))
        }
    }

    /// Of a service by itself.
    pub fn of_contract(mesh: &'mesh Mesh, service: &'mesh Service) -> Self {
        Self {
            mesh,
            rule: None,
            own: None,
            services: vec![&service.said],
            listener: None,
            defaults: &mesh.defaults,
        }
    }

    /// What comes of a setting.
    pub fn decide(&self, setting: &'static Setting) -> Decided {
        let mut decided = self.own(setting).unwrap_or_else(|| self.inherited(setting));
        // What nobody limits is not limited by what is around it, which ends it anyway.
        let is_open = decided.level == Level::BuiltIn && decided.value == Value::Unlimited;
        for outer in setting.within.iter().filter(|_| !is_open) {
            let outer = self.decide(outer);
            if outer.value < decided.value {
                decided = outer;
            }
        }
        if let Some(floor) = setting.at_least {
            let floor = self.decide(floor).value;
            if decided.value < floor {
                decided.value = floor;
            }
        }
        decided
    }

    /// What the rule or call itself says.
    fn own(&self, setting: &'static Setting) -> Option<Decided> {
        if let (Some(resolved), Some(rule)) = (setting.read.resolved, self.rule) {
            let said = resolved(self.mesh, rule)?;
            return Some(Decided {
                value: said.value,
                level: Level::Rule,
                span: said.span,
            });
        }
        let (level, said) = self.own?;
        take(setting, level, said)
    }

    fn inherited(&self, setting: &'static Setting) -> Decided {
        let wider = || {
            let listener = self
                .listener
                .and_then(|said| take(setting, Level::Listener, said));
            listener.or_else(|| take(setting, Level::Mesh, self.defaults))
        };
        let built_in = || Decided {
            value: (setting.built_in)(self.defaults),
            level: Level::BuiltIn,
            span: Span::NONE,
        };
        let services = self.services.iter();
        let each = services.map(|said| take(setting, Level::Service, said).or_else(wider));
        let all: Option<Decided> = match setting.among {
            Among::LeastSaid => each
                .flatten()
                .min_by(|one, other| one.value.cmp(&other.value)),
            Among::Least => each
                .map(|one| one.unwrap_or_else(built_in))
                .min_by(|one, other| one.value.cmp(&other.value)),
            Among::Most => each
                .map(|one| one.unwrap_or_else(built_in))
                .reduce(|most, one| if most.value < one.value { one } else { most }),
            Among::Common => each.map(|one| one.unwrap_or_else(built_in)).reduce(common),
        };
        all.or_else(wider).unwrap_or_else(built_in)
    }

    /// What each level says of a setting, the most specific one first. Several backends are settled by their contracts
    /// together, which is no chain of levels, so none of them is named.
    pub fn levels(&self, setting: &'static Setting) -> impl Iterator<Item = Decided> + use<'_> {
        let service = match self.services.as_slice() {
            [one] => Some((Level::Service, *one)),
            _ => None,
        };
        let listener = self.listener.map(|said| (Level::Listener, said));
        let defaults = Some((Level::Mesh, self.defaults));
        let wider = [service, listener, defaults].into_iter().flatten();
        let wider = wider.filter_map(move |(level, said)| take(setting, level, said));
        self.own(setting).into_iter().chain(wider)
    }

    /// What comes of the settings of the hops.
    pub fn settled(&self, is_there: impl Fn(Hops) -> bool) -> Settled {
        let settings = (0_u32..).zip(ROUTE);
        let settings = settings.filter(|(_, setting)| is_there(setting.hops));
        Settled {
            list: settings
                .map(|(position, setting)| (position, self.decide(setting)))
                .collect(),
        }
    }
}

/// What came of settings of routes: an outcome and its origin are made of one decision.
#[derive(Clone, Debug)]
pub struct Settled {
    /// By position in [`ROUTE`].
    list: Vec<(u32, Decided)>,
}

impl Settled {
    /// Writes them into an outcome.
    pub fn write(&self, outcome: &mut Outcome) {
        for (_, setting, decided) in self.iter() {
            if let Plan::Route { put, of: _ } = setting.plan {
                put(outcome, &decided.value);
            }
        }
    }

    /// Each with its position in [`ROUTE`].
    pub fn iter(&self) -> impl Iterator<Item = (u32, &'static Setting, &Decided)> {
        self.list.iter().filter_map(|(position, decided)| {
            let at = usize::try_from(*position).ok()?;
            Some((*position, *ROUTE.get(at)?, decided))
        })
    }
}

/// The backends whose services have a say in the settings of a rule. One that is declared and idle has none, unless all
/// are, which is a finding of its own.
fn deciding(rule: &Rule) -> impl Iterator<Item = &Backend> {
    let is_idle = rule.live_backends().next().is_none();
    let backends = rule.backends().iter();
    backends.filter(move |backend| is_idle || 0 < backend.share)
}

fn take(setting: &'static Setting, level: Level, said: &Said) -> Option<Decided> {
    said.get(setting).map(|value| Decided {
        value: value.value.clone(),
        level,
        span: value.span,
    })
}

/// What two backends have in common; where they differ in a yes, the one that says no decides.
fn common(one: Decided, other: Decided) -> Decided {
    match (one.value, other.value) {
        (Value::Reasons(mut reasons), Value::Reasons(others)) => {
            reasons.retain(|reason| others.contains(reason));
            Decided {
                value: Value::Reasons(reasons),
                ..one
            }
        }
        (Value::Flag(true), value) => Decided { value, ..other },
        (value, _) => Decided { value, ..one },
    }
}
