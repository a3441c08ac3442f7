//! The words for texts that are something else to other tools: numbers, words and days without quotes, and variables of a shell.
//!
//! They are known only once a document is decoded: what is no text here is none of them.

use super::{State, kind};
use crate::diagnostic::{Diagnostic, Severity};
use crate::parse::codes::{LITERAL_VARIABLE, UNQUOTED_NUMBER, UNQUOTED_WORD};
use crate::parse::variable;
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

/// Reports variables of a shell in texts, which nobody puts values in place of.
pub(super) fn report_variables(state: &State<'_, '_>) {
    let file = state.tree.file();
    for id in &*state.variables.borrow() {
        if state.is_refused(*id) {
            continue;
        }
        let words = || {
            let name = state.tree.text(*id).and_then(variable).unwrap_or_default();
            let span = state.tree.span(*id);
            let found = Diagnostic::new(
                &LITERAL_VARIABLE,
                span,
                format!("`${{{name}}}` is a part of the text as it stands"),
            );
            kind::with_help(state, *id, found, None)
        };
        let place = (file, LITERAL_VARIABLE.severity);
        state.found.borrow_mut().push_with(place, words);
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
