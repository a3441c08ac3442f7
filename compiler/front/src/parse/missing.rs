//! Values that expressions use and nobody has set: one finding for all of a spec, because one file of values is what is missing.

use std::collections::BTreeSet;

use weft_spec::{FileId, Span};

use super::codes;
use super::foreign::Foreign;
use crate::diagnostic::Diagnostic;
use crate::source::Sources;

/// The most names that a message lists, and the most places that are shown.
const MAX_LISTED: usize = 8;

/// A value that an expression uses and nobody has set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Missing {
    /// Its name, with dots between the levels.
    pub(super) name: String,
    /// Where it is used.
    pub(super) span: Span,
}

/// One finding for all of them, and the file among the foreign ones that sets them.
pub(super) fn finding(
    missing: &[Missing],
    known: &[&str],
    (foreign, sources): (&[Foreign], &Sources),
) -> Option<(Diagnostic, Option<FileId>)> {
    let first = missing.first()?;
    let names: BTreeSet<&str> = missing.iter().map(|one| one.name.as_str()).collect();
    let message = match names.len() {
        1 => format!("there is no value `{}`", first.name),
        count => format!(
            "there are no values for {count} names: {}",
            listed(names.iter().copied())
        ),
    };
    let mut found = Diagnostic::new(&codes::BAD_EXPRESSION, first.span, message);
    for one in missing.iter().skip(1).take(MAX_LISTED) {
        let text = match names.len() {
            1 => "and here".to_owned(),
            _ => format!("`{}` is used here", one.name),
        };
        found = found.label(one.span, text);
    }
    let places = missing.len();
    if MAX_LISTED + 1 < places {
        found = found.note(format!("{places} expressions need them"));
    }
    let sets = |one: &Foreign| names.iter().filter(|name| one.sets(name)).count();
    let most = foreign
        .iter()
        .enumerate()
        .max_by_key(|(at, one)| (sets(one), usize::MAX - at));
    let most = most.filter(|(_, one)| 0 < sets(one));
    let name = &first.name;
    let help = match most {
        Some((_, one)) => {
            let path = sources.shown_path(one.file());
            let all = if sets(one) == names.len() {
                ""
            } else {
                " some of"
            };
            let them = if names.len() == 1 { "it" } else { "them" };
            format!("give `--values {path}`, which sets{all} {them}")
        }
        None if !known.is_empty() => {
            found = found.note(format!("known values: {}", listed(known.iter().copied())));
            let file = sources
                .values()
                .last()
                .map(|(id, _)| sources.shown_path(id));
            let file = file.map_or("a file of values".to_owned(), |path| format!("`{path}`"));
            let it = if names.len() == 1 { "it" } else { "them" };
            format!("set {it} in {file}, or write `{{{{ {name} | default(…) }}}}`")
        }
        None => format!(
            "give a file that sets it by `--values`, or write `{{{{ {name} | default(…) }}}}`"
        ),
    };
    Some((found.help(help), most.map(|(_, one)| one.file())))
}

/// Some names; a file of values may have any number of them.
fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let count = names.len();
    let shown: Vec<String> = names
        .take(MAX_LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    match count.saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
