//! The words for values that a type refuses.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use weft_spec::Span;
use weft_spec::annotations::is_never_empty;

use super::fault::Fault;
use super::place::Place;
use super::{MAX_ENTRIES, State, address, foreign, kind, odd};
use crate::diagnostic::{Diagnostic, nearest};
use crate::parse::codes;
use crate::parse::yaml::{Kind, NodeId};

/// The most known names that a message lists.
const MAX_LISTED: usize = 24;

/// Reports why a value was refused; `structure` is the name of its type if it has one.
///
/// Says nothing when a value inside was reported already and this is only the consequence.
pub(super) fn report(state: &State<'_, '_>, place: Place, fault: &Fault, structure: &str) {
    let Place { id, key, of: _ } = place;
    let is_consequence = match fault {
        Fault::Reported => true,
        Fault::Custom(_) | Fault::Expected(_) => has_refused(state, id),
        Fault::Missing(_)
        | Fault::UnknownField(..)
        | Fault::UnknownVariant(..)
        | Fault::TooMany(_) => false,
    };
    if is_consequence {
        return;
    }
    if state.is_full() {
        // Of a hundred thousand mistakes of a kind, most are counted and nobody sees their words. A field whose value was refused
        // is not there any more, and was counted.
        let is_there = matches!(fault, Fault::Missing(field) if entry(state, id, field).is_some());
        if !is_there {
            state.count();
        }
        return;
    }
    match fault {
        Fault::Reported => {}
        Fault::Missing(field) => missing_fields(state, id, key, field, structure),
        Fault::UnknownField(name, known) => {
            if let Some((key, _)) = entry(state, id, name) {
                let absent = absent_fields(state, id, known);
                let of = foreign::of_known(known);
                state.push(unknown_field(state, key, (known, of), &absent));
            }
        }
        Fault::UnknownVariant(word, known) => {
            let found = unknown_word(state, id, word, known, structure);
            state.push(of_value(state, id, found));
        }
        Fault::TooMany(entries) => state.push(too_many(state, id, key, *entries)),
        Fault::Custom(message) => {
            let span = head(state, id, key);
            let (message, nearly) = weft_spec::units::told(message);
            let text = state.tree.text(id).unwrap_or_default();
            let field = key.and_then(|key| state.tree.text(key)).unwrap_or_default();
            let nearly = nearly.or_else(|| address::meant(text, message, field));
            let message = in_user_words(state, id, message);
            let found = Diagnostic::new(&codes::BAD_VALUE, span, message);
            let found = kind::with_help(state, id, found, nearly);
            state.push(of_value(state, id, found));
        }
        Fault::Expected(expected) => {
            let mut found = kind::wrong_kind(state, place, expected);
            if let Some(key) = key.filter(|_| found.primary.span.start == found.primary.span.end) {
                found.primary.span = state.tree.span(key);
            }
            state.push(of_value(state, id, found));
        }
    }
}

/// What is wrong with a value that an expression gave is mended where the value is set, and not where it is used.
fn of_value(state: &State<'_, '_>, id: NodeId, mut found: Diagnostic) -> Diagnostic {
    if !state.tree.templated().contains(&id) {
        return found;
    }
    found.edits.clear();
    let written = state.tree.written(id).trim_matches(['"', '\'']);
    let inside = written
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"));
    let name = inside.unwrap_or_default().trim();
    if let Some(text) = state.tree.text(id).filter(|text| kind::is_variable(text)) {
        found = found.help(format!(
            "write the value itself in place of `{}`",
            shortened(text)
        ));
    }
    match state.values.place(name) {
        Some(place) => {
            if let Some(help) = found.help.take() {
                found = found.help(format!("{help}, where `{name}` is set"));
            }
            found.label(place, format!("`{name}` is set here"))
        }
        None => found,
    }
}

/// Reports every key of a mapping that is not among its fields.
pub(super) fn unknown_fields(state: &State<'_, '_>, id: NodeId, fields: &[&str], of: &str) {
    // Once for the mapping: it may have a million keys, and two hundred of them are told.
    let absent = OnceCell::new();
    for (key, _) in state.tree.entries(id) {
        let is_known = state
            .tree
            .text(key)
            .is_some_and(|name| fields.contains(&name));
        if is_known || state.is_refused(key) {
            continue;
        }
        state.push_with(|| {
            let absent = absent.get_or_init(|| absent_fields(state, id, fields));
            unknown_field(state, key, (fields, of), absent)
        });
        state.refuse(key);
    }
}

