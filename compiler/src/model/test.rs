//! Tests of a spec, with names followed.

use weft_spec::{Span, Spanned};

use super::assertion::Region;

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
    /// The timeout of the whole request in milliseconds; 0 is no limit.
    pub timeout: Option<Wanted>,
    /// The number of tries.
    pub attempts: Option<Wanted>,
    /// Whether the service called admits it.
    pub allowed: Option<bool>,
    /// The whole expectation.
    pub span: Span,
}

/// A number that is expected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// The number.
    pub value: u32,
    /// Whether less will do.
    pub is_bound: bool,
}

impl Wanted {
    /// Whether a number is as expected.
    pub fn is_met_by(self, value: u32) -> bool {
        value == self.value || (self.is_bound && value < self.value)
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
            timeout,
            attempts,
            allowed,
            span: _,
        } = self;
        route.is_none()
            && status.is_none()
            && backends.is_none()
            && path.is_none()
            && timeout.is_none()
            && attempts.is_none()
            && allowed.is_none()
    }
}
