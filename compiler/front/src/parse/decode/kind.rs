//! The words for values of the wrong kind, and what was probably meant by them.

use weft_spec::annotations::{self, Whole};
use weft_spec::units::{self, Nearly};

use super::place::Place;
use super::report::shortened;
use super::{State, odd, shorthand};
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::yaml::{Kind, NodeId, Scalar, Style};
use crate::parse::{as_expression, codes, variable};

/// What is expected, and what is there.
pub(super) fn wrong_kind(state: &State<'_, '_>, place: Place, expected: &str) -> Diagnostic {
    let Place { id, .. } = place;
    let span = state.tree.span(id);
    let (what, code) = found_kind(state, id, expected);
    let numbers = numbers(state, place, expected);
    let wanted = numbers.as_deref().unwrap_or(expected);
    let found = Diagnostic::new(code, span, format!("expected {wanted}, found {what}"));
    match state.tree.kind(id) {
        Kind::Scalar { text, style } => {
            let found = scalar(state, place, found, ((text, style), expected));
            match found.help {
                Some(_) => found,
                None => with_help(state, id, found, shorthand::example(state, place, expected)),
            }
        }
        Kind::Sequence | Kind::Mapping => collection(state, place, found, expected),
    }
}

/// A list or mapping where something else is wanted.
fn collection(
    state: &State<'_, '_>,
    place: Place,
    found: Diagnostic,
    expected: &str,
) -> Diagnostic {
    let is_list = matches!(state.tree.kind(place.id), Kind::Sequence);
    if let Some(meant) = shorthand::meant(state, place, expected) {
        return with_help(state, place.id, found, Some(meant));
    }
    if is_list && expected.starts_with("a service, or services with shares") {
        found.help("write the services as keys and their shares as values: `{a: 90%, b: 10%}`")
    } else if is_list && expected.starts_with("a mapping") {
        found.help("write `name: …` for each entry, without `- `")
    } else if !is_list && expected == "a list" {
        found.help("begin each entry with `- `")
    } else {
        let example = shorthand::example(state, place, expected);
        with_help(state, place.id, found, example)
    }
}

/// The numbers that the field really takes; the type of a field knows more of them.
fn numbers(state: &State<'_, '_>, place: Place, expected: &str) -> Option<String> {
    let field = place.key.and_then(|key| state.tree.text(key))?;
    if !expected.starts_with("a whole number") {
        return None;
    }
    Some(match annotations::numbers(place.of, field)? {
        Whole::Range(least, most) => format!("a whole number from {least} to {most}"),
        Whole::OneOf(all) => {
            let all: Vec<String> = all.iter().map(|one| format!("`{one}`")).collect();
            match all.split_last() {
                Some((last, rest)) if !rest.is_empty() => {
                    format!("one of {} and {last}", rest.join(", "))
                }
                Some(_) | None => all.concat(),
            }
        }
    })
}

fn scalar(
    state: &State<'_, '_>,
    place: Place,
    found: Diagnostic,
    ((text, style), expected): ((&str, Style), &str),
) -> Diagnostic {
    let id = place.id;
    let span = state.tree.span(id);
    if is_variable(text) || odd::advice(text).is_some() {
        return with_help(state, id, found, None);
    }
    if let Some(word) = switched(text, expected) {
        return found.help(format!("write `{word}`")).edit(span, word);
    }
    let meaning = Scalar::read(text, style);
    if meaning != Scalar::Nothing
        && let Some(meant) = shorthand::meant(state, place, expected)
    {
        return with_help(state, id, found, Some(meant));
    }
    let wants_text = expected.starts_with("a text") || expected.starts_with("a service");
    let is_named_nothing = !text.is_empty() && expected.starts_with("a text");
    match meaning {
        Scalar::Nothing if !is_named_nothing => found.help("write a value, or remove the key"),
        Scalar::Nothing | Scalar::Boolean(_) | Scalar::Number(_) | Scalar::Negative(_)
            if wants_text =>
        {
            let found = found.help("put it in quotes to make it a text");
            let quoted = format!("\"{text}\"");
            match meaning {
                // More likely that nothing is meant.
                Scalar::Nothing => found.propose(span, quoted),
                Scalar::Boolean(_) | Scalar::Number(_) | Scalar::Negative(_) | Scalar::Text(_) => {
                    found.edit(span, quoted)
                }
            }
        }
        Scalar::Number(_) | Scalar::Text(_) if expected == "a list" => {
            let found = found.help("put it in brackets to make it a list");
            if is_block(state, id) {
                found
            } else {
                found.edit(span, format!("[{}]", state.tree.written(id)))
            }
        }
        Scalar::Number(_) | Scalar::Negative(_) if !expected.starts_with("a whole number") => {
            with_help(state, id, found, units::nearly(expected, text))
        }
        Scalar::Text(text) if style == Style::Text => match Scalar::read(text, Style::Plain) {
            Scalar::Number(_) | Scalar::Negative(_) if expected.starts_with("a whole number") => {
                found.help("remove the quotes").edit(span, text)
            }
            Scalar::Boolean(_) if expected.starts_with("`true`") => {
                found.help("remove the quotes").edit(span, text)
            }
            Scalar::Boolean(_)
            | Scalar::Number(_)
            | Scalar::Negative(_)
            | Scalar::Nothing
            | Scalar::Text(_) => found,
        },
        Scalar::Nothing => found.help("write a value, or remove the key"),
        Scalar::Boolean(_) | Scalar::Number(_) | Scalar::Negative(_) | Scalar::Text(_) => found,
    }
}

