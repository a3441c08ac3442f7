//! Which level decides a setting, and what comes of it.
//!
//! The most specific level that says something decides: the rule or call, then the contract of the service called, then the
//! listener, then the defaults of the mesh, then what is built in. Where a rule has several backends, the setting says how
//! their contracts are one ([`Among`]). A limit that is longer than the one around it is that one ([`Setting::within`]).

use std::borrow::Cow;

use weft_snapshot::origins;
use weft_snapshot::plan::Outcome;
use weft_spec::{Span, Spanned};

use super::said::Said;
use super::value::Value;
use super::{COUNT, Hops, Plan, ROUTE, Setting};
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
pub struct Decided<'mesh> {
    /// The value: what a place says, or what is made of it or built in.
    pub value: Cow<'mesh, Value>,
    /// By whom.
    pub level: Level,
    /// Where; in no file for what is built in.
    pub span: Span,
}

/// All places that may say something of the settings of a route, a call or a service.
#[derive(Clone, Debug)]
pub struct SettingSources<'mesh> {
    rule: Option<&'mesh Rule>,
    own: Option<(Level, &'mesh Said)>,
    services: Services<'mesh>,
    listener: Option<&'mesh Said>,
    defaults: &'mesh Said,
    /// By position in [`super::ALL`]: what the most specific level says. Several services are not among them.
    words: [Option<LevelWord<'mesh>>; COUNT],
}

/// What one level says of a setting.
#[derive(Clone, Copy, Debug)]
struct LevelWord<'mesh> {
    level: Level,
    said: &'mesh Spanned<Value>,
}

