//! What one place of a spec says of settings: a rule, a call, a service, a listener, or the defaults of the mesh.

use weft_spec::{Span, Spanned, gateway, mesh, route, service};

use super::value::Value;
use super::{ALL, Setting};

/// The settings that one place says, each with its value and where that is written.
#[derive(Clone, Debug, Default)]
pub struct Said {
    list: Vec<One>,
}

#[derive(Clone, Debug)]
struct One {
    setting: &'static Setting,
    /// The position of the setting in [`ALL`].
    at: usize,
    value: Spanned<Value>,
}

impl Said {
    /// What the defaults of a mesh say.
    pub fn by_defaults(defaults: &mesh::Defaults) -> Self {
        Self::by(|setting| setting.read.defaults?(defaults))
    }

    /// What a service says.
    pub fn by_service(service: &service::Service) -> Self {
        Self::by(|setting| setting.read.service?(service))
    }

    /// What a call says.
    pub fn by_call(call: &service::Call) -> Self {
        Self::by(|setting| setting.read.call?(call))
    }

    /// What a rule says.
    pub fn by_rule(rule: &route::Rule) -> Self {
        Self::by(|setting| setting.read.rule?(rule))
    }

    /// What a listener says.
    pub fn by_listener(listener: &gateway::Listener) -> Self {
        Self::by(|setting| setting.read.listener?(listener))
    }

    fn by(read: impl Fn(&'static Setting) -> Option<Spanned<Value>>) -> Self {
        let said = ALL.iter().copied().enumerate().filter_map(|(at, setting)| {
            let value = read(setting)?;
            Some(One { setting, at, value })
        });
        let mut list: Vec<One> = said.collect();
        // A list has room for four; a mesh has a hundred thousand calls that say one thing.
        list.shrink_to_fit();
        Self { list }
    }

    /// What it says of a setting, if anything.
    pub fn get(&self, setting: &'static Setting) -> Option<&Spanned<Value>> {
        let mut list = self.list.iter();
        let one = list.find(|one| std::ptr::eq(one.setting, setting))?;
        Some(&one.value)
    }

    /// Everything that it says, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Spanned<Value>)> {
        self.list.iter().map(|one| (one.setting, &one.value))
    }

    /// The same, each with the position of its setting in [`ALL`].
    pub(super) fn by_position(&self) -> impl Iterator<Item = (usize, &Spanned<Value>)> {
        self.list.iter().map(|one| (one.at, &one.value))
    }

    /// Says something else of a setting, or nothing any more.
    pub fn set(&mut self, setting: &'static Setting, value: Option<Value>) {
        self.list.retain(|one| !std::ptr::eq(one.setting, setting));
        if let Some(value) = value {
            let value = Spanned::new(value, Span::NONE);
            let at = setting.position();
            self.list.push(One { setting, at, value });
        }
    }
}
