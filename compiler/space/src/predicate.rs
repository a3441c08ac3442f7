//! What a rule, a permission or a region asks of requests, whoever wrote it down.
//!
//! The algebra knows no mesh: it asks those who do for the conditions of what they hold.

use weft_snapshot::plan::{AccessPlan, Condition, PathPattern, RoutePlan};

use crate::entry::{Entry, Repeats};

/// A set of requests, by what it asks of them.
pub trait Predicate {
    /// The paths.
    fn path(&self) -> &PathPattern;

    /// The methods; none means all.
    fn methods(&self) -> impl Iterator<Item = &str>;

    /// Conditions on headers, sorted by name, each name once; names in lower case.
    fn headers(&self) -> impl Iterator<Item = &Condition>;

    /// Conditions on query parameters, sorted by name, each name once.
    fn query(&self) -> impl Iterator<Item = &Condition>;

    /// The verified identities that may send them; none means any source, verified or not.
    fn sources(&self) -> Option<&[String]> {
        None
    }

    /// What becomes of requests that repeat a header of one line whose value is asked for.
    fn repeats(&self) -> Repeats {
        Repeats::LeftOut
    }
}

/// One of the rules of a host, among which precedence decides (DESIGN section 4).
pub trait Ranked: Predicate {
    /// What tells it apart from all others.
    fn id(&self) -> &str;

    /// Decides before anything else; the larger wins.
    fn priority(&self) -> i32;
}

impl Predicate for Entry<'_> {
    fn path(&self) -> &PathPattern {
        self.path
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        self.conditions.methods.iter().map(String::as_str)
    }

    fn headers(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.headers.iter()
    }

    fn query(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.query.iter()
    }

    fn sources(&self) -> Option<&[String]> {
        self.conditions.sources.as_deref()
    }

    fn repeats(&self) -> Repeats {
        self.conditions.repeats
    }
}

impl Predicate for RoutePlan {
    fn path(&self) -> &PathPattern {
        &self.path
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(String::as_str)
    }

    fn headers(&self) -> impl Iterator<Item = &Condition> {
        self.headers.iter()
    }

    fn query(&self) -> impl Iterator<Item = &Condition> {
        self.query.iter()
    }

    fn repeats(&self) -> Repeats {
        Repeats::Refused
    }
}

impl Predicate for AccessPlan {
    fn path(&self) -> &PathPattern {
        &self.path
    }

    fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(String::as_str)
    }

    fn headers(&self) -> impl Iterator<Item = &Condition> {
        std::iter::empty()
    }

    fn query(&self) -> impl Iterator<Item = &Condition> {
        std::iter::empty()
    }

    fn sources(&self) -> Option<&[String]> {
        Some(&self.from)
    }
}