/// Reports every list of a mapping that is empty although it narrows something.
pub(super) fn empty_lists(state: &State<'_, '_>, id: NodeId, of: &str) {
    for (key, value) in state.tree.entries(id) {
        let name = state.tree.text(key).unwrap_or_default();
        let is_empty = matches!(state.tree.kind(value), Kind::Sequence)
            && state.tree.children(value).next().is_none();
        if !is_empty || state.is_refused(value) || !is_never_empty(of, name) {
            continue;
        }
        state.push_with(|| {
            let message = format!("`{name}` is an empty list, which means neither all nor none");
            let help = match (of, name) {
                ("Allow", "from") => {
                    "name a caller, or remove the entry: nobody is allowed who is not named"
                        .to_owned()
                }
                (_, "from") => "name a caller, or leave `from` out to refuse everybody".to_owned(),
                _ => format!("name one, or leave `{name}` out for all"),
            };
            Diagnostic::new(&codes::BAD_VALUE, state.tree.span(value), message).help(help)
        });
        state.refuse(value);
    }
}

/// The fields that a mapping does not have.
fn absent_fields<'f>(state: &State<'_, '_>, mapping: NodeId, fields: &[&'f str]) -> Vec<&'f str> {
    let keys = state.tree.entries(mapping);
    let there: BTreeSet<&str> = keys.filter_map(|(key, _)| state.tree.text(key)).collect();
    let fields = fields.iter().copied();
    fields.filter(|field| !there.contains(field)).collect()
}

/// A place for what concerns a whole node: its key, else its line, else its first key.
pub(super) fn head(state: &State<'_, '_>, id: NodeId, key: Option<NodeId>) -> Span {
    if let Kind::Scalar { .. } = state.tree.kind(id) {
        return state.tree.span(id);
    }
    match key.or_else(|| state.tree.children(id).next()) {
        Some(key) => state.tree.span(key),
        None => state.tree.span(id),
    }
}

/// What a mapping with these fields is called.
pub(super) fn mapping_with(fields: &[&str]) -> String {
    format!("a mapping with {}", listed(fields, "and"))
}

/// What one of these words is called.
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [word] => format!("`{word}`"),
        words => format!("one of {}", listed(words, "and")),
    }
}

fn unknown_field(
    state: &State<'_, '_>,
    key: NodeId,
    (fields, of): (&[&str], &str),
    absent: &[&str],
) -> Diagnostic {
    let name = state.tree.text(key).unwrap_or_default();
    let span = state.tree.span(key);
    let found = Diagnostic::new(
        &codes::UNKNOWN_FIELD,
        span,
        format!("unknown field `{}`", shortened(name)),
    );
    if let Some(advice) = odd::advice(name) {
        return found.help(advice);
    }
    if let Some(word) = foreign::field(name, of) {
        return word.explain(found, absent);
    }
    match nearest(name, absent.iter().copied()) {
        Some(field) => found
            .help(format!("did you mean `{field}`?"))
            .edit_word(span, (name, field)),
        None if of == "HeaderChanges" => {
            found.help(format!("write it below `set`: `{{set: {{{name}: …}}}}`"))
        }
        None => found
            .note(format!("known fields: {}", listed(fields, "and")))
            .help(if is_alone(state, key) {
                "write the entries of a list in brackets: `[a, b]`"
            } else {
                "remove it, or write one of the known fields"
            }),
    }
}

fn too_many(state: &State<'_, '_>, id: NodeId, key: Option<NodeId>, entries: usize) -> Diagnostic {
    let name = key.and_then(|key| state.tree.text(key));
    let name = name.map_or("this".to_owned(), |name| format!("`{}`", shortened(name)));
    let message = format!("{name} has {entries} entries; at most {MAX_ENTRIES} are read");
    Diagnostic::new(&crate::diagnostic::TOO_LARGE, head(state, id, key), message)
        .help("spread them over several definitions")
}

fn unknown_word(
    state: &State<'_, '_>,
    id: NodeId,
    word: &str,
    known: &[&str],
    structure: &str,
) -> Diagnostic {
    let span = state.tree.span(id);
    if structure == "Version" {
        let word = shortened(word);
        let message = format!("this compiler does not know version `{word}` of the language");
        let found = Diagnostic::new(&codes::UNKNOWN_VERSION, span, message);
        if ["1", "1.0", "v1.0"].contains(&word.to_lowercase().as_str()) || word == "V1" {
            return found.help("write `v1`").edit(span, "v1");
        }
        return found.help(format!("write {}, or use a newer compiler", one_of(known)));
    }
    let message = format!("`{}` is not {}", shortened(word), one_of(known));
    let found = Diagnostic::new(&codes::BAD_VALUE, span, message);
    if kind::is_variable(word) || odd::advice(word).is_some() {
        return kind::with_help(state, id, found, None);
    }
    if let Some(said) = foreign::value(word, known) {
        return said.explain(found, known);
    }
    match nearest(word, known.iter().copied()) {
        Some(near) => found
            .help(format!("did you mean `{near}`?"))
            .edit_word(span, (word, near)),
        None => found.help(format!("write {}", alternatives(known))),
    }
}