/// The contracts of the services that a rule, a call or a service leads to. Nearly always there is one.
#[derive(Clone, Debug)]
enum Services<'mesh> {
    One(Option<&'mesh Said>),
    Several(Vec<&'mesh Said>),
}

impl<'mesh> SettingSources<'mesh> {
    /// Of a rule of a mesh.
    pub fn of_rule(mesh: &'mesh Mesh, rule: &'mesh Rule) -> Self {
        Self::of_rule_at(mesh, rule, mesh.listener_of(rule))
    }

    /// Of a rule whose listener is at hand.
    pub fn of_rule_at(
        mesh: &'mesh Mesh,
        rule: &'mesh Rule,
        listener: Option<&'mesh Listener>,
    ) -> Self {
        let mut services = deciding(rule).map(|backend| &mesh.services.entry(backend.service).said);
        let first = services.next();
        let others: Vec<&Said> = services.collect();
        let services = if others.is_empty() {
            Services::One(first)
        } else {
            Services::Several(first.into_iter().chain(others).collect())
        };
        let own = Some((Level::Rule, &rule.said));
        let listener = listener.map(|listener| &listener.said);
        Self {
            rule: Some(rule),
            ..Self::of_levels(mesh, own, services, listener)
        }
    }

    /// Of a call.
    pub fn of_call(mesh: &'mesh Mesh, call: &'mesh Call) -> Self {
        let own = Some((Level::Call, &call.said));
        let service = &mesh.services.entry(call.to.value).said;
        Self::of_levels(mesh, own, Services::One(Some(service)), None)
    }

    /// Of a service by itself.
    pub fn of_contract(mesh: &'mesh Mesh, service: &'mesh Service) -> Self {
        Self::of_levels(mesh, None, Services::One(Some(&service.said)), None)
    }

    fn of_levels(
        mesh: &'mesh Mesh,
        own: Option<(Level, &'mesh Said)>,
        services: Services<'mesh>,
        listener: Option<&'mesh Said>,
    ) -> Self {
        let service = match &services {
            Services::One(one) => one.map(|one| (Level::Service, one)),
            Services::Several(_) => None,
        };
        let defaults = Some((Level::Mesh, &mesh.defaults));
        let listener_level = listener.map(|said| (Level::Listener, said));
        let mut words = [None; COUNT];
        // From the widest to the most specific one.
        for (level, said) in [defaults, listener_level, service, own]
            .into_iter()
            .flatten()
        {
            for (at, said) in said.by_position() {
                if let Some(word) = words.get_mut(at) {
                    *word = Some(LevelWord { level, said });
                }
            }
        }
        Self {
            rule: None,
            own,
            services,
            listener,
            defaults: &mesh.defaults,
            words,
        }
    }

    /// What comes of a setting.
    pub fn decide(&self, setting: &'static Setting) -> Decided<'mesh> {
        self.decide_at(setting.position(), setting, &[])
    }

    /// The same for a setting at a position; what was decided before, each with its position, is not decided again.
    fn decide_at(
        &self,
        position: usize,
        setting: &'static Setting,
        before: &[(u32, Decided<'mesh>)],
    ) -> Decided<'mesh> {
        let mut decided = self.settle(position, setting);
        // What nobody limits is not limited by what is around it, which ends it anyway.
        let is_open = decided.level == Level::BuiltIn && *decided.value == Value::Unlimited;
        for outer in setting.within.iter().filter(|_| !is_open) {
            let at = outer.position();
            let known = before
                .iter()
                .find(|(known, _)| usize::try_from(*known) == Ok(at));
            let outer = match known {
                Some((_, known)) => Cow::Borrowed(known),
                None => Cow::Owned(self.decide_at(at, outer, before)),
            };
            if outer.value < decided.value {
                decided = outer.into_owned();
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
    fn own(&self, setting: &'static Setting) -> Option<Decided<'mesh>> {
        if let (Some(resolved), Some(rule)) = (setting.read.resolved, self.rule) {
            let said = resolved(&rule.changes())?;
            return Some(Decided {
                value: Cow::Owned(said.value),
                level: Level::Rule,
                span: said.span,
            });
        }
        let (level, said) = self.own?;
        take(setting, level, said)
    }

    /// What is said or built in, whatever the limits around it are.
    fn settle(&self, position: usize, setting: &'static Setting) -> Decided<'mesh> {
        if setting.read.resolved.is_some()
            && let Some(own) = self.own(setting)
        {
            return own;
        }
        let word = self.words.get(position).copied().flatten();
        let is_own = word.is_some_and(|word| word.level.is_own());
        let decided = match &self.services {
            Services::Several(services) if !is_own => self.among(setting, services),
            // Of one contract there is nothing to settle.
            Services::Several(_) | Services::One(_) => word.map(LevelWord::decides),
        };
        decided.unwrap_or_else(|| self.built_in(setting))
    }

    /// Whether no level says anything of the setting at a position of [`ROUTE`] but a rule what it does itself.
    pub fn is_silent(&self, position: u32) -> bool {
        let position = usize::try_from(position).ok();
        let word = position.and_then(|position| self.words.get(position));
        word.is_none_or(Option::is_none)
    }

    /// What is said around all services.
    fn wider(&self, setting: &'static Setting) -> Option<Decided<'mesh>> {
        let listener = self
            .listener
            .and_then(|said| take(setting, Level::Listener, said));
        listener.or_else(|| take(setting, Level::Mesh, self.defaults))
    }

    fn built_in(&self, setting: &'static Setting) -> Decided<'mesh> {
        Decided {
            value: Cow::Owned((setting.built_in)(self.defaults)),
            level: Level::BuiltIn,
            span: Span::NONE,
        }
    }

    /// What several contracts come to together.
    fn among(&self, setting: &'static Setting, services: &[&'mesh Said]) -> Option<Decided<'mesh>> {
        let wider = || self.wider(setting);
        let built_in = || self.built_in(setting);
        let services = services.iter();
        let each = services.map(|said| take(setting, Level::Service, said).or_else(wider));
        match setting.among {
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
        }
    }

    /// What each level says of a setting, the most specific one first. Several backends are settled by their contracts
    /// together, which is no chain of levels, so none of them is named.
    pub fn levels(
        &self,
        setting: &'static Setting,
    ) -> impl Iterator<Item = Decided<'mesh>> + use<'_, 'mesh> {
        let service = match &self.services {
            Services::One(one) => one.map(|one| (Level::Service, one)),
            Services::Several(_) => None,
        };
        let listener = self.listener.map(|said| (Level::Listener, said));
        let defaults = Some((Level::Mesh, self.defaults));
        let wider = [service, listener, defaults].into_iter().flatten();
        let wider = wider.filter_map(move |(level, said)| take(setting, level, said));
        self.own(setting).into_iter().chain(wider)
    }

    /// What comes of the settings of the hops.
    pub fn settled(&self, is_there: impl Fn(Hops) -> bool) -> Settled<'mesh> {
        let mut list = Vec::with_capacity(ROUTE.len());
        for (at, setting) in (0_u32..).zip(ROUTE) {
            if is_there(setting.hops) {
                let position = usize::try_from(at).unwrap_or(COUNT);
                let decided = self.decide_at(position, setting, &list);
                list.push((at, decided));
            }
        }
        Settled { list }
    }
}

/// What came of settings of routes: an outcome and its origin are made of one decision.
#[derive(Clone, Debug)]
pub struct Settled<'mesh> {
    /// By position in [`ROUTE`].
    list: Vec<(u32, Decided<'mesh>)>,
}

impl<'mesh> Settled<'mesh> {
    /// Writes them into an outcome.
    pub fn write(&self, outcome: &mut Outcome) {
        for (_, setting, decided) in self.iter() {
            if let Plan::Route { put, of: _ } = setting.plan {
                put(outcome, &decided.value);
            }
        }
    }

    /// Each with its position in [`ROUTE`].
    pub fn iter(&self) -> impl Iterator<Item = (u32, &'static Setting, &Decided<'mesh>)> {
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

fn take<'mesh>(
    setting: &'static Setting,
    level: Level,
    said: &'mesh Said,
) -> Option<Decided<'mesh>> {
    let said = said.get(setting)?;
    Some(LevelWord { level, said }.decides())
}

impl<'mesh> LevelWord<'mesh> {
    fn decides(self) -> Decided<'mesh> {
        Decided {
            value: Cow::Borrowed(&self.said.value),
            level: self.level,
            span: self.said.span,
        }
    }
}

/// What two backends have in common; where they differ in a yes, the one that says no decides.
fn common<'mesh>(one: Decided<'mesh>, other: Decided<'mesh>) -> Decided<'mesh> {
    match (&*one.value, &*other.value) {
        (Value::Reasons(reasons), Value::Reasons(others)) => {
            let mut reasons = reasons.clone();
            reasons.retain(|reason| others.contains(reason));
            Decided {
                value: Cow::Owned(Value::Reasons(reasons)),
                ..one
            }
        }
        (Value::Flag(true), _) => other,
        _ => one,
    }
}
