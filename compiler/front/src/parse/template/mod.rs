//! Expressions in scalars: `{{ name }}`, evaluated over the values of the environment.
//!
//! Evaluation happens on the tree, one scalar at a time, so an expression can change a value and never
//! the structure, and every place in a file stays what it was. A scalar that is exactly one expression
//! keeps the kind of its value (`"{{ port }}"` may be a number); with anything beside it, it is a text.
//! Only `{{ }}` is special: there are no statements, no comments and no includes. An unknown name is an
//! error, and the work of one expression is bounded by fuel.

mod help;
mod pieces;
#[cfg(test)]
mod tests;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::ValueKind;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, filters, tests as predicates};
use pieces::Piece;
use weft_spec::Span;

use super::codes;
use super::missing::Missing;
use super::yaml::{Style, Tree};
use crate::diagnostic::{Diagnostic, Diagnostics, MAX_FINDINGS, nearest};

pub use values::Values;

/// What one expression may cost: about this many steps.
const FUEL: u64 = 10_000;
/// What a common expression costs at most. It is tried with so much, so that it is charged with no more.
const LITTLE_FUEL: u64 = 100;
/// What all expressions of a run may cost together.
const RUN_FUEL: u64 = 50_000_000;
/// So many bytes of a value cost as much as one step.
const BYTES_PER_STEP: u64 = 16;
/// The longest expression, in bytes.
const MAX_EXPRESSION: usize = 4 << 10;
/// The most signs in a row, `-` and `not`: the engine calls itself once for each.
const MAX_SIGNS: usize = 64;
/// The longest scalar with expressions, before and after evaluation, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// Evaluates every expression of `tree`; a scalar with a mistake in it is reported and refused.
pub(super) fn evaluate(
    tree: &mut Tree<'_>,
    source: &str,
    (values, fuel): (&Values, &Fuel),
    (diagnostics, missing, used): (&mut Diagnostics, &mut Vec<Missing>, &mut BTreeSet<String>),
) {
    if tree.templated().is_empty() {
        return;
    }
    let engine = Engine::new(values, fuel);
    for id in tree.templated().to_vec() {
        if fuel.is_spent() {
            // Said once, for the whole run.
            return;
        }
        let text = tree.text(id).unwrap_or_default().to_owned();
        let scalar = ScalarText {
            text: &text,
            source,
            span: tree.span(id),
            values,
            is_told: !diagnostics.is_full(tree.file()) && missing.len() < MAX_FINDINGS,
        };
        match scalar.evaluate(&engine) {
            Ok((text, style)) => tree.replace(id, text, style),
            Err(fault) => {
                match fault {
                    NoValue::Wrong(found) => diagnostics.push(*found),
                    NoValue::Missing(one) => missing.push(one),
                }
                tree.refuse(id);
            }
        }
    }
    for written in engine.known.borrow().keys() {
        used.extend(engine.names(written));
    }
}

/// What the expressions of a run may still cost. What a run spends does not depend on the order in which its files are read, so
/// neither does whether it is too much.
#[derive(Debug)]
pub(super) struct Fuel {
    left: AtomicU64,
}

impl Fuel {
    /// For one run.
    pub(super) fn of_run() -> Self {
        Self {
            left: AtomicU64::new(RUN_FUEL),
        }
    }

    /// Whether the expressions cost more than there was.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    fn spend(&self, steps: u64) {
        let less = |left: u64| Some(left.saturating_sub(steps));
        // The closure always has an answer.
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// What was spent so far.
    #[cfg(test)]
    fn spent(&self) -> u64 {
        RUN_FUEL - self.left.load(Ordering::Relaxed)
    }

    /// Says that it was too much.
    pub(super) fn finding() -> Diagnostic {
        let message = "the expressions of the spec take too much work together";
        Diagnostic::new(&crate::diagnostic::TOO_LARGE, Span::NONE, message)
            .note(format!("all of them may cost {RUN_FUEL} steps; one that is short costs {LITTLE_FUEL} at most"))
            .help("write values where no expression is needed")
    }
}

/// Evaluates the expressions of one document, each text once.
struct Engine<'run> {
    little: Environment<'static>,
    full: Environment<'static>,
    values: &'run Values,
    fuel: &'run Fuel,
    known: RefCell<BTreeMap<String, Value>>,
}

impl<'run> Engine<'run> {
    fn new(values: &'run Values, fuel: &'run Fuel) -> Self {
        Self {
            little: environment(LITTLE_FUEL),
            full: environment(FUEL),
            values,
            fuel,
            known: RefCell::default(),
        }
    }

    fn value(&self, written: &str) -> Result<Value, minijinja::Error> {
        if let Some(known) = self.known.borrow().get(written) {
            self.fuel.spend(1);
            return Ok(known.clone());
        }
        let value = self.evaluated(written)?;
        let bytes = value.as_str().map_or(0, str::len);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.fuel.spend(bytes / BYTES_PER_STEP);
        self.known
            .borrow_mut()
            .insert(written.to_owned(), value.clone());
        Ok(value)
    }

