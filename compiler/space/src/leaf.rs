//! The requests of one path: which of the entries that match the path takes which of them.
//!
//! Only what those entries mention is told apart. Each entry is a cube; what is left of it after the
//! cubes before it is its residual. An empty residual on every path is a dead entry.

use std::cell::Cell;
use std::collections::BTreeSet;

use weft_snapshot::canonical::{Lines, lines};
use weft_snapshot::plan::{Condition, ValueTest};

use super::cube::{Cube, Layout};
use super::entry::{Conditions, Repeats};
use super::unknown::{Unknown, spend};
use super::values::{Bytes, Given, Values, asks_for_value};
use crate::work;

/// So many cubes may one residual have before the search for a request is left to the solver.
const CUBES: usize = 512;
/// So many words may the cubes of one list have together.
const WORDS: usize = 8 << 20;
/// So many words of cubes may be looked at for one list, and so many more for each of its conditions.
const WORK: usize = 16 << 20;
const WORK_PER_ENTRY: usize = 32 << 10;

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

/// Whether requests that repeat a header of one line are among those that are looked at.
///
/// A rule that asks for the value of such a header refuses them, so a comparison of tables has to look at them.
/// Whether a rule takes anything, or meets another, can be asked without them: whatever takes a request with a
/// value for the header takes or refuses it with the header repeated, since only `absent` tells a repeated
/// header from every value; so a rule that others take everything from gets nothing by repeating, either.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Repeating {
    /// They are not.
    #[default]
    LeftOut,
    /// They are.
    Included,
}

/// The dimensions that some conditions mention, and the cubes of the conditions.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    dimensions: Vec<(Kind, Values)>,
    /// The words of cubes that may still be looked at.
    work: Cell<usize>,
    /// Bits of the dimensions.
    pub(super) layout: Layout,
}

/// What a request has in each dimension.
pub(super) type Point = Vec<(Kind, Given)>;

/// The requests that a rule refuses because of a header.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// The header, whose value the rule asks for.
    pub(super) header: String,
    /// The requests that repeat it, and none of those that the rule asks for before it.
    pub(super) cube: Cube,
}

