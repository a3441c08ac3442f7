//! The expressions of a mesh, each once for every kind of text that it is held against, with its places.
//!
//! Many rules share one expression, and nothing about it depends on the rule: so it is looked into once.

use std::collections::BTreeMap;

use weft_front::model::{Listener, Mesh, Service};
use weft_snapshot::canonical::parameter;
use weft_snapshot::plan::{Condition, PathPattern, ValueTest};
use weft_snapshot::settings::{PathRules, Slashes};
use weft_space::{Conditions, Entry, Extent, Unknown, WitnessRequest, extent, parting, path};
use weft_spec::{Span, Spanned};

/// The name of the header or parameter that stands for all of them.
const NAME: &str = "x";

/// The texts that an expression is held against.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::rules) enum Texts {
    /// Paths that are canonical by these rules.
    Paths(PathRules),
    /// Values of headers.
    Headers,
    /// Values of parameters.
    Parameters,
}

/// An expression, with the texts that it is held against.
pub(in crate::rules) type Key<'mesh> = (Texts, &'mesh str);

/// All expressions of routes and permissions with their places.
pub(in crate::rules) fn all(mesh: &Mesh) -> Vec<(Key<'_>, Vec<Span>)> {
    let mut found: BTreeMap<Key<'_>, Vec<Span>> = BTreeMap::new();
    for route in mesh.routes.values() {
        let listener = mesh.listener(route);
        let rules = listener.map_or_else(PathRules::default, Listener::path_rules);
        let paths = Texts::Paths(PathRules {
            refuse_dot_segments: false,
            // What is refused leaves the same paths as what is merged.
            slashes: match rules.slashes {
                Slashes::Merge | Slashes::Refuse => Slashes::Merge,
                Slashes::Keep => Slashes::Keep,
            },
            ..rules
        });
        for rule in &route.rules {
            let matched = &rule.matched;
            if let PathPattern::Regex { regex } = &matched.path.value {
                let places = found.entry((paths, regex)).or_default();
                places.push(matched.path.span);
            }
            let mut note = |texts: Texts, test: &'_ Spanned<Condition>, regex| {
                found.entry((texts, regex)).or_default().push(test.span);
            };
            for (texts, tests) in [
                (Texts::Headers, &matched.headers),
                (Texts::Parameters, &matched.query),
            ] {
                for test in tests {
                    if let ValueTest::Regex { regex } = &test.value.test {
                        note(texts, test, regex);
                    }
                }
            }
        }
    }
    for service in mesh.services.values() {
        let paths = Texts::at(mesh, service);
        for path in service.access_paths() {
            if let PathPattern::Regex { regex } = &path.value {
                let places = found.entry((paths, regex)).or_default();
                places.push(path.span);
            }
        }
    }
    found.into_iter().collect()
}

impl Texts {
    /// The paths of calls of a service. Whatever a gateway forwards may arrive: what is true of all paths is true of those
    /// without `%2F`.
    pub(in crate::rules) fn at(mesh: &Mesh, service: &Service) -> Self {
        Self::Paths(PathRules {
            keep_escaped_slashes: true,
            ..mesh.paths_at(service)
        })
    }

    fn rules(self) -> PathRules {
        match self {
            Self::Paths(rules) => rules,
            Self::Headers | Self::Parameters => PathRules::default(),
        }
    }

    /// A text that matches and one that does not.
    pub(in crate::rules) fn extent(self, regex: &str) -> Result<Extent, Unknown> {
        self.with(self.regex(regex), |entry| extent(entry, self.rules()))
    }

    /// A request whose text matches one of two expressions only.
    pub(in crate::rules) fn parting(
        self,
        left: &str,
        right: Simple,
    ) -> Result<Option<WitnessRequest>, Unknown> {
        self.with(self.regex(left), |left| {
            self.with(right, |right| parting(left, right, self.rules()))
        })
    }

    /// The texts of an expression.
    pub(in crate::rules) fn regex(self, regex: &str) -> Simple {
        let regex = regex.to_owned();
        match self {
            Self::Paths(_) => Simple::Path(PathPattern::Regex { regex }),
            Self::Headers | Self::Parameters => Simple::Value(ValueTest::Regex { regex }),
        }
    }

    /// The text of a request.
    pub(in crate::rules) fn text(self, request: &WitnessRequest) -> Option<String> {
        match self {
            Self::Paths(_) => Some(request.path.clone()),
            Self::Headers => {
                let (_, value) = request.headers.first()?;
                String::from_utf8(value.clone()).ok()
            }
            Self::Parameters => {
                let value = parameter(request.query.as_deref()?, NAME)?;
                String::from_utf8(value.into_owned()).ok()
            }
        }
    }

    fn with<T>(self, simple: Simple, ask: impl FnOnce(&Entry<'_>) -> T) -> T {
        let (path, test) = match simple {
            Simple::Path(path) => (path, None),
            Simple::Value(test) => (path::all_paths(), Some(test)),
        };
        let mut entry = Entry::of_path(&path);
        if let Some(test) = test {
            let name = NAME.to_owned();
            let tests = vec![Condition { name, test }];
            match self {
                Self::Paths(_) => {}
                Self::Headers => {
                    entry.conditions = Conditions {
                        headers: tests,
                        ..Conditions::default()
                    }
                }
                Self::Parameters => {
                    entry.conditions = Conditions {
                        query: tests,
                        ..Conditions::default()
                    }
                }
            }
        }
        ask(&entry)
    }
}

/// A set of texts, as one says it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::rules) enum Simple {
    /// Paths.
    Path(PathPattern),
    /// Values.
    Value(ValueTest),
}
