//! The requests of one path: which of the entries that match the path takes which of them.
//!
//! Only what those entries mention is told apart. Each entry is a cube; what is left of it after the
//! cubes before it is its residual. An empty residual on every path is a dead entry.

use std::collections::BTreeSet;

use weft_snapshot::plan::{Condition, ValueTest};

use super::cube::{Cube, Layout};
use super::entry::Conditions;
use super::unknown::Unknown;
use super::values::{Bytes, Values};

/// So many cubes may one residual have before the search for a request is left to the solver.
const CUBES: usize = 512;

/// What a dimension is about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    /// The method.
    Method,
    /// A header, by its name.
    Header(String),
    /// A query parameter, by its name.
    Query(String),
    /// The verified identity of the peer.
    Source,
}

/// The dimensions that some conditions mention, and the cubes of the conditions.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    dimensions: Vec<(Kind, Values)>,
    /// Bits of the dimensions.
    pub(super) layout: Layout,
}

/// One value for each dimension; none for what is absent.
pub(super) type Point = Vec<(Kind, Option<Vec<u8>>)>;

impl Leaf {
    /// The dimensions of these conditions.
    ///
    /// # Errors
    ///
    /// [`Unknown`] when the expressions on one name multiply beyond bounds.
    pub(super) fn new<'one>(
        conditions: impl Iterator<Item = &'one Conditions> + Clone,
    ) -> Result<Self, Unknown> {
        let mut dimensions = Vec::new();
        let methods: BTreeSet<&str> = conditions
            .clone()
            .flat_map(|one| one.methods.iter().map(String::as_str))
            .collect();
        if !methods.is_empty() {
            dimensions.push((Kind::Method, Values::of_names(&methods, true)));
        }
        let headers = tested(conditions.clone().flat_map(|one| &one.headers));
        for (name, tests) in headers {
            let values = Values::of_tests(name, &tests, Bytes::Header)?;
            dimensions.push((Kind::Header(name.to_owned()), values));
        }
        let query = tested(conditions.clone().flat_map(|one| &one.query));
        for (name, tests) in query {
            let values = Values::of_tests(name, &tests, Bytes::Any)?;
            dimensions.push((Kind::Query(name.to_owned()), values));
        }
        if conditions.clone().any(|one| one.sources.is_some()) {
            let sources = conditions.filter_map(|one| one.sources.as_ref());
            let sources: BTreeSet<&str> = sources.flatten().map(String::as_str).collect();
            dimensions.push((Kind::Source, Values::of_names(&sources, false)));
        }
        let mut layout = Layout::default();
        for (_, values) in &dimensions {
            layout.push(values.all.len());
        }
        Ok(Self { dimensions, layout })
    }

    /// The requests that pass; none if there is no such request.
    pub(super) fn cube(&self, conditions: &Conditions) -> Option<Cube> {
        let mut cube = self.layout.full();
        for (dimension, (kind, values)) in self.dimensions.iter().enumerate() {
            let is_named = |names: &[String], class: usize| {
                let value = values.all.get(class);
                value.is_some_and(|value| {
                    let example = value.example.as_deref().unwrap_or_default();
                    value.is_text && names.iter().any(|name| name.as_bytes() == example)
                })
            };
            let restrict = |cube: &mut Cube, keep: &dyn Fn(usize) -> bool| {
                self.layout.restrict(cube, dimension, keep);
            };
            match kind {
                Kind::Method if conditions.methods.is_empty() => {}
                Kind::Method => restrict(&mut cube, &|class| is_named(&conditions.methods, class)),
                Kind::Source => {
                    if let Some(sources) = &conditions.sources {
                        restrict(&mut cube, &|class| is_named(sources, class));
                    }
                }
                Kind::Header(name) => {
                    for test in of_name(&conditions.headers, name) {
                        restrict(&mut cube, &|class| values.passes(class, test));
                    }
                }
                Kind::Query(name) => {
                    for test in of_name(&conditions.query, name) {
                        restrict(&mut cube, &|class| values.passes(class, test));
                    }
                }
            }
        }
        (!self.layout.is_empty(&cube)).then_some(cube)
    }

    /// What is left of a cube after others, as cubes that share nothing.
    ///
    /// # Errors
    ///
    /// [`Unknown::TooManyConditions`] beyond the bound on cubes.
    pub(super) fn residual<'one>(
        &self,
        cube: &Cube,
        taken: impl Iterator<Item = &'one Cube>,
    ) -> Result<Vec<Cube>, Unknown> {
        let mut left = vec![cube.clone()];
        for taken in taken {
            if left.is_empty() {
                break;
            }
            let mut next = Vec::with_capacity(left.len());
            for cube in &left {
                self.layout.subtract(cube, taken, &mut next);
            }
            if CUBES < next.len() {
                return Err(Unknown::TooManyConditions);
            }
            left = next;
        }
        Ok(left)
    }

    /// A request of a cube: for each dimension the most ordinary value.
    pub(super) fn point(&self, cube: &Cube) -> Point {
        self.point_of(&self.layout.pick(cube))
    }

    /// A request by its atom in each dimension.
    pub(super) fn point_of(&self, atoms: &[usize]) -> Point {
        let dimensions = self.dimensions.iter().zip(atoms);
        dimensions
            .map(|((kind, values), class)| {
                let example = values
                    .all
                    .get(*class)
                    .and_then(|value| value.example.clone());
                (kind.clone(), example)
            })
            .collect()
    }

    /// The atoms of a dimension of a cube in words; nothing where all are in it.
    pub(super) fn describe(&self, cube: &Cube) -> Vec<(Kind, String)> {
        let mut said = Vec::new();
        for (dimension, (kind, values)) in self.dimensions.iter().enumerate() {
            let set = self.layout.set(cube, dimension);
            if set.len() == values.all.len() {
                continue;
            }
            let of = |class: &usize| match values.all.get(*class) {
                Some(value) => match &value.example {
                    None => "absent".to_owned(),
                    Some(example) if value.is_text => String::from_utf8_lossy(example).into_owned(),
                    Some(_) if *kind == Kind::Method => "other methods".to_owned(),
                    Some(example) => {
                        format!("others like `{}`", String::from_utf8_lossy(example))
                    }
                },
                None => String::new(),
            };
            let words: Vec<String> = set.iter().map(of).collect();
            said.push((kind.clone(), words.join("|")));
        }
        said
    }
}

fn tested<'one>(
    conditions: impl Iterator<Item = &'one Condition>,
) -> Vec<(&'one str, Vec<&'one ValueTest>)> {
    let mut by_name: std::collections::BTreeMap<&str, Vec<&ValueTest>> =
        std::collections::BTreeMap::new();
    for condition in conditions {
        by_name
            .entry(&condition.name)
            .or_default()
            .push(&condition.test);
    }
    by_name.into_iter().collect()
}

fn of_name<'one>(
    conditions: &'one [Condition],
    name: &str,
) -> impl Iterator<Item = &'one ValueTest> {
    conditions
        .iter()
        .filter(move |condition| condition.name == name)
        .map(|condition| &condition.test)
}
