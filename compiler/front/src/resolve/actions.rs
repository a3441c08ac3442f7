//! What rules do with requests, held against the paths of each rule.

use weft_snapshot::plan::PathPattern;
use weft_snapshot::settings::{PathRules, Slashes};
use weft_space::automata::Automata;
use weft_space::languages::Languages;
use weft_space::path::{self, Relation};
use weft_space::rewrite::rewrite;
use weft_spec::{Spanned, route};

use super::codes::BAD_REWRITE;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::action::{HeaderChanges, NewPath, Redirect, Respond, Rewrite};

/// Reads new paths of one rule.
pub(super) struct Paths<'run> {
    /// The paths of the rule.
    pub(super) pattern: &'run Spanned<PathPattern>,
    /// The automata of expressions.
    pub(super) automata: &'run Automata,
}

impl Paths<'_> {
    /// What a rule rewrites.
    pub(super) fn rewrite(
        &self,
        written: &Spanned<route::Rewrite>,
        diagnostics: &mut Diagnostics,
    ) -> Rewrite {
        let route::Rewrite { path, host } = &written.value;
        Rewrite {
            span: written.span,
            path: self.new_path(path.as_ref(), diagnostics),
            host: host.clone(),
        }
    }

    /// Where a rule redirects to.
    pub(super) fn redirect(
        &self,
        written: &Spanned<route::Redirect>,
        diagnostics: &mut Diagnostics,
    ) -> Redirect {
        let route::Redirect {
            scheme,
            host,
            port,
            path,
            code,
        } = &written.value;
        Redirect {
            span: written.span,
            scheme: *scheme,
            host: host.clone(),
            port: *port,
            path: self.new_path(path.as_ref(), diagnostics),
            code: *code,
        }
    }

    fn new_path(
        &self,
        text: Option<&Spanned<String>>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Spanned<NewPath>> {
        let text = text?;
        match rewrite(&text.value, &self.pattern.value) {
            Ok(made) => {
                let is_other = match &self.pattern.value {
                    PathPattern::Segments { .. } => !made.is_identity(&self.pattern.value),
                    PathPattern::Regex { .. } => !self.is_only(&text.value),
                };
                Some(Spanned::new(NewPath { made, is_other }, text.span))
            }
            Err(error) => {
                let message = format!("the new path `{}` {error}", text.value.escape_debug());
                diagnostics.push(
                    Diagnostic::new(&BAD_REWRITE, text.span, message)
                        .label(self.pattern.span, "the path of the rule")
                        .help(help(&text.value)),
                );
                None
            }
        }
    }

    /// Whether a path is the only one that the expression of the rule has; more are canonical where slashes are kept.
    fn is_only(&self, path: &str) -> bool {
        let kept = PathRules {
            slashes: Slashes::Keep,
            ..PathRules::default()
        };
        let one = path::parse_repeating(path);
        one.is_ok_and(|one| {
            let mut languages = Languages::sharing(self.automata).by(kept);
            languages.relate_paths(&self.pattern.value, &one).relation == Relation::Equal
        })
    }
}

/// What to write in place of a new path that is none.
fn help(text: &str) -> String {
    if text.contains('\\') {
        return "name the segment in the path of the rule, as `/old/{id}`, and write `{id}` here; or end both in `/**`".to_owned();
    }
    let parts = "use only names and a `/**` that the path of the rule has";
    let wrong = path::parse_repeating(text).err();
    let help = wrong.and_then(|error| error.help);
    if text.contains('?') {
        return "write the path alone; the query of the request stays".to_owned();
    }
    help.unwrap_or_else(|| parts.to_owned())
}

/// What a rule answers by itself.
pub(super) fn respond(written: &Spanned<route::Respond>) -> Respond {
    let route::Respond {
        status,
        body,
        content_type,
    } = &written.value;
    Respond {
        span: written.span,
        status: *status,
        body: body.clone(),
        content_type: content_type.clone(),
    }
}

/// Changes of headers, as written.
pub(super) fn header_changes(written: &route::HeaderChanges) -> HeaderChanges {
    let route::HeaderChanges { set, add, remove } = written;
    HeaderChanges {
        set: set.iter().cloned().collect(),
        add: add.iter().cloned().collect(),
        remove: remove.clone(),
    }
}
