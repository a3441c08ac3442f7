//! Tests of a spec, with names followed.

use weft_spec::{Span, Spanned};

use super::assertion::Region;
use crate::settings::{Setting, Value};

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// What reports call it.
    pub name: Spanned<String>,
    /// Which requests it is about.
    pub asked: Asked,
    /// The folder of a snapshot in which its requests are treated alike, from the folder of the spec.
    pub same_as: Option<Spanned<String>>,
    /// What should happen.
    pub expect: Expect,
}

/// Which requests a test is about.
#[derive(Clone, Debug)]
pub enum Asked {
    /// One.
    One {
        /// `METHOD URL`, as written.
        request: Spanned<String>,
        /// Headers, names in lower case.
        headers: Vec<(String, String)>,
        /// The node that sends it; none is a client of a gateway.
        from: Option<String>,
    },
    /// All of a region.
    All(Box<Region>),
}

/// What should happen; what is none may be anything.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The id of the rule that decides, or the name of its route.
    pub route: Option<String>,
    /// The status of an answer that no service gives.
    pub status: Option<u16>,
    /// The backends with their shares in parts of a million, by name.
    pub backends: Option<Vec<(String, u32)>>,
    /// The path that is forwarded.
    pub path: Option<String>,
    /// The settings of what is forwarded.
    pub settings: Vec<ExpectedSetting>,
    /// Whether the service called admits it.
    pub allowed: Option<bool>,
    /// The whole expectation.
    pub span: Span,
}

/// A setting that is expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExpectedSetting {
    /// The setting.
    pub setting: &'static Setting,
    /// The value.
    pub value: Value,
    /// Whether less will do.
    pub is_bound: bool,
}

impl ExpectedSetting {
    /// Whether a value is as expected.
    pub fn is_met_by(&self, value: &Value) -> bool {
        *value == self.value || (self.is_bound && *value < self.value)
    }

    /// What is expected, as a test writes it.
    pub fn written(&self) -> String {
        let sign = if self.is_bound { "<=" } else { "" };
        format!("{sign}{}", self.setting.unit.written(&self.value))
    }
}

impl Expect {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        let Self {
            route,
            status,
            backends,
            path,
            settings,
            allowed,
            span: _,
        } = self;
        route.is_none()
            && status.is_none()
            && backends.is_none()
            && path.is_none()
            && settings.is_empty()
            && allowed.is_none()
    }
}
