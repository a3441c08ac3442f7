//! What a request says of the headers and parameters that routes ask for.
//!
//! Most requests meet a handful of conditions, and those are answered as they come. A request that meets many
//! is remembered: each name is looked up once, the query is decoded once, and each value goes once through each
//! automaton. So what conditions cost does not grow with what a request holds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Reader;
use crate::canonical::{Field, parameter, parameters};
use crate::records::{Condition, Text};
use crate::request::{Headers, Request};

/// Forms of conditions.
const EXACT: u32 = 0;
const PRESENT: u32 = 1;
const ABSENT: u32 = 2;
const EXPRESSION: u32 = 3;
/// So many conditions are answered as they come.
const FEW: u32 = 16;

/// Whether a condition on a header holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Holds {
    Yes,
    No,
    /// The header came in several lines, and the condition asks for its value.
    Untold,
}

/// A name, by where it stands among the strings.
type Name = (u32, u32);
/// Names of parameters and their values, decoded.
type Parameters<'r> = BTreeMap<Cow<'r, [u8]>, Cow<'r, [u8]>>;

/// What was asked for, and what the request says.
#[derive(Debug, Default)]
pub(super) struct Said<'r> {
    asked: u32,
    fields: BTreeMap<Name, Field<'r>>,
    parameters: Option<Parameters<'r>>,
    /// By automaton: the states in which the values of names ended.
    of_headers: BTreeMap<(u32, Name), u32>,
    of_parameters: BTreeMap<(u32, Name), u32>,
}

impl<'r> Said<'r> {
    /// Whether a condition on a header holds.
    pub(super) fn header<H: Headers>(
        &mut self,
        reader: Reader<'_>,
        request: &'r Request<'r, H>,
        condition: &Condition,
    ) -> Holds {
        let name = reader.text(condition.name);
        if self.is_few() {
            let field = request.headers.field(name);
            return held(&field, condition, |value| {
                passes(reader, condition, value, |_, state| state())
            });
        }
        let key = key(condition.name);
        let field = self
            .fields
            .entry(key)
            .or_insert_with(|| request.headers.field(name));
        let states = &mut self.of_headers;
        held(field, condition, |value| {
            passes(reader, condition, value, |automaton, state| {
                *states.entry((automaton, key)).or_insert_with(state)
            })
        })
    }

    /// Whether a condition on a parameter holds.
    pub(super) fn parameter(
        &mut self,
        reader: Reader<'_>,
        query: Option<&'r str>,
        condition: &Condition,
    ) -> bool {
        let name = reader.text(condition.name);
        if self.is_few() {
            let value = query.and_then(|query| parameter(query, name));
            return passes(reader, condition, value.as_deref(), |_, state| state());
        }
        let all = self
            .parameters
            .get_or_insert_with(|| query.map(parameters).unwrap_or_default());
        let value = all.get(name.as_bytes()).map(|value| &**value);
        let (key, states) = (key(condition.name), &mut self.of_parameters);
        passes(reader, condition, value, |automaton, state| {
            *states.entry((automaton, key)).or_insert_with(state)
        })
    }

    fn is_few(&mut self) -> bool {
        self.asked = self.asked.saturating_add(1);
        self.asked <= FEW
    }
}

fn key(name: Text) -> Name {
    (name.offset.get(), name.length.get())
}

fn held(
    field: &Field<'_>,
    condition: &Condition,
    passes: impl FnOnce(Option<&[u8]>) -> bool,
) -> Holds {
    let holds = match field {
        Field::Absent => passes(None),
        Field::Value(value) => passes(Some(value)),
        Field::Repeated if condition.form.get() == PRESENT => true,
        Field::Repeated if condition.form.get() == ABSENT => false,
        Field::Repeated => return Holds::Untold,
    };
    if holds { Holds::Yes } else { Holds::No }
}

/// Whether a value, or that there is none, passes; `remembered` may know in which state an automaton ends on the value.
fn passes(
    reader: Reader<'_>,
    condition: &Condition,
    value: Option<&[u8]>,
    remembered: impl FnOnce(u32, &mut dyn FnMut() -> u32) -> u32,
) -> bool {
    match (condition.form.get(), value) {
        (EXACT, Some(value)) => reader.text_bytes(condition.text) == value,
        (PRESENT, value) => value.is_some(),
        (ABSENT, value) => value.is_none(),
        (EXPRESSION, Some(value)) => {
            let index = condition.automaton.get();
            reader.automaton(index).is_some_and(|automaton| {
                let state = remembered(index, &mut || automaton.run(value));
                automaton.accepts(state, condition.pattern.get())
            })
        }
        _ => false,
    }
}
