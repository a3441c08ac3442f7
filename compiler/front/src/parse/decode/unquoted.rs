//! The words for texts without quotes that other tools take for numbers, words and days.
//!
//! They are known only once a document is decoded: what is no text here is none of them.

use super::State;
use crate::diagnostic::{Diagnostic, Severity};
use crate::parse::codes::{UNQUOTED_NUMBER, UNQUOTED_WORD};
use crate::parse::yaml::{Elsewhere, NodeId};

/// Reports each of them, with the edit that makes it a text for everybody.
pub(super) fn report(state: &State<'_, '_>) {
    let file = state.tree.file();
    for (id, elsewhere) in &*state.unquoted.borrow() {
        if state.is_refused(*id) {
            continue;
        }
        let severity = match elsewhere {
            Elsewhere::Number => Severity::Error,
            Elsewhere::Word | Elsewhere::Date => Severity::Warning,
        };
        let words = || words(state, *id, *elsewhere);
        state.found.borrow_mut().push_with((file, severity), words);
    }
}

fn words(state: &State<'_, '_>, id: NodeId, elsewhere: Elsewhere) -> Diagnostic {
    let text = state.tree.text(id).unwrap_or_default();
    let span = state.tree.span(id);
    let (code, what) = match elsewhere {
        Elsewhere::Number => (&UNQUOTED_NUMBER, "a number"),
        Elsewhere::Word => (&UNQUOTED_WORD, word(text)),
        Elsewhere::Date => (&UNQUOTED_WORD, "a date"),
    };
    let message = format!("`{text}` is a text here and {what} to other YAML tools");
    Diagnostic::new(code, span, message)
        .note("an editor or a script that saves the file may write it otherwise, and then it is another text")
        .help("write it in quotes")
        .edit(span, format!("\"{text}\""))
}

fn word(text: &str) -> &'static str {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => "nothing",
        "=" | "<<" => "a mark",
        _ => "a boolean",
    }
}