/// What YAML 1.1 calls a switch: its words for one that is expected, and `off` for what it makes of ours.
fn switched(text: &str, expected: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    if expected.starts_with("`true`") {
        return match lower.as_str() {
            "yes" | "on" | "y" | "enabled" => Some("true"),
            "no" | "off" | "n" | "disabled" => Some("false"),
            _ => None,
        };
    }
    (expected.ends_with("or `off`") && matches!(lower.as_str(), "false" | "no")).then_some("off")
}

/// Whether a text has a variable of a shell in it: `${PORT}`.
pub(super) fn is_variable(text: &str) -> bool {
    variable(text).is_some()
}

/// Adds what was probably meant.
pub(super) fn with_help(
    state: &State<'_, '_>,
    id: NodeId,
    found: Diagnostic,
    nearly: Option<Nearly>,
) -> Diagnostic {
    let span = state.tree.span(id);
    if let Some(name) = state.tree.text(id).and_then(variable) {
        let expression = as_expression(name);
        return found
            .note("no variables of the environment are read, so that a spec means the same on every machine")
            .help(format!("write `{expression}`, and give the value in a file by `--values`"));
    }
    if let Some(advice) = state.tree.text(id).and_then(odd::advice) {
        return found.help(advice);
    }
    match nearly {
        Some(Nearly::Write(text)) => {
            let found = found.help(format!("write `{text}`"));
            match in_style(state, id, text) {
                Some(text) => found.edit(span, text),
                None => found,
            }
        }
        Some(Nearly::Advice(text)) => found.help(text),
        None => found,
    }
}

/// A text in the quotes that were there; a mapping or list takes their place. Nothing for the lines of a block, which are more than a value.
fn in_style(state: &State<'_, '_>, id: NodeId, text: String) -> Option<String> {
    if is_block(state, id) {
        return None;
    }
    let is_collection = text.starts_with(['{', '[']);
    match state.tree.written(id).chars().next() {
        Some(quote @ ('"' | '\'')) if !is_collection => Some(format!("{quote}{text}{quote}")),
        Some(_) | None => Some(text),
    }
}

/// Whether a text stands in lines of its own, behind `|` or `>`: what is written of it are these lines.
fn is_block(state: &State<'_, '_>, id: NodeId) -> bool {
    let is_text = matches!(
        state.tree.kind(id),
        Kind::Scalar {
            style: Style::Text,
            ..
        }
    );
    is_text && !state.tree.written(id).starts_with(['"', '\''])
}

/// What stands there, and whether that is the wrong kind or a wrong value of the right one.
fn found_kind(state: &State<'_, '_>, id: NodeId, expected: &str) -> (String, &'static Code) {
    let kind = &codes::WRONG_TYPE;
    match state.tree.kind(id) {
        Kind::Sequence => ("a list".to_owned(), kind),
        Kind::Mapping => ("a mapping".to_owned(), kind),
        Kind::Scalar { text, style } => match Scalar::read(text, style) {
            Scalar::Nothing => ("nothing".to_owned(), kind),
            Scalar::Boolean(_) => (format!("`{}`", shortened(text)), kind),
            Scalar::Number(_) | Scalar::Negative(_) => {
                let is_range = expected.starts_with("a whole number");
                (
                    format!("the number `{}`", shortened(text)),
                    if is_range { &codes::BAD_VALUE } else { kind },
                )
            }
            Scalar::Text(text) => (format!("the text `{}`", shortened(text)), kind),
        },
    }
}