    fn evaluated(&self, written: &str) -> Result<Value, minijinja::Error> {
        self.fuel.spend(LITTLE_FUEL);
        let expression = self.little.compile_expression(written)?;
        match expression.eval(self.values.root()) {
            Err(error) if error.kind() == ErrorKind::OutOfFuel => {
                self.fuel.spend(FUEL);
                let expression = self.full.compile_expression(written)?;
                expression.eval(self.values.root())
            }
            settled => settled,
        }
    }

    /// The names that an expression uses.
    fn names(&self, written: &str) -> BTreeSet<String> {
        let expression = self.full.compile_expression(written);
        // The set is a hash set, but only its sorted form is looked at.
        let names = expression.map(|one| one.undeclared_variables(true));
        names.map_or_else(|_| BTreeSet::new(), |names| names.into_iter().collect())
    }
}

/// Nothing but a fixed list of filters and tests: what an expression means does not change with a
/// newer engine.
fn environment(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(fuel));
    environment.set_debug(true);
    environment.add_filter("abs", filters::abs);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("int", filters::int);
    environment.add_filter("join", filters::join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("max", filters::max);
    environment.add_filter("min", filters::min);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("string", filters::string);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
    environment.add_test("defined", predicates::is_defined);
    environment.add_test("in", predicates::is_in);
    environment.add_test("undefined", predicates::is_undefined);
    environment
}

/// A scalar on its way through evaluation.
struct ScalarText<'a> {
    text: &'a str,
    source: &'a str,
    span: Span,
    values: &'a Values,
    /// Whether anybody sees the words for a mistake.
    is_told: bool,
}

/// Why a scalar has no value.
enum NoValue {
    Wrong(Box<Diagnostic>),
    /// Said once for all of a spec.
    Missing(Missing),
}

impl From<Box<Diagnostic>> for NoValue {
    fn from(found: Box<Diagnostic>) -> Self {
        Self::Wrong(found)
    }
}

type Evaluated<T> = Result<T, NoValue>;