impl Leaf {
    /// The dimensions of these conditions.
    ///
    /// # Errors
    ///
    /// [`Unknown`] when the expressions on one name multiply beyond bounds.
    pub(super) fn new<'one>(
        conditions: impl Iterator<Item = &'one Conditions> + Clone,
        repeating: Repeating,
    ) -> Result<Self, Unknown> {
        let mut dimensions = Vec::new();
        let methods: BTreeSet<&str> = conditions
            .clone()
            .flat_map(|one| one.methods.iter().map(String::as_str))
            .collect();
        if !methods.is_empty() {
            dimensions.push((Kind::Method, Values::of_methods(&methods)));
        }
        let headers = tested(conditions.clone().flat_map(|one| &one.headers));
        for (name, tests) in headers {
            let mut values = Values::of_tests(name, &tests, Bytes::Header)?;
            // Where nobody asks for its value, a repeated header is like any other that is there.
            let tells = repeating == Repeating::Included
                && lines(name) == Lines::Single
                && tests.iter().any(|test| asks_for_value(test));
            if tells {
                values = values.with_repeated();
            }
            dimensions.push((Kind::Header(name.to_owned()), values));
        }
        let query = tested(conditions.clone().flat_map(|one| &one.query));
        for (name, tests) in query {
            let values = Values::of_tests(name, &tests, Bytes::Any)?;
            dimensions.push((Kind::Query(name.to_owned()), values));
        }
        if conditions.clone().any(|one| one.sources.is_some()) {
            let sources = conditions.clone().filter_map(|one| one.sources.as_ref());
            let sources: BTreeSet<&str> = sources.flatten().map(String::as_str).collect();
            dimensions.push((Kind::Source, Values::of_sources(&sources)));
        }
        let mut layout = Layout::default();
        for (_, values) in &dimensions {
            layout.push(values.all.len());
        }
        let names = conditions.clone();
        let names = names.map(|one| one.methods.len() + one.sources.as_ref().map_or(0, Vec::len));
        // Each is looked up, and was copied.
        spend(names.sum::<usize>().saturating_mul(16))?;
        let entries = conditions.count();
        // One bit of every cube for each value.
        let bits: usize = dimensions.iter().map(|(_, values)| values.all.len()).sum();
        spend(entries.saturating_mul(bits / 8 + 16))?;
        if WORDS < layout.words().saturating_mul(entries) {
            return Err(Unknown::TooManyConditions);
        }
        let work = Cell::new(WORK.saturating_add(entries.saturating_mul(WORK_PER_ENTRY)));
        Ok(Self {
            dimensions,
            work,
            layout,
        })
    }

    /// Takes the work of looking at so many cubes from what may be done.
    ///
    /// # Errors
    ///
    /// [`Unknown::TooManyConditions`] when that is used up.
    pub(super) fn spend(&self, cubes: usize) -> Result<(), Unknown> {
        let words = cubes.saturating_mul(self.layout.words().max(1));
        let left = self.work.get().saturating_sub(words);
        self.work.set(left);
        if left == 0 {
            return Err(Unknown::TooManyConditions);
        }
        spend(cubes.saturating_mul(8).saturating_add(words / 2))
    }

    /// Whether nothing more may be looked at.
    pub(super) fn is_spent(&self) -> bool {
        self.work.get() == 0 || work::is_spent()
    }

    /// The requests that pass; none if there is no such request.
    pub(super) fn cube(&self, conditions: &Conditions) -> Option<Cube> {
        self.cube_with(conditions, Repeats::LeftOut)
    }

    /// The requests that pass or are refused, which nothing behind the conditions gets; none if there is no such request.
    pub(super) fn reach(&self, conditions: &Conditions) -> Option<Cube> {
        self.cube_with(conditions, conditions.repeats)
    }

    /// The requests that are refused, by the header that is the reason; they share nothing.
    pub(super) fn refusals(&self, conditions: &Conditions) -> Vec<Refusal> {
        let Some(mut left) = self.reach(conditions) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (dimension, (kind, values)) in self.dimensions.iter().enumerate() {
            let Kind::Header(name) = kind else {
                continue;
            };
            let is_asked = of_name(&conditions.headers, name).any(asks_for_value);
            let repeated = values.repeated().filter(|_| is_asked);
            let (Repeats::Refused, Some(repeated)) = (conditions.repeats, repeated) else {
                continue;
            };
            let mut cube = left.clone();
            self.layout.keep(&mut cube, dimension, &[repeated]);
            self.layout.remove(&mut left, dimension, repeated);
            if !self.layout.is_empty(&cube) {
                let header = name.clone();
                found.push(Refusal { header, cube });
            }
        }
        found
    }

    fn cube_with(&self, conditions: &Conditions, repeats: Repeats) -> Option<Cube> {
        let mut cube = self.layout.full();
        for (dimension, (kind, values)) in self.dimensions.iter().enumerate() {
            let restrict = |cube: &mut Cube, keep: &dyn Fn(usize) -> bool| {
                self.layout.restrict(cube, dimension, keep);
            };
            match kind {
                Kind::Method if conditions.methods.is_empty() => {}
                Kind::Method => {
                    let classes = values.named(&conditions.methods);
                    self.layout.keep(&mut cube, dimension, &classes);
                }
                Kind::Source => {
                    if let Some(sources) = &conditions.sources {
                        let classes = values.named_by(sources);
                        self.layout.keep(&mut cube, dimension, &classes);
                    }
                }
                Kind::Header(name) => {
                    for test in of_name(&conditions.headers, name) {
                        let stays = repeats == Repeats::Refused && asks_for_value(test);
                        if let Some(mut classes) = values.chosen(test) {
                            classes.extend(values.repeated().filter(|_| stays));
                            self.layout.keep(&mut cube, dimension, &classes);
                            continue;
                        }
                        restrict(&mut cube, &|class| {
                            values.passes(class, test) || (stays && values.is_repeated(class))
                        });
                    }
                }
                Kind::Query(name) => {
                    for test in of_name(&conditions.query, name) {
                        if let Some(classes) = values.chosen(test) {
                            self.layout.keep(&mut cube, dimension, &classes);
                            continue;
                        }
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
            self.spend(left.len())?;
            let mut next = Vec::with_capacity(left.len());
            for cube in &left {
                self.layout.subtract(cube, taken, &mut next);
            }
            spend(next.len().saturating_mul(self.layout.words() / 2))?;
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
                let value = values.all.get(*class);
                let given = value.map_or(Given::Absent, |value| value.example.clone());
                (kind.clone(), given)
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
            let last = values.all.len().saturating_sub(1);
            if values.is_repeated(last) && set.len() == last && !set.contains(&last) {
                said.push((kind.clone(), "not repeated".to_owned()));
                continue;
            }
            let of = |class: &usize| match values.all.get(*class) {
                Some(value) => match &value.example {
                    Given::Absent => "absent".to_owned(),
                    Given::Repeated => "repeated".to_owned(),
                    Given::Value(example) if value.is_text => {
                        String::from_utf8_lossy(example).into_owned()
                    }
                    Given::Value(_) if *kind == Kind::Method => "other methods".to_owned(),
                    Given::Value(example) if example.is_empty() && *kind == Kind::Source => {
                        "others".to_owned()
                    }
                    Given::Value(_) if *kind == Kind::Source => {
                        values.pattern_of(*class).unwrap_or_default().to_owned()
                    }
                    Given::Value(example) => {
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
