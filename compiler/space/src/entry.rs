//! What one entry of a table asks of a request, in the form that analyses compare.

use std::collections::BTreeMap;

use weft_snapshot::plan::{Condition, PathPattern};

use crate::predicate::Predicate;

/// Everything but the path: a product of conditions on method, headers, query and source.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Conditions {
    /// The methods, sorted; empty means all.
    pub methods: Vec<String>,
    /// Conditions on headers.
    pub headers: Vec<Condition>,
    /// Conditions on query parameters.
    pub query: Vec<Condition>,
    /// The verified identities, or patterns of them (`weft_snapshot::identity`); none means any source, verified or not.
    pub sources: Option<Vec<String>>,
    /// What becomes of requests that repeat a header of one line whose value is asked for.
    pub repeats: Repeats,
}

/// What becomes of requests that repeat a header of one line (`weft_snapshot::canonical::lines`), whose value some
/// conditions ask for.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Repeats {
    /// They are not in the set: no value passes the test of one.
    #[default]
    LeftOut,
    /// They are answered with 400, if all else holds: so do rules that proxies decide by.
    Refused,
}

/// One entry of a table: a set of requests. The position in the table is its precedence.
#[derive(Clone, Debug)]
pub struct Entry<'table> {
    /// The paths.
    pub path: &'table PathPattern,
    /// What else must hold.
    pub conditions: Conditions,
}

impl Conditions {
    /// Whether every request passes.
    pub fn is_true(&self) -> bool {
        let Self {
            methods,
            headers,
            query,
            sources,
            repeats: _,
        } = self;
        methods.is_empty() && headers.is_empty() && query.is_empty() && sources.is_none()
    }
}

impl<'table> Entry<'table> {
    /// The requests that something asks for.
    pub fn of(asked: &'table impl Predicate) -> Self {
        let mut methods: Vec<String> = asked.methods().map(str::to_owned).collect();
        methods.sort();
        let conditions = Conditions {
            methods,
            headers: asked.headers().cloned().collect(),
            query: asked.query().cloned().collect(),
            sources: asked.sources().map(<[String]>::to_vec),
            repeats: asked.repeats(),
        };
        Self {
            path: asked.path(),
            conditions,
        }
    }

    /// The requests with one of these methods, or with any if there are none, for a path.
    pub fn of_methods<'one>(
        methods: impl IntoIterator<Item = &'one str>,
        path: &'table PathPattern,
    ) -> Self {
        let mut entry = Self::of_path(path);
        let methods = methods.into_iter().map(str::to_owned);
        entry.conditions.methods = methods.collect();
        entry.conditions.methods.sort();
        entry
    }

    /// The requests of a path.
    pub fn of_path(path: &'table PathPattern) -> Self {
        Self {
            path,
            conditions: Conditions::default(),
        }
    }
}

/// The number of conditions that were met before.
pub(super) type ConditionsId = u32;

/// Equal conditions share a number, so that lists of them can be compared and remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Interner {
    numbers: BTreeMap<Conditions, ConditionsId>,
    all: Vec<Conditions>,
}

impl Interner {
    /// The number of these conditions.
    pub(super) fn number(&mut self, conditions: &Conditions) -> ConditionsId {
        if let Some(number) = self.numbers.get(conditions) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.numbers.insert(conditions.clone(), number);
        self.all.push(conditions.clone());
        number
    }

    /// The conditions of a number; those without any for a number that was never given.
    pub(super) fn conditions(&self, number: ConditionsId) -> Conditions {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.all.get(number))
            .cloned()
            .unwrap_or_default()
    }
}
