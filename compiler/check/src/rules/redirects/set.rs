//! One set of requests of a search along redirects, and the method with which they come by now.

use weft_front::model::Rule;
use weft_snapshot::plan::PathPattern;
use weft_space::path::all_paths;
use weft_space::{Conditions, Entry};

/// Requests of a path pattern, with what else they have.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) path: PathPattern,
    pub(super) conditions: Conditions,
}

/// The method that a client uses now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method {
    /// That of the first request.
    Asked,
    /// GET.
    Get,
}

impl Set {
    pub(super) fn of(rule: &Rule) -> Self {
        Self {
            path: rule.matched.path.value.clone(),
            conditions: Entry::of(rule).conditions,
        }
    }

    pub(super) fn entry(&self) -> Entry<'_> {
        Entry {
            path: &self.path,
            conditions: self.conditions.clone(),
        }
    }

    /// All requests with HEAD.
    pub(super) fn of_heads() -> Self {
        let conditions = Conditions {
            methods: vec!["HEAD".to_owned()],
            ..Conditions::default()
        };
        Self {
            path: all_paths(),
            conditions,
        }
    }
}

impl Method {
    /// What is asked of the first request by conditions on one that comes now; none if it can have nothing of that.
    pub(super) fn asked(self, mut conditions: Conditions) -> Option<Conditions> {
        if self == Self::Asked || conditions.methods.is_empty() {
            return Some(conditions);
        }
        let has_get = conditions.methods.iter().any(|method| method == "GET");
        conditions.methods.clear();
        has_get.then_some(conditions)
    }
}
