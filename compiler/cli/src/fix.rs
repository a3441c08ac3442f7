//! `weft check --fix`: makes the edits that findings carry.
//!
//! Only edits that can mean nothing else are made: quotes, units, words in the form of the language. What is proposed because it is near,
//! or is one of several ways out, changes what a spec means if it is wrong; a person decides, and is told how much is left. All edits of a finding are made or none, and those of a later round
//! where two meet; after each round the spec is read and checked again.

use std::collections::BTreeMap;
use std::path::Path;

use weft_front::diagnostic::{Diagnostic, Edit, Severity};
use weft_front::source::Sources;
use weft_spec::FileId;

use super::{Context, load, rewrite};

/// The most rounds: an edit may show a mistake that was behind it, and none goes on for ever.
pub(super) const ROUNDS: usize = 10;

/// Makes the edits of findings that are shown, and says how many findings that mends; none when there is nothing to do.
pub(super) fn round(
    context: &Context,
    found: &[Diagnostic],
    sources: &Sources,
) -> anyhow::Result<usize> {
    let is_spec = |edit: &Edit| sources.iter().any(|(id, _)| id == edit.span.file);
    let is_certain = |one: &&Diagnostic| !one.is_proposal && one.edits.iter().all(is_spec);
    let shown = with_edits(context, found);
    let mut chosen: Vec<&Diagnostic> = shown.filter(is_certain).collect();
    // Whoever has an edit that meets another one waits for the next round, and then all of its edits do.
    loop {
        let texts = texts(&chosen, sources);
        let is_made = |one: &&Diagnostic| {
            let mut edits = one.edits.iter();
            edits.all(|edit| {
                texts
                    .get(&edit.span.file)
                    .is_some_and(|(_, made)| made.contains(&edit))
            })
        };
        let whole: Vec<&Diagnostic> = chosen.iter().copied().filter(|one| is_made(one)).collect();
        if whole.len() < chosen.len() {
            chosen = whole;
            continue;
        }
        let mut changed = 0;
        for (id, (text, _)) in &texts {
            let path = sources.shown_path(*id);
            let is_other = sources.file(*id).is_some_and(|file| file.text != *text);
            if is_other && path != load::INPUT_NAME {
                rewrite::file(Path::new(&path), text)?;
                changed += 1;
            }
        }
        return Ok(if changed == 0 { 0 } else { chosen.len() });
    }
}

/// How many findings propose an edit that a person has to decide.
pub(super) fn proposals(context: &Context, found: &[Diagnostic]) -> usize {
    let shown = with_edits(context, found);
    shown.filter(|one| one.is_proposal).count()
}

/// The findings that are shown and say an edit.
fn with_edits<'f>(
    context: &Context,
    found: &'f [Diagnostic],
) -> impl Iterator<Item = &'f Diagnostic> {
    let shows_remarks = context.shows_remarks;
    let is_told = move |one: &&Diagnostic| one.severity != Severity::Info || shows_remarks;
    let open = found.iter().filter(|one| one.suppressed.is_none());
    open.filter(|one| !one.edits.is_empty()).filter(is_told)
}

/// The text of each file with the edits of these findings, and the edits that were made.
type Texts<'f> = BTreeMap<FileId, (String, Vec<&'f Edit>)>;

fn texts<'f>(found: &[&'f Diagnostic], sources: &Sources) -> Texts<'f> {
    let mut edits: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    for edit in found.iter().flat_map(|one| &one.edits) {
        edits.entry(edit.span.file).or_default().push(edit);
    }
    let texts = edits.into_iter().filter_map(|(id, edits)| {
        let (text, made) = rewrite::edited(&sources.file(id)?.text, &edits);
        let made = edits.into_iter().zip(made).filter(|(_, made)| *made);
        Some((id, (text, made.map(|(edit, _)| edit).collect())))
    });
    texts.collect()
}
