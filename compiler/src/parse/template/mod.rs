//! Expressions in scalars: `{{ name }}`, evaluated over the values of the environment.
//!
//! Evaluation happens on the tree, one scalar at a time, so an expression can change a value and never
//! the structure, and every place in a file stays what it was. A scalar that is exactly one expression
//! keeps the kind of its value (`"{{ port }}"` may be a number); with anything beside it, it is a text.
//! Only `{{ }}` is special: there are no statements, no comments and no includes. An unknown name is an
//! error, and the work of one expression is bounded by fuel.

mod pieces;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeSet;
use std::ops::Range;

use minijinja::value::ValueKind;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, filters, tests as predicates};
use weft_spec::Span;

use super::codes;
use super::yaml::{Style, Tree};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use pieces::Piece;

pub use values::Values;

/// What one expression may cost: about this many steps, or 64 times as many bytes.
const FUEL: u64 = 10_000;
/// The longest scalar with expressions, before and after evaluation, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// Evaluates every expression of `tree`; a scalar with a mistake in it is reported and refused.
pub(super) fn evaluate(
    tree: &mut Tree<'_>,
    source: &str,
    values: &Values,
    diagnostics: &mut Diagnostics,
) {
    if tree.templated().is_empty() {
        return;
    }
    let environment = environment();
    for id in tree.templated().to_vec() {
        let text = tree.text(id).unwrap_or_default().to_owned();
        let scalar = ScalarText {
            text: &text,
            source,
            span: tree.span(id),
            values,
        };
        match scalar.evaluate(&environment) {
            Ok((text, style)) => tree.replace(id, text, style),
            Err(found) => {
                diagnostics.push(*found);
                tree.refuse(id);
            }
        }
    }
}

/// Nothing but a fixed list of filters and tests: what an expression means does not change with a
/// newer engine.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
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
}

type Outcome<T> = Result<T, Box<Diagnostic>>;

impl ScalarText<'_> {
    fn evaluate(&self, environment: &Environment<'_>) -> Outcome<(String, Style)> {
        if MAX_BYTES < self.text.len() {
            return Err(bad(self.span, "a text with expressions has at most 64 KiB"));
        }
        let pieces = pieces::pieces(self.text);
        if let [Piece::Expression { inner, .. }] = pieces.as_slice() {
            let value = self.value(environment, inner.clone())?;
            return self.scalar(&value, inner);
        }
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(range) => text.push_str(self.text.get(range).unwrap_or_default()),
                Piece::Expression { inner, .. } => {
                    let value = self.value(environment, inner.clone())?;
                    text.push_str(&self.scalar(&value, &inner)?.0);
                }
                Piece::Open(range) => {
                    let found = bad(self.place(range), "the expression has no `}}`");
                    return Err(Box::new(found.help("end it with `}}`")));
                }
            }
            if MAX_BYTES < text.len() {
                return Err(bad(
                    self.span,
                    "the expressions give more than 64 KiB of text",
                ));
            }
        }
        Ok((text, Style::Text))
    }

    fn value(&self, environment: &Environment<'_>, inner: Range<usize>) -> Outcome<Value> {
        let written = self.text.get(inner.clone()).unwrap_or_default();
        let expression = environment
            .compile_expression_owned(written.to_owned())
            .map_err(|error| self.failed(&error, &inner))?;
        // The set is a hash set, but only its sorted form is looked at.
        let names: BTreeSet<String> = expression.undeclared_variables(true).into_iter().collect();
        match expression.eval(self.values.root()) {
            Ok(value) if value.is_undefined() => Err(self.unknown(&names, inner)),
            Ok(value) => Ok(value),
            Err(error) if error.kind() == ErrorKind::UndefinedError => {
                Err(self.unknown(&names, inner))
            }
            Err(error) => Err(self.failed(&error, &inner)),
        }
    }

    fn scalar(&self, value: &Value, inner: &Range<usize>) -> Outcome<(String, Style)> {
        let what = match value.kind() {
            ValueKind::String => return Ok((value.to_string(), Style::Text)),
            ValueKind::Bool | ValueKind::Number => return Ok((value.to_string(), Style::Plain)),
            ValueKind::Undefined | ValueKind::None => "nothing",
            ValueKind::Seq | ValueKind::Iterable => "a list",
            ValueKind::Map => "a mapping",
            // The list of kinds is open; what is new is no value of ours.
            ValueKind::Bytes | ValueKind::Plain | ValueKind::Invalid | _ => {
                "something that is no value"
            }
        };
        let message = format!("the expression gives {what}, not a text, a number or a boolean");
        Err(bad(self.place(inner.clone()), message))
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
        bad(self.place(place), message)
    }

    fn unknown(&self, names: &BTreeSet<String>, inner: Range<usize>) -> Box<Diagnostic> {
        let known: Vec<&str> = self.values.names().collect();
        let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) else {
            return bad(self.place(inner), "the expression gives nothing");
        };
        let written = self.text.get(inner.clone()).unwrap_or_default();
        let place = written.find(name.as_str()).map_or(inner.clone(), |at| {
            let start = inner.start.saturating_add(at);
            start..start.saturating_add(name.len())
        });
        let span = self.place(place);
        let found = *bad(span, format!("there is no value `{name}`"));
        Box::new(match nearest(name, known.iter().copied()) {
            Some(near) => found
                .help(format!("did you mean `{near}`?"))
                .edit(span, near),
            None if known.is_empty() => found.help(format!(
                "give a file that sets it by `--values`, or write `{{{{ {name} | default(…) }}}}`"
            )),
            None => found.note(format!("known values: {}", known.join(", "))),
        })
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

fn bad(span: Span, message: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(&codes::BAD_EXPRESSION, span, message))
}
