//! What the compiler tells a person: one fact each, with its place, its code and the way out.
//!
//! A [`Code`] is the static half (name, severity, explanation, examples) and lives in the file of the
//! rule that finds it; a [`Diagnostic`] is one finding. Renderers turn findings into text for people,
//! JSON lines, SARIF and GitHub annotations; they decide nothing.

mod nearest;
mod render;
mod too_large;

use std::collections::BTreeMap;

use weft_spec::{FileId, Span};

use crate::text::cut;

pub use nearest::may_be_near;
pub use nearest::nearest;
pub use render::command_at;
pub use render::{Colour, Format, first, render, render_first, summary};
pub use too_large::TOO_LARGE;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The spec is rejected.
    Error,
    /// The spec is accepted, but this is probably not meant.
    Warning,
    /// Something worth knowing that many good specs have; shown on demand.
    Info,
}

/// A kind of finding: its name, how bad it is, and what `weft explain` says about it.
#[derive(Debug, Eq, PartialEq)]
pub struct Code {
    /// Kebab-case name of the bad pattern; never renamed, never reused.
    pub name: &'static str,
    /// How bad it usually is.
    pub severity: Severity,
    /// What it finds, in a sentence or two.
    pub finds: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// A spec that has it. Several files are separated by lines `# file: path.yaml`.
    pub bad: &'static str,
    /// The same spec without it.
    pub good: &'static str,
}

/// A place and what is to be said about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label {
    /// The smallest range of the file that shows it.
    pub span: Span,
    /// What is there; may be empty for a primary label.
    pub text: String,
}

/// An edit that follows an order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub replacement: String,
}

/// Why a finding is accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Suppressed {
    /// Where that is said.
    pub span: Span,
    /// The reason, in the words of the spec.
    pub reason: String,
    /// The team that answers for it.
    pub owner: String,
    /// The last day, `2026-12-31`.
    pub until: String,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Its kind.
    pub code: &'static Code,
    /// How bad it is; that of the code unless the rule says otherwise.
    pub severity: Severity,
    /// What is wrong: lowercase, no period, names in backticks; stands alone.
    pub message: String,
    /// The smallest wrong thing.
    pub primary: Label,
    /// What it conflicts with.
    pub secondary: Vec<Label>,
    /// Facts that no place shows.
    pub notes: Vec<String>,
    /// An order that the user can follow.
    pub help: Option<String>,
    /// The edits that follow it, if there are any.
    pub edits: Vec<Edit>,
    /// Whether the edits are only what was probably meant, which a person decides; others a tool may make.
    pub is_proposal: bool,
    /// Why it is accepted, if it is; people see only how many there are.
    pub suppressed: Option<Suppressed>,
}

impl Diagnostic {
    /// A finding of `code` at `span`.
    pub fn new(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            primary: Label {
                span,
                text: String::new(),
            },
            secondary: Vec::new(),
            notes: Vec::new(),
            help: None,
            edits: Vec::new(),
            is_proposal: false,
            suppressed: None,
        }
    }

    /// Says what is at the primary place.
    #[must_use]
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Points at something that the finding conflicts with; a place in no file is left out.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        if !span.is_none() {
            self.secondary.push(Label {
                span,
                text: text.into(),
            });
        }
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds an edit that does it and can mean nothing else.
    #[must_use]
    pub fn edit(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.edits.push(Edit {
            span,
            replacement: replacement.into(),
        });
        self
    }

    /// Adds an edit that may not be what was meant: another name that is near, or one of several ways out.
    #[must_use]
    pub fn propose(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.is_proposal = true;
        self.edit(span, replacement)
    }

    /// Adds the word of the language that was meant: certain where only its form is another one, else a proposal.
    #[must_use]
    pub fn edit_word(self, span: Span, (written, near): (&str, &str)) -> Self {
        if nearest::is_same_word(written, near) {
            self.edit(span, near)
        } else {
            self.propose(span, near)
        }
    }

    /// The same with texts that a person can read.
    fn within_bounds(mut self) -> Self {
        let labels = std::iter::once(&mut self.primary).chain(&mut self.secondary);
        let texts = labels.map(|label| &mut label.text);
        let texts = texts.chain([&mut self.message]).chain(&mut self.notes);
        for text in texts.chain(&mut self.help) {
            *text = cut(std::mem::take(text), MAX_TEXT);
        }
        self.edits.retain(|edit| edit.replacement.len() <= MAX_TEXT);
        self
    }

    /// Gives the finding a severity.
    #[must_use]
    pub fn of(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Makes the finding a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

/// The most findings of one file and one severity that are kept; of the others it is said how many there are.
pub const MAX_FINDINGS: usize = 200;
/// The most findings of all files that are kept.
pub const MAX_ALL_FINDINGS: usize = 10_000;
/// The most bytes of each text of a finding.
const MAX_TEXT: usize = 2_000;

/// All findings of one run, within bounds: a spec can be wrong in more places than anybody reads.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
    /// How many there are of each file and severity, also those that are not kept.
    counts: BTreeMap<(FileId, Severity), Count>,
    /// How many of a file and severity are not kept although [`MAX_FINDINGS`] would allow it.
    fewer: usize,
}

/// Findings of a file and severity.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: usize,
    kept: usize,
}