impl ScalarText<'_> {
    fn evaluate(&self, engine: &Engine<'_>) -> Evaluated<(String, Style)> {
        if MAX_BYTES < self.text.len() {
            return Err(bad(self.span, "a text with expressions has at most 64 KiB").into());
        }
        let pieces = pieces::pieces(self.text);
        if let [Piece::Expression { inner, .. }] = pieces.as_slice() {
            let value = self.value(engine, inner.clone())?;
            let (text, style) = self.scalar(&value, inner)?;
            return self.within(text).map(|text| (text, style));
        }
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(range) => text.push_str(self.text.get(range).unwrap_or_default()),
                Piece::Expression { inner, .. } => {
                    let value = self.value(engine, inner.clone())?;
                    text.push_str(&self.scalar(&value, &inner)?.0);
                }
                Piece::Open(range) => {
                    let found = bad(self.place(range), "the expression has no `}}`");
                    return Err(Box::new(found.help("end it with `}}`")).into());
                }
            }
            text = self.within(text)?;
        }
        Ok((text, Style::Text))
    }

    fn within(&self, text: String) -> Evaluated<String> {
        if MAX_BYTES < text.len() {
            let message = "the expressions give more than 64 KiB of text";
            return Err(bad(self.span, message).into());
        }
        Ok(text)
    }

    fn value(&self, engine: &Engine<'_>, inner: Range<usize>) -> Evaluated<Value> {
        let written = self.text.get(inner.clone()).unwrap_or_default();
        if MAX_EXPRESSION < written.len() {
            let message = "an expression has at most 4 KiB";
            return Err(bad(self.place(inner), message).into());
        }
        if MAX_SIGNS < signs_in_a_row(written) {
            let message = format!("the expression has more than {MAX_SIGNS} signs in a row");
            return Err(bad(self.place(inner), message).into());
        }
        match engine.value(written) {
            Ok(value) if value.is_undefined() => Err(self.unknown(engine, inner)),
            Ok(value) => Ok(value),
            Err(error) if error.kind() == ErrorKind::UndefinedError => {
                Err(self.unknown(engine, inner))
            }
            Err(error) => Err(self.failed(&error, &inner).into()),
        }
    }

    fn scalar(&self, value: &Value, inner: &Range<usize>) -> Evaluated<(String, Style)> {
        let what = match value.kind() {
            ValueKind::String => return Ok((value.to_string(), Style::Text)),
            ValueKind::Bool => return Ok((value.is_true().to_string(), Style::Plain)),
            ValueKind::Number => return Ok((value.to_string(), Style::Plain)),
            ValueKind::Undefined | ValueKind::None => "nothing",
            ValueKind::Seq | ValueKind::Iterable => "a list",
            ValueKind::Map => "a mapping",
            // The list of kinds is open; what is new is no value of ours.
            ValueKind::Bytes | ValueKind::Plain | ValueKind::Invalid | _ => {
                "something that is no value"
            }
        };
        let message = format!("the expression gives {what}, not a text, a number or a boolean");
        let found = *bad(self.place(inner.clone()), message);
        let name = self.text.get(inner.clone()).unwrap_or_default().trim();
        let found = match self.values.place(name) {
            Some(place) => found.label(place, format!("`{name}` is set here")),
            None => found,
        };
        let help = if value.is_none() {
            "write a value behind the name in the file of values"
        } else {
            "name one value: an entry of the mapping, as `a.b`, or of the list, as `a[0]`"
        };
        Err(Box::new(found.help(help)).into())
    }

    fn failed(&self, error: &minijinja::Error, inner: &Range<usize>) -> Box<Diagnostic> {
        let place = match error.range() {
            Some(part) if part.start < part.end => {
                let start = inner.start.saturating_add(part.start);
                start..inner.start.saturating_add(part.end)
            }
            Some(_) | None => inner.clone(),
        };
        let message = if error.kind() == ErrorKind::OutOfFuel {
            "the expression takes too much work".to_owned()
        } else {
            let detail = error.detail().map(ToOwned::to_owned);
            format!(
                "the expression is wrong: {}",
                detail.unwrap_or_else(|| error.kind().to_string())
            )
        };
        let found = *bad(self.place(place), message);
        let written = self.text.get(inner.clone()).unwrap_or_default();
        Box::new(found.help(help::of(written, error)))
    }

    fn unknown(&self, engine: &Engine<'_>, inner: Range<usize>) -> NoValue {
        if !self.is_told {
            return bad(self.span, "there is no such value").into();
        }
        let written = self.text.get(inner.clone()).unwrap_or_default();
        let names = engine.names(written);
        let known: Vec<&str> = self.values.names().collect();
        let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) else {
            let found = *bad(self.place(inner), "the expression gives nothing");
            return Box::new(found.help(help::nothing(&known))).into();
        };
        let place = written.find(name.as_str()).map_or(inner.clone(), |at| {
            let start = inner.start.saturating_add(at);
            start..start.saturating_add(name.len())
        });
        let span = self.place(place);
        match nearest(name, known.iter().copied()).filter(|near| is_near_in_each_part(name, near)) {
            Some(near) => {
                let found = *bad(span, format!("there is no value `{name}`"));
                let found = found.help(format!("did you mean `{near}`?"));
                Box::new(found.propose(span, near)).into()
            }
            None => NoValue::Missing(Missing {
                name: name.clone(),
                span,
            }),
        }
    }

    /// Where a part of the scalar stands in the file; the whole scalar when escapes or folding have
    /// changed its text.
    fn place(&self, part: Range<usize>) -> Span {
        let range = (
            usize::try_from(self.span.start),
            usize::try_from(self.span.end),
        );
        let (Ok(start), Ok(end)) = range else {
            return self.span;
        };
        let written = self.source.get(start..end).unwrap_or_default();
        let Some(offset) = written.find(self.text) else {
            return self.span;
        };
        let shift = |at: usize| u32::try_from(start.saturating_add(offset).saturating_add(at));
        match (shift(part.start), shift(part.end.min(self.text.len()))) {
            (Ok(start), Ok(end)) => Span::new(self.span.file, start, end),
            _ => self.span,
        }
    }
}

/// Whether two names with dots are near in each of their parts: `orders.app` is not near `orders.v2`.
fn is_near_in_each_part(name: &str, near: &str) -> bool {
    let (mut parts, mut others) = (name.split('.'), near.split('.'));
    loop {
        match (parts.next(), others.next()) {
            (None, None) => return true,
            (Some(part), Some(other)) if part == other || nearest(part, [other]).is_some() => {}
            _ => return false,
        }
    }
}

/// The longest row of `-` and `not` outside of quotes.
fn signs_in_a_row(written: &str) -> usize {
    let (mut longest, mut row, mut quote) = (0_usize, 0_usize, None);
    let mut bytes = written.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        let is_not = || {
            written
                .get(at..)
                .is_some_and(|rest| rest.starts_with("not"))
        };
        match (quote, byte) {
            (Some(_), b'\\') => {
                bytes.next();
            }
            (Some(open), byte) => quote = (open != byte).then_some(open),
            (None, b'"' | b'\'') => (quote, row) = (Some(byte), 0),
            (None, b'-') => row = row.saturating_add(1),
            (None, b'n') if is_not() => {
                row = row.saturating_add(1);
                bytes.nth(1);
            }
            (None, byte) if byte.is_ascii_whitespace() => {}
            (None, _) => row = 0,
        }
        longest = longest.max(row);
    }
    longest
}

fn bad(span: Span, message: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(&codes::BAD_EXPRESSION, span, message))
}
