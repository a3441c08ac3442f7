//! Findings and the lines they show, without the credentials of the spec.
//!
//! Logs of CI are read by more people than a spec is. This is done once, before any format, so that none can forget it: a
//! finding about a secret shows where it is and not what it is, and so does every other finding about its line. Of files of
//! values nothing is shown at all.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use weft_spec::FileId;

use crate::diagnostic::{Diagnostic, Label};
use crate::secrets::{SECRET_IN_SPEC, hidden, starred};
use crate::source::Sources;

/// The findings and the files that they are about, with stars in the place of secrets.
pub(super) fn without_secrets<'a>(
    found: &[Diagnostic],
    sources: &'a Sources,
) -> (Vec<Diagnostic>, Cow<'a, Sources>) {
    let mut files: BTreeSet<FileId> = BTreeSet::new();
    let mut known: BTreeMap<FileId, Vec<Range<usize>>> = BTreeMap::new();
    for one in found {
        let edits = one.edits.iter().map(|edit| edit.span);
        let secondary = one.secondary.iter().map(|label| label.span);
        files.extend(secondary.chain(edits).map(|span| span.file));
        let span = one.primary.span;
        files.insert(span.file);
        if one.code.name == SECRET_IN_SPEC {
            known.entry(span.file).or_default().push(span.bytes());
        }
    }
    let mut shown = Cow::Borrowed(sources);
    for id in files {
        let Some(file) = sources.file(id) else {
            continue;
        };
        // Values may come from where secrets are kept; a place in their file is enough to find one.
        let everything = 0..file.text.len();
        let is_of_values = sources.values().any(|(other, _)| other == id);
        let mut text = if is_of_values {
            Cow::Owned(starred(&file.text, &[everything]))
        } else {
            hidden(&file.text)
        };
        if let Some(places) = known.get(&id) {
            text = Cow::Owned(starred(&text, places));
        }
        if let Cow::Owned(text) = text {
            shown.to_mut().overwrite(id, text);
        }
    }
    (found.iter().map(discreet).collect(), shown)
}

fn discreet(found: &Diagnostic) -> Diagnostic {
    let mut found = found.clone();
    hide(&mut found.message);
    let Label { span: _, text } = &mut found.primary;
    hide(text);
    for label in &mut found.secondary {
        hide(&mut label.text);
    }
    found.notes.iter_mut().for_each(hide);
    found.help.iter_mut().for_each(hide);
    // An edit with stars in it would be applied with them.
    let shows = |text: &str| matches!(hidden(text), Cow::Owned(_));
    if found.edits.iter().any(|edit| shows(&edit.replacement)) {
        found.edits.clear();
    }
    found
}

fn hide(text: &mut String) {
    if let Cow::Owned(stars) = hidden(text) {
        *text = stars;
    }
}
