//! The words for values of the wrong kind, and what was probably meant by them.

use weft_spec::annotations::{self, Whole};
use weft_spec::units::{self, Nearly};

use super::State;
use super::report::{Place, shortened};
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
        Kind::Scalar { text, style } => scalar(state, id, found, ((text, style), expected)),
        Kind::Sequence if expected.starts_with("a service, or services with shares") => {
            found.help("write the services as keys and their shares as values: `{a: 90%, b: 10%}`")
        }
        Kind::Sequence if expected.starts_with("a mapping") => {
            found.help("write `name: …` for each entry, without `- `")
        }
        Kind::Mapping if expected == "a list" => found.help("begin each entry with `- `"),
        Kind::Sequence | Kind::Mapping => found,
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
    id: NodeId,
    found: Diagnostic,
    ((text, style), expected): ((&str, Style), &str),
) -> Diagnostic {
    let span = state.tree.span(id);
    if is_variable(text) {
        return with_help(state, id, found, None);
    }
    if let Some(word) = switched(text, expected) {
        return found.help(format!("write `{word}`")).edit(span, word);
    }
    let meaning = Scalar::read(text, style);
    let wants_text = expected.starts_with("a text") || expected.starts_with("a service");
    let is_named_nothing = !text.is_empty() && expected.starts_with("a text");
    match meaning {
        Scalar::Nothing if !is_named_nothing => found.help("write a value, or remove the key"),
        Scalar::Nothing | Scalar::Boolean(_) | Scalar::Number(_) | Scalar::Negative(_)
            if wants_text =>
        {
            found
                .help("put it in quotes to make it a text")
                .edit(span, format!("\"{text}\""))
        }
        Scalar::Number(_) => with_help(state, id, found, units::nearly(expected, text)),
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
        Scalar::Text(_) if expected == "a list" => found
            .help("put it in brackets to make it a list")
            .edit(span, format!("[{}]", state.tree.written(id))),
        Scalar::Nothing => found.help("write a value, or remove the key"),
        Scalar::Boolean(_) | Scalar::Negative(_) | Scalar::Text(_) => found,
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
    match nearly {
        Some(Nearly::Write(text)) => found
            .help(format!("write `{text}`"))
            .edit(span, in_style(state, id, text)),
        Some(Nearly::Advice(text)) => found.help(text),
        None => found,
    }
}

/// What to write in place of an address that is none, if that can be told.
pub(super) fn address(text: &str, message: &str) -> Option<Nearly> {
    if message != "invalid socket address syntax" && message != "invalid IP address syntax" {
        return None;
    }
    let wants_port = message.contains("socket");
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.trim_end_matches('/');
    let is_address = |text: &str| {
        text.parse::<std::net::SocketAddr>().is_ok()
            || (!wants_port && text.parse::<std::net::IpAddr>().is_ok())
    };
    let (host, port) = bare.rsplit_once(':').unwrap_or((bare, ""));
    let local = match (host, port) {
        ("localhost" | "", port) if !port.is_empty() => Some(format!("127.0.0.1:{port}")),
        ("localhost", "") if !wants_port => Some("127.0.0.1".to_owned()),
        ("*", port) if !port.is_empty() => Some(format!("0.0.0.0:{port}")),
        ("*", "") if !wants_port => Some("0.0.0.0".to_owned()),
        _ => (bare != text).then(|| bare.to_owned()),
    };
    if let Some(local) = local.filter(|local| is_address(local)) {
        return Some(Nearly::Write(local));
    }
    if !wants_port {
        return None;
    }
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return Some(Nearly::Advice("add the port behind a `:`".to_owned()));
    }
    if is_port(bare) {
        return Some(Nearly::Write(format!("127.0.0.1:{bare}")));
    }
    let is_name = host.bytes().any(|byte| byte.is_ascii_alphabetic()) && is_port(port);
    is_name.then(|| {
        Nearly::Advice(format!(
            "write an address; names are for `endpoints: {{dns: {bare}}}`"
        ))
    })
}

/// A text in the quotes that were there.
fn in_style(state: &State<'_, '_>, id: NodeId, text: String) -> String {
    let written = state.tree.written(id);
    match written.chars().next() {
        Some(quote @ ('"' | '\'')) => format!("{quote}{text}{quote}"),
        Some(_) | None => text,
    }
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