impl Diagnostics {
    /// The findings of one of so many files, to be added to those of the others: each keeps fewer where the files are very many.
    pub fn of_one_of(files: usize) -> Self {
        let most = (10 * MAX_ALL_FINDINGS / files.max(1)).clamp(1, MAX_FINDINGS);
        Self {
            fewer: MAX_FINDINGS - most,
            ..Self::default()
        }
    }

    fn most(&self) -> usize {
        MAX_FINDINGS.saturating_sub(self.fewer)
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let place = (diagnostic.primary.span.file, diagnostic.severity);
        self.push_with(place, || diagnostic);
    }

    /// Adds a finding of a file and severity, whose words are only looked for if it is kept: of what a large mesh has in
    /// a hundred thousand places, most are counted.
    pub fn push_with(
        &mut self,
        (file, severity): (FileId, Severity),
        words: impl FnOnce() -> Diagnostic,
    ) {
        // Warnings leave room for errors.
        let room = match severity {
            Severity::Error => 2 * MAX_ALL_FINDINGS,
            Severity::Warning | Severity::Info => MAX_ALL_FINDINGS,
        };
        let most = self.most();
        let has_room = self.found.len() < room;
        let count = self.count(file, severity);
        count.all = count.all.saturating_add(1);
        if has_room && count.kept < most {
            count.kept = count.kept.saturating_add(1);
            self.found.push(words().within_bounds());
        }
    }

    /// Counts a finding whose words nobody would see: [`Diagnostics::is_full`] said so.
    pub fn count_error(&mut self, file: FileId) {
        let count = self.count(file, Severity::Error);
        count.all = count.all.saturating_add(1);
    }

    /// Whether more errors in a file would only be counted, so that nobody needs to find words for them.
    pub fn is_full(&self, file: FileId) -> bool {
        let count = self.counts.get(&(file, Severity::Error));
        count.is_some_and(|count| self.most() <= count.kept)
    }

    fn count(&mut self, file: FileId, severity: Severity) -> &mut Count {
        self.counts.entry((file, severity)).or_default()
    }

    /// Adds findings.
    pub fn extend(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in found {
            self.push(diagnostic);
        }
    }

    /// Adds all findings of another run.
    pub fn append(&mut self, other: Self) {
        let Self {
            found,
            counts,
            fewer: _,
        } = other;
        self.extend(found);
        for ((file, severity), count) in counts {
            let beyond = count.all.saturating_sub(count.kept);
            let known = self.count(file, severity);
            known.all = known.all.saturating_add(beyond);
        }
    }

    /// Whether some findings are only counted.
    pub fn is_cut(&self) -> bool {
        self.counts.values().any(|count| count.kept < count.all)
    }

    /// The findings that are kept, in the order in which they were found.
    pub fn each(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.found.iter()
    }

    /// The findings, to mark those that are accepted.
    pub fn each_mut(&mut self) -> std::slice::IterMut<'_, Diagnostic> {
        self.found.iter_mut()
    }

    /// Whether the spec is rejected.
    pub fn has_errors(&self) -> bool {
        let mut severities = self.counts.keys().map(|(_, severity)| *severity);
        severities.any(|severity| severity == Severity::Error)
    }

    /// The findings in the order of files and places, errors before warnings at the same place; equal ones once.
    ///
    /// Where there are more than [`MAX_FINDINGS`] in a file, the first of the file says how many.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.found.extend(beyond(&self.counts));
        self.found.sort_by(|left, right| {
            let key = |diagnostic: &Diagnostic| {
                (
                    diagnostic.primary.span,
                    diagnostic.severity,
                    diagnostic.code.name,
                )
            };
            key(left)
                .cmp(&key(right))
                .then_with(|| left.message.cmp(&right.message))
        });
        self.found.dedup_by(|left, right| {
            left.code == right.code
                && left.primary == right.primary
                && left.message == right.message
        });
        self.found
    }
}

/// One finding for each file and severity of which some are only counted; and one for all files where those are many.
fn beyond(counts: &BTreeMap<(FileId, Severity), Count>) -> Vec<Diagnostic> {
    let cut = counts.iter().filter(|(_, count)| count.kept < count.all);
    let mut found: Vec<Diagnostic> = cut
        .clone()
        .take(MAX_FINDINGS)
        .map(|((file, severity), count)| {
            let Count { all, kept } = count;
            let what = plural(*severity);
            let message = format!("there are {all} {what} in this file; {kept} are shown");
            let mut found = Diagnostic::new(&TOO_LARGE, Span::new(*file, 0, 0), message)
                .help("correct those that are shown first");
            found.severity = *severity;
            found
        })
        .collect();
    let files = cut.clone().count();
    if let Some(others) = files.checked_sub(MAX_FINDINGS).filter(|others| 0 < *others) {
        let message = format!("of {others} more files not everything is shown");
        let worst = cut.map(|((_, severity), _)| *severity).min();
        found.push(Diagnostic {
            severity: worst.unwrap_or(Severity::Warning),
            ..Diagnostic::new(&TOO_LARGE, Span::NONE, message)
        });
    }
    found
}

fn plural(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "mistakes",
        Severity::Warning => "warnings",
        Severity::Info => "remarks",
    }
}

#[cfg(test)]
mod tests;