/// Whether a key between brackets has neither a `:` nor a value, as an entry of a list that lacks its own brackets.
fn is_alone(state: &State<'_, '_>, key: NodeId) -> bool {
    // INVARIANT: a value stands behind its key, and one that is not there lies at the end of the key.
    let (key, value) = (state.tree.span(key), state.tree.span(key.next()));
    value.start == value.end && value.start == key.end && state.tree.is_in_brackets(key)
}

/// The words between which somebody has to choose.
fn alternatives(words: &[&str]) -> String {
    listed(words, "or")
}

fn missing_fields(
    state: &State<'_, '_>,
    id: NodeId,
    key: Option<NodeId>,
    first: &str,
    structure: &str,
) {
    let mut names = weft_spec::schema::required_fields(structure, first);
    if names.is_empty() {
        names.push(first.to_owned());
    }
    let keys: Vec<&str> = state
        .tree
        .entries(id)
        .filter_map(|(key, _)| state.tree.text(key))
        .collect();
    if keys.contains(&"<<") {
        return;
    }
    for name in names {
        let ways = weft_spec::schema::other_ways(structure, &name);
        let is_there = keys.contains(&name.as_str())
            || keys.iter().any(|key| ways.iter().any(|way| way == key));
        let is_misspelt = state.found.borrow().each().any(|found| {
            let hits = |edit: &crate::diagnostic::Edit| {
                let is_way = ways.contains(&edit.replacement);
                (is_way || edit.replacement == name) && is_inside(edit.span, state.tree.span(id))
            };
            found.code == &codes::UNKNOWN_FIELD && found.edits.iter().any(hits)
        });
        if !is_there && !is_misspelt {
            let mut missing = missing_field(state, id, key, &name);
            // With other fields, it may be no file of the spec at all.
            missing.is_proposal = has_unknown_field(state, id);
            state.push(missing);
        }
    }
}

fn has_unknown_field(state: &State<'_, '_>, id: NodeId) -> bool {
    let keys: Vec<Span> = state
        .tree
        .entries(id)
        .map(|(key, _)| state.tree.span(key))
        .collect();
    let found = state.found.borrow();
    let mut unknown = found.each().filter(|one| one.code == &codes::UNKNOWN_FIELD);
    unknown.any(|one| keys.contains(&one.primary.span))
}

fn missing_field(state: &State<'_, '_>, id: NodeId, key: Option<NodeId>, name: &str) -> Diagnostic {
    let span = head(state, id, key);
    if name == "weft" {
        let start = state.tree.span(id);
        let start = Span::new(start.file, start.start, start.start);
        // Behind a `---`, a document is a file of its own.
        let is_first = !state.tree.is_behind_another(id);
        let (message, help) = if is_first {
            (
                "the file does not say its version of the language",
                "start the file with `weft: v1`",
            )
        } else {
            (
                "this document does not say its version of the language",
                "write `weft: v1` behind the `---`, or remove the `---` to go on with the document above it",
            )
        };
        return Diagnostic::new(&codes::MISSING_FIELD, span, message)
        .help(help)
        .note("YAML files that are no part of the spec go into a folder with a file `.weftignore`")
        .edit(start, "weft: v1\n");
    }
    let message = match key.and_then(|key| state.tree.text(key)) {
        Some(owner) => format!("`{owner}` needs the field `{name}`"),
        None => format!("the field `{name}` is missing"),
    };
    Diagnostic::new(&codes::MISSING_FIELD, span, message).help(format!("add `{name}`"))
}

fn is_inside(inner: Span, outer: Span) -> bool {
    inner.file == outer.file && outer.start <= inner.start && inner.end <= outer.end
}

fn has_refused(state: &State<'_, '_>, id: NodeId) -> bool {
    match state.tree.kind(id) {
        Kind::Scalar { .. } => false,
        Kind::Sequence | Kind::Mapping => {
            state.tree.children(id).any(|child| state.is_refused(child))
        }
    }
}

fn entry(state: &State<'_, '_>, mapping: NodeId, name: &str) -> Option<(NodeId, NodeId)> {
    let mut entries = state.tree.entries(mapping);
    entries.find(|(key, _)| state.tree.text(*key) == Some(name))
}

/// Standard types refuse a text without showing it.
fn in_user_words(state: &State<'_, '_>, id: NodeId, message: &str) -> String {
    let text = shortened(state.tree.text(id).unwrap_or_default());
    match message {
        "invalid IP address syntax" => format!("`{text}` is not an IP address such as `10.0.0.1`"),
        "invalid socket address syntax" => {
            format!("`{text}` is not an address with a port such as `127.0.0.1:8080`")
        }
        other => other.to_owned(),
    }
}

pub(super) fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}

fn listed(names: &[&str], last: &str) -> String {
    let quoted: Vec<String> = names
        .iter()
        .take(MAX_LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    match quoted.split_last() {
        None => "no fields".to_owned(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}
